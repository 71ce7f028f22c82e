//! What arrives, and what stays.

use std::cell::Cell;

use link_service::code::Code;
use link_service::folders::memory::Fault;
use link_service::folders::{Folders as _, Side};
use link_service::journal::Journal;
use link_service::mover::Ran;
use link_service::record::LegPhase;

use crate::rig::{
    CHUNK, accept, app, apps, disk, inbox, mover, nothing_is_left, octets, outbox, put, request,
    run, run_to_end, send,
};

#[test]
fn a_file_arrives_with_its_octets_and_its_hash_and_the_source_is_released() {
    let disk = disk(1);
    let image = octets("image", 10 * CHUNK + 3);
    put(&disk, "image", &image);
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image.clone()));
    assert_eq!(
        disk.file_owner(&app("analyser"), Side::Inbox, "image"),
        Some(2)
    );
    assert_eq!(outbox(&disk, "image"), None);
    assert_eq!(
        transfer.files[0].hash,
        Some(*blake3::hash(&image).as_bytes())
    );
    nothing_is_left(&disk);
    // The journal has it, too.
    assert_eq!(mover.journal().load().unwrap(), [transfer]);
}

#[test]
fn a_file_without_octets_arrives() {
    let disk = disk(1);
    put(&disk, "empty", b"");
    assert_eq!(send(&disk, &request(&["empty"])).code, Code::Ok);
    assert_eq!(inbox(&disk, "analyser", "empty"), Some(Vec::new()));
}

#[test]
fn w10_a_file_that_is_replaced_is_the_old_one_until_it_is_the_new_one() {
    let disk = disk(1);
    disk.put(&app("analyser"), Side::Inbox, "image", b"old");
    put(&disk, "image", &octets("image", 5 * CHUNK));
    let mut request = request(&["image"]);
    request.overwrite = true;
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    let is_old = || {
        assert_eq!(
            inbox(&disk, "analyser", "image").as_deref(),
            Some(&b"old"[..])
        );
        true
    };
    assert!(matches!(mover.run(&mut transfer, &is_old), Ran::Ended(_)));
    assert_eq!(
        inbox(&disk, "analyser", "image"),
        Some(octets("image", 5 * CHUNK))
    );
}

#[test]
fn w24_a_file_that_is_there_already_is_said_to_be_and_both_stay_as_they_are() {
    let disk = disk(1);
    disk.put(&app("analyser"), Side::Inbox, "image", b"old");
    put(&disk, "image", b"new");
    let outcome = send(&disk, &request(&["image"]));
    assert_eq!(outcome.code, Code::AlreadyExists);
    assert!(
        outcome.text.contains("analyser has image already"),
        "{outcome:?}"
    );
    assert_eq!(
        inbox(&disk, "analyser", "image").as_deref(),
        Some(&b"old"[..])
    );
    assert_eq!(outbox(&disk, "image").as_deref(), Some(&b"new"[..]));
    nothing_is_left(&disk);
}

#[test]
fn what_gets_the_name_while_a_file_is_copied_stays() {
    let disk = disk(1);
    put(&disk, "image", &octets("image", 5 * CHUNK));
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let put_other = || {
        disk.put(&app("analyser"), Side::Inbox, "image", b"its own");
        true
    };
    let Ran::Ended(outcome) = mover.run(&mut transfer, &put_other) else {
        panic!("it goes on");
    };
    assert_eq!(outcome.code, Code::AlreadyExists);
    assert_eq!(
        inbox(&disk, "analyser", "image").as_deref(),
        Some(&b"its own"[..])
    );
    assert_eq!(outbox(&disk, "image"), Some(octets("image", 5 * CHUNK)));
}

#[test]
fn a_directory_is_never_replaced() {
    let disk = disk(1);
    disk.put(&app("analyser"), Side::Inbox, "image/inside", b"old");
    put(&disk, "image", b"new");
    let mut request = request(&["image"]);
    request.overwrite = true;
    assert_eq!(send(&disk, &request).code, Code::AlreadyExists);
    assert!(inbox(&disk, "analyser", "image/inside").is_some());
}

#[test]
fn w18_a_source_that_is_to_stay_stays() {
    let disk = disk(1);
    put(&disk, "image", b"new");
    let mut request = request(&["image"]);
    request.leave_source = true;
    assert_eq!(send(&disk, &request).code, Code::Ok);
    assert!(inbox(&disk, "analyser", "image").is_some());
    assert_eq!(outbox(&disk, "image").as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_file_of_a_subdirectory_arrives_in_one_of_that_name() {
    let disk = disk(1);
    put(&disk, "raw/nir/image", b"new");
    let mut request = request(&["image"]);
    request.subdirectory = "raw/nir".parse().unwrap();
    assert_eq!(send(&disk, &request).code, Code::Ok);
    assert!(inbox(&disk, "analyser", "raw/nir/image").is_some());
}

#[test]
fn w11_the_name_is_free_for_another_file_as_soon_as_it_is_claimed() {
    let disk = disk(1);
    put(&disk, "image", b"first");
    let mover = mover(&disk);
    let mut first = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(mover.run(&mut first, &|| false), Ran::Preempted);
    put(&disk, "image", b"second");
    let mut replacing = request(&["image"]);
    replacing.overwrite = true;
    let mut second = accept(&mover, 2, &replacing).unwrap();
    assert_eq!(run_to_end(&mover, &mut first).code, Code::Ok);
    assert_eq!(
        inbox(&disk, "analyser", "image").as_deref(),
        Some(&b"first"[..])
    );
    assert_eq!(run_to_end(&mover, &mut second).code, Code::Ok);
    assert_eq!(
        inbox(&disk, "analyser", "image").as_deref(),
        Some(&b"second"[..])
    );
    nothing_is_left(&disk);
}

#[test]
fn each_recipient_has_a_code_and_one_that_fails_does_not_stop_the_others() {
    let disk = disk(1);
    disk.put(&app("analyser"), Side::Inbox, "image", b"old");
    put(&disk, "image", b"new");
    let mut request = request(&["image"]);
    request.recipients.push("archive".parse().unwrap());
    let outcome = send(&disk, &request);
    assert_eq!(outcome.legs, [Code::AlreadyExists, Code::Ok]);
    assert_eq!(outcome.code, Code::AlreadyExists);
    assert!(outcome.text.contains("analyser"), "{outcome:?}");
    assert!(inbox(&disk, "archive", "image").is_some());
    // Not all have it.
    assert_eq!(outbox(&disk, "image").as_deref(), Some(&b"new"[..]));
}

#[test]
fn what_heals_for_one_recipient_is_tried_again_for_that_one_only() {
    let disk = disk(1);
    put(&disk, "image", b"new");
    let mut request = request(&["image"]);
    request.recipients = vec!["nobody".parse().unwrap(), "archive".parse().unwrap()];
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::Unavailable, _)), "{ran:?}");
    assert!(inbox(&disk, "archive", "image").is_some());
    assert!(disk.take(&app("archive"), Side::Inbox, "image"));
    disk.add_app(&app("nobody"), 4);
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert!(inbox(&disk, "nobody", "image").is_some());
    assert_eq!(inbox(&disk, "archive", "image"), None);
}

