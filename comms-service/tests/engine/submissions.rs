//! Submissions: messages of apps whose fate is told, up to the ground's report
//! that it heard them.

use std::time::Duration;

use comms_service::LinkOptions;
use comms_service::accounting::DropReason;
use comms_service::link::{
    ClassLimits, DownlinkPort, LinkConfig, QueueClass, QueueLimits, Receipt, Submission, WhenFull,
};
use comms_service::message::End;

use crate::rig::{Rig, format, octets, satellite_config};

const REPORT_PERIOD: Duration = Duration::from_secs(1);
const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// Endpoint 0 is the plain one, endpoint 1 one of class bulk.
fn satellite(messages_max: usize, when_full: WhenFull) -> LinkConfig {
    let limits = ClassLimits {
        messages_max: Some(messages_max),
        ..ClassLimits::new(when_full)
    };
    LinkConfig {
        downlink_map: vec![DownlinkPort {
            port: 14_000,
            write: 0,
            class: QueueClass::Bulk,
            ttl: None,
        }],
        queue: QueueLimits {
            telemetry: limits,
            bulk: limits,
            ..QueueLimits::standard()
        },
        ..satellite_config()
    }
}

fn rig_with(messages_max: usize, when_full: WhenFull) -> Rig {
    let options = LinkOptions::default();
    let ground = LinkConfig {
        reception_report: Some(REPORT_PERIOD),
        ..LinkConfig::new(End::Ground)
    };
    Rig::new(
        satellite(messages_max, when_full),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    )
}

fn rig() -> Rig {
    rig_with(100, WhenFull::Refuse)
}

fn submit(rig: &mut Rig, submission: Submission, payload: &[u8]) {
    let first = rig.on(End::Satellite, |link, now| {
        link.handle_submission(now, submission, payload)
    });
    rig.receipts.push((submission.number, first));
}

fn plain(number: u64) -> Submission {
    Submission {
        number,
        endpoint: 0,
        ttl: None,
        heard_within: None,
    }
}

/// One that waits to be heard of.
fn listening(number: u64) -> Submission {
    Submission {
        heard_within: Some(HEARD_WITHIN),
        ..plain(number)
    }
}

fn receipts(rig: &mut Rig) -> Vec<(u64, Receipt)> {
    std::mem::take(&mut rig.receipts)
}

#[test]
fn a_submission_is_queued_and_then_sent() {
    let mut rig = rig();
    submit(&mut rig, plain(7), &octets(600));
    assert_eq!(receipts(&mut rig), [(7, Receipt::Queued)]);
    rig.transmit(End::Satellite).unwrap();
    rig.transmit(End::Satellite).unwrap();
    assert_eq!(receipts(&mut rig), []);
    rig.transmit(End::Satellite).unwrap();
    assert_eq!(receipts(&mut rig), [(7, Receipt::Sent)]);
    rig.pass(HEARD_WITHIN);
    assert_eq!(receipts(&mut rig), []);
    rig.assert_idle();
}

#[test]
fn a_full_class_tells_by_its_policy() {
    let number_2 = |when_full| {
        let mut rig = rig_with(1, when_full);
        submit(&mut rig, plain(1), b"1");
        submit(&mut rig, plain(2), b"2");
        let receipts = receipts(&mut rig);
        run(&mut rig, 4);
        rig.assert_idle();
        receipts
    };
    let full = Receipt::Dropped(DropReason::QueueFull);
    let newest = number_2(WhenFull::Newest);
    assert_eq!(newest, [(1, Receipt::Queued), (2, full)]);
    let displaced = Receipt::Dropped(DropReason::Displaced);
    let oldest = number_2(WhenFull::Oldest);
    let expected = [(1, Receipt::Queued), (1, displaced), (2, Receipt::Queued)];
    assert_eq!(oldest, expected);
    let refused = number_2(WhenFull::Refuse);
    let (
        2,
        Receipt::Refused {
            reason,
            try_again,
            text,
        },
    ) = &refused[1]
    else {
        panic!("{refused:?}");
    };
    assert_eq!((*reason, *try_again), (DropReason::QueueFull, true));
    assert!(text.contains("1 messages"), "{text}");
}

#[test]
fn what_can_never_go_is_refused_for_good() {
    let mut rig = rig();
    submit(&mut rig, plain(1), &octets((1 << 20) + 1));
    let nowhere = Submission {
        endpoint: 2,
        ..plain(2)
    };
    submit(&mut rig, nowhere, b"x");
    for (number, receipt) in receipts(&mut rig) {
        let Receipt::Refused { try_again, .. } = receipt else {
            panic!("{number}: {receipt:?}");
        };
        assert!(!try_again);
    }
    rig.assert_idle();
}

#[test]
fn the_time_to_live_of_a_submission_goes_before_its_ports() {
    let mut rig = rig();
    let mortal = Submission {
        ttl: Some(Duration::from_millis(10)),
        ..plain(1)
    };
    submit(&mut rig, mortal, b"x");
    rig.pass(Duration::from_millis(10));
    let expected = [(1, Receipt::Queued), (1, Receipt::Expired)];
    assert_eq!(receipts(&mut rig), expected);
    rig.assert_idle();
}

#[test]
fn a_write_that_fails_and_a_stop_are_told() {
    let mut rig = rig();
    submit(&mut rig, plain(1), b"1");
    submit(&mut rig, listening(2), b"2");
    submit(&mut rig, plain(3), b"3");
    receipts(&mut rig);
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.end_write(End::Satellite, 0, Err("no".to_string()));
    rig.transmit(End::Satellite).unwrap();
    rig.on(End::Satellite, |link, _| link.handle_shutdown());
    let expected = [
        (1, Receipt::Dropped(DropReason::WriteFailed)),
        (2, Receipt::Sent),
        (3, Receipt::Dropped(DropReason::Shutdown)),
        (2, Receipt::NotHeard),
    ];
    assert_eq!(receipts(&mut rig), expected);
}

