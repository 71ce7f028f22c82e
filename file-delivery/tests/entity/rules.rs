//! What an entity does about PDUs that break a rule, come again, or come too early.

use file_delivery::ChecksumType;
use file_delivery::entity::{Event, PduDropReason, PutRequest, Role};
use file_delivery::pdu::tlv::{FilestoreResponses, Lv, MetadataOptions};
use file_delivery::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, Eof, FileData, FileStatus, Finished, Header,
    Metadata, Pdu, TransactionId, TransactionSeq, TransactionStatus, TransmissionMode, Width,
    Widths,
};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

const NUMBER: u64 = 77;

/// Of a transaction that the test sends up by hand.
fn header(mode: TransmissionMode) -> Header {
    Header {
        mode,
        crc: false,
        large_file: false,
        widths: Widths {
            entity_id: Width::TWO,
            transaction_seq: Width::FOUR,
        },
        transaction: transaction(),
        destination: id(SATELLITE),
    }
}

fn transaction() -> TransactionId {
    TransactionId {
        source: id(GROUND),
        number: TransactionSeq(NUMBER),
    }
}

fn send(rig: &mut Rig, pdu: &Pdu<'_>) {
    let mut octets = Vec::new();
    Pdu::build(&header(TransmissionMode::Acknowledged), pdu, &mut octets).unwrap();
    rig.inject(SATELLITE, &octets);
}

fn metadata<'a>(name: &'a str, file_size: u64) -> Pdu<'a> {
    Pdu::Metadata(Metadata {
        closure_requested: false,
        checksum_type: ChecksumType::MODULAR,
        file_size,
        source_name: Lv::new(b"here").unwrap(),
        destination_name: Lv::new(name.as_bytes()).unwrap(),
        options: MetadataOptions::EMPTY,
    })
}

fn eof(file_size: u64, checksum: u32) -> Pdu<'static> {
    Pdu::Eof(Eof {
        condition: ConditionCode::NoError,
        checksum,
        file_size,
        fault_location: None,
    })
}

/// How the satellite says that the transaction ended.
#[track_caller]
fn condition(rig: &mut Rig) -> (ConditionCode, FileStatus) {
    rig.run_until(LONG, |rig| rig.outcome(SATELLITE, transaction()).is_some());
    let outcome = rig.outcome(SATELLITE, transaction()).expect("it ended");
    (outcome.condition, outcome.file_status)
}

#[test]
fn octets_that_are_not_those_of_the_sender_are_not_delivered() {
    let mut rig = Rig::new();
    send(&mut rig, &metadata("up.bin", 4));
    send(&mut rig, &Pdu::FileData(FileData::new(0, &[1, 2, 3, 4])));
    send(&mut rig, &eof(4, 0x0102_0305));
    let ended = condition(&mut rig);
    assert_eq!(ended.0, ConditionCode::FileChecksumFailure);
    assert_eq!(rig.sides[SATELLITE].disk.file(&name("up.bin")), None);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
}

// CF#520: 82 octets made a file of 4 GiB, and a success.
#[test]
fn octets_beyond_the_end_of_the_file_end_the_transaction() {
    for early in [true, false] {
        let mut rig = Rig::with(|config, _| config.file_bytes_max = 1_000_000);
        if early {
            send(&mut rig, &metadata("up.bin", 1_000));
        }
        send(
            &mut rig,
            &Pdu::FileData(FileData::new(0xFFFF_FF00, &[7; 50])),
        );
        send(&mut rig, &eof(1_000, 0));
        assert_eq!(condition(&mut rig).0, ConditionCode::FileSizeError);
        assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
    }
}

// cFS#1073: the other end chose any name it liked.
#[test]
fn a_name_that_leads_out_of_the_store_is_refused() {
    for bad in ["../up.bin", "/etc/passwd", "a/../../b", "a//b", "a\\b", "."] {
        let mut rig = Rig::new();
        send(&mut rig, &metadata(bad, 10));
        let ended = condition(&mut rig);
        let refused = (
            ConditionCode::FilestoreRejection,
            FileStatus::RejectedByFilestore,
        );
        assert_eq!(ended, refused, "{bad}");
    }
}

// CF#473: long names were cut, and files lost their name or another's.
#[test]
fn the_longest_name_arrives_whole() {
    let long = format!("{}/{}", "d".repeat(127), "f".repeat(127));
    let mut rig = Rig::with(|_, peer| peer.pdu_bytes_max = 600);
    let file = name("here.bin");
    rig.sides[GROUND].disk.put(&file, &content(100));
    let transaction = rig.put(PutRequest::file(id(SATELLITE), file, name(&long)));
    let [ground, _] = rig.run_to_the_end(transaction);
    assert!(ground.is_success());
    rig.assert_arrived(&long, 100);
}

