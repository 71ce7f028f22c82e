//! Services send apps large files as apps do.

use std::fs;

use link_client::LinkClient;

use crate::site::{PATIENCE, Site};

const SENSOR: &str = "
[[link-service.apps]]
id = 'sensor'
kind = 'service'
[[link-service.apps]]
id = 'analyser'
[[link-service.policy]]
from = 'sensor'
to = 'analyser'
";
const BYTES: usize = 64 << 20;

fn client(site: &Site, app: &str) -> LinkClient {
    LinkClient::connect(site.path(&format!("apps/{app}/link.sock")))
}

/// A large file, no two lines of which are the same.
fn frame() -> Vec<u8> {
    let lines = (0..BYTES as u64 / 8).flat_map(u64::to_le_bytes);
    lines.collect()
}

#[test]
fn a_sensor_service_sends_an_app_a_large_file_with_the_message_that_says_what_it_is() {
    let site = Site::new();
    site.configure(SENSOR);
    let service = site.start();
    let sensor = client(&site, "sensor");
    let analyser = client(&site, "analyser");
    let frame = sensor.directories().unwrap().outbox.join("frame-7.raw");
    let octets = self::frame();
    fs::write(&frame, &octets).unwrap();
    let waits = std::thread::spawn(move || analyser.receive().next().unwrap().unwrap());
    let request = sensor.request(&frame).to("analyser");
    let request = request.metadata("sensor", "hyperspectral-1");
    let request = request.metadata("taken", "2026-07-01T12:00:00Z");
    let sent = request.correlation_id("task-12").send().unwrap();
    // What the app hears is one thing: the message and where the file is, once it is whole.
    let delivery = waits.join().unwrap();
    assert_eq!(delivery.from(), "sensor");
    assert_eq!(delivery.metadata()["sensor"], "hyperspectral-1");
    assert_eq!(delivery.metadata()["taken"], "2026-07-01T12:00:00Z");
    assert_eq!(delivery.correlation_id(), "task-12");
    assert!(fs::read(delivery.path()).unwrap() == octets);
    let link = sent.wait_for(PATIENCE).unwrap();
    assert!(link.is_ok());
    assert_eq!(delivery.files()[0].blake3, link.files[0].blake3);
    assert!(!frame.exists());
    delivery.ack().unwrap();
    assert!(site.arrived().is_empty());
    // A service may do what the policy says, and no more.
    let back = site.path("answer");
    fs::write(&back, "octets").unwrap();
    let refused = client(&site, "analyser").send("sensor", &back).unwrap_err();
    assert_eq!(refused.code(), Some("FORBIDDEN"));
    service.stop();
}