// Reception reports.

/// Everything that waits goes both ways, over and over, for so many periods.
fn run(rig: &mut Rig, periods: u32) {
    for _ in 0..periods {
        rig.carry_down();
        rig.carry_up();
        rig.pass(REPORT_PERIOD);
    }
}

#[test]
fn what_the_ground_heard_whole_is_told_and_what_it_did_not_is_too() {
    let mut rig = rig();
    for number in 0..5 {
        submit(&mut rig, listening(number), &octets(600));
    }
    let mut packets = rig.transmit_all(End::Satellite);
    // One packet of the third is lost.
    packets.remove(7);
    rig.hear_all(End::Ground, packets);
    receipts(&mut rig);
    run(&mut rig, 4);
    let heard = |number| (number, Receipt::Heard);
    assert_eq!(receipts(&mut rig), [0, 1, 3, 4].map(heard));
    rig.pass(HEARD_WITHIN);
    assert_eq!(receipts(&mut rig), [(2, Receipt::NotHeard)]);
    rig.assert_idle();
}

#[test]
fn a_report_that_is_lost_hides_nothing() {
    let mut rig = rig();
    submit(&mut rig, listening(1), b"x");
    rig.carry_down();
    receipts(&mut rig);
    rig.pass(Duration::ZERO);
    assert_eq!(rig.transmit_all(End::Ground).len(), 1, "a report, and lost");
    rig.pass(REPORT_PERIOD);
    rig.carry_up();
    assert_eq!(receipts(&mut rig), [(1, Receipt::Heard)]);
    run(&mut rig, 3);
    rig.assert_idle();
}

#[test]
fn reports_are_as_rare_as_configured_and_cease_when_nothing_comes() {
    let mut rig = rig();
    let mut reports = 0;
    for round in 0..100 {
        if round < 50 {
            rig.app_sends(0, b"beacon");
            rig.carry_down();
        }
        rig.pass(REPORT_PERIOD / 10);
        reports += rig.carry_up();
    }
    // 50 rounds are 5 periods, and the last is in three reports.
    assert!((5..=9).contains(&reports), "{reports}");
    rig.assert_idle();
}

#[test]
fn answers_alone_make_no_report() {
    let mut rig = rig();
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.service_answers(b"answer");
    rig.carry_down();
    rig.pass(REPORT_PERIOD * 2);
    assert_eq!(rig.carry_up(), 0);
}

#[test]
fn a_report_survives_the_count_that_goes_round() {
    let mut rig = rig();
    for number in 0..0x4000 + 50 {
        let submission = match number % 0x1000 {
            0 => listening(number),
            _ => plain(number),
        };
        submit(&mut rig, submission, b"x");
        rig.carry_down();
        if number % 50 == 49 {
            run(&mut rig, 1);
        }
    }
    run(&mut rig, 3);
    let heard: Vec<u64> = receipts(&mut rig)
        .into_iter()
        .filter(|(_, receipt)| *receipt == Receipt::Heard)
        .map(|(number, _)| number)
        .collect();
    assert_eq!(heard, [0, 0x1000, 0x2000, 0x3000, 0x4000]);
}

#[test]
fn a_message_with_the_same_count_as_a_lost_one_is_not_taken_for_it() {
    let mut rig = rig();
    submit(&mut rig, listening(1), b"lost");
    for _ in 0..0x4000 - 1 {
        rig.transmit(End::Satellite).unwrap();
        rig.app_sends(0, b"lost");
    }
    rig.transmit(End::Satellite).unwrap();
    rig.app_sends(0, b"heard, with count 0 again");
    rig.carry_down();
    assert_eq!(rig.heard.len(), 1);
    receipts(&mut rig);
    run(&mut rig, 4);
    assert_eq!(receipts(&mut rig), []);
}

#[test]
fn what_an_earlier_life_of_the_satellite_sent_is_not_taken_for_what_this_one_sends() {
    let mut rig = rig();
    for _ in 0..10 {
        rig.app_sends(0, b"x");
    }
    rig.carry_down();
    // The satellite begins anew; its first packets come, its third is lost.
    rig.restart_satellite();
    for number in 0..3 {
        submit(&mut rig, listening(number), b"x");
    }
    let mut packets = rig.transmit_all(End::Satellite);
    packets.pop();
    rig.hear_all(End::Ground, packets);
    receipts(&mut rig);
    run(&mut rig, 4);
    assert_eq!(
        receipts(&mut rig),
        [(0, Receipt::Heard), (1, Receipt::Heard)]
    );
    rig.pass(HEARD_WITHIN);
    assert_eq!(receipts(&mut rig), [(2, Receipt::NotHeard)]);
}

#[test]
fn a_report_that_makes_no_sense_is_counted() {
    use comms_service::message::PayloadType;
    use comms_service::packet::SpacePacketFormat;

    let mut rig = rig();
    let ground = SpacePacketFormat::new(End::Ground);
    let head = crate::rig::head(PayloadType::LinkControl, 0, 0);
    let packets = crate::rig::segments(&ground, head, &[3, 1, 2], 0);
    rig.hear_all(End::Satellite, packets);
    let dropped = crate::rig::dropped(&rig.satellite().messages_in);
    assert_eq!(dropped, [(DropReason::LinkControlInvalid, 1)]);
}
