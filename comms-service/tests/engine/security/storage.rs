//! Numbers and durable storage.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::message::PayloadType;
use comms_service::security::{BLOCK_MESSAGES, LEAD_MESSAGES};
use proptest::prelude::*;

use super::rig::{CHALLENGE_INTERVAL, Disk, KEY_2, Setup, Sky};

#[test]
fn a_replay_after_a_reboot_is_refused() {
    let mut sky = Sky::in_sync();
    for _ in 0..3 {
        sky.send(0, PayloadType::Udp, b"fire", 0);
        sky.carry();
    }
    assert_eq!(sky.satellite.datagrams.len(), 3);
    let heard = sky.air_up.clone();
    let now = sky.now;
    for step in 0..2 {
        match step {
            0 => sky.satellite.crash(now, false),
            _ => sky.satellite.restart(now),
        }
        for packet in &heard {
            sky.satellite.hear(now, packet);
        }
        assert_eq!(sky.satellite.datagrams.len(), 3);
        assert_eq!(sky.satellite.dropped(DropReason::Replay), 3);
    }
}

#[test]
fn after_a_clean_restart_of_either_end_the_next_message_passes() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.satellite.restart(sky.now);
    sky.assert_works(0);
    sky.grounds[0].restart(sky.now);
    sky.assert_works(0);
}

#[test]
fn after_a_satellite_lost_power_a_retry_gets_through() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.satellite.crash(sky.now, false);
    // What it says of its numbers after the start is lost.
    sky.satellite.transmit(sky.now);
    sky.ask(0, "still there?", 2);
    sky.carry();
    assert!(sky.satellite.posts.is_empty());
    sky.pass(TIMEOUT_AND_MORE);
    sky.services_answer();
    sky.carry();
    assert_eq!(sky.grounds[0].answers.last().unwrap(), b"still there?");
}

#[test]
fn a_forged_retry_does_not_make_a_mutation_run_twice() {
    let mut sky = Sky::in_sync();
    sky.ask(0, "fire", 1);
    sky.carry();
    assert_eq!(sky.satellite.posts.len(), 1);
    let mut forged = sky.air_up.last().unwrap().clone();
    *forged.last_mut().unwrap() ^= 1;
    sky.satellite.hear(sky.now, &forged);
    sky.pass(TIMEOUT_AND_MORE);
    assert_eq!(sky.satellite.posts.len(), 1);
}

#[test]
fn a_ground_that_lost_power_hears_answers_and_datagrams_at_once() {
    let mut sky = Sky::in_sync();
    sky.app_sends(b"before");
    sky.carry();
    sky.assert_works(0);
    sky.grounds[0].crash(sky.now, false);
    // Its numbers tell the satellite to go on where it takes them.
    sky.assert_works(0);
    sky.app_sends(b"after");
    sky.carry();
    assert_eq!(sky.grounds[0].heard.last().unwrap(), b"after");
    assert_eq!(sky.grounds[0].dropped(DropReason::Replay), 0);
}

const TIMEOUT_AND_MORE: Duration = Duration::from_millis(5_100);

#[test]
fn after_a_satellite_lost_power_it_says_where_to_go_on() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.satellite.crash(sky.now, false);
    sky.carry();
    sky.assert_works(0);
    // And stops saying so once it heard from all.
    let said = sky.air_down.len();
    sky.pass(CHALLENGE_INTERVAL * 3);
    assert_eq!(sky.air_down.len(), said);
}

#[test]
fn nothing_is_sent_under_numbers_that_are_not_durable() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.grounds[0].disk = Disk::Fails;
    let mut sent = 0;
    for _ in 0..2 * BLOCK_MESSAGES {
        sky.send(0, PayloadType::Udp, b"x", 0);
        sent += sky.grounds[0].transmit(sky.now).len() as u64;
    }
    assert!(
        (BLOCK_MESSAGES / 2..=BLOCK_MESSAGES).contains(&sent),
        "{sent}"
    );
    assert!(!sky.grounds[0].link.has_packet(sky.now, 0));
    // The disk works again: everything goes.
    sky.grounds[0].disk = Disk::Stores;
    sky.pass(Duration::from_secs(2));
    assert_eq!(sky.grounds[0].statistics().messages_out.queued, 0);
}

#[test]
fn nothing_is_taken_beyond_the_number_that_is_durable() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    sky.satellite.disk = Disk::Fails;
    for _ in 0..2 * LEAD_MESSAGES {
        sky.send(0, PayloadType::Udp, b"x", 0);
        sky.carry_up();
    }
    let taken = sky.satellite.datagrams.len() as u64;
    assert!(
        (LEAD_MESSAGES / 2..=LEAD_MESSAGES).contains(&taken),
        "{taken}"
    );
    assert_eq!(
        sky.satellite.dropped(DropReason::NotSaved) + sky.satellite.statistics().messages_in.queued,
        2 * LEAD_MESSAGES - taken
    );
}

#[test]
fn a_message_waits_while_the_disk_is_slow_and_then_passes() {
    let mut sky = Sky::in_sync();
    sky.satellite.disk = Disk::Stalls;
    sky.send(0, PayloadType::Udp, b"first of all", 0);
    sky.carry();
    assert!(sky.satellite.datagrams.is_empty());
    assert_eq!(sky.satellite.statistics().messages_in.queued, 1);
    sky.satellite.disk = Disk::Stores;
    sky.satellite.work_on_disk(sky.now);
    assert_eq!(sky.satellite.datagrams, [b"first of all"]);
}

