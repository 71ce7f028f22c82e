//! When the ground listens is said by the configuration, or by the ground.

use std::net::UdpSocket;

use heliograph_tests::ports::bind_udp;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::{PATIENCE, Service, Site, failure_with};

const LATER: &str = r#"{ start: "2090-01-01T00:00:00Z", end: "2090-01-01T00:10:00Z" }"#;
const NOW: &str = r#"{ start: "2026-01-01T00:00:00Z", end: "2090-01-01T00:10:00Z" }"#;

/// A site whose datagrams wait for contact; `more` follows the keys of the link.
fn site(more: &str) -> Site {
    let site = Site::new("raw");
    let state = site.folder.path().join("state");
    let keys = format!("hold-outside-contact = ['telemetry']\nstate-dir = {state:?}\n{more}");
    site.write(&site.satellite("raw"), &keys);
    site
}

const IN_THE_FILE: &str = "[[ethernet-service.contacts]]\n\
    start = 2089-01-01T00:00:00Z\nend = 2089-01-01T00:10:00Z\n";

impl Service {
    fn reason(&self) -> String {
        let answer = self.post("/graphql", "{ telemetry { contact { reason } } }");
        let reason = &answer["data"]["telemetry"]["contact"]["reason"];
        reason.as_str().unwrap().to_owned()
    }

    fn contacts(&self) -> Value {
        let query = "{ contacts { givenBy windows { start } } }";
        self.post("/graphql", query)["data"]["contacts"].clone()
    }

    fn change(&self, mutation: &str) -> Value {
        let query = format!("mutation {{ it: {mutation} {{ success errors }} }}");
        self.post("/graphql", &query)["data"]["it"].clone()
    }

    #[track_caller]
    fn set_contacts(&self, windows: &str) {
        let set = self.change(&format!("setContacts(windows: [{windows}])"));
        assert_eq!(set, json!({ "success": true, "errors": "" }));
    }
}

#[test]
fn datagrams_wait_for_the_window_of_the_file_and_leave_in_the_one_that_was_given() {
    let site = site(IN_THE_FILE);
    let ground = bind_udp(site.ground).unwrap();
    let service = site.start();
    assert_eq!(service.reason(), "between-windows");
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    app.send_to(b"telemetry", ("127.0.0.1", site.downlink))
        .unwrap();
    let waits = "{ telemetry { accounting { downlinkMessages { queued } } } }";
    eventually(PATIENCE, || {
        let answer = service.post("/graphql", waits);
        let queued = &answer["data"]["telemetry"]["accounting"]["downlinkMessages"]["queued"];
        (queued.to_string().trim_matches('"') == "1").then_some(())
    });
    ground.set_nonblocking(true).unwrap();
    assert!(ground.recv(&mut [0; 512]).is_err());
    ground.set_nonblocking(false).unwrap();
    service.set_contacts(NOW);
    assert_eq!(service.reason(), "planned");
    ground.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut packet = [0; 512];
    let bytes = ground.recv(&mut packet).unwrap();
    let sent = packet[..bytes].windows(9).any(|part| part == b"telemetry");
    assert!(sent);
}

#[test]
fn what_was_given_outlives_a_restart_until_it_is_taken_back() {
    let site = site(IN_THE_FILE);
    let service = site.start();
    service.set_contacts(LATER);
    drop(service);
    let service = site.start();
    let given = json!({ "givenBy": "operator", "windows": [{ "start": "2090-01-01T00:00:00Z" }] });
    assert_eq!(service.contacts(), given);
    assert_eq!(service.reason(), "between-windows");
    assert_eq!(service.change("clearContacts")["success"], true);
    let written =
        json!({ "givenBy": "configuration", "windows": [{ "start": "2089-01-01T00:00:00Z" }] });
    assert_eq!(service.contacts(), written);
    drop(service);
    assert_eq!(site.start().contacts(), written);
}

#[test]
fn the_ground_says_when_it_listens_over_the_link() {
    let site = Site::new("kiss-ax25");
    let service = site.start();
    assert_eq!(
        service.contacts(),
        json!({ "givenBy": "nobody", "windows": [] })
    );
    let query = format!("mutation {{ setContacts(windows: [{LATER}]) {{ success }} }}");
    let answer = site.ground_query(service.http, &query);
    assert_eq!(answer["data"]["setContacts"]["success"], true);
    assert_eq!(service.contacts()["givenBy"], "operator");
}

#[test]
fn windows_that_cannot_be_meant_change_nothing() {
    let site = site(IN_THE_FILE);
    let service = site.start();
    let before = service.contacts();
    for windows in [
        r#"{ start: "tomorrow", end: "2090-01-01T00:10:00Z" }"#,
        r#"{ start: "2090-01-01T00:10:00Z", end: "2090-01-01T00:10:00Z" }"#,
    ] {
        let refused = service.change(&format!("setContacts(windows: [{LATER}, {windows}])"));
        assert_eq!(refused["success"], false);
        let errors = refused["errors"].as_str().unwrap();
        assert!(errors.starts_with("window 2: "), "{errors}");
    }
    assert_eq!(service.contacts(), before);
}

#[test]
fn the_file_read_again_has_other_windows() {
    let site = site(IN_THE_FILE);
    let service = site.start();
    let text = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), text.replace("2089", "2088")).unwrap();
    let reread = service.change("reloadConfiguration");
    assert_eq!(reread["success"], true, "{reread}");
    eventually(PATIENCE, || {
        let start = service.contacts()["windows"][0]["start"].clone();
        (start == "2088-01-01T00:00:00Z").then_some(())
    });
}

#[test]
fn a_window_of_the_file_that_cannot_be_meant_is_named() {
    let site = site("[[ethernet-service.contacts]]\nstart = 2089-01-01T00:00:00Z\n");
    let error = failure_with(&site.config());
    assert!(error.contains("window 1: `end` is missing"), "{error}");
}
