//! The classes of the queue before `write`: room, time to live, turns, pacing.

use std::time::Duration;

use comms_service::LinkOptions;
use comms_service::accounting::{ClassAccount, DropReason};
use comms_service::link::{
    ClassLimits, CommandFailure, DownlinkPort, LinkConfig, Pace, QueueClass, QueueLimits, WhenFull,
};
use comms_service::message::End;

use crate::rig::{
    COMMAND_TIMEOUT, DOWNLINK_PORT, Outcome, Rig, dropped, format, octets, satellite_config,
};

/// An endpoint of the map at the first `write`.
fn endpoint(port: u16, class: QueueClass) -> DownlinkPort {
    DownlinkPort {
        port,
        write: 0,
        class,
        ttl: None,
    }
}

fn with_map(map: Vec<DownlinkPort>) -> LinkConfig {
    LinkConfig {
        downlink_ports: Vec::new(),
        downlink_map: map,
        ..satellite_config()
    }
}

fn telemetry(rig: &Rig) -> ClassAccount {
    rig.satellite().classes_out.telemetry
}

/// What the ground hears, each by its first octet.
fn first_octets(rig: &mut Rig) -> Vec<u8> {
    rig.carry_down();
    rig.heard.iter().map(|(_, payload)| payload[0]).collect()
}

fn with_limits(when_full: WhenFull, messages_max: usize, bytes_max: usize) -> Rig {
    let telemetry = ClassLimits {
        messages_max: Some(messages_max),
        bytes_max: Some(bytes_max),
        when_full,
    };
    Rig::with_satellite(LinkConfig {
        queue: QueueLimits {
            telemetry,
            ..QueueLimits::standard()
        },
        ..satellite_config()
    })
}

#[test]
fn a_full_class_drops_the_newest() {
    for when_full in [WhenFull::Newest, WhenFull::Refuse] {
        let mut rig = with_limits(when_full, 3, 1000);
        for number in 0..5 {
            rig.app_sends(0, &[number]);
        }
        let full = [(DropReason::QueueFull, 2)];
        assert_eq!(dropped(&telemetry(&rig).messages), full);
        assert_eq!(first_octets(&mut rig), [0, 1, 2]);
        rig.assert_idle();
    }
}

#[test]
fn a_full_class_drops_its_oldest_message_that_is_not_begun() {
    let mut rig = with_limits(WhenFull::Oldest, 3, 1000);
    rig.app_sends(0, &[0; 300]);
    let first = rig.transmit(End::Satellite).unwrap();
    rig.hear(End::Ground, first);
    for number in 1..6 {
        rig.app_sends(0, &[number]);
    }
    let displaced = [(DropReason::Displaced, 3)];
    assert_eq!(dropped(&telemetry(&rig).messages), displaced);
    assert_eq!(first_octets(&mut rig), [0, 4, 5]);
    rig.assert_idle();
}

#[test]
fn a_class_is_bounded_in_octets_too() {
    let mut rig = with_limits(WhenFull::Oldest, 100, 1000);
    for number in 0..4 {
        rig.app_sends(0, &[number; 400]);
    }
    assert_eq!(telemetry(&rig).bytes_held, 800);
    // One that would not fit if all made room displaces nobody.
    rig.app_sends(0, &[9; 1001]);
    // One that needs the room of two displaces two.
    rig.app_sends(0, &[4; 900]);
    let expected = [(DropReason::QueueFull, 1), (DropReason::Displaced, 4)];
    assert_eq!(dropped(&telemetry(&rig).messages), expected);
    assert_eq!(first_octets(&mut rig), [4]);
    rig.assert_idle();
}

#[test]
fn a_flood_on_a_port_of_the_answers_own_class_takes_no_place_of_an_answer() {
    let mut rig = Rig::with_satellite(LinkConfig {
        transmit_queue_messages_max: 2,
        ..with_map(vec![endpoint(14_000, QueueClass::Response)])
    });
    for _ in 0..5 {
        rig.app_sends(0, b"!");
    }
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.service_answers(b"answer");
    assert_eq!(rig.satellite().classes_out.response.messages.queued, 3);
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"answer".to_vec())]);
}

