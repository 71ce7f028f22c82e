//! Commands that their operator wants no more.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::rig::{PATIENCE, Rig};

const QUERY: [&str; 8] = [
    "query",
    "--service",
    "8020",
    "{ a }",
    "--timeout",
    "200ms",
    "--retries",
    "100",
];
/// Time for some of those retries.
const SOME_TRIES: Duration = Duration::from_secs(1);

/// A satellite that says nothing.
fn silent_satellite() -> UdpSocket {
    let satellite = UdpSocket::bind("127.0.0.1:0").unwrap();
    satellite.set_read_timeout(Some(PATIENCE)).unwrap();
    satellite
}

fn wait_for_frame(satellite: &UdpSocket) {
    satellite.recv(&mut [0; 2048]).unwrap();
}

/// Drops the frames that came, and counts those that still come.
fn frames_that_still_come(satellite: &UdpSocket) -> usize {
    satellite.set_nonblocking(true).unwrap();
    let frames = || std::iter::from_fn(|| satellite.recv(&mut [0; 2048]).ok()).count();
    frames();
    thread::sleep(SOME_TRIES);
    frames()
}

#[test]
fn an_interrupted_query_ends_at_once_and_goes_up_no_more() {
    let satellite = silent_satellite();
    let rig = Rig::with_socket(&satellite);
    let query = rig.start(&QUERY);
    wait_for_frame(&satellite);
    let began = Instant::now();
    query.signal(Signal::INT);
    let (code, _, stderr) = query.finish();
    assert!(began.elapsed() < Duration::from_secs(5), "{stderr}");
    assert_eq!(code, 1);
    assert!(stderr.starts_with("interrupted after"), "{stderr}");
}

#[test]
fn a_query_through_another_process_goes_up_no_more_when_it_is_interrupted_or_killed() {
    for signal in [Signal::INT, Signal::KILL] {
        let satellite = silent_satellite();
        let rig = Rig::with_socket(&satellite);
        let _holder = rig.start_listener(&[]);
        let query = rig.start(&QUERY);
        wait_for_frame(&satellite);
        query.signal(signal);
        query.finish();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(frames_that_still_come(&satellite), 0, "{signal:?}");
    }
}

#[test]
fn a_holder_of_a_link_does_not_stay_for_a_client_that_was_killed() {
    let satellite = silent_satellite();
    let rig = Rig::with_socket(&satellite);
    let holder = rig.start_listener(&[]);
    let mut query = rig.start(&QUERY);
    wait_for_frame(&satellite);
    holder.signal(Signal::INT);
    query.kill();
    let began = Instant::now();
    assert_eq!(holder.finish().0, 0);
    assert!(began.elapsed() < Duration::from_secs(5));
}
