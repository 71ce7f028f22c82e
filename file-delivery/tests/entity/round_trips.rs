//! What is lost goes again as soon as an answer would have come, not after a time that suits
//! the slowest link.

use std::cell::Cell;
use std::time::{Duration, Instant};

use file_delivery::pdu::Pdu;

use crate::rig::{GROUND, LONG, Rig, SATELLITE};

const BYTES: usize = 20_000;
/// Much longer than the way there and back.
const GUESS: Duration = Duration::from_secs(8);

/// A file one PDU of which is lost, and the first list that asks for it: how long it takes.
fn time_with_a_lost_list(rig: &mut Rig) -> Duration {
    let (data, lists) = (Cell::new(0), Cell::new(0));
    rig.lose(move |passing| match passing.pdu {
        Pdu::FileData(_) => data.replace(data.get() + 1) == 3,
        Pdu::Nak(_) => lists.replace(lists.get() + 1) == 0,
        _ => false,
    });
    time_of_a_file(rig)
}

fn time_of_a_file(rig: &mut Rig) -> Duration {
    let began: Instant = rig.now;
    let transaction = rig.send_up(BYTES);
    rig.run_until(LONG, |rig| rig.outcome(SATELLITE, transaction).is_some());
    let took = rig.now - began;
    rig.assert_arrived("up.bin", BYTES);
    rig.run_to_the_end(transaction);
    took
}

#[test]
fn what_one_transaction_measured_the_next_one_with_the_same_end_knows() {
    let mut rig = Rig::with(|_, peer| peer.round_trip_guess = GUESS);
    assert!(time_with_a_lost_list(&mut rig) >= GUESS);
    assert!(time_with_a_lost_list(&mut rig) < GUESS / 2);
}

#[test]
fn a_transaction_without_loss_measures_the_way_too() {
    let mut rig = Rig::with(|_, peer| peer.round_trip_guess = GUESS);
    time_of_a_file(&mut rig);
    assert!(time_with_a_lost_list(&mut rig) < GUESS / 2);
}

#[test]
fn file_data_that_ceases_to_come_without_eof_is_asked_for_and_eof_comes_again() {
    let mut rig = Rig::with(|_, peer| peer.ack_timeout = LONG / 2);
    let without_loss = time_of_a_file(&mut rig);
    let (data, ends) = (Cell::new(0), Cell::new(0));
    rig.lose(move |passing| match passing.pdu {
        Pdu::FileData(_) => data.replace(data.get() + 1) == 3,
        Pdu::Eof(_) => passing.from == GROUND && ends.replace(ends.get() + 1) == 0,
        _ => false,
    });
    assert!(time_of_a_file(&mut rig) < without_loss + Duration::from_secs(2));
}
