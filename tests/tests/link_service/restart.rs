//! The service ends in the middle, in good order or not, and starts again.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::site::{PATIENCE, Site};

const FILES: usize = 12;
const FILE_BYTES: usize = 4 << 20;

/// Many requests are under way when the process is told `signal`; whatever was accepted is
/// delivered once by the next one.
fn ends_in_the_middle(signal: &str) {
    let site = Site::new();
    let mut service = site.start();
    let names: Vec<String> = (0..FILES)
        .map(|number| format!("image-{number:02}"))
        .collect();
    for (number, name) in names.iter().enumerate() {
        site.put(name, &vec![number as u8; FILE_BYTES]);
    }
    let ids: Vec<String> = names.iter().map(|name| site.send(name)).collect();
    service.process.signal(signal);
    let status = service.process.wait_for_exit(PATIENCE);
    assert_eq!(status.success(), signal == "TERM");
    let service = site.start();
    // Asked again, each is the one that was made before.
    let again: Vec<String> = names.iter().map(|name| site.send(name)).collect();
    assert_eq!(again, ids);
    for id in &ids {
        assert_eq!(site.ended(id)["code"], "OK");
    }
    assert_eq!(site.arrived(), names);
    assert!(site.left().is_empty());
    for (number, name) in names.iter().enumerate() {
        let octets = fs::read(site.path("apps/analyser/inbox").join(name)).unwrap();
        assert!(octets == vec![number as u8; FILE_BYTES], "{name}");
    }
    let deliveries = site.at("analyser").get("/v1/inbox").body["deliveries"].clone();
    assert_eq!(deliveries.as_array().unwrap().len(), FILES);
    service.stop();
}

#[test]
fn what_was_accepted_before_a_stop_is_delivered_after_it() {
    ends_in_the_middle("TERM");
}

#[test]
fn what_was_accepted_before_the_process_was_killed_is_delivered_after_it() {
    ends_in_the_middle("KILL");
}

#[test]
fn who_waits_is_told_how_it_stands_when_the_service_stops() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", b"an image");
    let id = site.send("image.raw");
    assert_eq!(site.ended(&id)["code"], "OK");
    let id_of_inbox = site.at("analyser");
    let first = format!("/v1/inbox/{id}/ack");
    assert_eq!(id_of_inbox.post(&first, &json!({})).status, 200);
    thread::scope(|scope| {
        let waits = scope.spawn(|| id_of_inbox.get("/v1/inbox?waitSeconds=60"));
        // Until it waits, nothing shows that it does.
        thread::sleep(Duration::from_millis(200));
        service.stop();
        assert_eq!(waits.join().unwrap().body, json!({"deliveries": []}));
    });
}