#[test]
fn all_pdus_of_a_transaction_may_come_again_after_its_end_and_do_nothing() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(2_000);
    rig.run_to_the_end(transaction);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let there = name("up.bin");
    rig.sides[SATELLITE].disk.put(&there, b"changed since");
    for (to, octets) in rig.left.clone() {
        rig.inject(to, &octets);
    }
    rig.run_for(LONG);
    assert_eq!(rig.sides[SATELLITE].finished(Role::Receiver), 1);
    assert_eq!(rig.sides[GROUND].finished(Role::Sender), 1);
    assert_eq!(rig.reports(), [""; 0]);
    let octets = rig.sides[SATELLITE].disk.file(&there);
    assert_eq!(octets.as_deref(), Some(&b"changed since"[..]));
    let dropped = &rig.sides[SATELLITE].entity.counts().dropped;
    assert!(dropped.contains_key(&PduDropReason::Ended), "{dropped:?}");
    rig.assert_counts_add_up();
}

#[test]
fn they_may_even_after_a_power_cut() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(2_000);
    rig.run_to_the_end(transaction);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let now = rig.now;
    rig.sides[SATELLITE].cut(now);
    for (to, octets) in rig.left.clone() {
        rig.inject(to, &octets);
    }
    rig.run_for(LONG);
    assert_eq!(rig.reports(), [""; 0]);
    assert_eq!(rig.sides[SATELLITE].finished(Role::Receiver), 1);
}

#[test]
fn without_loss_a_transfer_is_as_short_as_it_can_be() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(1_000);
    rig.run_to_the_end(transaction);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    rig.run_for(LONG);
    // Metadata, five of file data, EOF and its ACK, Finished and its ACK.
    assert_eq!(rig.left.len(), 10);
}

#[test]
fn eof_waits_until_all_file_data_has_left_the_radio() {
    let mut rig = Rig::new();
    rig.send_up(300);
    let now = rig.now;
    let entity = &mut rig.sides[GROUND].entity;
    let mut out = Vec::new();
    let metadata = entity.poll_directive(now, &mut out).expect("Metadata");
    entity.handle_departed(now, metadata, true);
    let data: Vec<_> = std::iter::from_fn(|| entity.poll_data(now, &mut out)).collect();
    assert_eq!(data.len(), 2);
    for token in data {
        assert_eq!(entity.poll_directive(now, &mut out), None);
        entity.handle_departed(now, token, true);
    }
    assert!(entity.poll_directive(now, &mut out).is_some());
}

#[test]
fn file_data_that_the_radio_dropped_is_sent_again() {
    let mut rig = Rig::new();
    rig.send_up(100);
    let now = rig.now;
    let entity = &mut rig.sides[GROUND].entity;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    entity.poll_directive(now, &mut first);
    let token = entity.poll_data(now, &mut first).expect("file data");
    entity.handle_departed(now, token, false);
    entity.poll_data(now, &mut second).expect("the same again");
    assert_eq!(first, second);
}

#[test]
fn a_file_that_changed_before_it_was_sent_whole_is_not_mixed() {
    let mut rig = Rig::with(|config, _| config.sync_bytes = 500);
    let transaction = rig.send_up(10_000);
    rig.run_until(LONG, |rig| rig.passed > 20);
    rig.sides[GROUND]
        .disk
        .put(&name("up.bin"), &content(10_001));
    let now = rig.now;
    rig.sides[GROUND].cut(now);
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    let outcome = rig.outcome(GROUND, transaction).expect("it ended");
    assert_eq!(outcome.condition, ConditionCode::FilestoreRejection);
    assert_eq!(rig.sides[SATELLITE].disk.file(&name("up.bin")), None);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
}

#[test]
fn either_end_may_cancel_at_any_pdu_and_both_know() {
    for cancels in [GROUND, SATELLITE] {
        for number in 1..12 {
            let mut rig = Rig::new();
            let transaction = rig.send_up(1_000);
            rig.run_until(LONG, |rig| rig.passed >= number);
            let now = rig.now;
            let cancelled = rig.sides[cancels].entity.cancel(now, transaction);
            rig.run_until(LONG, |rig| rig.reports().is_empty());
            assert_eq!(rig.reports(), [""; 0], "{cancels} at {number}");
            assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
            let there = rig.sides[SATELLITE].disk.file(&name("up.bin"));
            let receiver = rig.outcome(SATELLITE, transaction);
            let arrived = receiver
                .as_ref()
                .is_some_and(|outcome| outcome.is_success());
            assert_eq!(there.is_some(), arrived, "{cancels} at {number}");
            if cancelled.is_ok() && cancels == SATELLITE && !arrived {
                let ground = rig.outcome(GROUND, transaction).expect("it ended");
                assert_eq!(ground.condition, ConditionCode::CancelRequestReceived);
            }
        }
    }
}

