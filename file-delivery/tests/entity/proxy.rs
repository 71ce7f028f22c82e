//! Files that one end asks the other for.

use std::collections::BTreeSet;
use std::time::Duration;

use file_delivery::entity::{Event, GetRequest, Outcome, PutRequest};
use file_delivery::pdu::tlv::{
    FaultHandlerOverride, FilestoreRequest, FilestoreStatus, Lv, MetadataOption, ProxyMessage,
    ReservedMessage,
};
use file_delivery::pdu::{
    ConditionCode, DeliveryCode, EntityId, FaultHandler, FileStatus, Pdu, TransactionId,
    TransmissionMode, Width, Widths,
};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

const BYTES: usize = 3_000;

fn get() -> GetRequest {
    GetRequest::new(id(SATELLITE), name("image.bin"), name("down/image.bin"))
}

/// The ground asks for a file that the satellite has.
fn ask(rig: &mut Rig) -> TransactionId {
    rig.sides[SATELLITE]
        .disk
        .put(&name("image.bin"), &content(BYTES));
    let now = rig.now;
    let asked = rig.sides[GROUND].entity.get(now, &get());
    asked.expect("the request begins")
}

/// The ground asks by messages of the test's own.
fn ask_by(rig: &mut Rig, messages: &[ProxyMessage<'_>]) -> TransactionId {
    let mut request = PutRequest::without_file(id(SATELLITE));
    for message in messages {
        let widths = Widths {
            entity_id: Width::TWO,
            transaction_seq: Width::FOUR,
        };
        let mut octets = Vec::new();
        let built = ReservedMessage::Proxy(*message).build(widths, &mut octets);
        built.expect("a message");
        request = request.with_message(&octets).expect("a message");
    }
    rig.put(request)
}

fn put_of<'a>(destination: EntityId, here: &'a str, there: &'a str) -> ProxyMessage<'a> {
    ProxyMessage::PutRequest {
        destination,
        source_name: Lv::new(here.as_bytes()).unwrap(),
        destination_name: Lv::new(there.as_bytes()).unwrap(),
    }
}

/// How the other end says that it ended, each time it said so.
fn answers(rig: &Rig, asked: TransactionId) -> Vec<Outcome> {
    let events = rig.sides[GROUND].events.iter();
    events
        .filter_map(|event| match event {
            Event::ProxyFinished { request, outcome } if *request == asked => Some(outcome.clone()),
            _ => None,
        })
        .collect()
}

/// Runs until nothing is under way, and gives the only answer.
#[track_caller]
fn answer(rig: &mut Rig, asked: TransactionId) -> Outcome {
    run_out(rig);
    let answers = answers(rig, asked);
    let [answer] = answers.as_slice() else {
        panic!("{answers:?}, {:?}", rig.sides[SATELLITE].events);
    };
    answer.clone()
}

#[track_caller]
fn run_out(rig: &mut Rig) {
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    assert_eq!(rig.reports(), [""; 0]);
}

/// The transactions that an end began, as their Metadata PDUs that left tell: each has
/// a file or not.
fn begun(rig: &Rig, side: usize) -> BTreeSet<(TransactionId, bool)> {
    let left = rig.left.iter();
    left.filter_map(|(_, octets)| match Pdu::parse(octets).expect("a PDU") {
        (header, Pdu::Metadata(metadata)) if header.transaction.source == id(side) => {
            Some((header.transaction, !metadata.source_name.is_empty()))
        }
        _ => None,
    })
    .collect()
}

#[track_caller]
fn assert_down(rig: &Rig) {
    let file = rig.sides[GROUND].disk.file(&name("down/image.bin"));
    assert!(file == Some(content(BYTES)), "it is not the file");
    for side in &rig.sides {
        assert_eq!(side.disk.staged(), []);
    }
}

#[test]
fn a_file_that_is_asked_for_comes_and_so_does_word_of_it() {
    let mut rig = Rig::new();
    let asked = ask(&mut rig);
    let outcome = answer(&mut rig, asked);
    assert!(outcome.is_success());
    assert_eq!(outcome.file_status, FileStatus::Retained);
    assert_down(&rig);
    assert_eq!(begun(&rig, SATELLITE).len(), 2);
    let counts = rig.sides[SATELLITE].entity.counts();
    assert_eq!((counts.requests_done, counts.requests_refused), (1, 0));
    rig.assert_counts_add_up();
}

#[test]
fn a_file_that_comes_names_the_request_for_it() {
    let mut rig = Rig::new();
    let asked = ask(&mut rig);
    let originating = |rig: &Rig, side: usize| {
        let mut reports = rig.sides[side].entity.transactions();
        reports.find_map(|report| report.originating)
    };
    let both = rig.run_until(LONG, |rig| {
        [GROUND, SATELLITE].map(|side| originating(rig, side)) == [Some(asked); 2]
    });
    assert!(both, "{:?}", rig.reports());
    answer(&mut rig, asked);
    let told = rig.sides[GROUND].events.iter().any(|event| {
        matches!(event, Event::MetadataReceived { originating, name: Some(_), .. }
            if *originating == Some(asked))
    });
    assert!(told);
}

#[test]
fn a_file_may_come_unacknowledged() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE]
        .disk
        .put(&name("image.bin"), &content(BYTES));
    let now = rig.now;
    let request = GetRequest {
        mode: TransmissionMode::Unacknowledged,
        ..get()
    };
    let asked = rig.sides[GROUND].entity.get(now, &request).unwrap();
    assert!(answer(&mut rig, asked).is_success());
    assert_down(&rig);
    let of_file = rig.left.iter().find_map(|(to, octets)| {
        let (header, pdu) = Pdu::parse(octets).expect("a PDU");
        (*to == GROUND && matches!(pdu, Pdu::FileData(_))).then_some(header.mode)
    });
    assert_eq!(of_file, Some(TransmissionMode::Unacknowledged));
}

