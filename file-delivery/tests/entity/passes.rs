//! Files over a link that comes and goes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use file_delivery::entity::EntityConfig;
use file_delivery::pdu::{Header, KeepAlive, Pdu, TransmissionMode};

use crate::rig::{GROUND, LONG, PDU_TIME, Rig, SATELLITE, id};

const BYTES: usize = 3_000;
/// Longer than all timers and their limits together.
const NIGHT: Duration = Duration::from_secs(10 * 60 * 60);

#[test]
fn contact_may_end_at_any_pdu() {
    let all = {
        let mut rig = Rig::new();
        let transaction = rig.send_up(BYTES);
        rig.run_to_the_end(transaction);
        rig.passed
    };
    for number in 0..=all {
        let mut rig = Rig::new();
        let transaction = rig.send_up(BYTES);
        rig.run_until(LONG, |rig| rig.passed >= number);
        rig.set_contact(false);
        rig.run_for(NIGHT);
        assert!(rig.passed <= number + 2, "sent while there is no contact");
        rig.set_contact(true);
        let outcomes = rig.run_to_the_end(transaction);
        assert!(
            outcomes.iter().all(|outcome| outcome.is_success()),
            "LOS at {number}: {outcomes:?}"
        );
        rig.assert_arrived("up.bin", BYTES);
        for side in &rig.sides {
            assert_eq!(side.faults(), Vec::<&_>::new(), "LOS at {number}");
        }
    }
}

#[test]
fn what_was_not_acknowledged_goes_again_as_soon_as_contact_begins() {
    let mut rig = Rig::new();
    rig.lose(|passing| matches!(passing.pdu, Pdu::Ack(_)));
    let transaction = rig.send_up(BYTES);
    rig.run_until(LONG, |rig| rig.outcome(SATELLITE, transaction).is_some());
    for side in [GROUND, SATELLITE] {
        rig.set_contact(false);
        rig.run_for(NIGHT);
        let before = rig.left.len();
        rig.set_contact(true);
        rig.run_for(2 * PDU_TIME);
        let left = &rig.left[before..];
        let to = 1 - side;
        assert!(
            left.iter().any(|(other, _)| *other == to),
            "{side} was silent"
        );
    }
}

#[test]
fn a_file_arrives_through_many_short_passes() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(50_000);
    for _ in 0..200 {
        rig.set_contact(true);
        rig.run_for(30 * PDU_TIME + Duration::from_millis(600));
        rig.set_contact(false);
        rig.run_for(NIGHT);
        if rig.outcome(GROUND, transaction).is_some() {
            break;
        }
    }
    rig.set_contact(true);
    let outcomes = rig.run_to_the_end(transaction);
    assert!(
        outcomes.iter().all(|outcome| outcome.is_success()),
        "{outcomes:?}"
    );
    rig.assert_arrived("up.bin", 50_000);
}

#[test]
fn a_peer_that_is_silent_for_days_in_contact_does_not_end_a_transaction() {
    let mut rig = Rig::new();
    rig.lose(|passing| passing.from == SATELLITE);
    let transaction = rig.send_up(BYTES);
    rig.run_for(5 * LONG);
    assert_eq!(rig.outcome(GROUND, transaction), None);
    // Nobody says that contact was away: it tries again by itself, now and then.
    rig.lose(|_| false);
    let outcomes = rig.run_to_the_end(transaction);
    assert!(
        outcomes.iter().all(|outcome| outcome.is_success()),
        "{outcomes:?}"
    );
}

// yamcs#956, yamcs#1153: a transfer that was suspended while EOF was on its way was stuck.
#[test]
fn a_transaction_may_be_suspended_and_resumed_around_any_pdu_at_either_end() {
    for suspended in [GROUND, SATELLITE] {
        for number in 1..26 {
            let mut rig = Rig::new();
            let transaction = rig.send_up(BYTES);
            rig.run_until(LONG, |rig| rig.passed >= number);
            let now = rig.now;
            let entity = &mut rig.sides[suspended].entity;
            if entity.suspend(now, transaction).is_err() {
                // It has not begun there yet, or is over.
                continue;
            }
            rig.set_contact(false);
            rig.run_for(NIGHT);
            rig.set_contact(true);
            rig.run_for(NIGHT);
            let now = rig.now;
            let entity = &mut rig.sides[suspended].entity;
            let _ = entity.resume(now, transaction);
            let outcomes = rig.run_to_the_end(transaction);
            assert!(
                outcomes.iter().all(|outcome| outcome.is_success()),
                "{suspended} at {number}: {outcomes:?}"
            );
            rig.assert_arrived("up.bin", BYTES);
        }
    }
}

// Retries that were answered counted on, until the transaction rested.
#[test]
fn retries_count_anew_when_the_other_end_is_heard() {
    let mut rig = Rig::with(|_, peer| peer.ack_limit = 3);
    let eofs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&eofs);
    rig.lose(move |passing| {
        counter.set(counter.get() + u32::from(matches!(passing.pdu, Pdu::Eof(_))));
        true
    });
    let transaction = rig.send_up(BYTES);
    assert!(rig.run_until(LONG, |_| eofs.get() == 3), "EOF goes again");
    let header = Header {
        mode: TransmissionMode::Acknowledged,
        crc: false,
        large_file: false,
        widths: EntityConfig::new(id(GROUND)).widths,
        transaction,
        destination: id(SATELLITE),
    };
    let mut heard = Vec::new();
    let keep_alive = Pdu::KeepAlive(KeepAlive { progress: 0 });
    Pdu::build(&header, &keep_alive, &mut heard).unwrap();
    rig.inject(GROUND, &heard);
    // Two before it was heard, and three after that.
    assert!(rig.run_until(LONG, |_| eofs.get() == 6), "EOF goes again");
    assert_eq!(rig.sides[GROUND].faults(), Vec::<&_>::new());
}
