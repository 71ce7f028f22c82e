//! At most once, and answers that are repaired, on a link with security.

use comms_service::accounting::DropReason;

use super::rig::{CHALLENGE_INTERVAL, Sky, TIMEOUT, both_modes};

#[test]
fn a_command_that_ran_before_a_resync_does_not_run_again_after_it() {
    let mut sky = Sky::in_sync();
    sky.send_as(0, 77, "mutation { fire }");
    sky.carry();
    sky.services_answer();
    // The answer is lost, and with it the ground's state.
    sky.satellite.transmit(sky.now);
    sky.grounds[0].stored = None;
    sky.grounds[0].start(sky.now);
    sky.pass(super::rig::SILENCE + CHALLENGE_INTERVAL);
    assert_eq!(sky.grounds[0].link.is_in_sync(), Some(true));
    sky.send_as(0, 77, "mutation { fire }");
    sky.carry();
    // After a day it may be forgotten, but never by the resync.
    assert!(sky.satellite.posts.len() <= 1);
}

/// Every third packet of the answer is lost, the first or the last among them.
#[test]
fn an_answer_that_arrived_in_part_is_repaired_in_both_modes() {
    for lost_at in 0..3 {
        for mut sky in both_modes() {
            let long: String = (0..8000)
                .map(|at| char::from(b'a' + (at % 26) as u8))
                .collect();
            sky.ask(0, &long, 3);
            sky.carry();
            sky.services_answer();
            let packets = sky.satellite.transmit(sky.now);
            assert!(packets.len() > 20);
            for (at, packet) in packets.iter().enumerate() {
                if at % 3 != lost_at {
                    sky.grounds[0].hear(sky.now, packet);
                }
            }
            let sent = sky.air_down.len();
            sky.pass(TIMEOUT * 12);
            let answers = &sky.grounds[0].answers;
            assert_eq!(answers.len(), 1, "lost at {lost_at}");
            assert_eq!(answers[0], long.as_bytes());
            assert!(sky.satellite.posts.is_empty(), "it ran again");
            assert_eq!(sky.grounds[0].dropped(DropReason::BadMac), 0);
            let repaired = sky.air_down.len() - sent;
            assert!(
                repaired <= packets.len() + 12,
                "{repaired} of {}",
                packets.len()
            );
        }
    }
}
