//! What went wrong in the service that this one succeeds, by the numbers of that list.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use heliograph_tests::wait::eventually;
use link_service::code::Code;
use link_service::desk::{DeskLimits, Event, Workers};
use link_service::folders::Side;
use link_service::folders::memory::Fault;
use link_service::queue::{QueueLimits, Standing};
use link_service::request::Priority;

use crate::rig::{
    PATIENCE, app, arrived, disk, ended, left, limits, open, open_with, put, request, status,
    submit,
};

#[test]
fn w6_what_was_accepted_and_never_ran_is_delivered_after_a_restart_all_of_it() {
    let disk = disk(1);
    let files: Vec<String> = (0..50).map(|number| format!("image-{number:02}")).collect();
    let desk = open(&disk);
    let ids = files.iter().map(|file| {
        put(&disk, file, file.as_bytes());
        submit(&desk, request(file)).unwrap()
    });
    let ids: Vec<_> = ids.collect();
    drop(desk);
    disk.restart();
    let desk = open(&disk);
    let _workers = Workers::start(&desk, 4).unwrap();
    for (id, file) in ids.iter().zip(&files) {
        assert_eq!(ended(&desk, *id).code, Code::Ok);
        assert_eq!(arrived(&disk, file).as_deref(), Some(file.as_bytes()));
    }
}

#[test]
fn w15_whatever_fails_there_is_one_answer_and_it_stays() {
    for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
        let mut changes = 0;
        loop {
            let disk = disk(changes);
            put(&disk, "image", b"an image of more than one chunk");
            disk.fault_after(changes, fault);
            let desk = open_with(&disk, limits());
            changes += 1;
            let Ok(id) = submit(&desk, request("image")) else {
                assert_eq!(desk.counts().ended.values().sum::<u64>(), 0);
                assert!(left(&disk, "image").is_some());
                continue;
            };
            let told = Arc::new(AtomicU64::new(0));
            let tell = Arc::clone(&told);
            let call = move || {
                tell.fetch_add(1, Ordering::SeqCst);
            };
            let _watch = desk.watch(Event::Ended(id), Box::new(call));
            let workers = Workers::start(&desk, 2).unwrap();
            let first = ended(&desk, id);
            assert_eq!(first.code, Code::Ok, "{fault:?} at {changes}: {first:?}");
            drop(workers);
            let ends = desk.counts().ended.values().sum::<u64>();
            assert_eq!((ends, told.load(Ordering::SeqCst)), (1, 1));
            disk.restart();
            let desk = open(&disk);
            let _workers = Workers::start(&desk, 2).unwrap();
            let again = ended(&desk, id);
            assert_eq!(again.code, first.code);
            assert_eq!(left(&disk, "image"), None);
            if disk.has_fault_to_come() || changes > 60 {
                break;
            }
        }
        assert!(changes > 12, "{fault:?}: {changes} changes");
    }
}

#[test]
fn w17_a_request_that_is_made_again_until_the_file_is_gone_is_made_once() {
    let disk = disk(1);
    put(&disk, "log-7", b"lines");
    let desk = open(&disk);
    let id = submit(&desk, request("log-7")).unwrap();
    for _ in 0..20 {
        assert_eq!(submit(&desk, request("log-7")), Ok(id));
    }
    let _workers = Workers::start(&desk, 4).unwrap();
    while left(&disk, "log-7").is_some() {
        assert_eq!(submit(&desk, request("log-7")), Ok(id));
    }
    assert_eq!(ended(&desk, id).code, Code::Ok);
    assert_eq!(submit(&desk, request("log-7")), Ok(id));
    assert_eq!(desk.counts().accepted, 1);
    assert_eq!(desk.counts().ended[&Code::Ok], 1);
    assert_eq!(desk.deliveries(&app("analyser"), 10).len(), 1);
}

#[test]
fn w18_priority_and_expiry_that_a_request_says_have_effect() {
    let disk = disk(1);
    let desk = open(&disk);
    let mut ids = Vec::new();
    for (file, priority) in [
        ("low", Priority::Low),
        ("high", Priority::High),
        ("late", Priority::Critical),
    ] {
        put(&disk, file, b"octets");
        let mut wanted = request(file);
        wanted.priority = priority;
        if file == "late" {
            wanted.expires = Some(link_service::request::Expiry::After(Duration::ZERO));
        }
        ids.push(submit(&desk, wanted).unwrap());
    }
    let _workers = Workers::start(&desk, 1).unwrap();
    let ends = ids.iter().map(|id| ended(&desk, *id));
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends[2].code, Code::Expired);
    let at = |index: usize| {
        let outcome = ends.get(index).and_then(|view| view.transfer.outcome());
        outcome.unwrap().ended_at
    };
    assert!(at(1) < at(0));
}