#[test]
fn a_file_that_is_not_there_is_refused_and_the_user_of_both_ends_told() {
    let mut rig = Rig::new();
    let now = rig.now;
    let asked = rig.sides[GROUND].entity.get(now, &get()).unwrap();
    let outcome = answer(&mut rig, asked);
    assert_eq!(outcome.condition, ConditionCode::FilestoreRejection);
    assert_eq!(outcome.delivery, DeliveryCode::Incomplete);
    assert_eq!(outcome.file_status, FileStatus::RejectedByFilestore);
    let [Event::Fault { text, .. }] = rig.sides[SATELLITE].faults()[..] else {
        panic!("{:?}", rig.sides[SATELLITE].faults());
    };
    assert!(text.contains("image.bin"), "{text}");
    let counts = rig.sides[SATELLITE].entity.counts();
    assert_eq!((counts.requests_done, counts.requests_refused), (0, 1));
}

#[test]
fn a_name_that_leads_out_of_the_store_is_refused() {
    for name in ["../secret", "/etc/passwd", "a/../../b", "", ".cfdp-journal"] {
        let mut rig = Rig::new();
        let asked = ask_by(&mut rig, &[put_of(id(GROUND), name, "there")]);
        let outcome = answer(&mut rig, asked);
        assert_eq!(
            outcome.condition,
            ConditionCode::FilestoreRejection,
            "{name}"
        );
    }
}

#[test]
fn a_put_to_an_entity_that_is_not_known_is_refused() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE].disk.put(&name("a"), b"a");
    let asked = ask_by(&mut rig, &[put_of(EntityId(99), "a", "b")]);
    let outcome = answer(&mut rig, asked);
    assert!(!outcome.is_success());
    assert_ne!(outcome.condition, ConditionCode::NoError);
}

#[test]
fn who_may_not_ask_is_told_so() {
    let mut rig = Rig::with(|_, peer| peer.may_ask = false);
    let asked = ask(&mut rig);
    let outcome = answer(&mut rig, asked);
    assert_eq!(outcome.condition, ConditionCode::CancelRequestReceived);
    assert_eq!(rig.sides[GROUND].disk.file(&name("down/image.bin")), None);
}

