//! Class 9 with security: what was heard once is not heard again, whatever the
//! satellite forgets.
//!
//! UniSat's window in RAM, which a reboot empties; F´'s, which takes one number for
//! all. `counters` has what holds without security.

use comms_service::accounting::DropReason;
use comms_service::security::Mode;

use crate::secured::SecuredLink;

/// Everything that was on the air is sent again, with other sequence counts.
fn replays(link: &mut SecuredLink, heard: &[Vec<u8>]) {
    for packet in heard {
        let mut replayed = packet.clone();
        replayed[3] ^= 0x55;
        assert_eq!(link.hears(&replayed).len(), 0, "silence");
    }
}

/// Class 9: at once, after a reboot, and after another.
#[test]
fn a_replay_after_a_reboot_is_silence_for_every_station() {
    let mut link = SecuredLink::new(Mode::Authenticate, 2);
    let mut heard = Vec::new();
    for number in 0..20 {
        let query = link.query(number % 2, format!("query {number}").as_bytes());
        for packet in query {
            link.hears(&packet);
            heard.push(packet);
        }
    }
    assert_eq!(link.ran.len(), 20);
    for _ in 0..3 {
        replays(&mut link, &heard);
        assert_eq!(link.dropped(DropReason::Replay), 20);
        link.reboots();
    }
    assert_eq!(link.ran.len(), 20);
}

/// Class 9: the number of one station is none of another's.
#[test]
fn what_one_station_sends_uses_up_no_number_of_another() {
    let mut link = SecuredLink::new(Mode::Authenticate, 2);
    for _ in 0..300 {
        let query = link.query(0, b"{}");
        query.iter().for_each(|packet| drop(link.hears(packet)));
    }
    for packet in link.query(1, b"mine") {
        assert_eq!(link.hears(&packet).len(), 1);
    }
    assert_eq!(link.ran.last().map(Vec::as_slice), Some(&b"mine"[..]));
}

/// Class 9: flash that takes nothing any more is no way to have anything run twice.
#[test]
fn with_a_flash_that_fails_less_is_heard_and_nothing_twice() {
    let mut link = SecuredLink::new(Mode::Authenticate, 1);
    for packet in link.query(0, b"before") {
        link.hears(&packet);
    }
    link.flash_works = false;
    let mut heard = Vec::new();
    for number in 0..1000 {
        for packet in link.query(0, format!("query {number}").as_bytes()) {
            link.hears(&packet);
            heard.push(packet);
        }
    }
    let ran = link.ran.len();
    assert!((100..400).contains(&ran), "{ran}");
    assert!(link.dropped(DropReason::NotSaved) > 0);
    link.reboots();
    replays(&mut link, &heard);
    let mut all = link.ran.clone();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), link.ran.len(), "something ran twice");
}
