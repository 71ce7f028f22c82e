//! What is done about faults, where a transaction itself says so.

use file_delivery::entity::PutRequest;
use file_delivery::pdu::{ConditionCode, FaultHandler, Pdu, TransactionId};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

fn send_up(rig: &mut Rig, handlers: &[(ConditionCode, FaultHandler)]) -> TransactionId {
    let file = name("up.bin");
    rig.sides[GROUND].disk.put(&file, &content(2_000));
    let mut request = PutRequest::file(id(SATELLITE), file.clone(), file);
    for (condition, handler) in handlers {
        request = request.with_fault_handler(*condition, *handler).unwrap();
    }
    rig.put(request)
}

#[test]
fn a_sender_does_about_a_fault_what_its_transaction_says() {
    let fault = ConditionCode::PositiveAckLimitReached;
    let mut rig = Rig::new();
    let transaction = send_up(&mut rig, &[(fault, FaultHandler::AbandonTransaction)]);
    rig.lose(|passing| passing.from == SATELLITE);
    rig.run_until(LONG, |rig| rig.outcome(GROUND, transaction).is_some());
    let outcome = rig.outcome(GROUND, transaction).expect("it ended");
    assert!(!outcome.is_success());
}

#[test]
fn so_it_does_after_a_power_cut() {
    let fault = ConditionCode::PositiveAckLimitReached;
    let mut rig = Rig::new();
    let transaction = send_up(&mut rig, &[(fault, FaultHandler::NoticeOfSuspension)]);
    rig.lose(|passing| passing.from == SATELLITE);
    let now = rig.now;
    rig.sides[GROUND].cut(now);
    let is_suspended = |rig: &Rig| {
        let mut reports = rig.sides[GROUND].entity.transactions();
        reports.any(|report| report.transaction == transaction && report.is_suspended)
    };
    assert!(rig.run_until(LONG, is_suspended));
}

#[test]
fn a_receiver_does_about_a_fault_what_the_transaction_says() {
    let fault = ConditionCode::InactivityDetected;
    let mut rig = Rig::new();
    let transaction = send_up(&mut rig, &[(fault, FaultHandler::NoticeOfCancellation)]);
    rig.lose(|passing| passing.from == GROUND && passing.number > 3);
    rig.run_until(LONG, |rig| rig.outcome(SATELLITE, transaction).is_some());
    let outcome = rig.outcome(SATELLITE, transaction).expect("it ended");
    assert_eq!(outcome.condition, fault);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
}

#[test]
fn of_two_handlers_of_a_fault_the_last_holds_and_of_other_faults_none() {
    let silent = ConditionCode::InactivityDetected;
    let mut rig = Rig::new();
    let transaction = send_up(
        &mut rig,
        &[
            (silent, FaultHandler::NoticeOfCancellation),
            (silent, FaultHandler::IgnoreError),
            (
                ConditionCode::NakLimitReached,
                FaultHandler::AbandonTransaction,
            ),
        ],
    );
    rig.lose(|passing| passing.from == GROUND && passing.number > 3);
    rig.run_for(LONG);
    assert_eq!(rig.outcome(SATELLITE, transaction), None);
    rig.lose(|_| false);
    rig.set_contact(false);
    rig.set_contact(true);
    let outcomes = rig.run_to_the_end(transaction);
    assert!(outcomes.iter().all(|outcome| outcome.is_success()));
}

// That it was over came to the journal with the next PDU only, if there was one.
#[test]
fn a_transaction_that_is_abandoned_for_want_of_its_file_is_over_after_a_power_cut() {
    let mut rig = Rig::with(|_, peer| {
        let handler = FaultHandler::AbandonTransaction;
        peer.faults.set(ConditionCode::FilestoreRejection, handler);
    });
    let transaction = send_up(&mut rig, &[]);
    rig.lose(|_| true);
    let now = rig.now;
    rig.sides[GROUND].disk.put(&name("up.bin"), b"another file");
    rig.sides[GROUND].cut(now);
    rig.run_until(LONG, |rig| rig.outcome(GROUND, transaction).is_some());
    let now = rig.now;
    rig.sides[GROUND].cut(now);
    assert_eq!(rig.reports(), [""; 0]);
    let metadata = rig.left.iter();
    let metadata = metadata.filter(|(_, octets)| {
        let parsed = Pdu::parse(octets);
        matches!(parsed, Ok((_, Pdu::Metadata(_))))
    });
    assert_eq!(metadata.count(), 1);
}