#[test]
fn a_request_for_which_there_is_no_room_is_refused_and_the_answer_has_its_own() {
    let mut rig = Rig::with(|config, _| config.transactions_max = 1);
    let asked = ask(&mut rig);
    let now = rig.now;
    let file = name("image.bin");
    let other = PutRequest::file(id(GROUND), file.clone(), name("other.bin"));
    let other = rig.sides[SATELLITE].entity.put(now, &other).unwrap();
    rig.sides[SATELLITE].entity.suspend(now, other).unwrap();
    rig.run_until(LONG, |rig| !answers(rig, asked).is_empty());
    let told = answers(&rig, asked);
    assert_eq!(told[0].condition, ConditionCode::CancelRequestReceived);
    let now = rig.now;
    rig.sides[SATELLITE].entity.resume(now, other).unwrap();
    run_out(&mut rig);
    assert_eq!(answers(&rig, asked).len(), 1);
}

#[test]
fn what_is_said_of_the_put_goes_with_it() {
    let mut rig = Rig::new();
    let disk = &rig.sides[SATELLITE].disk;
    disk.put(&name("a"), b"octets");
    let handler = FaultHandlerOverride {
        condition: ConditionCode::FileSizeError,
        handler: FaultHandler::AbandonTransaction,
    };
    let create = FilestoreRequest::CreateFile(Lv::new(b"mark").unwrap());
    let delete = FilestoreRequest::DeleteFile(Lv::new(b"nothing").unwrap());
    let said = [
        ProxyMessage::MessageToUser(Lv::new(b"here it is").unwrap()),
        ProxyMessage::FilestoreRequest(create),
        ProxyMessage::FilestoreRequest(delete),
        ProxyMessage::FaultHandlerOverride(handler),
        ProxyMessage::FlowLabel(Lv::new(b"label").unwrap()),
    ];
    let put = put_of(id(GROUND), "a", "b");
    let asked = ask_by(&mut rig, &[&[put], &said[..]].concat());
    let outcome = answer(&mut rig, asked);
    assert!(outcome.is_success());
    assert_eq!(
        outcome.responses,
        [FilestoreStatus::Successful, FilestoreStatus::FirstMissing]
    );
    assert_eq!(
        rig.sides[GROUND].disk.file(&name("mark")).as_deref(),
        Some(&b""[..])
    );
    let message = rig.sides[GROUND].events.iter().any(
        |event| matches!(event, Event::MessageToUser { octets, .. } if octets == b"here it is"),
    );
    assert!(message);
    let options = rig.left.iter().find_map(|(_, octets)| {
        let Ok((_, Pdu::Metadata(metadata))) = Pdu::parse(octets) else {
            return None;
        };
        (metadata.source_name.octets() == b"a").then_some(metadata.options)
    });
    let options: Vec<MetadataOption<'_>> = options.expect("the file's Metadata").iter().collect();
    assert!(options.contains(&MetadataOption::FaultHandlerOverride(handler)));
    assert!(options.contains(&MetadataOption::FlowLabel(Lv::new(b"label").unwrap())));
}

// A third entity that may not ask the ground for anything asks the satellite, which may.
#[test]
fn nobody_asks_in_the_name_of_the_entity_that_is_asked() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE].disk.put(&name("a"), b"octets");
    let mut nested = Vec::new();
    let widths = Widths {
        entity_id: Width::ONE,
        transaction_seq: Width::ONE,
    };
    ReservedMessage::Proxy(put_of(id(SATELLITE), "secret", "got"))
        .build(widths, &mut nested)
        .unwrap();
    let put = put_of(id(GROUND), "a", "b");
    let nested = ProxyMessage::MessageToUser(Lv::new(&nested).unwrap());
    let asked = ask_by(&mut rig, &[put, nested]);
    let outcome = answer(&mut rig, asked);
    assert_eq!(outcome.condition, ConditionCode::CancelRequestReceived);
    assert_eq!(rig.sides[GROUND].disk.file(&name("b")), None);
    assert_eq!(begun(&rig, GROUND).len(), 1);
}

