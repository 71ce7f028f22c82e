//! What arrives, and what stays.

use link_service::code::Code;
use link_service::folders::{Folders as _, Side};
use link_service::journal::Journal;
use link_service::mover::Ran;
use link_service::record::LegPhase;

use crate::rig::{
    CHUNK, accept, app, disk, inbox, mover, nothing_is_left, octets, outbox, put, request, run,
    run_to_end, send,
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
fn a_leg_that_leads_elsewhere_is_left_to_others_and_the_source_is_kept_for_it() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let mut request = request(&["image"]);
    request.recipients.push("ground".parse().unwrap());
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert_eq!(run(&mover, &mut transfer), Ran::Elsewhere);
    assert!(inbox(&disk, "analyser", "image").is_some());
    assert!(outbox(&disk, ".link/0000000000000001.image").is_some());
    let file = mover.open_source_of(&transfer, 0).unwrap();
    assert_eq!(mover.folders().facts(&file).unwrap().size, 6);
    mover.open_source_of(&transfer, 1).unwrap_err();
    transfer.legs[1].phase = LegPhase::Committed;
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    nothing_is_left(&disk);
}

#[test]
fn w12_a_file_that_is_named_as_another_with_an_ending_is_not_in_its_way() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    put(&disk, "image.tmp", b"others");
    assert_eq!(send(&disk, &request(&["image"])).code, Code::Ok);
    assert_eq!(outbox(&disk, "image.tmp").as_deref(), Some(&b"others"[..]));
}

#[test]
fn w14_a_file_that_is_replaced_again_and_again_at_once_is_delivered_each_time() {
    let disk = disk(1);
    let mover = mover(&disk);
    let mut request = request(&["image"]);
    request.overwrite = true;
    for id in 1..=9 {
        let octets = octets(&id.to_string(), 2 * CHUNK);
        put(&disk, "image", &octets);
        let mut transfer = accept(&mover, id, &request).unwrap();
        assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
        assert_eq!(inbox(&disk, "analyser", "image"), Some(octets));
        assert_eq!(outbox(&disk, "image"), None);
    }
}