// The entity asked for its next PDU for ever.
#[test]
fn a_transaction_that_is_cancelled_before_its_first_pdu_ends() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(1_000);
    let now = rig.now;
    rig.sides[GROUND].entity.cancel(now, transaction).unwrap();
    // At once: there is nobody to tell, in contact or out of it.
    assert_eq!(rig.reports(), [""; 0]);
    let events = std::iter::from_fn(|| rig.sides[GROUND].entity.poll_event());
    let ends = events.filter(|event| match event {
        Event::Finished {
            transaction: of,
            outcome,
            ..
        } => *of == transaction && outcome.condition == ConditionCode::CancelRequestReceived,
        _ => false,
    });
    assert_eq!(ends.count(), 1);
}

#[test]
fn an_abandoned_transaction_leaves_nothing_here() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(20_000);
    rig.run_until(LONG, |rig| rig.passed >= 60);
    let now = rig.now;
    for side in &mut rig.sides {
        side.entity.abandon(now, transaction).expect("it is known");
    }
    assert_eq!(rig.reports(), [""; 0]);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
    rig.run_for(LONG);
    assert_eq!(rig.reports(), [""; 0]);
}

// It rested, and asked again at each AOS, for ever.
#[test]
fn a_receiver_whose_sender_knows_nothing_of_the_transaction_any_more_is_told_so() {
    // Where something is missing that can be asked for, and where nothing is but the end.
    for (abandons, lost) in [(true, 30), (false, 30), (true, 0), (false, 0)] {
        let mut rig = Rig::new();
        rig.lose(move |passing| passing.number == lost && lost > 0);
        let transaction = rig.send_up(20_000);
        rig.run_until(LONG, |rig| rig.passed >= 60);
        let now = rig.now;
        let ground = &mut rig.sides[GROUND];
        match abandons {
            true => ground
                .entity
                .abandon(now, transaction)
                .expect("it is known"),
            false => ground.forget(now),
        }
        rig.run_until(LONG, |rig| rig.outcome(SATELLITE, transaction).is_some());
        let outcome = rig.outcome(SATELLITE, transaction).expect("it is over");
        assert_eq!(outcome.condition, ConditionCode::CancelRequestReceived);
        rig.run_for(LONG);
        assert_eq!(rig.reports(), [""; 0]);
        assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
        rig.assert_counts_add_up();
    }
}

#[test]
fn more_transactions_than_there_may_be_are_refused_and_counted() {
    let mut rig = Rig::with(|config, _| config.transactions_max = 1);
    rig.send_up(5_000);
    rig.run_until(LONG, |rig| rig.passed >= 5);
    rig.run_for(std::time::Duration::from_millis(500));
    send(&mut rig, &metadata("other.bin", 10));
    let dropped = &rig.sides[SATELLITE].entity.counts().dropped;
    assert_eq!(dropped.get(&PduDropReason::TooManyTransactions), Some(&1));
    rig.assert_counts_add_up();
}

#[test]
fn a_store_without_room_refuses_a_file_before_its_first_octet() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE].disk.set_bytes_max(100);
    let transaction = rig.send_up(1_000);
    let [ground, satellite] = rig.run_to_the_end(transaction);
    assert_eq!(ground.condition, ConditionCode::FilestoreRejection);
    assert_eq!(satellite.condition, ConditionCode::FilestoreRejection);
    let events = &rig.sides[SATELLITE].events;
    let told = events
        .iter()
        .any(|event| matches!(event, Event::Fault { .. }));
    assert!(told, "{events:?}");
}

// Its EOF was acknowledged, though the journal knew nothing of it.
#[test]
fn a_file_that_cannot_be_made_durable_is_no_success_at_either_end() {
    for bytes in [1_000, 200_000] {
        let mut rig = Rig::new();
        let transaction = rig.send_up(bytes);
        rig.sides[SATELLITE].disk.fail_next_sync();
        let outcomes = rig.run_to_the_end(transaction);
        for outcome in outcomes {
            assert_eq!(outcome.condition, ConditionCode::FilestoreRejection);
        }
        assert_eq!(rig.sides[SATELLITE].disk.file(&name("up.bin")), None);
        assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
    }
}