#[test]
fn of_two_puts_that_one_transaction_asks_for_the_first_is_done() {
    let mut rig = Rig::new();
    rig.sides[SATELLITE].disk.put(&name("a"), b"octets");
    let puts = ["b", "c"].map(|there| put_of(id(GROUND), "a", there));
    let asked = ask_by(&mut rig, &puts);
    assert!(answer(&mut rig, asked).is_success());
    let ground = &rig.sides[GROUND].disk;
    assert!(ground.file(&name("b")).is_some());
    assert_eq!(ground.file(&name("c")), None);
    let counts = rig.sides[SATELLITE].entity.counts();
    assert_eq!((counts.requests_done, counts.requests_refused), (1, 1));
}

#[test]
fn a_file_that_is_no_longer_wanted_is_cancelled_where_it_is_sent() {
    for number in 0..30 {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        rig.run_until(LONG, |rig| rig.passed >= number);
        let now = rig.now;
        let ground = &mut rig.sides[GROUND].entity;
        ground.cancel_get(now, id(SATELLITE), asked).unwrap();
        let outcome = answer(&mut rig, asked);
        let arrived = rig.sides[GROUND].disk.file(&name("down/image.bin"));
        // It may have been whole when its sender heard, which does not call it a success.
        assert!(!outcome.is_success() || arrived.is_some(), "at {number}");
        if !outcome.is_success() {
            let condition = ConditionCode::CancelRequestReceived;
            assert_eq!(outcome.condition, condition, "at {number}");
        }
        assert_eq!(rig.sides[GROUND].disk.staged(), []);
    }
}

#[test]
fn a_put_that_its_user_cancels_or_abandons_is_answered_too() {
    for abandons in [false, true] {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        let mut put = None;
        rig.run_until(LONG, |rig| {
            let mut reports = rig.sides[SATELLITE].entity.transactions();
            put = reports.find_map(|report| report.originating.map(|_| report.transaction));
            put.is_some()
        });
        // The file is not whole at its receiver yet.
        rig.run_for(Duration::from_millis(100));
        let (now, put) = (rig.now, put.expect("the put began"));
        let satellite = &mut rig.sides[SATELLITE].entity;
        match abandons {
            true => satellite.abandon(now, put).unwrap(),
            false => satellite.cancel(now, put).unwrap(),
        }
        rig.run_until(LONG, |rig| !answers(rig, asked).is_empty());
        let told = answers(&rig, asked);
        assert_eq!(told[0].condition, ConditionCode::CancelRequestReceived);
    }
}

#[test]
fn any_pdu_may_be_lost() {
    let all = {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        answer(&mut rig, asked);
        rig.passed
    };
    for lost in 0..all {
        let mut rig = Rig::new();
        rig.lose(move |passing| passing.number == lost);
        let asked = ask(&mut rig);
        assert!(answer(&mut rig, asked).is_success(), "lost {lost}");
        assert_down(&rig);
        assert_eq!(begun(&rig, SATELLITE).len(), 2, "lost {lost}");
    }
}

#[test]
fn contact_may_end_at_any_pdu() {
    let all = {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        answer(&mut rig, asked);
        rig.passed
    };
    for number in 0..all {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        rig.run_until(LONG, |rig| rig.passed >= number);
        rig.set_contact(false);
        rig.run_for(LONG);
        rig.set_contact(true);
        assert!(answer(&mut rig, asked).is_success(), "LOS at {number}");
        assert_down(&rig);
        assert_eq!(begun(&rig, SATELLITE).len(), 2, "LOS at {number}");
    }
}

#[test]
fn many_files_come_that_are_asked_for_at_once_though_every_fifth_pdu_is_lost() {
    let mut rig = Rig::new();
    rig.lose(|passing| passing.number % 5 == 2);
    let asked: Vec<TransactionId> = (0..50)
        .map(|number| {
            let file = name(&format!("{number}.bin"));
            rig.sides[SATELLITE].disk.put(&file, &content(number));
            let now = rig.now;
            let request = GetRequest::new(id(SATELLITE), file.clone(), file);
            rig.sides[GROUND].entity.get(now, &request).unwrap()
        })
        .collect();
    run_out(&mut rig);
    for (number, asked) in asked.into_iter().enumerate() {
        assert!(answer(&mut rig, asked).is_success(), "{number}");
        let file = rig.sides[GROUND].disk.file(&name(&format!("{number}.bin")));
        assert_eq!(file, Some(content(number)));
    }
    assert_eq!(begun(&rig, SATELLITE).len(), 100);
    rig.assert_counts_add_up();
}