#[test]
fn w20_a_large_file_that_does_not_come_to_its_end_holds_up_no_other() {
    let disk = disk(1);
    let desk = open(&disk);
    put(&disk, "large", &[7; 1000]);
    disk.hang_after(0, &app("camera"), Side::Outbox, "large");
    let large = submit(&desk, request("large")).unwrap();
    let _workers = Workers::start(&desk, 2).unwrap();
    let runs = || (status(&desk, large).standing == Some(Standing::Running)).then_some(());
    eventually(PATIENCE, runs);
    for number in 0..20 {
        let file = format!("small-{number}");
        put(&disk, &file, b"octets");
        let id = submit(&desk, request(&file)).unwrap();
        assert_eq!(ended(&desk, id).code, Code::Ok);
    }
    assert_eq!(status(&desk, large).standing, Some(Standing::Running));
    disk.let_go();
    assert_eq!(ended(&desk, large).code, Code::Ok);
}

#[test]
fn w20_who_fills_the_queue_is_told_when_to_try_again_and_critical_requests_have_room() {
    let disk = disk(1);
    let full = DeskLimits {
        queue: QueueLimits {
            open_max: 6,
            open_critical: 2,
            ..QueueLimits::default()
        },
        ..limits()
    };
    let desk = open_with(&disk, full);
    for number in 0..5 {
        put(&disk, &number.to_string(), b"octets");
    }
    for number in 0..4 {
        submit(&desk, request(&number.to_string())).unwrap();
    }
    let refused = submit(&desk, request("4")).unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert!(refused.text.ends_with("try again in 5 s"), "{refused}");
    let mut critical = request("4");
    critical.priority = Priority::Critical;
    submit(&desk, critical).unwrap();
}

#[test]
fn w21_how_far_a_large_file_is_can_be_seen_while_it_runs_and_it_goes_on_from_there() {
    let disk = disk(1);
    let desk = open(&disk);
    put(&disk, "large", &[7; 100_000]);
    let id = submit(&desk, request("large")).unwrap();
    let octets = || status(&desk, id).legs[0].octets;
    assert_eq!(octets(), 0);
    disk.hang_after(1000, &app("camera"), Side::Outbox, "large");
    let workers = Workers::start(&desk, 1).unwrap();
    let is_on_its_way = || (octets() == 16_000).then_some(());
    eventually(PATIENCE, is_on_its_way);
    desk.hold(&app("camera"), id).unwrap();
    disk.let_go();
    let is_held = || (status(&desk, id).standing == Some(Standing::Held)).then_some(());
    eventually(PATIENCE, is_held);
    let before = octets();
    assert_eq!(before, 16_016);
    drop(workers);
    desk.release(&app("camera"), id).unwrap();
    assert_eq!(octets(), before);
    // Another process finds what is there, and writes no octet of that again.
    drop(desk);
    let desk = open(&disk);
    let changes = disk.changes();
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
    let writes = (100_000 - before).div_ceil(16);
    let more = disk.changes() - changes;
    assert!(more < writes + 30, "{more} changes for {writes} chunks");
    assert_eq!(arrived(&disk, "large").unwrap().len(), 100_000);
}

#[test]
fn w23_a_mover_that_hangs_is_seen_and_one_that_works_is_not_taken_for_one() {
    let disk = disk(1);
    let desk = open(&disk);
    put(&disk, "image", b"octets");
    disk.hang_after(0, &app("camera"), Side::Outbox, "image");
    assert_eq!(
        (desk.depths().running, desk.depths().silent),
        (0, Duration::ZERO)
    );
    let id = submit(&desk, request("image")).unwrap();
    let _workers = Workers::start(&desk, 1).unwrap();
    let hangs = || (desk.depths().silent > Duration::from_millis(100)).then_some(());
    eventually(PATIENCE, hangs);
    assert_eq!(desk.depths().running, 1);
    disk.let_go();
    ended(&desk, id);
    let rests = || (desk.depths().running == 0).then_some(());
    eventually(PATIENCE, rests);
    assert_eq!(desk.depths().silent, Duration::ZERO);
}
