//! With a simulated channel in front of its radio.

use std::time::{Duration, Instant};

use heliograph_tests::tshark;

use crate::{PATIENCE, Site, assert_names, failure_with};

/// What the satellite's radio has in front of it.
const PASS_AT_9600_BAUD: &str = "\
    [ethernet-service.radio.channel]\n\
    seed = 1\n\
    bit-rate-bps = 9600\n\
    duplex = \"half\"\n\
    tx-delay-ms = 50\n\
    delay-ms = 7\n\
    contacts = [{ aos-s = 0, los-s = 1e6 }]\n\
    [ethernet-service.radio.host-line]\n\
    split-reads = true\n";

#[test]
fn a_laptop_feels_like_a_pass_at_9600_baud() {
    let site = Site::new("kiss-ax25");
    let capture = site.folder.path().join("radio.pcap");
    let traced = format!("trace = true\ncapture = {:?}\n", capture.to_str().unwrap());
    let satellite = site.satellite("kiss-ax25");
    site.write(&format!("{satellite}{traced}{PASS_AT_9600_BAUD}"), "");
    let service = site.start();
    let began = Instant::now();
    let answer = site.ground_query(service.http, "{ ping }");
    assert_eq!(answer["data"]["ping"], "pong");
    // Two frames of 60 octets and more, each keyed up for, there and back.
    assert!(began.elapsed() > Duration::from_millis(200));

    let metrics = service.get("/metrics", "*/*");
    for direction in ["transmit", "receive"] {
        let line = format!(
            "heliograph_channel_frames_total{{direction=\"{direction}\",outcome=\"delivered\"}} 1"
        );
        assert!(metrics.lines().any(|said| said == line), "{metrics}");
    }
    let log = service.child.wait_for_line("receive: ", PATIENCE);
    assert_names(&log, &["octets, GROUND to HELIO-1"]);
    let seen = tshark::details(&capture, &[]);
    assert_names(
        &seen,
        &["Src: GROUND, Dst: HELIO-1", "Src: HELIO-1, Dst: GROUND"],
    );
    assert!(!seen.contains("Malformed"), "{seen}");
}

#[test]
fn a_channel_that_cannot_be_is_refused_by_its_key() {
    let site = Site::new("kiss-ax25");
    let satellite = site.satellite("kiss-ax25");
    let channel = "[ethernet-service.radio.channel]\nbit-error-rate = 2";
    site.write(&format!("{satellite}{channel}"), "");
    let failure = failure_with(&site.config());
    assert_names(&failure, &["config.toml", "bit-error-rate", "0.5"]);
}
