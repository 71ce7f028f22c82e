//! Files over a link that loses PDUs.

use file_delivery::entity::PutRequest;
use file_delivery::pdu::{Acknowledged, ConditionCode, DeliveryCode, Pdu, TransmissionMode};

use crate::rig::{GROUND, Passing, Rig, SATELLITE, content, id, name};

const BYTES: usize = 1_000;

/// Runs one transfer in which these PDUs are lost.
fn losing(numbers: &[usize]) -> Rig {
    let mut rig = Rig::new();
    let numbers = numbers.to_vec();
    let asked = numbers.clone();
    rig.lose(move |passing| numbers.contains(&passing.number));
    let transaction = rig.send_up(BYTES);
    let outcomes = rig.run_to_the_end(transaction);
    assert!(
        outcomes.iter().all(|outcome| outcome.is_success()),
        "lost {asked:?}: {outcomes:?}"
    );
    rig.assert_arrived("up.bin", BYTES);
    rig.assert_counts_add_up();
    rig
}

#[test]
fn the_loss_of_any_one_pdu_changes_no_verdict() {
    let all = losing(&[]).passed;
    for number in 0..all + 2 {
        losing(&[number]);
    }
}

#[test]
fn the_loss_of_any_two_pdus_changes_no_verdict() {
    let all = losing(&[]).passed;
    for first in 0..all + 4 {
        for second in first + 1..all + 6 {
            losing(&[first, second]);
        }
    }
}

fn kind(pdu: &Pdu<'_>) -> &'static str {
    match pdu {
        Pdu::Metadata(_) => "metadata",
        Pdu::FileData(_) => "file data",
        Pdu::Eof(_) => "eof",
        Pdu::Finished(_) => "finished",
        Pdu::Nak(_) => "nak",
        Pdu::Ack(ack) if ack.of == Acknowledged::Eof => "ack of eof",
        Pdu::Ack(_) => "ack of finished",
        _ => "other",
    }
}

#[test]
fn the_loss_of_the_first_two_of_each_kind_and_of_each_pair_of_kinds_changes_no_verdict() {
    const KINDS: [&str; 7] = [
        "metadata",
        "file data",
        "eof",
        "finished",
        "nak",
        "ack of eof",
        "ack of finished",
    ];
    for first in KINDS {
        for second in KINDS {
            let mut rig = Rig::new();
            let mut left = [2, 2, 1];
            rig.lose(move |passing: &Passing<'_>| {
                let kinds = [first, second, "file data"];
                let lost = kinds.iter().position(|lost| *lost == kind(&passing.pdu));
                let left = lost.and_then(|lost| left.get_mut(lost));
                left.is_some_and(|left: &mut i32| {
                    *left -= 1;
                    *left >= 0
                })
            });
            let transaction = rig.send_up(BYTES);
            let outcomes = rig.run_to_the_end(transaction);
            assert!(
                outcomes.iter().all(|outcome| outcome.is_success()),
                "lost {first} and {second}: {outcomes:?}"
            );
            rig.assert_arrived("up.bin", BYTES);
        }
    }
}

#[test]
fn a_file_arrives_through_any_random_loss() {
    for (seed, percent) in (0..40).zip([1, 5, 20, 50].into_iter().cycle()) {
        let mut rig = Rig::new();
        let mut random = fastrand::Rng::with_seed(seed);
        rig.lose(move |_| random.u32(..100) < percent);
        let transaction = rig.send_up(30_000);
        let outcomes = rig.run_to_the_end(transaction);
        assert!(
            outcomes.iter().all(|outcome| outcome.is_success()),
            "seed {seed}, {percent} %: {outcomes:?}"
        );
        rig.assert_arrived("up.bin", 30_000);
        rig.assert_counts_add_up();
    }
}

#[test]
fn what_arrived_is_not_sent_again() {
    let mut rig = Rig::new();
    let mut random = fastrand::Rng::with_seed(1);
    let mut lost = 0;
    let counted = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = std::rc::Rc::clone(&counted);
    rig.lose(move |passing| {
        let is_lost = random.u32(..100) < 10;
        if let (true, Pdu::FileData(data)) = (is_lost, &passing.pdu) {
            lost += data.data.len() as u64;
            counter.set(lost);
        }
        is_lost
    });
    let transaction = rig.send_up(100_000);
    rig.run_to_the_end(transaction);
    assert_eq!(rig.data_octets, 100_000 + counted.get());
}

#[test]
fn an_unacknowledged_file_that_is_not_whole_ends_as_incomplete() {
    for number in 0..6 {
        let mut rig = Rig::new();
        rig.lose(move |passing| passing.number == number);
        let file = name("up.bin");
        rig.sides[GROUND].disk.put(&file, &content(600));
        let transaction = rig.put(PutRequest {
            mode: TransmissionMode::Unacknowledged,
            closure_requested: true,
            ..PutRequest::file(id(SATELLITE), file.clone(), file.clone())
        });
        rig.run_until(crate::rig::LONG, |rig| {
            rig.outcome(SATELLITE, transaction).is_some()
        });
        let there = rig.sides[SATELLITE].disk.file(&file);
        match rig.outcome(SATELLITE, transaction) {
            Some(outcome) if outcome.is_success() => assert_eq!(there, Some(content(600))),
            Some(outcome) => {
                assert_eq!(outcome.condition, ConditionCode::CheckLimitReached);
                assert_eq!(outcome.delivery, DeliveryCode::Incomplete);
                assert_eq!(there, None);
            }
            // EOF was lost: nobody says that it is over.
            None => assert_eq!(there, None),
        }
    }
}
