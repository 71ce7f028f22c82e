//! A transfer that was stopped, or failed, and goes on.

use std::cell::Cell;

use link_service::code::Code;
use link_service::folders::Side;
use link_service::folders::memory::Fault;
use link_service::mover::Ran;
use link_service::record::LegPhase;

use crate::rig::{
    CHUNK, accept, app, apps, disk, inbox, mover, octets, put, request, run, run_to_end,
};

#[test]
fn a_file_that_is_copied_can_be_stopped_after_each_chunk_and_what_is_there_is_not_written_again() {
    let disk = disk(1);
    let image = octets("image", 6 * CHUNK);
    put(&disk, "image", &image);
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let left = Cell::new(4);
    let go_on = || {
        left.set(left.get() - 1);
        left.get() >= 0
    };
    assert_eq!(mover.run(&mut transfer, &go_on), Ran::Preempted);
    let done_bytes = 4 * CHUNK as u64;
    assert_eq!(transfer.legs[0].phase, LegPhase::Copying { done_bytes });
    let before = disk.changes();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    let with_what_was_there = disk.changes() - before;
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image.clone()));

    put(&disk, "again", &image);
    let mut transfer = accept(&mover, 2, &request(&["again"])).unwrap();
    let before = disk.changes();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    // The four writes, and the claim.
    let without = disk.changes() - before;
    assert_eq!(without - with_what_was_there, 4 + 1);
}

#[test]
fn a_file_that_is_stopped_after_each_chunk_arrives() {
    let disk = disk(1);
    let image = octets("image", 20 * CHUNK + 1);
    put(&disk, "image", &image);
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    for chunk in 1..=21 {
        let left = Cell::new(1);
        assert_eq!(
            mover.run(&mut transfer, &|| left.replace(0) > 0),
            Ran::Preempted
        );
        let done_bytes = (chunk * CHUNK) as u64;
        let phase = transfer.legs[0].phase;
        match chunk {
            // All of it is there, and not looked at yet.
            21 => assert!(matches!(phase, LegPhase::Verified { .. }), "{phase:?}"),
            _ => assert_eq!(phase, LegPhase::Copying { done_bytes }),
        }
    }
    assert!(matches!(run(&mover, &mut transfer), Ran::Ended(_)));
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
}

#[test]
fn what_an_earlier_run_left_is_kept_only_as_far_as_it_is_right() {
    for is_another_process in [false, true] {
        let disk = disk(1);
        let image = octets("image", 6 * CHUNK);
        put(&disk, "image", &image);
        let first = mover(&disk);
        let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
        let left = Cell::new(4);
        let go_on = || {
            left.set(left.get() - 1);
            left.get() >= 0
        };
        assert_eq!(first.run(&mut transfer, &go_on), Ran::Preempted);
        let staging = ".link/0000000000000001";
        let mut there = inbox(&disk, "analyser", staging).unwrap();
        there[CHUNK] ^= 1;
        there.extend([7; 5 * CHUNK]);
        disk.scribble(&app("analyser"), Side::Inbox, staging, &there);
        let next = match is_another_process {
            true => mover(&disk),
            false => first,
        };
        assert!(matches!(run(&next, &mut transfer), Ran::Ended(_)));
        assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
    }
}

#[test]
fn after_a_sync_that_failed_the_octets_are_written_anew() {
    for changes in 0..30 {
        let disk = disk(changes);
        let image = octets("image", 3 * CHUNK);
        put(&disk, "image", &image);
        let mover = mover(&disk);
        let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
        disk.fault_after(changes, Fault::Io);
        let outcome = run_to_end(&mover, &mut transfer);
        assert_eq!(outcome.code, Code::Ok);
        disk.power_cut();
        assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
    }
}

#[test]
fn what_a_recipient_removed_before_a_crash_does_not_come_again() {
    for changes in 0..20 {
        let disk = disk(changes);
        put(&disk, "image", b"octets");
        let first = mover(&disk);
        let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
        disk.fail_after(changes);
        run(&first, &mut transfer);
        disk.restart();
        let was_taken = disk.take(&app("analyser"), Side::Inbox, "image");
        let next = mover(&disk);
        for mut transfer in next.recover(&apps()).unwrap().transfers {
            assert_eq!(run_to_end(&next, &mut transfer).code, Code::Ok);
        }
        assert_eq!(
            inbox(&disk, "analyser", "image").is_none(),
            was_taken,
            "{changes}"
        );
    }
}

#[test]
fn w13_octets_that_the_disk_holds_wrongly_do_not_arrive() {
    let disk = disk(1);
    let image = octets("image", 3 * CHUNK);
    put(&disk, "image", &image);
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    disk.corrupt_next_sync();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::HashMismatch, _)), "{ran:?}");
    assert_eq!(
        disk.paths(&app("analyser"), Side::Inbox),
        Vec::<String>::new()
    );
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
}