#[test]
fn a_long_answer_without_room_is_replaced_by_an_error() {
    let mut rig = Rig::with_satellite(LinkConfig {
        queue: QueueLimits {
            bulk: ClassLimits {
                bytes_max: Some(10_000),
                ..ClassLimits::new(WhenFull::Refuse)
            },
            ..QueueLimits::standard()
        },
        ..satellite_config()
    });
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.service_answers(&octets(10_001));
    rig.carry_down();
    let [Outcome::Answered(1, answer)] = rig.outcomes.as_slice() else {
        panic!("{:?}", rig.outcomes);
    };
    let answer = String::from_utf8_lossy(answer);
    assert!(answer.contains("queue-full"), "{answer}");
    rig.assert_idle();
}

// Time to live.

fn mortal(ms: u64) -> DownlinkPort {
    DownlinkPort {
        ttl: Some(Duration::from_millis(ms)),
        ..endpoint(14_000, QueueClass::Telemetry)
    }
}

#[test]
fn a_message_whose_time_is_over_leaves_though_the_radio_is_stuck() {
    let forever = endpoint(14_001, QueueClass::Telemetry);
    let mut rig = Rig::with_satellite(with_map(vec![mortal(1000), forever]));
    rig.app_sends(0, &[1; 600]);
    // Begun, and stuck in the radio.
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.app_sends(0, &[2]);
    rig.app_sends(1, &[3]);
    rig.pass(Duration::from_millis(999));
    assert_eq!(telemetry(&rig).messages.queued, 2);
    rig.pass(Duration::from_millis(1));
    let expired = [(DropReason::Expired, 1)];
    assert_eq!(dropped(&telemetry(&rig).messages), expired);
    assert_eq!(telemetry(&rig).messages.queued, 1);
    assert_eq!(rig.next_timeout(End::Satellite), None);
    // What is begun is not cut.
    rig.end_write(End::Satellite, 0, Ok(()));
    assert_eq!(rig.transmit_all(End::Satellite).len(), 3);
    assert_eq!(telemetry(&rig).messages.delivered, 2);
    rig.assert_idle();
}

#[test]
fn a_message_whose_time_is_over_is_not_sent_even_if_nobody_looked_at_the_clock() {
    let mut rig = Rig::with_satellite(with_map(vec![mortal(1000)]));
    rig.app_sends(0, &[1]);
    rig.now += Duration::from_millis(1000);
    assert_eq!(rig.transmit(End::Satellite), None);
    let expired = [(DropReason::Expired, 1)];
    assert_eq!(dropped(&telemetry(&rig).messages), expired);
    rig.assert_idle();
}

#[test]
fn each_message_goes_at_its_own_time() {
    let long = DownlinkPort {
        port: 14_001,
        ..mortal(5000)
    };
    let mut rig = Rig::with_satellite(with_map(vec![mortal(1000), long]));
    rig.app_sends(1, b"stuck in the radio");
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.app_sends(0, b"short");
    rig.app_sends(1, b"long");
    for (ms, left) in [(1000, 1), (4000, 0)] {
        rig.pass(Duration::from_millis(ms));
        assert_eq!(telemetry(&rig).messages.queued, left);
    }
}

// Turns.

fn apids(packets: &[Vec<u8>]) -> Vec<u8> {
    packets.iter().map(|packet| packet[1]).collect()
}

#[test]
fn a_bulk_port_has_an_apid_of_its_own_and_lets_all_others_pass() {
    let bulk = endpoint(14_000, QueueClass::Bulk);
    let beacon = endpoint(14_001, QueueClass::Telemetry);
    let mut rig = Rig::with_satellite(with_map(vec![bulk, beacon]));
    rig.app_sends(0, &octets(1000));
    let first = rig.transmit(End::Satellite).unwrap();
    rig.app_sends(1, b"beacon");
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.service_answers(b"answer");
    let mut packets = vec![first];
    packets.extend(rig.transmit_all(End::Satellite));
    assert_eq!(apids(&packets), [3, 0, 1, 3, 3, 3, 3]);
    rig.hear_all(End::Ground, packets);
    let ports: Vec<_> = rig.heard.iter().map(|(head, _)| head.port).collect();
    assert_eq!(ports, [14_001, 14_000]);
    rig.assert_idle();
}

