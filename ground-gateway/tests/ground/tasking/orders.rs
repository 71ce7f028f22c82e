//! Windows and uploads, by HTTP.

use serde_json::{Value, json};

use super::site::{Site, now_s, window};
use crate::rig::wait_until;
use rustix::process::Signal;

#[test]
fn a_window_is_ordered_runs_on_board_and_is_told_to_have_been_executed() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let start_s = now_s() + 8;
    let ordered = site.order(&token, start_s, 2);
    assert_eq!(ordered.status, 200, "{ordered:?}");
    let id = ordered.id();
    assert!(id.bytes().all(|octet| octet.is_ascii_digit()), "{id}");
    site.wait_for_state(&token, &id, "SYNCED");
    let on_board = site.spacecraft.windows()[&id].clone();
    assert_eq!(
        (&on_board["user"], &on_board["payload"]),
        (&json!("john"), &json!("cam"))
    );
    assert_eq!(on_board["parameters"], "{\"filename\":\"picture.raw\"}");
    site.wait_for_state(&token, &id, "EXECUTED");
    let told = site.window(&token, &id);
    assert_eq!(told["type"], "PAYLOAD_CAM");
    assert_eq!(told["satellite_id"], "FM1");
    assert_eq!(
        (&told["start"], &told["duration"]),
        (&json!(start_s), &json!(2))
    );
    assert_eq!(told["parameters"], json!({"filename": "picture.raw"}));
    assert_eq!(told["result"]["execution"]["exitCode"], 0);
}

#[test]
fn a_ground_that_is_killed_goes_on_with_what_was_ordered() {
    let site = Site::new();
    let mut serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let soon = site.order(&token, now_s() + 12, 2).id();
    site.wait_for_state(&token, &soon, "SYNCED");
    let later = site.order(&token, now_s() + 3_600, 2).id();
    serving.kill();
    let serving = site.start();
    site.wait_for_state(&token, &later, "SYNCED");
    site.wait_for_state(&token, &soon, "EXECUTED");
    assert_eq!(site.spacecraft.windows()[&soon]["runs"], 1);
    serving.signal(Signal::TERM);
    let (code, _, stderr) = serving.finish();
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_window_is_cancelled_on_board() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let id = site.order(&token, now_s() + 3_600, 10).id();
    site.wait_for_state(&token, &id, "SYNCED");
    let cancelled = site.delete(&token, &format!("/tasking/window?id={id}"));
    assert_eq!(cancelled.status, 200);
    assert_eq!(cancelled.body["data"]["state"], "PENDING_CANCEL");
    site.wait_for_state(&token, &id, "CANCELLED");
    assert_eq!(site.spacecraft.windows()[&id]["state"], "CANCELLED");
    let again = site.delete(&token, &format!("/tasking/window?id={id}"));
    assert_eq!(
        (again.status, &again.body["data"]["state"]),
        (200, &json!("CANCELLED"))
    );
    let unknown = site.delete(&token, "/tasking/window?id=1");
    assert_eq!(unknown.status, 404);
}

#[test]
fn what_is_refused_is_a_problem_that_says_what_is_in_the_way() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let start_s = now_s() + 3_600;
    let id = site.order(&token, start_s, 10).id();
    for path in ["/tasking/window", "/tasking/window?dry_run=true"] {
        let refused = site.post(&token, path, &window(start_s + 11, 10));
        assert_eq!(refused.status, 409);
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(refused.body["type"], "urn:heliograph:tasking:overlap");
        assert_eq!(
            (&refused.body["status"], &refused.body["title"].is_string()),
            (&json!(409), &true)
        );
        assert_eq!(refused.body["conflicts"][0]["window"], id);
    }
    let tried = site.post(
        &token,
        "/tasking/window?dry_run=true",
        &window(start_s + 60, 10),
    );
    assert_eq!(
        (tried.status, &tried.body["data"]["dry_run"]),
        (200, &json!(true))
    );
    let listed = site.get(&token, "/tasking/windows?satellite_id=FM1").body;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    for (body, status) in [
        ("[]", 400),
        ("{", 400),
        (r#"{"type":"PAYLOAD_CAM","satellite":"FM1"}"#, 400),
        (
            r#"{"type":"PAYLOAD_CAM","satellite_id":"FM1","start":1,"duration":9,"parameters":[]}"#,
            400,
        ),
        (
            r#"{"type":"PAYLOAD_CAM","satellite_id":"FM1","start":1,"duration":9}"#,
            422,
        ),
        (
            r#"{"type":"PAYLOAD_CAM","satellite_id":"FM7","start":1,"duration":9}"#,
            404,
        ),
    ] {
        let kind = [("Content-Type", "application/json")];
        let refused = site.post_with(&token, "/tasking/window", &kind, body);
        assert_eq!(refused.status, status, "{body}: {refused:?}");
    }
    let mistyped = site.post(&token, "/tasking/window?dry-run=true", &window(start_s, 1));
    assert_eq!(mistyped.status, 400);
    let xml = site.post_with(
        &token,
        "/tasking/window",
        &[("Content-Type", "text/xml")],
        "<a/>",
    );
    assert_eq!(xml.status, 415);
}

