//! What somebody can try who hears everything and sends what he likes.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::message::PayloadType;
use comms_service::security::WINDOW_MESSAGES;

use super::rig::{CHALLENGE_INTERVAL, Setup, Sky, TIMEOUT};

/// The last packet that went up, as one with another sequence count.
fn repeated(packet: &[u8], count: u8) -> Vec<u8> {
    let mut repeated = packet.to_vec();
    repeated[3] = repeated[3].wrapping_add(count);
    repeated
}

#[test]
fn neither_a_forgery_nor_a_replay_of_a_command_that_runs_makes_it_run_twice() {
    let mut sky = Sky::in_sync();
    sky.ask(0, "mutation { fire }", 1);
    sky.carry();
    assert_eq!(sky.satellite.posts.len(), 1);
    let packet = sky.air_up.last().unwrap().clone();
    let mut forged = repeated(&packet, 2);
    *forged.last_mut().unwrap() ^= 1;
    for attack in [repeated(&packet, 1), forged] {
        sky.satellite.hear(sky.now, &attack);
    }
    assert_eq!(sky.satellite.dropped(DropReason::Replay), 1);
    assert_eq!(sky.satellite.dropped(DropReason::BadMac), 1);
    // The ground tries again while it still runs.
    sky.pass(TIMEOUT + Duration::from_millis(1));
    assert_eq!(sky.satellite.posts.len(), 1);
    assert_eq!(sky.satellite.dropped(DropReason::CommandJoined), 1);
}

#[test]
fn a_resync_that_is_repeated_once_its_station_spoke_gets_silence() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    let resync = sky.air_up.iter().find(|packet| packet[16] == 5).unwrap();
    let resync = resync.clone();
    for restart in [false, true] {
        if restart {
            sky.satellite.restart(sky.now);
            sky.assert_works(0);
        }
        for count in 0..20 {
            sky.now += Duration::from_secs(2);
            sky.satellite.hear(sky.now, &repeated(&resync, count + 1));
            assert_eq!(sky.satellite.transmit(sky.now).len(), 0);
        }
        assert_eq!(sky.satellite.dropped(DropReason::ResyncRefused), 20);
    }
    sky.assert_works(0);
}

#[test]
fn a_station_that_did_not_hear_of_its_new_keys_is_told_until_it_speaks() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.satellite.stored = None;
    sky.satellite.start(sky.now);
    sky.grounds[0].link.want_resync();
    sky.carry_down();
    sky.carry_up();
    // The pass is over: nothing comes down for as long as the ground asks.
    for _ in 0..12 {
        sky.now += Duration::from_secs(10);
        let now = sky.now;
        sky.satellite.on(now, |link| link.handle_timeout(now));
        sky.satellite.transmit(now);
        sky.grounds[0].on(now, |link| link.handle_timeout(now));
        sky.grounds[0].transmit(now);
    }
    // Another day the satellite is there again, and so is another process of the ground.
    sky.satellite.crash(sky.now, false);
    sky.grounds[0].restart(sky.now);
    sky.pass(CHALLENGE_INTERVAL);
    sky.assert_works(0);
}

#[test]
fn commands_that_are_tried_again_do_not_push_a_long_message_out_of_its_window() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.send(0, PayloadType::Udp, &[7; 10_000], 0);
    let mut long = sky.grounds[0].transmit(sky.now).into_iter();
    // Meanwhile queries get lost, and are tried again, while others get through.
    for number in 0..2 * WINDOW_MESSAGES / 256 {
        sky.satellite.hear(sky.now, &long.next().unwrap());
        sky.ask(0, &format!("query {number}"), 3);
        sky.grounds[0].transmit(sky.now);
        sky.now += TIMEOUT / 2;
        sky.assert_works(0);
        sky.now += TIMEOUT / 2;
        let now = sky.now;
        sky.grounds[0].on(now, |link| link.handle_timeout(now));
        sky.carry();
        sky.services_answer();
        sky.carry();
    }
    for packet in long {
        sky.satellite.hear(sky.now, &packet);
    }
    assert_eq!(sky.satellite.dropped(DropReason::Replay), 0);
    assert_eq!(sky.satellite.datagrams.len(), 1);
}

#[test]
fn stations_with_the_same_command_id_are_apart() {
    let grounds = [Setup::ground(1), Setup::ground(2)];
    let mut sky = Sky::in_sync_with(Setup::satellite(2), grounds);
    for ground in [0, 1] {
        sky.send_as(ground, 77, "mutation { fire }");
        sky.carry();
    }
    assert_eq!(sky.satellite.posts.len(), 2);
    sky.services_answer();
    sky.carry();
    for ground in &sky.grounds {
        assert_eq!(ground.answers.len(), 1);
    }
}
