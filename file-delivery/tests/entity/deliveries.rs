//! Files over a link that loses nothing.

use file_delivery::ChecksumType;
use file_delivery::entity::{PutRequest, Role};
use file_delivery::pdu::{DeliveryCode, FileStatus, TransmissionMode};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

#[test]
fn a_file_arrives_as_it_is() {
    for bytes in [0, 1, 199, 5_000, 200_000] {
        let mut rig = Rig::new();
        let transaction = rig.send_up(bytes);
        let [ground, satellite] = rig.run_to_the_end(transaction);
        assert!(ground.is_success() && satellite.is_success(), "{bytes}");
        assert_eq!(ground.file_status, FileStatus::Retained);
        rig.assert_arrived("up.bin", bytes);
        assert_eq!(rig.data_octets, bytes as u64);
        rig.assert_counts_add_up();
    }
}

#[test]
fn a_file_arrives_under_each_checksum() {
    for checksum in [
        ChecksumType::MODULAR,
        ChecksumType::CRC_32C,
        ChecksumType::CRC_32,
        ChecksumType::NULL,
    ] {
        let mut rig = Rig::with(|_, peer| peer.checksum_type = checksum);
        let transaction = rig.send_up(3_333);
        let [ground, _] = rig.run_to_the_end(transaction);
        assert!(ground.is_success(), "{checksum}");
        rig.assert_arrived("up.bin", 3_333);
    }
}

#[test]
fn nothing_more_is_sent_once_both_ends_know_how_it_ended() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(5_000);
    rig.run_to_the_end(transaction);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let passed = rig.passed;
    rig.run_for(LONG);
    assert_eq!(rig.passed, passed);
    assert_eq!(rig.sides[SATELLITE].finished(Role::Receiver), 1);
}

#[test]
fn an_unacknowledged_file_arrives_and_its_sender_does_not_call_that_a_success() {
    let mut rig = Rig::new();
    let file = name("beacon.bin");
    rig.sides[GROUND].disk.put(&file, &content(4_000));
    let transaction = rig.put(PutRequest {
        mode: TransmissionMode::Unacknowledged,
        ..PutRequest::file(id(SATELLITE), file.clone(), file)
    });
    let [ground, satellite] = rig.run_to_the_end(transaction);
    assert!(satellite.is_success());
    assert_eq!(ground.delivery, DeliveryCode::Incomplete);
    assert_eq!(ground.file_status, FileStatus::Unreported);
    rig.assert_arrived("beacon.bin", 4_000);
}

#[test]
fn an_unacknowledged_file_with_closure_ends_as_its_receiver_says() {
    let mut rig = Rig::new();
    let file = name("beacon.bin");
    rig.sides[GROUND].disk.put(&file, &content(4_000));
    let transaction = rig.put(PutRequest {
        mode: TransmissionMode::Unacknowledged,
        closure_requested: true,
        ..PutRequest::file(id(SATELLITE), file.clone(), file)
    });
    let [ground, _] = rig.run_to_the_end(transaction);
    assert!(ground.is_success());
}

// fprime#2458: the old tail stayed, without an error.
#[test]
fn a_longer_file_of_the_same_name_leaves_no_tail() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE].disk.put(&name("up.bin"), &[7; 9_999]);
    let transaction = rig.send_up(100);
    rig.run_to_the_end(transaction);
    rig.assert_arrived("up.bin", 100);
}

#[test]
fn the_file_of_the_higher_priority_is_there_first() {
    let mut rig = Rig::new();
    let files = [("bulk.bin", 0), ("urgent.bin", 9)];
    let transactions = files.map(|(file, priority)| {
        let file = name(file);
        rig.sides[GROUND].disk.put(&file, &content(20_000));
        rig.put(PutRequest {
            priority,
            ..PutRequest::file(id(SATELLITE), file.clone(), file)
        })
    });
    rig.run_until(LONG, |rig| {
        rig.outcome(SATELLITE, transactions[1]).is_some()
    });
    assert_eq!(rig.outcome(SATELLITE, transactions[0]), None);
    let [bulk, _] = rig.run_to_the_end(transactions[0]);
    assert!(bulk.is_success());
}

#[test]
fn after_a_power_cut_a_sender_knows_whether_what_it_sent_arrived() {
    let mut rig = Rig::new();
    let arrived = rig.send_up(100);
    rig.run_to_the_end(arrived);
    let file = name("beacon.bin");
    rig.sides[GROUND].disk.put(&file, &content(100));
    let not_known = rig.put(PutRequest {
        mode: TransmissionMode::Unacknowledged,
        ..PutRequest::file(id(SATELLITE), file.clone(), file)
    });
    rig.run_to_the_end(not_known);
    let now = rig.now;
    rig.sides[GROUND].cut(now);
    let ground = &rig.sides[GROUND].entity;
    assert_eq!(ground.arrived(arrived), Some(true));
    assert_eq!(ground.arrived(not_known), Some(false));
    assert_eq!(rig.sides[SATELLITE].entity.arrived(arrived), None);
}

#[test]
fn a_number_is_never_given_twice_across_restarts() {
    let mut rig = Rig::new();
    let mut numbers = Vec::new();
    for _ in 0..5 {
        let transaction = rig.send_up(100);
        numbers.push(transaction.number);
        rig.run_to_the_end(transaction);
        let now = rig.now;
        rig.sides[GROUND].cut(now);
    }
    let mut different = numbers.clone();
    different.dedup();
    assert_eq!(different, numbers);
}