#[test]
fn a_begun_bulk_message_is_kept_alive_while_telemetry_has_the_radio() {
    let bulk = endpoint(14_000, QueueClass::Bulk);
    let beacon = endpoint(14_001, QueueClass::Telemetry);
    let mut rig = Rig::with_satellite(with_map(vec![bulk, beacon]));
    rig.app_sends(0, &octets(1000));
    rig.app_sends(1, b"beacon");
    for _ in 0..120 {
        rig.app_sends(1, b"beacon");
        let packet = rig.transmit(End::Satellite).unwrap();
        rig.hear(End::Ground, packet);
        rig.pass(Duration::from_secs(1));
    }
    rig.carry_down();
    let bulk = rig.heard.iter().filter(|(head, _)| head.port == 14_000);
    assert_eq!(bulk.count(), 1);
    assert_eq!(rig.ground().packets_in.dropped.total(), 0);
    rig.assert_idle();
}

#[test]
fn ports_of_one_class_share_the_radio_by_octets() {
    let ports = [14_000, 14_001].map(|port| endpoint(port, QueueClass::Telemetry));
    let mut rig = Rig::with_satellite(with_map(ports.to_vec()));
    for _ in 0..10 {
        rig.app_sends(0, &[0; 200]);
    }
    for _ in 0..40 {
        rig.app_sends(1, &[1; 20]);
    }
    let mut sent = [0_usize; 2];
    for _ in 0..25 {
        let packet = rig.transmit(End::Satellite).unwrap();
        sent[usize::from(packet[16])] += packet.len();
        rig.hear(End::Ground, packet);
    }
    assert!(sent[0].abs_diff(sent[1]) <= 218, "{sent:?}");
    rig.carry_down();
    rig.assert_idle();
}

#[test]
fn a_port_that_was_silent_has_no_credit() {
    let ports = [14_000, 14_001].map(|port| endpoint(port, QueueClass::Telemetry));
    let mut rig = Rig::with_satellite(with_map(ports.to_vec()));
    for _ in 0..30 {
        rig.app_sends(0, &[0; 100]);
    }
    for _ in 0..10 {
        rig.transmit(End::Satellite).unwrap();
    }
    for _ in 0..10 {
        rig.app_sends(1, &[1; 100]);
    }
    let next: Vec<_> = (0..10)
        .map(|_| rig.transmit(End::Satellite).unwrap()[16])
        .collect();
    let of_second = next.iter().filter(|octet| **octet == 1).count();
    assert!((4..=6).contains(&of_second), "{next:?}");
}

#[test]
fn a_begun_message_that_holds_up_a_more_urgent_one_takes_over_its_class() {
    let slow = endpoint(14_000, QueueClass::Telemetry);
    let urgent = endpoint(14_001, QueueClass::Response);
    let mut rig = Rig::with_satellite(with_map(vec![slow, urgent]));
    // Both on APID 1, where messages do not interleave.
    rig.app_sends(0, &octets(600));
    let mut packets = vec![rig.transmit(End::Satellite).unwrap()];
    for id in 1..=6 {
        rig.query(id, 8020, b"?");
    }
    rig.carry_up();
    (0..6).for_each(|_| rig.service_answers(&octets(900)));
    rig.app_sends(1, b"urgent");
    packets.extend(rig.transmit_all(End::Satellite));
    let apids = apids(&packets);
    // The answers and the urgent one share the radio; so it does not wait for all
    // of them, though what it waits for is less urgent than they are.
    let urgent = apids.iter().rposition(|apid| *apid == 1).unwrap();
    assert!(urgent < 10, "{apids:?}");
    assert_eq!(apids.len(), 3 + 24 + 1);
    rig.hear_all(End::Ground, packets);
    assert_eq!(rig.outcomes.len(), 6);
    rig.assert_idle();
}

// Pacing.

const BIT_RATE_BPS: u64 = 9_600;
/// On the air, 256 octets and 20 of the frame.
const FRAME_TIME: Duration = Duration::from_millis(230);

fn paced(credits: usize) -> Rig {
    let pace = Pace {
        credits,
        frame_overhead_bytes: 20,
        ..Pace::new(BIT_RATE_BPS, None)
    };
    Rig::with_satellite(LinkConfig {
        pace: Some(pace),
        ..with_map(vec![
            endpoint(DOWNLINK_PORT, QueueClass::Bulk),
            endpoint(DOWNLINK_PORT + 1, QueueClass::Telemetry),
        ])
    })
}

