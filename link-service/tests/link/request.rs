//! What may be asked for: recipients, types and priorities as words.

use link_service::request::{LinkType, Priority, Recipient};

#[test]
fn a_recipient_is_an_app_an_app_elsewhere_or_the_ground() {
    let app = |name: &str| name.parse().unwrap();
    let remote = Recipient::Remote {
        app: app("camera"),
        node: app("node-b"),
    };
    for (text, recipient) in [
        ("camera", Recipient::App(app("camera"))),
        ("camera@node-b", remote),
        ("ground", Recipient::Ground),
    ] {
        assert_eq!(text.parse::<Recipient>().unwrap(), recipient);
        assert_eq!(recipient.to_string(), text);
        let json = serde_json::to_string(&recipient).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Recipient>(&json).unwrap(), recipient);
    }
}

#[test]
fn what_is_no_recipient_is_refused() {
    for text in [
        "",
        "@",
        "camera@",
        "@node-b",
        "a@b@c",
        "Camera",
        "*",
        "*@node-b",
        "../camera",
        "./ground",
        "GROUND",
        "ground ",
        "a@../b",
    ] {
        assert!(text.parse::<Recipient>().is_err(), "{text:?}");
    }
}

#[test]
fn types_and_priorities_have_the_words_of_the_book() {
    use LinkType::{App2App, Crosslink, Downlink, Uplink};
    for (link_type, word) in [
        (App2App, "app2app"),
        (Crosslink, "crosslink"),
        (Downlink, "downlink"),
        (Uplink, "uplink"),
    ] {
        assert_eq!(serde_json::to_value(link_type).unwrap(), word);
        assert_eq!(link_type.to_string(), word);
    }
    use Priority::{Critical, High, Low, Medium};
    for (priority, word) in [
        (Low, "low"),
        (Medium, "medium"),
        (High, "high"),
        (Critical, "critical"),
    ] {
        assert_eq!(serde_json::to_value(priority).unwrap(), word);
        assert_eq!(priority.to_string(), word);
    }
    assert!(Low < Medium && Medium < High && High < Critical);
    assert_eq!(Priority::default(), Medium);
}