// It kept its place and what it held for ever: nobody sends EOF again.
#[test]
fn an_unacknowledged_file_whose_eof_is_lost_ends_when_its_sender_is_silent() {
    let mut rig = Rig::new();
    rig.lose(|passing| matches!(passing.pdu, Pdu::Eof(_)));
    let file = name("beacon.bin");
    rig.sides[GROUND].disk.put(&file, &content(4_000));
    let transaction = rig.put(PutRequest {
        mode: TransmissionMode::Unacknowledged,
        ..PutRequest::file(id(SATELLITE), file.clone(), file)
    });
    let [_, satellite] = rig.run_to_the_end(transaction);
    assert_eq!(satellite.condition, ConditionCode::InactivityDetected);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
    assert_eq!(rig.reports(), [""; 0]);
}

/// The ground's transaction, as the satellite speaks of it to `destination`.
fn tell_ground(rig: &mut Rig, of: TransactionId, destination: u64, pdu: &Pdu<'_>) {
    let header = Header {
        transaction: of,
        destination: file_delivery::pdu::EntityId(destination),
        ..header(TransmissionMode::Acknowledged)
    };
    let mut octets = Vec::new();
    Pdu::build(&header, pdu, &mut octets).unwrap();
    rig.inject(GROUND, &octets);
}

#[test]
fn a_known_entity_that_has_no_part_in_a_transaction_does_not_end_it() {
    let mut rig = Rig::new();
    let other = file_delivery::entity::Peer::new(file_delivery::pdu::EntityId(9));
    rig.sides[GROUND].entity.set_peer(other);
    let transaction = rig.send_up(1_000);
    let finished = Pdu::Finished(Finished {
        condition: ConditionCode::NoError,
        delivery: DeliveryCode::Complete,
        file_status: FileStatus::Retained,
        responses: FilestoreResponses::EMPTY,
        fault_location: None,
    });
    tell_ground(&mut rig, transaction, 9, &finished);
    assert_eq!(rig.sides[GROUND].entity.transactions().count(), 1);
    let [ground, _] = rig.run_to_the_end(transaction);
    assert!(ground.is_success());
    rig.assert_arrived("up.bin", 1_000);
}

fn ack_of_eof(condition: ConditionCode, status: TransactionStatus) -> Pdu<'static> {
    Pdu::Ack(Ack {
        of: Acknowledged::Eof,
        condition,
        status,
    })
}

// The sender rested for ever, and asked again every ten minutes.
#[test]
fn a_sender_that_hears_that_all_is_over_at_the_receiver_ends_and_calls_it_no_success() {
    let mut rig = Rig::new();
    rig.lose(|_| true);
    let transaction = rig.send_up(1_000);
    rig.run_until(LONG, |rig| rig.passed > 8);
    let over = ack_of_eof(ConditionCode::NoError, TransactionStatus::Terminated);
    tell_ground(&mut rig, transaction, id(SATELLITE).0, &over);
    let outcome = rig.outcome(GROUND, transaction).expect("it ended");
    assert!(!outcome.is_success());
    assert_eq!(rig.sides[GROUND].entity.transactions().count(), 0);
}

#[test]
fn the_acknowledgement_of_an_earlier_eof_does_not_end_a_cancelled_transaction() {
    let mut rig = Rig::new();
    rig.lose(|_| true);
    let transaction = rig.send_up(1_000);
    rig.run_until(LONG, |rig| rig.passed > 8);
    let now = rig.now;
    rig.sides[GROUND].entity.cancel(now, transaction).unwrap();
    let earlier = ack_of_eof(ConditionCode::NoError, TransactionStatus::Active);
    tell_ground(&mut rig, transaction, id(SATELLITE).0, &earlier);
    assert_eq!(rig.sides[GROUND].entity.transactions().count(), 1);
}

// Its file went out in File Data PDUs of one octet.
#[test]
fn nothing_of_a_transaction_goes_out_until_its_other_end_is_among_the_peers() {
    let mut rig = Rig::new();
    let transaction = rig.send_up(1_000);
    let disk = rig.sides[GROUND].disk.clone();
    let config = file_delivery::entity::EntityConfig::new(id(GROUND));
    let now = rig.now;
    let (store, journal) = (disk.store(), disk.journal());
    let mut entity = file_delivery::entity::Entity::new(now, config, [], store, journal).unwrap();
    let mut out = Vec::new();
    assert_eq!(entity.poll_directive(now, &mut out), None);
    assert_eq!(entity.poll_data(now, &mut out), None);
    assert_eq!(
        entity.transactions().count(),
        1,
        "{transaction} is forgotten"
    );
    entity.set_peer(file_delivery::entity::Peer::new(id(SATELLITE)));
    assert!(entity.poll_directive(now, &mut out).is_some());
}
