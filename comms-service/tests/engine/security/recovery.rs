//! Lost states, and what an attacker can make of them.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::message::PayloadType;

use super::rig::{CHALLENGE_INTERVAL, Disk, SILENCE, Setup, Sky};

/// The satellite loses both copies.
fn lose_satellite(sky: &mut Sky) {
    sky.satellite.stored = None;
    sky.satellite.start(sky.now);
}

fn lose_ground(sky: &mut Sky) {
    sky.grounds[0].stored = None;
    sky.grounds[0].start(sky.now);
}

#[test]
fn a_satellite_that_lost_its_state_takes_nothing_but_a_resync() {
    let mut sky = Sky::in_sync();
    sky.send(0, PayloadType::Udp, b"fire", 0);
    sky.carry();
    let heard = sky.air_up.clone();
    lose_satellite(&mut sky);
    for packet in &heard {
        sky.satellite.hear(sky.now, packet);
    }
    assert_eq!(sky.satellite.datagrams.len(), 1);
    assert_eq!(sky.satellite.dropped(DropReason::NotInSync), 1);
    // The resync of before answers another challenge.
    assert_eq!(sky.satellite.dropped(DropReason::ResyncRefused), 1);
    // Nobody could believe a datagram now.
    sky.app_sends(b"beacon");
    sky.satellite.transmit(sky.now);
    let out = sky.satellite.statistics().messages_out;
    assert_eq!(out.dropped.of(DropReason::NotInSync), 1);
}

#[test]
fn the_ground_resyncs_when_the_operator_says_so() {
    let mut sky = Sky::in_sync();
    lose_satellite(&mut sky);
    sky.pass(CHALLENGE_INTERVAL * 3);
    // Of itself it does not: the challenge may be forged.
    assert!(sky.grounds[0].dropped(DropReason::ResyncRefused) >= 3);
    sky.grounds[0].link.want_resync();
    sky.pass(CHALLENGE_INTERVAL);
    assert!(!sky.grounds[0].link.wants_resync());
    sky.assert_works(0);
    sky.app_sends(b"beacon");
    sky.carry();
    assert_eq!(sky.grounds[0].heard, [b"beacon"]);
}

#[test]
fn a_ground_that_lost_its_state_is_let_in_again_after_the_silence() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    lose_ground(&mut sky);
    sky.ask(0, "hello?", 0);
    assert!(sky.grounds[0].failures[0].to_string().contains("no keys"));
    sky.pass(SILENCE + CHALLENGE_INTERVAL);
    sky.assert_works(0);
}

#[test]
fn a_forged_challenge_does_not_harm_a_good_link() {
    let mut sky = Sky::in_sync();
    // As the satellite would send it, but with other octets.
    let mut forged = sky
        .air_down
        .iter()
        .find(|packet| packet[16] == 4)
        .unwrap()
        .clone();
    sky.grounds[0].link.want_resync();
    for number in 0..40 {
        forged[20] = number;
        forged[3] = forged[3].wrapping_add(1);
        sky.grounds[0].hear(sky.now, &forged);
    }
    sky.carry();
    assert!(sky.grounds[0].link.wants_resync());
    sky.assert_works(0);
}

#[test]
fn a_resync_that_is_repeated_gets_its_answer_again_and_changes_nothing() {
    let mut sky = Sky::new(Setup::satellite(1), [Setup::ground(1)]);
    let now = sky.now;
    sky.satellite.on(now, |link| link.handle_timeout(now));
    sky.carry_down();
    sky.carry_up();
    // The answer is lost.
    assert_eq!(sky.satellite.transmit(now).len(), 1);
    assert_eq!(sky.grounds[0].link.is_in_sync(), Some(false));
    sky.pass(Duration::from_secs(15));
    sky.assert_works(0);
    // An attacker repeats it, at any time.
    let resync = sky
        .air_up
        .iter()
        .find(|packet| packet[16] == 5)
        .unwrap()
        .clone();
    let now = sky.now;
    for count in 0..30 {
        let mut repeated = resync.clone();
        repeated[3] = repeated[3].wrapping_add(count);
        sky.satellite.hear(now, &repeated);
    }
    assert!(sky.satellite.transmit(now).len() <= 1);
    sky.assert_works(0);
}

#[test]
fn no_challenge_gives_keys_twice() {
    let mut sky = Sky::in_sync();
    let now = sky.now;
    // A second resync of the same station, to the same challenge: an old one that
    // an attacker held back.
    let challenge = sky
        .air_down
        .iter()
        .find(|packet| packet[16] == 4)
        .unwrap()
        .clone();
    lose_ground(&mut sky);
    sky.grounds[0].hear(now, &challenge);
    sky.carry_up();
    assert_eq!(sky.satellite.dropped(DropReason::ResyncRefused), 1);
    assert_eq!(sky.grounds[0].link.is_in_sync(), Some(false));
}

#[test]
fn a_forged_resync_is_refused_whatever_bit_is_wrong() {
    let mut sky = Sky::new(Setup::satellite(1), [Setup::ground(1)]);
    let now = sky.now;
    sky.satellite.on(now, |link| link.handle_timeout(now));
    sky.carry_down();
    let resync = sky.grounds[0].transmit(now).pop().unwrap();
    for bit in 8 * 16..8 * resync.len() {
        let mut forged = resync.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        sky.satellite.hear(now, &forged);
        assert_eq!(sky.satellite.link.is_in_sync(), Some(false), "bit {bit}");
    }
    assert_eq!(sky.satellite.transmit(now).len(), 0);
    sky.satellite.hear(now, &resync);
    assert_eq!(sky.satellite.link.is_in_sync(), Some(true));
}

#[test]
fn new_keys_are_durable_before_they_are_told() {
    let mut sky = Sky::new(Setup::satellite(1), [Setup::ground(1)]);
    let now = sky.now;
    sky.satellite.on(now, |link| link.handle_timeout(now));
    sky.carry_down();
    sky.satellite.disk = Disk::Stalls;
    sky.carry_up();
    assert_eq!(sky.satellite.transmit(now).len(), 0);
    // Power fails: the resync never was. It is sent again, and succeeds.
    sky.satellite.disk = Disk::Stores;
    sky.satellite.crash(now, false);
    sky.pass(Duration::from_secs(15));
    sky.assert_works(0);
}

#[test]
fn challenges_and_nonces_are_durable_before_they_are_told() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    let said = sky.air_down.len();
    sky.satellite.disk = Disk::Stalls;
    sky.pass(SILENCE + CHALLENGE_INTERVAL);
    assert_eq!(sky.air_down.len(), said);
    sky.satellite.disk = Disk::Stores;
    sky.satellite.work_on_disk(sky.now);
    sky.grounds[0].link.want_resync();
    sky.grounds[0].disk = Disk::Stalls;
    sky.carry();
    assert!(sky.air_down.len() > said);
    let asked = |sky: &Sky| sky.air_up.iter().filter(|packet| packet[16] == 5).count();
    assert_eq!(asked(&sky), 1);
    sky.grounds[0].disk = Disk::Stores;
    sky.grounds[0].work_on_disk(sky.now);
    sky.carry();
    assert_eq!(asked(&sky), 2);
    assert!(!sky.grounds[0].link.wants_resync());
    sky.assert_works(0);
}