#[test]
fn w16_nothing_is_made_for_a_recipient_that_is_not_there() {
    let disk = disk(1);
    put(&disk, "image", b"new");
    let mut request = request(&["image"]);
    request.recipients = vec!["nobody".parse().unwrap()];
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert!(matches!(
        run(&mover, &mut transfer),
        Ran::Retry(Code::Unavailable, _)
    ));
    let ran = mover.give_up(&mut transfer, Code::Expired, "its time is over");
    assert!(matches!(ran, Ran::Ended(outcome) if outcome.code == Code::Expired));
    assert!(outbox(&disk, "image").is_some());
}

#[test]
fn a_batch_arrives_as_a_whole_as_a_directory_named_by_its_sender_and_request() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    put(&disk, "times", b"other octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image", "times"])).unwrap();
    let nothing_is_there = || {
        let paths = disk.paths(&app("analyser"), Side::Inbox);
        assert!(
            paths.iter().all(|path| path.starts_with(".link/")),
            "{paths:?}"
        );
        true
    };
    assert!(matches!(
        mover.run(&mut transfer, &nothing_is_there),
        Ran::Ended(_)
    ));
    let paths = disk.paths(&app("analyser"), Side::Inbox);
    assert_eq!(
        paths,
        ["camera.pass-7.batch/image", "camera.pass-7.batch/times"]
    );
    let directory = disk.file_owner(&app("analyser"), Side::Inbox, "camera.pass-7.batch");
    assert_eq!(directory, Some(2));
}

#[test]
fn a_batch_whose_request_id_is_no_name_has_the_number_of_its_transfer() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    put(&disk, "times", b"other octets");
    let mut request = request(&["image", "times"]);
    request.request_id = "../../elsewhere".to_string();
    assert_eq!(send(&disk, &request).code, Code::Ok);
    let paths = disk.paths(&app("analyser"), Side::Inbox);
    assert!(
        paths[0].starts_with("camera.0000000000000001.batch/"),
        "{paths:?}"
    );
}

#[test]
fn a_batch_of_which_a_file_is_missing_does_not_arrive_at_all() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    put(&disk, "times", b"other octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image", "times"])).unwrap();
    disk.take(&app("camera"), Side::Outbox, "times");
    let outcome = run_to_end(&mover, &mut transfer);
    assert_eq!(outcome.code, Code::SourceNotFound);
    assert_eq!(
        disk.paths(&app("analyser"), Side::Inbox),
        Vec::<String>::new()
    );
    assert!(outbox(&disk, "image").is_some());
    nothing_is_left(&disk);
}

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
    // The four writes, and the claim with its directory.
    let without = disk.changes() - before;
    assert_eq!(without - with_what_was_there, 4 + 2);
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
        let done_bytes = image.len().min(chunk * CHUNK) as u64;
        assert_eq!(transfer.legs[0].phase, LegPhase::Copying { done_bytes });
    }
    assert!(matches!(run(&mover, &mut transfer), Ran::Ended(_)));
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
}

#[test]
fn what_an_earlier_run_left_is_kept_only_as_far_as_it_is_right() {
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
    let staging = ".link/0000000000000001";
    let mut there = inbox(&disk, "analyser", staging).unwrap();
    there[CHUNK] ^= 1;
    there.extend([7; 5 * CHUNK]);
    disk.scribble(&app("analyser"), Side::Inbox, staging, &there);
    let mover = crate::rig::mover(&disk);
    assert!(matches!(run(&mover, &mut transfer), Ran::Ended(_)));
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
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
fn a_leg_that_leads_elsewhere_is_left_to_others_and_the_source_is_kept_for_it() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let mut request = request(&["image"]);
    request.recipients.push("ground".parse().unwrap());
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert_eq!(run(&mover, &mut transfer), Ran::Elsewhere);
    assert!(inbox(&disk, "analyser", "image").is_some());
    assert!(outbox(&disk, ".link/0000000000000001/image").is_some());
    let file = mover.open_source_of(&transfer, 0).unwrap();
    assert_eq!(mover.folders().facts(&file).unwrap().size, 6);
    mover.open_source_of(&transfer, 1).unwrap_err();
    transfer.legs[1].phase = LegPhase::Committed;
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    nothing_is_left(&disk);
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