fn changes(side: usize) -> (u64, u64) {
    let mut rig = Rig::new();
    let asked = ask(&mut rig);
    let begun = rig.sides[side].disk.counts().changes;
    answer(&mut rig, asked);
    (begun, rig.sides[side].disk.counts().changes)
}

fn cut_at_every_change(side: usize) {
    let (begun_at, all) = changes(side);
    for change in 0..all - begun_at {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        rig.sides[side].disk.fail_after(change);
        run_out(&mut rig);
        assert_eq!(rig.sides[side].cuts, 1, "cut at {change}");
        assert_down(&rig);
        let begun: Vec<bool> = begun(&rig, SATELLITE)
            .into_iter()
            .map(|(_, file)| file)
            .collect();
        assert_eq!(begun, [true, false], "cut at {change}");
        let answers = answers(&rig, asked);
        assert!(!answers.is_empty(), "cut at {change}");
        assert!(
            answers.iter().all(Outcome::is_success),
            "cut at {change}: {answers:?}"
        );
    }
}

#[test]
fn a_put_is_begun_once_wherever_the_power_of_its_sender_is_cut() {
    cut_at_every_change(SATELLITE);
}

#[test]
fn a_file_that_is_asked_for_comes_once_wherever_the_power_of_who_asks_is_cut() {
    cut_at_every_change(GROUND);
}

#[test]
fn both_ends_may_be_cut_at_any_pdu_and_the_put_is_begun_once() {
    let all = {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        answer(&mut rig, asked);
        rig.passed
    };
    for number in 0..all {
        for side in [GROUND, SATELLITE] {
            let mut rig = Rig::new();
            let asked = ask(&mut rig);
            rig.run_until(LONG, |rig| rig.passed >= number);
            let now = rig.now;
            rig.sides[side].cut(now);
            run_out(&mut rig);
            assert_down(&rig);
            assert_eq!(begun(&rig, SATELLITE).len(), 2, "{side} at {number}");
            assert!(!answers(&rig, asked).is_empty(), "{side} at {number}");
        }
    }
}

#[test]
fn a_put_is_begun_once_though_the_journal_fails_for_a_moment() {
    let all = {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        answer(&mut rig, asked);
        rig.sides[SATELLITE].entity.counts().commits
    };
    for commit in 0..all {
        for cut in [false, true] {
            let mut rig = Rig::new();
            let asked = ask(&mut rig);
            rig.sides[SATELLITE].commits_left.set(Some(commit));
            if cut {
                rig.run_until(LONG, |rig| {
                    rig.sides[SATELLITE].commits_left.get().is_none()
                });
                let now = rig.now;
                rig.sides[SATELLITE].cut(now);
            }
            run_out(&mut rig);
            let at = format!("commit {commit} failed, cut: {cut}");
            assert_eq!(rig.sides[SATELLITE].commits_left.get(), None, "{at}");
            assert_down(&rig);
            assert_eq!(begun(&rig, SATELLITE).len(), 2, "{at}");
            let answers = answers(&rig, asked);
            assert!(!answers.is_empty(), "{at}");
            assert!(answers.iter().all(Outcome::is_success), "{at}");
        }
    }
}

// A put whose refusal is answered is refused once, too.
#[test]
fn a_refusal_is_answered_wherever_the_power_is_cut() {
    let ask = |rig: &mut Rig| {
        let now = rig.now;
        let asked = rig.sides[GROUND].entity.get(now, &get());
        asked.expect("the request begins")
    };
    let all = {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        answer(&mut rig, asked);
        rig.sides[SATELLITE].disk.counts().changes
    };
    for change in 0..all {
        let mut rig = Rig::new();
        let asked = ask(&mut rig);
        rig.sides[SATELLITE].disk.fail_after(change);
        run_out(&mut rig);
        assert_eq!(begun(&rig, SATELLITE).len(), 1, "cut at {change}");
        let answers = answers(&rig, asked);
        let condition = answers.first().map(|outcome| outcome.condition);
        assert_eq!(
            condition,
            Some(ConditionCode::FilestoreRejection),
            "cut at {change}"
        );
    }
}
