//! What was not delivered goes back, and what nobody knows is cleared.

use link_service::code::Code;
use link_service::folders::Side;
use link_service::journal::Journal;
use link_service::mover::{LEFT_MAX, Ran};

use crate::rig::{
    CHUNK, accept, app, apps, disk, inbox, mover, nothing_is_left, octets, outbox, put, request,
    run, run_to_end,
};

#[test]
fn what_is_given_up_goes_back_to_the_outbox_and_its_staging_is_removed() {
    let disk = disk(1);
    put(&disk, "image", &octets("image", 4 * CHUNK));
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let chunks = std::cell::Cell::new(0);
    let once = || chunks.replace(1) == 0;
    assert_eq!(mover.run(&mut transfer, &once), Ran::Preempted);
    assert_eq!(outbox(&disk, "image"), None);
    let Ran::Ended(outcome) = mover.give_up(&mut transfer, Code::Cancelled, "as was asked") else {
        panic!("it goes on");
    };
    assert_eq!(
        (outcome.code, outcome.text.as_str()),
        (Code::Cancelled, "as was asked")
    );
    assert_eq!(outbox(&disk, "image"), Some(octets("image", 4 * CHUNK)));
    nothing_is_left(&disk);
    // Once it has ended, nothing changes that.
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Cancelled);
    assert!(matches!(
        mover.give_up(&mut transfer, Code::Expired, ""),
        Ran::Ended(outcome) if outcome.code == Code::Cancelled
    ));
}

#[test]
fn what_cannot_go_back_as_its_name_is_taken_is_kept_and_said() {
    let disk = disk(1);
    put(&disk, "raw/image", b"first");
    let mut request = request(&["image"]);
    request.subdirectory = "raw".parse().unwrap();
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert_eq!(mover.run(&mut transfer, &|| false), Ran::Preempted);
    put(&disk, "raw/image", b"second");
    let Ran::Ended(outcome) = mover.give_up(&mut transfer, Code::Expired, "") else {
        panic!("it goes on");
    };
    let kept = "returned/0000000000000001/image";
    assert_eq!(outcome.returned, [kept]);
    assert_eq!(outbox(&disk, kept).as_deref(), Some(&b"first"[..]));
    assert_eq!(outbox(&disk, "raw/image").as_deref(), Some(&b"second"[..]));
    nothing_is_left(&disk);
}

#[test]
fn what_is_given_up_though_it_was_delivered_is_delivered() {
    // The process ends after each change: of those after which it is given up, some are
    // between the name and the journal.
    let mut delivered = 0;
    for changes in 0..20 {
        let disk = disk(changes);
        put(&disk, "image", b"octets");
        let first = mover(&disk);
        let mut transfer = accept(&first, 1, &request(&["image"])).unwrap();
        disk.fail_after(changes);
        run(&first, &mut transfer);
        disk.restart();
        let next = mover(&disk);
        for mut transfer in next.recover(&apps()).unwrap().transfers {
            let ran = next.give_up(&mut transfer, Code::Cancelled, "as was asked");
            let Ran::Ended(outcome) = ran else {
                panic!("{ran:?}");
            };
            let is_there = inbox(&disk, "analyser", "image").is_some();
            assert_eq!(outcome.code == Code::Ok, is_there, "{changes}");
            assert_eq!(outbox(&disk, "image").is_none(), is_there, "{changes}");
            delivered += u32::from(is_there);
            nothing_is_left(&disk);
        }
    }
    assert!(delivered > 4, "{delivered}");
}

#[test]
fn at_the_start_what_belongs_to_no_transfer_is_removed_or_put_where_its_sender_finds_it() {
    let disk = disk(1);
    let analyser = app("analyser");
    let camera = app("camera");
    for path in [
        ".link/00000000000000aa",
        ".link/00000000000000ab/image",
        ".link/x",
    ] {
        disk.put(&analyser, Side::Inbox, path, b"a part");
    }
    disk.put(
        &camera,
        Side::Outbox,
        ".link/00000000000000aa.image",
        b"whole",
    );
    put(&disk, "image", b"octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(mover.run(&mut transfer, &|| false), Ran::Preempted);

    let recovered = mover.recover(&apps()).unwrap();
    assert_eq!(recovered.transfers.len(), 1);
    assert_eq!(
        (recovered.stagings_removed, recovered.files_returned),
        (3, 1)
    );
    let paths = disk.paths(&camera, Side::Outbox);
    let kept = "returned/00000000000000aa/image";
    assert_eq!(paths, [".link/0000000000000001.image", kept]);
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    nothing_is_left(&disk);
}

#[test]
fn at_the_start_a_box_that_is_not_there_is_said_and_stops_nothing() {
    let disk = disk(1);
    let recovered = mover(&disk).recover(&[app("nobody")]).unwrap();
    assert_eq!(recovered.left.len(), 2, "{recovered:?}");
    let many: Vec<_> = (0..40)
        .map(|number| app(&format!("nobody-{number}")))
        .collect();
    let recovered = mover(&disk).recover(&many).unwrap();
    assert_eq!((recovered.left.len(), recovered.left_more), (LEFT_MAX, 16));
}

#[test]
fn a_transfer_that_is_forgotten_is_not_known_at_the_next_start() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    run_to_end(&mover, &mut transfer);
    mover.journal().remove(transfer.id).unwrap();
    disk.restart();
    assert_eq!(mover.recover(&apps()).unwrap(), Default::default());
}

#[test]
fn what_cannot_be_given_back_ends_as_what_it_is_and_goes_back_at_the_next_start() {
    let disk = disk(1);
    put(&disk, "image", &octets("image", 4 * CHUNK));
    let sender = mover(&disk);
    let mut transfer = accept(&sender, 1, &request(&["image"])).unwrap();
    assert_eq!(sender.run(&mut transfer, &|| false), Ran::Preempted);
    disk.break_renaming(true);
    let given_up = sender.give_up(&mut transfer, Code::Cancelled, "as was asked");
    let Ran::Retry(Code::IoError, why) = given_up else {
        panic!("{given_up:?}");
    };
    let Ran::Ended(outcome) = sender.end_uncleared(&mut transfer, &why) else {
        panic!("it goes on");
    };
    assert_eq!(outcome.code, Code::Cancelled);
    assert!(outcome.text.starts_with("as was asked; its source is not"));
    assert_eq!(run_to_end(&sender, &mut transfer), outcome);
    disk.break_renaming(false);
    disk.power_cut();
    let recovered = mover(&disk).recover(&apps()).unwrap();
    assert_eq!(recovered.transfers[0].outcome(), Some(&outcome));
    assert_eq!(outbox(&disk, "image"), Some(octets("image", 4 * CHUNK)));
    nothing_is_left(&disk);
}

#[test]
fn a_name_as_long_as_a_file_system_takes_is_claimed_delivered_and_given_back() {
    let long = "n".repeat(255);
    let disk = disk(1);
    put(&disk, &long, b"octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&[&long])).unwrap();
    assert_eq!(mover.run(&mut transfer, &|| false), Ran::Preempted);
    let claims = disk.paths(&app("camera"), Side::Outbox);
    assert!(claims.iter().all(|path| path.len() < 255), "{claims:?}");
    assert!(matches!(
        mover.give_up(&mut transfer, Code::Cancelled, ""),
        Ran::Ended(_)
    ));
    assert_eq!(outbox(&disk, &long).as_deref(), Some(&b"octets"[..]));
    let mut transfer = accept(&mover, 2, &request(&[&long])).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(
        inbox(&disk, "analyser", &long).as_deref(),
        Some(&b"octets"[..])
    );
    nothing_is_left(&disk);
}
