//! A sender that wants to hear of the receiver.

use file_delivery::entity::{Event, PutRequest, RequestError};
use file_delivery::pdu::{Pdu, PromptResponse, TransmissionMode};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

const BYTES: usize = 20_000;

/// Octets that the satellite said it has.
fn progress(rig: &Rig) -> Option<u64> {
    let events = rig.sides[GROUND].events.iter();
    let mut told = events.filter_map(|event| match event {
        Event::Progress { octets, .. } => Some(*octets),
        _ => None,
    });
    told.next_back()
}

#[test]
fn a_receiver_that_is_prompted_says_how_far_it_is() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(BYTES);
    rig.run_until(LONG, |rig| rig.passed >= 50);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .prompt(now, transaction, PromptResponse::KeepAlive)
        .unwrap();
    assert!(rig.run_until(LONG, |rig| progress(rig).is_some()));
    let octets = progress(&rig).expect("it was told");
    assert!((5_000..BYTES as u64).contains(&octets), "{octets}");
    let outcomes = rig.run_to_the_end(transaction);
    assert!(outcomes.iter().all(|outcome| outcome.is_success()));
}

#[test]
fn a_receiver_that_is_prompted_asks_for_what_it_misses_before_the_end() {
    for prompts in [false, true] {
        let mut rig = Rig::new();
        rig.lose(|passing| (10..15).contains(&passing.number));
        let transaction = rig.send_up(BYTES);
        rig.run_until(LONG, |rig| rig.passed >= 30);
        let now = rig.now;
        if prompts {
            let ground = &mut rig.sides[GROUND].entity;
            ground
                .prompt(now, transaction, PromptResponse::Nak)
                .unwrap();
        }
        let outcomes = rig.run_to_the_end(transaction);
        assert!(outcomes.iter().all(|outcome| outcome.is_success()));
        rig.assert_arrived("up.bin", BYTES);
        let first = |is: fn(&Pdu<'_>) -> bool| {
            let mut left = rig.left.iter();
            left.position(|(_, octets)| Pdu::parse(octets).is_ok_and(|(_, pdu)| is(&pdu)))
        };
        let nak = first(|pdu| matches!(pdu, Pdu::Nak(_)));
        let eof = first(|pdu| matches!(pdu, Pdu::Eof(_)));
        assert_eq!(nak < eof, prompts);
    }
}

#[test]
fn a_receiver_that_misses_nothing_says_so_when_it_is_prompted() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(BYTES);
    rig.run_until(LONG, |rig| rig.passed >= 50);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .prompt(now, transaction, PromptResponse::Nak)
        .unwrap();
    let outcomes = rig.run_to_the_end(transaction);
    assert!(outcomes.iter().all(|outcome| outcome.is_success()));
    let naks = rig
        .left
        .iter()
        .filter_map(|(_, octets)| match Pdu::parse(octets) {
            Ok((_, Pdu::Nak(nak))) => Some(nak.requests.iter().count()),
            _ => None,
        });
    assert_eq!(naks.collect::<Vec<_>>(), [0]);
    assert_eq!(rig.data_octets, BYTES as u64);
}

#[test]
fn a_prompt_waits_until_the_receiver_can_know_the_transaction() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(BYTES);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .prompt(now, transaction, PromptResponse::KeepAlive)
        .unwrap();
    assert!(rig.run_until(LONG, |rig| progress(rig).is_some()));
    let (_, first) = &rig.left[0];
    assert!(matches!(Pdu::parse(first), Ok((_, Pdu::Metadata(_)))));
}

#[test]
fn a_prompt_that_the_radio_dropped_is_sent_again() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(BYTES);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let metadata = ground.poll_directive(now, &mut first).expect("Metadata");
    ground.handle_departed(now, metadata, true);
    ground
        .prompt(now, transaction, PromptResponse::KeepAlive)
        .unwrap();
    let token = ground.poll_directive(now, &mut first).expect("the prompt");
    assert_eq!(ground.poll_directive(now, &mut second), None);
    ground.handle_departed(now, token, false);
    ground.poll_directive(now, &mut second).expect("it again");
    assert_eq!(first, second);
    assert!(matches!(Pdu::parse(&first), Ok((_, Pdu::Prompt(_)))));
}

#[test]
fn only_the_sender_of_an_acknowledged_file_may_prompt() {
    let mut rig = Rig::new();
    let file = name("beacon.bin");
    rig.sides[GROUND].disk.put(&file, &content(BYTES));
    let transaction = rig.put(PutRequest {
        mode: TransmissionMode::Unacknowledged,
        ..PutRequest::file(id(SATELLITE), file.clone(), file)
    });
    let now = rig.now;
    let prompted = rig.sides[GROUND]
        .entity
        .prompt(now, transaction, PromptResponse::Nak);
    assert_eq!(prompted, Err(RequestError::NotAcknowledged(transaction)));
    let prompted = rig.sides[SATELLITE]
        .entity
        .prompt(now, transaction, PromptResponse::Nak);
    assert_eq!(prompted, Err(RequestError::UnknownTransaction(transaction)));
}