#[test]
fn the_same_order_with_a_key_is_one() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let order = |start_s: i64| {
        let headers = [
            ("Idempotency-Key", "k-1"),
            ("Content-Type", "application/json"),
        ];
        let body = window(start_s, 10).to_string();
        site.post_with(&token, "/tasking/window", &headers, body)
    };
    let start_s = now_s() + 3_600;
    let first = order(start_s).id();
    assert_eq!(order(start_s).id(), first);
    assert_eq!(order(start_s + 600).status, 422);
}

#[test]
fn satellites_and_times_are_told() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("vera", &["--role", "viewer"]);
    let satellites = site.get(&token, "/tasking/satellites").body;
    assert_eq!(
        satellites["data"][0],
        json!({
            "id": "FM1", "norad_id": "51099", "supported_windows": ["PAYLOAD_CAM"],
            "supported_payloads": ["CAM"],
        })
    );
    let start_s = now_s() + 100;
    let query = format!("satellite_id=FM1&window_type=PAYLOAD_CAM&start={start_s}&duration=600");
    let free = site
        .get(&token, &format!("/tasking/availability?{query}"))
        .body;
    let expected = json!({"available": [{"start": start_s, "end": start_s + 600}]});
    assert_eq!(free["data"], expected);
    for query in [
        "",
        "satellite_id=FM1",
        "satellite_id=FM1&window_type=X&start=a&duration=1",
    ] {
        let refused = site.get(&token, &format!("/tasking/availability?{query}"));
        assert_eq!(refused.status, 400, "{refused:?}");
    }
}

#[test]
fn a_long_list_comes_in_parts() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let start_s = now_s() + 3_600;
    let ids: Vec<String> = (0..5)
        .map(|n| site.order(&token, start_s + 60 * n, 10).id())
        .collect();
    let mut told = Vec::new();
    let mut path = "/tasking/windows?limit=2".to_owned();
    loop {
        let part = site.get(&token, &path).body;
        let windows = part["data"].as_array().unwrap();
        told.extend(
            windows
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = part["next"].as_str() else {
            break;
        };
        path = format!("/tasking/windows?limit=2&before={next}");
    }
    told.reverse();
    assert_eq!(told, ids);
}

#[test]
fn an_upload_is_taken_and_goes_up_by_the_link() {
    let site = Site::new();
    let serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let query = "satellite_id=FM1&payload=CAM&destination_path=/opt/a.py&executable=true";
    let octets = b"print(1)\n".repeat(50_000);
    let id = site.upload(&token, query, &octets).id();
    let uploads = || site.get(&token, "/tasking/uploads").body["data"].clone();
    let expected = json!({
        "id": id, "satellite_id": "FM1", "payload": "CAM", "destination_path": "/opt/a.py",
        "executable": true, "itar": false, "size": octets.len(), "reason": "",
    });
    wait_until("it goes up", || uploads()[0]["status"] == "UPLOADING");
    let mut told = uploads()[0].clone();
    told.as_object_mut().unwrap().remove("status");
    assert_eq!(told, expected);
    // The file entity has it, as the bundle of that id.
    wait_until("it is ordered", || {
        let (_, listed, _) = site.rig.run(&["files", "--json"]);
        let file: Option<Value> = listed
            .lines()
            .next()
            .map(|line| serde_json::from_str(line).unwrap());
        file.is_some_and(|file| {
            file["remote"] == "app:oort/uploads" && file["local"].as_str().unwrap().contains(&id)
        })
    });
    drop(serving);
}