#[test]
fn after_a_failure_no_staging_takes_room_or_is_trusted() {
    let mut retries = 0;
    for changes in 0..20 {
        let disk = disk(1);
        put(&disk, "image", &octets("image", 3 * CHUNK));
        let mover = mover(&disk);
        let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
        disk.fault_after(changes, Fault::NoSpace);
        let ran = run(&mover, &mut transfer);
        let is_copied = transfer.legs[0].phase == LegPhase::Waiting;
        // But for the journal's fault: there it is right, and is there for the next run.
        if matches!(&ran, Ran::Retry(code, _) if *code == Code::NoSpace) && is_copied {
            retries += 1;
            let paths = disk.paths(&app("analyser"), Side::Inbox);
            assert_eq!(paths, Vec::<String>::new());
        }
    }
    assert!(retries > 7, "{retries}");
}

#[test]
fn what_was_verified_and_is_lost_before_it_has_its_name_is_not_taken_for_delivered() {
    let image = octets("image", 3 * CHUNK);
    let mut spoiled = 0;
    for (changes, seed) in (0..20).flat_map(|changes| [(changes, 1), (changes, 2)]) {
        let disk = disk(seed);
        put(&disk, "image", &image);
        let first = mover(&disk);
        let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
        disk.fail_after(changes);
        run(&first, &mut transfer);
        disk.restart();
        let next = mover(&disk);
        let mut transfer = next.recover(&apps()).unwrap().transfers.remove(0);
        let staging = ".link/0000000000000001";
        let is_verified = matches!(transfer.legs[0].phase, LegPhase::Verified { .. });
        if is_verified && inbox(&disk, "analyser", staging).is_some() {
            spoiled += 1;
            disk.scribble(&app("analyser"), Side::Inbox, staging, b"something else");
            // Copied anew, it has no room, and the staging is removed.
            disk.set_bytes_max(4 * CHUNK as u64);
            let ran = run(&next, &mut transfer);
            assert!(matches!(ran, Ran::Retry(Code::NoSpace, _)), "{ran:?}");
            disk.take(&app("analyser"), Side::Inbox, staging);
            disk.set_bytes_max(u64::MAX);
        }
        assert_eq!(run_to_end(&next, &mut transfer).code, Code::Ok);
        assert_eq!(inbox(&disk, "analyser", "image"), Some(image.clone()));
    }
    assert!(spoiled > 0);
}

#[test]
fn what_the_journal_failed_to_call_verified_and_is_copied_anew_is_not_taken_for_delivered() {
    let image = octets("image", 3 * CHUNK);
    let mut removed = 0;
    for (changes, seed) in (0..20).flat_map(|changes| (0..4).map(move |seed| (changes, seed))) {
        let disk = disk(seed);
        put(&disk, "image", &image);
        let first = mover(&disk);
        let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
        // Once, and the process goes on.
        disk.fault_after(changes, Fault::Io);
        if let Ran::Ended(_) = run(&first, &mut transfer) {
            continue;
        }
        let staging = ".link/0000000000000001";
        if inbox(&disk, "analyser", staging).is_some() {
            disk.scribble(&app("analyser"), Side::Inbox, staging, b"something else");
            disk.set_bytes_max(4 * CHUNK as u64);
            let ran = run(&first, &mut transfer);
            assert!(matches!(ran, Ran::Retry(Code::NoSpace, _)), "{ran:?}");
            removed += u32::from(disk.take(&app("analyser"), Side::Inbox, staging));
            disk.set_bytes_max(u64::MAX);
        }
        disk.restart();
        let next = mover(&disk);
        let mut transfer = next.recover(&apps()).unwrap().transfers.remove(0);
        assert_eq!(run_to_end(&next, &mut transfer).code, Code::Ok);
        assert_eq!(inbox(&disk, "analyser", "image"), Some(image.clone()));
    }
    assert!(removed > 0);
}

#[test]
fn what_the_journal_failed_to_call_verified_has_its_name_only_once_it_does() {
    for (changes, seed) in (0..20).flat_map(|changes| (0..4).map(move |seed| (changes, seed))) {
        for changes_then in 0..8 {
            let disk = disk(seed);
            put(&disk, "image", b"octets");
            let first = mover(&disk);
            let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
            disk.fault_after(changes, Fault::Io);
            run(&first, &mut transfer);
            disk.fail_after(changes_then);
            run(&first, &mut transfer);
            disk.restart();
            let next = mover(&disk);
            let mut transfer = next.recover(&apps()).unwrap().transfers.remove(0);
            assert_eq!(run_to_end(&next, &mut transfer).code, Code::Ok);
            assert_eq!(
                inbox(&disk, "analyser", "image").as_deref(),
                Some(&b"octets"[..])
            );
        }
    }
}
