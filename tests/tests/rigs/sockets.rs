//! Waiting, and UDP.

use std::time::Duration;

use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::{eventually, within};

use crate::PATIENCE;

#[test]
fn eventually_asks_until_there_is_an_answer() {
    let mut asked = 0;
    let answer = eventually(PATIENCE, || {
        asked += 1;
        (asked == 3).then_some("third")
    });
    assert_eq!(answer, "third");
}

#[test]
fn a_condition_is_asked_once_even_without_time() {
    assert_eq!(within(Duration::ZERO, || Some(1)), Some(1));
    assert_eq!(within(Duration::ZERO, || None::<u8>), None);
}

#[test]
fn datagrams_travel_between_two_peers() {
    let (one, other) = (UdpPeer::bind(), UdpPeer::bind());
    one.send_to(other.port(), b"hello");
    let datagram = other.expect(PATIENCE);
    assert_eq!(datagram.payload, b"hello");
    assert_eq!(datagram.from, one.address());
    assert_eq!(other.receive(Duration::from_millis(1)), None);
}