#[test]
fn an_upload_that_waits_is_cancelled_and_one_that_goes_up_is_not() {
    let site = Site::new();
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let query = "satellite_id=FM1&payload=CAM&destination_path=/opt/a.py&executable=true";
    // Four go up at once, and none arrives: nobody is there who takes files.
    let ids: Vec<String> = (0..5)
        .map(|number: u8| site.upload(&token, query, &[number]).id())
        .collect();
    let status = |at: usize| {
        let uploads = site.get(&token, "/tasking/uploads").body;
        let of = uploads["data"].as_array().unwrap();
        let found = of.iter().find(|one| one["id"] == ids[at]).unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    wait_until("four go up", || status(3) == "UPLOADING");
    let cancel = |at: usize| site.delete(&token, &format!("/tasking/upload?id={}", ids[at]));
    assert_eq!(cancel(0).status, 409);
    for _ in 0..2 {
        let cancelled = cancel(4);
        assert_eq!(
            (cancelled.status, &cancelled.body["data"]["status"]),
            (200, &json!("CANCELLED"))
        );
    }
    assert_eq!(status(4), "CANCELLED");
    assert_eq!(site.delete(&token, "/tasking/upload?id=x").status, 404);
    let folder = site.rig.file("tasking").join("uploads");
    assert!(!folder.join(&ids[4]).exists());
}

#[test]
fn each_satellite_is_told_by_its_own_link() {
    let other = crate::rig::Rig::with_satellite();
    let site = Site::with_second_link(&other);
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let mut order = window(now_s() + 3_600, 10);
    order["satellite_id"] = "FM2".into();
    let second = site.post(&token, "/tasking/window", &order).id();
    let first = site.order(&token, now_s() + 3_600, 10).id();
    for id in [first, second] {
        site.wait_for_state(&token, &id, "SYNCED");
    }
    let paths = std::fs::read_dir(site.rig.runtime_dir()).unwrap();
    let names: Vec<_> = paths.map(|path| path.unwrap().file_name()).collect();
    let is_held = |name: &str| {
        names
            .iter()
            .any(|file| file.to_string_lossy().starts_with(name))
    };
    assert!(is_held("uhf-") && is_held("s-band-"), "{names:?}");
}

#[test]
fn what_is_no_upload_is_refused_and_leaves_nothing() {
    let site = Site::with("upload-bytes-max = 100000");
    let _serving = site.start();
    let token = site.token("john", &["--role", "tasker"]);
    let rest = "payload=CAM&destination_path=/opt/a&executable=true";
    for (query, octets, status) in [
        (format!("satellite_id=FM1&{rest}"), 100_001, 413),
        (format!("satellite_id=FM1&{rest}"), 1_000_000, 413),
        (format!("satellite_id=FM9&{rest}"), 1, 404),
        (
            format!("satellite_id=FM1&{rest}").replace("CAM", "SDR"),
            1,
            404,
        ),
        (format!("satellite_id=FM2&{rest}"), 1, 422),
        (
            format!("satellite_id=FM1&{rest}").replace("/opt/a", "/etc/passwd"),
            1,
            422,
        ),
        (
            format!("satellite_id=FM1&{rest}").replace("true", "yes"),
            1,
            400,
        ),
        ("satellite_id=FM1".to_owned(), 1, 400),
    ] {
        let refused = site.upload(&token, &query, &vec![b'a'; octets]);
        assert_eq!(refused.status, status, "{query}: {refused:?}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
    }
    let path = format!("/tasking/upload?satellite_id=FM1&{rest}");
    for (kind, body, status) in [
        ("application/json", "{}", 415),
        ("multipart/form-data", "", 415),
        ("multipart/form-data; boundary=b", "--b--\r\n", 400),
        ("multipart/form-data; boundary=b", "nonsense", 400),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\na\r\n--b--\r\n",
            400,
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncut off",
            400,
        ),
    ] {
        let refused = site.post_with(&token, &path, &[("Content-Type", kind)], body);
        assert_eq!(refused.status, status, "{kind} {body}: {refused:?}");
    }
    let folder = site.rig.file("tasking").join("uploads");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    let uploads = site.get(&token, "/tasking/uploads").body;
    assert_eq!(uploads["data"], json!([]));
}
