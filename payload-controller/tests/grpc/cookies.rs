//! Who is known by a cookie.

use std::net::{IpAddr, Ipv4Addr};

use payload_controller::grpc::{Cookie, Refusal};
use payload_controller::provision::Protection;
use payload_interface::AppNumber;
use serde_json::{Value, json};

use crate::rig::{Site, name};

/// Weakness: a cookie that was missing or short was decoded as some app's.
#[test]
fn no_cookie_a_short_one_and_a_foreign_one_are_refused_before_they_have_any_effect() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Cookie);
    let running = site.start();
    let mut app = camera.start();
    let own = camera.cookie();
    let cookies: [Value; 8] = [
        json!([]),
        json!([""]),
        json!(["4"]),
        json!([own[..22].to_owned()]),
        json!([format!("{own}1")]),
        json!([format!("{}999", &own[..20])]),
        json!([format!("{}abc", &own[..20])]),
        json!(["KKKKKKKKKKKKKKKKKKKK001"]),
    ];
    for cookies in cookies {
        let answer = app.call_as("PC_register", json!({}), json!({"cookies": cookies}));
        assert_eq!(answer["code"], -4, "{cookies}: {answer}");
        assert!(
            answer["reason"]
                .as_str()
                .unwrap()
                .starts_with("it shows no cookie")
        );
        // Not even what is no message is looked at.
        let how = json!({"cookies": cookies, "octets": "ff"});
        assert_eq!(app.call_as("PC_register", json!({}), how)["code"], -4);
        // The extension has no codes of the original's clients to keep to.
        let answer = app.call_as("GetSession", json!({}), json!({"cookies": cookies}));
        assert_eq!(answer["status"], "UNAUTHENTICATED");
    }
    assert!(running.desk.taken().is_empty());
    assert_eq!(running.desk.refusal(), (None, Refusal::Unknown));
    assert_eq!(running.grpc.refusals()["unknown"], 24);
    // It is still the app, with its own.
    assert_eq!(app.call("PC_register", json!({})), 0);
}

#[test]
fn refusals_are_all_counted_and_a_few_of_them_told() {
    let (mut site, camera) = Site::with_camera();
    site.limits.refusal_events_max = 3;
    let running = site.start();
    let mut app = camera.start();
    let how = json!({"cookies": []});
    let tags: Vec<_> = (0..50)
        .map(|_| app.begin("PC_register", json!({}), how.clone()))
        .collect();
    for tag in tags {
        assert_eq!(app.outcome(tag)["code"], -4);
    }
    assert_eq!(running.grpc.refusals()["unknown"], 50);
    let told = running.desk.events.lock().unwrap().len();
    assert!((3..50).contains(&told), "{told}");
}

/// RFC 9113 §8.2.3: a client may send several, and split them.
#[test]
fn a_cookie_is_found_among_others_and_those_of_two_apps_are_nobodys() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Cookie);
    let other = site.app("other", Protection::Cookie);
    let running = site.start();
    let mut app = camera.start();
    let (own, others) = (camera.cookie(), other.cookie());
    for (cookies, code) in [
        (json!(["a=b", own]), 0),
        (json!([format!("a=b; {own}")]), 0),
        (json!([own, own]), 0),
        (json!([own, others]), -4),
        (json!(["a", "b", "c", "d", own]), -4),
    ] {
        let answer = app.call_as("PC_register", json!({}), json!({"cookies": cookies}));
        assert_eq!(answer["code"], code, "{cookies}");
    }
    let requests = running.desk.requests.lock().unwrap();
    assert!(requests.iter().all(|(app, _, _)| *app == name("camera")));
}

#[test]
fn a_cookie_from_another_address_than_the_apps_is_refused() {
    let mut site = Site::new();
    let elsewhere = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let camera = site.app_with("camera", |it| it.calls_from = Some(elsewhere));
    let here = site.app_with("here", |it| {
        it.calls_from = Some(Ipv4Addr::LOCALHOST.into())
    });
    let running = site.start();
    assert_eq!(camera.start().call("PC_register", json!({})), -4);
    assert_eq!(
        running.desk.refusal(),
        (Some(name("camera")), Refusal::Elsewhere)
    );
    assert_eq!(here.start().call("PC_register", json!({})), 0);
}

#[test]
fn a_cookie_of_an_app_that_encrypts_is_refused_in_plain_text() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    let plain = running.grpc.local_plain_addr().unwrap().to_string();
    app.tell(&json!({"channel": {"plain": true, "addr": plain}}));
    assert_eq!(app.call("PC_register", json!({})), -4);
    let (_, why) = running.desk.refusal();
    assert_eq!(why, Refusal::WrongConnection);
    assert!(running.desk.taken().is_empty());
}

/// Weakness: the cookie stood in what was logged.
#[test]
fn a_cookie_is_not_shown() {
    let number = AppNumber::try_from(4).unwrap();
    let cookie = Cookie::generate(number).unwrap();
    let kept = Cookie::new(&cookie, number).unwrap();
    assert_eq!(format!("{kept:?}"), "Cookie");
}

#[test]
fn cookies_are_20_characters_and_a_number_and_no_two_are_alike() {
    let number = AppNumber::try_from(7).unwrap();
    let cookies: Vec<_> = (0..100)
        .map(|_| Cookie::generate(number).unwrap())
        .collect();
    for (index, cookie) in cookies.iter().enumerate() {
        assert_eq!(cookie.len(), 23);
        assert!(cookie.ends_with("007"), "{cookie:?}");
        assert!(
            cookie
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
        );
        assert!(Cookie::new(cookie, number).is_ok());
        assert!(Cookie::new(cookie, AppNumber::try_from(8).unwrap()).is_err());
        assert!(!cookies[..index].contains(cookie));
    }
}