#[test]
fn a_message_that_waits_for_the_disk_is_no_proof_of_keys_that_came_meanwhile() {
    let mut sky = Sky::in_sync();
    sky.satellite.disk = Disk::Stalls;
    sky.send(0, PayloadType::Udp, b"under the old key", 0);
    sky.carry();
    assert_eq!(sky.satellite.statistics().messages_in.queued, 1);
    let now = sky.now;
    sky.satellite.take_keys(now, KEY_2);
    let config = sky.satellite.config();
    sky.satellite.link.reconfigure(now, config, None);
    // Noise that looks like a packet, then the disk.
    let packet = sky.air_up.last().unwrap().clone();
    sky.satellite.hear(now, &packet);
    sky.satellite.disk = Disk::Stores;
    sky.satellite.work_on_disk(now);
    assert!(!sky.satellite.link.is_proven());
    assert_eq!(sky.satellite.dropped(DropReason::Reconfigured), 1);
    assert!(sky.satellite.datagrams.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Send,
    Beacon,
    Carry,
    CrashSatellite { written: bool },
    CrashGround { written: bool },
    RestartSatellite,
    RestartGround,
    Disk { satellite: bool, disk: Disk },
    LoseSatellite,
    LoseGround,
    Replay,
    Pass(u64),
    Resync,
}

fn step() -> impl Strategy<Value = Step> {
    let disk = prop_oneof![Just(Disk::Stores), Just(Disk::Stalls), Just(Disk::Fails)];
    prop_oneof![
        6 => Just(Step::Send),
        3 => Just(Step::Beacon),
        6 => Just(Step::Carry),
        1 => any::<bool>().prop_map(|written| Step::CrashSatellite { written }),
        1 => any::<bool>().prop_map(|written| Step::CrashGround { written }),
        1 => Just(Step::RestartSatellite),
        1 => Just(Step::RestartGround),
        2 => (any::<bool>(), disk).prop_map(|(satellite, disk)| Step::Disk { satellite, disk }),
        1 => Just(Step::LoseSatellite),
        1 => Just(Step::LoseGround),
        2 => Just(Step::Replay),
        3 => (0u64..200).prop_map(Step::Pass),
        1 => Just(Step::Resync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over losses of power at any step of any store, of whole states, and replays of
    /// everything: no number is used twice (the rig looks at each packet), nothing
    /// is taken twice, and in the end nobody is locked out.
    #[test]
    fn no_history_repeats_a_number_or_a_message_or_locks_anybody_out(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut sky = Sky::in_sync();
        let mut number = 0;
        for step in steps {
            let now = sky.now;
            match step {
                Step::Send => {
                    number += 1;
                    sky.send(0, PayloadType::Udp, format!("up {number}").as_bytes(), 0);
                }
                Step::Beacon => {
                    number += 1;
                    sky.app_sends(format!("down {number}").as_bytes());
                }
                Step::Carry => sky.carry(),
                Step::CrashSatellite { written } => sky.satellite.crash(now, written),
                Step::CrashGround { written } => sky.grounds[0].crash(now, written),
                Step::RestartSatellite if sky.satellite.asked.is_none() => {
                    sky.satellite.restart(now);
                }
                Step::RestartGround if sky.grounds[0].asked.is_none() => {
                    sky.grounds[0].restart(now);
                }
                Step::RestartSatellite | Step::RestartGround => {}
                Step::Disk { satellite, disk } => {
                    let node = match satellite {
                        true => &mut sky.satellite,
                        false => &mut sky.grounds[0],
                    };
                    node.disk = disk;
                    node.work_on_disk(now);
                }
                Step::LoseSatellite => {
                    sky.satellite.asked = None;
                    sky.satellite.stored = None;
                    sky.satellite.start(now);
                }
                Step::LoseGround => {
                    sky.grounds[0].asked = None;
                    sky.grounds[0].stored = None;
                    sky.grounds[0].start(now);
                }
                Step::Replay => {
                    for packet in sky.air_up.clone() {
                        sky.satellite.hear(now, &packet);
                    }
                    for packet in sky.air_down.clone() {
                        sky.grounds[0].hear(now, &packet);
                    }
                }
                Step::Pass(seconds) => sky.pass(Duration::from_secs(seconds)),
                Step::Resync => sky.grounds[0].link.want_resync(),
            }
        }
        for taken in [&sky.satellite.datagrams, &sky.grounds[0].heard] {
            let mut once = taken.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), taken.len(), "something was taken twice");
        }
        // An operator who sees that nothing comes back asks for new keys.
        let now = sky.now;
        sky.satellite.disk = Disk::Stores;
        sky.satellite.work_on_disk(now);
        sky.grounds[0].disk = Disk::Stores;
        sky.grounds[0].work_on_disk(now);
        sky.grounds[0].link.want_resync();
        sky.pass(super::rig::SILENCE + 3 * CHALLENGE_INTERVAL);
        sky.assert_works(0);
    }
}

#[test]
fn two_ends_that_never_met_need_nothing_but_the_key() {
    let mut sky = Sky::new(Setup::satellite(1), [Setup::ground(1)]);
    sky.pass(Duration::ZERO);
    sky.assert_works(0);
}