/// A radio that takes every packet at once and sends it at its bit rate.
#[derive(Default)]
struct DeepRadio {
    /// When the frames that it has will have left.
    leaves: Vec<std::time::Instant>,
    busy: Duration,
    most: usize,
}

impl DeepRadio {
    fn take(&mut self, now: std::time::Instant, packet: &[u8]) {
        self.leaves.retain(|leaves| *leaves > now);
        let bits = (packet.len() as u64 + 20) * 8;
        let air_time = Duration::from_nanos(bits * 1_000_000_000 / BIT_RATE_BPS);
        let begins = self.leaves.last().copied().unwrap_or(now);
        self.leaves.push(begins + air_time);
        self.busy += air_time;
        self.most = self.most.max(self.leaves.len());
    }
}

#[test]
fn pacing_keeps_the_radio_busy_and_hands_it_no_more_than_its_credits() {
    for credits in [1, 2, 4] {
        let mut rig = paced(credits);
        let mut radio = DeepRadio::default();
        for _ in 0..30 {
            rig.app_sends(0, &octets(5000));
            rig.app_sends(1, &octets(17));
        }
        let began = rig.now;
        let mut last = began;
        while rig.satellite().messages_out.delivered < 60 {
            while let Some(packet) = rig.transmit(End::Satellite) {
                radio.take(rig.now, &packet);
                last = *radio.leaves.last().unwrap();
            }
            let due = rig.next_timeout(End::Satellite);
            let Some(due) = due else { break };
            rig.pass(due - rig.now);
        }
        let share = radio.busy.as_secs_f64() / (last - began).as_secs_f64();
        assert!(share > 0.99, "busy {share}");
        assert_eq!(radio.most, credits);
        rig.pass(FRAME_TIME * 5);
        rig.assert_idle();
    }
}

#[test]
fn an_answer_waits_for_the_frames_with_the_radio_and_no_more() {
    for credits in [1, 3] {
        let mut rig = paced(credits);
        let mut radio = DeepRadio::default();
        for _ in 0..20 {
            rig.app_sends(0, &octets(20_000));
        }
        // The radio is full in the midst of a message.
        for _ in 0..50 {
            while let Some(packet) = rig.transmit(End::Satellite) {
                radio.take(rig.now, &packet);
            }
            rig.pass(Duration::from_millis(100));
        }
        rig.query(1, 8020, b"?");
        rig.carry_up();
        rig.service_answers(b"answer");
        let asked = rig.now;
        let answer = loop {
            if let Some(packet) = rig.transmit(End::Satellite) {
                radio.take(rig.now, &packet);
                break packet;
            }
            let due = rig.next_timeout(End::Satellite).unwrap();
            rig.pass(due - rig.now);
        };
        assert_eq!(apids(&[answer]), [0]);
        let left = *radio.leaves.last().unwrap();
        assert!(left - asked <= FRAME_TIME * (credits as u32 + 1));
    }
}

#[test]
fn a_packet_that_the_radio_refused_does_not_hold_up_the_next() {
    let mut rig = paced(1);
    rig.app_sends(1, b"first");
    rig.app_sends(1, b"second");
    rig.begin_write(End::Satellite, 0).unwrap();
    assert_eq!(rig.begin_write(End::Satellite, 0), None);
    rig.end_write(End::Satellite, 0, Err("no".to_string()));
    assert!(rig.transmit(End::Satellite).is_some());
}

#[test]
fn a_command_that_makes_room_for_a_newer_one_fails_and_is_not_waited_for() {
    let response = ClassLimits {
        messages_max: Some(2),
        ..ClassLimits::new(WhenFull::Oldest)
    };
    let ground = LinkConfig {
        queue: QueueLimits {
            response,
            ..QueueLimits::standard()
        },
        ..LinkConfig::new(End::Ground)
    };
    let options = LinkOptions::default();
    let mut rig = Rig::new(
        satellite_config(),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    );
    for command_id in 1..=3 {
        rig.query(command_id, 8020, b"{ping}");
    }
    let displaced = CommandFailure::Dropped(DropReason::Displaced);
    assert_eq!(rig.outcomes, [Outcome::Failed(1, displaced)]);
    rig.carry_up();
    for _ in 0..2 {
        rig.service_answers(b"pong");
    }
    rig.carry_down();
    rig.pass(COMMAND_TIMEOUT * 10);
    assert_eq!(rig.outcomes.len(), 3);
    rig.assert_idle();
}
