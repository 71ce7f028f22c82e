//! One end asks the other about transactions there, and to suspend and resume them.

use std::time::Duration;

use file_delivery::entity::{Event, PutRequest, TransactionReport};
use file_delivery::pdu::{EntityId, TransactionId, TransactionSeq, TransactionStatus};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

const BYTES: usize = 30_000;

/// The satellite sends a file down, of which much is left.
fn send_down(rig: &mut Rig) -> TransactionId {
    let file = name("image.bin");
    rig.sides[SATELLITE].disk.put(&file, &content(BYTES));
    let (now, put) = (rig.now, PutRequest::file(id(GROUND), file.clone(), file));
    let transaction = rig.sides[SATELLITE].entity.put(now, &put);
    transaction.expect("a transaction begins")
}

fn report(rig: &Rig, side: usize, of: TransactionId) -> Option<TransactionReport> {
    let mut reports = rig.sides[side].entity.transactions();
    reports.find(|report| report.transaction == of)
}

/// Runs until the satellite has answered so often; whether it is suspended there, and
/// how it stands.
#[track_caller]
fn suspension(rig: &mut Rig, count: usize) -> (bool, TransactionStatus) {
    let told = |rig: &Rig| -> Vec<(bool, TransactionStatus)> {
        let events = rig.sides[GROUND].events.iter();
        events
            .filter_map(|event| match event {
                Event::RemoteSuspension {
                    entity,
                    is_suspended,
                    status,
                    ..
                } if *entity == id(SATELLITE) => Some((*is_suspended, *status)),
                _ => None,
            })
            .collect()
    };
    assert!(rig.run_until(LONG, |rig| told(rig).len() == count));
    told(rig)[count - 1]
}

#[test]
fn a_transaction_is_suspended_and_resumed_from_the_other_end() {
    let mut rig = Rig::new();
    let transaction = send_down(&mut rig);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .remote_suspend(now, id(SATELLITE), transaction)
        .unwrap();
    let told = suspension(&mut rig, 1);
    assert_eq!(told, (true, TransactionStatus::Active));
    assert!(report(&rig, SATELLITE, transaction).is_some_and(|report| report.is_suspended));
    rig.run_for(Duration::from_secs(1));
    let octets = rig.data_octets;
    rig.run_for(Duration::from_secs(100));
    assert_eq!(rig.data_octets, octets);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .remote_resume(now, id(SATELLITE), transaction)
        .unwrap();
    let told = suspension(&mut rig, 2);
    assert_eq!(told, (false, TransactionStatus::Active));
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let file = rig.sides[GROUND].disk.file(&name("image.bin"));
    assert!(file == Some(content(BYTES)));
}

#[test]
fn a_suspension_that_was_asked_for_outlasts_a_power_cut() {
    let mut rig = Rig::new();
    let transaction = send_down(&mut rig);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .remote_suspend(now, id(SATELLITE), transaction)
        .unwrap();
    suspension(&mut rig, 1);
    let now = rig.now;
    rig.sides[SATELLITE].cut(now);
    assert!(report(&rig, SATELLITE, transaction).is_some_and(|report| report.is_suspended));
}

#[test]
fn a_transaction_that_nobody_knows_or_that_is_over_is_answered_as_such() {
    let mut rig = Rig::new();
    let unknown = TransactionId {
        source: id(GROUND),
        number: TransactionSeq(1_000),
    };
    let over = rig.send_up(100);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let expected = [
        (unknown, TransactionStatus::Unrecognized),
        (over, TransactionStatus::Terminated),
    ];
    for (count, (transaction, status)) in expected.into_iter().enumerate() {
        let now = rig.now;
        let ground = &mut rig.sides[GROUND].entity;
        ground
            .remote_suspend(now, id(SATELLITE), transaction)
            .unwrap();
        assert_eq!(suspension(&mut rig, count + 1), (false, status));
    }
}

#[test]
fn who_may_not_ask_suspends_nothing() {
    let mut rig = Rig::with(|_, peer| peer.may_ask = false);
    let transaction = send_down(&mut rig);
    let now = rig.now;
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .remote_suspend(now, id(SATELLITE), transaction)
        .unwrap();
    let told = suspension(&mut rig, 1);
    assert_eq!(told, (false, TransactionStatus::Undefined));
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    assert!(rig.outcome(SATELLITE, transaction).is_some());
}

#[test]
fn a_transaction_with_another_entity_is_not_suspended() {
    let mut rig = Rig::new();
    let mut other = file_delivery::entity::Peer::new(EntityId(50));
    other.pdu_bytes_max = 300;
    rig.sides[SATELLITE].entity.set_peer(other);
    let file = name("image.bin");
    rig.sides[SATELLITE].disk.put(&file, &content(100));
    let (now, put) = (
        rig.now,
        PutRequest::file(EntityId(50), file.clone(), file.clone()),
    );
    let transaction = rig.sides[SATELLITE].entity.put(now, &put).unwrap();
    let ground = &mut rig.sides[GROUND].entity;
    ground
        .remote_suspend(now, id(SATELLITE), transaction)
        .unwrap();
    let told = suspension(&mut rig, 1);
    assert_eq!(told, (false, TransactionStatus::Unrecognized));
    assert!(report(&rig, SATELLITE, transaction).is_some_and(|report| !report.is_suspended));
}

/// What is told of a transaction, once it is.
#[track_caller]
fn status(rig: &mut Rig, file: Option<&str>, of: TransactionId) -> (TransactionStatus, bool) {
    let now = rig.now;
    let file = file.map(name);
    let ground = &mut rig.sides[GROUND].entity;
    let asked = ground.remote_status(now, id(SATELLITE), of, file.as_ref());
    asked.expect("the request begins");
    let told = |rig: &Rig| {
        rig.sides[GROUND]
            .events
            .iter()
            .find_map(|event| match event {
                Event::RemoteStatus {
                    transaction,
                    status,
                    report,
                    ..
                } if *transaction == of => Some((*status, report.is_some())),
                _ => None,
            })
    };
    assert!(rig.run_until(LONG, |rig| told(rig).is_some()));
    told(rig).expect("it was told")
}

#[test]
fn how_a_transaction_stands_comes_as_a_file() {
    let mut rig = Rig::new();
    let transaction = send_down(&mut rig);
    let told = status(&mut rig, Some("report.txt"), transaction);
    assert_eq!(told, (TransactionStatus::Active, true));
    let report = rig.sides[GROUND].disk.file(&name("report.txt"));
    let report = String::from_utf8(report.expect("the report")).expect("text");
    assert!(report.contains("role: sender\n"), "{report}");
    assert!(report.contains("size: 30000\n"), "{report}");
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    assert_eq!(rig.reports(), [""; 0]);
}

#[test]
fn how_a_transaction_stands_may_be_asked_without_a_file() {
    let mut rig = Rig::new();
    let transaction = send_down(&mut rig);
    let told = status(&mut rig, None, transaction);
    assert_eq!(told, (TransactionStatus::Active, false));
    let over = rig.send_up(10);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let told = status(&mut rig, Some("report.txt"), over);
    assert_eq!(told, (TransactionStatus::Terminated, false));
}
