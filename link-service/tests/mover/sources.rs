//! What may be sent: regular files of the sender's own, as they were when it was accepted.

use std::time::Duration;

use link_service::code::Code;
use link_service::folders::Side;
use link_service::journal::Journal;
use link_service::mover::Ran;
use link_service::record::TransferId;

use crate::rig::{
    CHUNK, accept, app, disk, inbox, mover, nothing_is_left, octets, outbox, put, request,
    run_to_end,
};

/// Refused, and nothing has become of it.
fn is_refused(disk: &link_service::folders::memory::MemoryDisk, file: &str, code: Code) {
    let mover = mover(disk);
    let refused = accept(&mover, 1, &request(&[file])).unwrap_err();
    assert_eq!(refused.code, code, "{refused}");
    assert!(refused.text.contains(file), "{refused}");
    assert_eq!(mover.journal().load().unwrap(), []);
}

#[test]
fn a_file_that_is_not_there_is_not_accepted() {
    is_refused(&disk(1), "image", Code::SourceNotFound);
}

#[test]
fn w3_a_link_a_fifo_or_a_device_is_not_accepted() {
    let disk = disk(1);
    disk.put_other(&app("camera"), Side::Outbox, "image");
    is_refused(&disk, "image", Code::SourceNotRegular);
}

#[test]
fn a_directory_is_not_accepted() {
    let disk = disk(1);
    disk.put_directory(&app("camera"), Side::Outbox, "image");
    is_refused(&disk, "image", Code::SourceNotRegular);
}

#[test]
fn a_file_with_a_second_name_is_not_accepted() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    disk.link(&app("camera"), Side::Outbox, "image", "second");
    is_refused(&disk, "image", Code::SourceNotRegular);
}

#[test]
fn somebody_elses_file_is_not_accepted() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    disk.set_owner(&app("camera"), Side::Outbox, "image", 9);
    is_refused(&disk, "image", Code::SourceNotRegular);
}

#[test]
fn a_request_without_files_or_recipients_or_with_too_many_or_one_twice_is_not_accepted() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let mut nobody = request(&["image"]);
    nobody.recipients.clear();
    let mut twice = request(&["image"]);
    twice.recipients.push(twice.recipients[0].clone());
    let mut many = request(&["image"]);
    let names = (0..=1024).map(|number| format!("image-{number}").parse().unwrap());
    many.files = names.collect();
    let mut everybody = request(&["image"]);
    let names = (0..=64).map(|number| format!("app-{number}").parse().unwrap());
    everybody.recipients = names.collect();
    let none = request(&[]);
    let same = request(&["image", "image"]);
    for request in [none, same, nobody, twice, many, everybody] {
        let refused = accept(&mover(&disk), 1, &request).unwrap_err();
        assert_eq!(refused.code, Code::InvalidArgument, "{refused}");
    }
}

#[test]
fn a_sender_without_an_outbox_is_told_to_try_later() {
    let disk = disk(1);
    let at = Duration::ZERO;
    let accepted = mover(&disk).accept(TransferId(1), &app("nobody"), request(&["image"]), at);
    assert_eq!(accepted.unwrap_err().code, Code::Unavailable);
}

#[test]
fn a_file_that_becomes_another_one_before_it_is_claimed_is_not_sent() {
    let changes: [&dyn Fn(&link_service::folders::memory::MemoryDisk); 4] = [
        &|disk| put(disk, "image", b"others"),
        &|disk| disk.scribble(&app("camera"), Side::Outbox, "image", b"other"),
        &|disk| disk.put_other(&app("camera"), Side::Outbox, "image"),
        &|disk| disk.link(&app("camera"), Side::Outbox, "image", "second"),
    ];
    for (change, leave_source) in changes.into_iter().flat_map(|c| [(c, false), (c, true)]) {
        let disk = disk(1);
        put(&disk, "image", b"octets");
        let mut request = request(&["image"]);
        request.leave_source = leave_source;
        let mover = mover(&disk);
        let mut transfer = accept(&mover, 1, &request).unwrap();
        change(&disk);
        let outcome = run_to_end(&mover, &mut transfer);
        let codes = [Code::SourceChanged, Code::SourceNotRegular];
        assert!(codes.contains(&outcome.code), "{outcome:?}");
        assert_eq!(
            disk.paths(&app("analyser"), Side::Inbox),
            Vec::<String>::new()
        );
        assert!(
            disk.paths(&app("camera"), Side::Outbox)
                .contains(&"image".to_string())
        );
        nothing_is_left(&disk);
    }
}

#[test]
fn a_source_that_changes_while_it_is_copied_does_not_arrive() {
    for (leave_source, chunk) in [(false, 0), (false, 3), (true, 0), (true, 5)] {
        let disk = disk(1);
        put(&disk, "image", &octets("image", 4 * CHUNK));
        let mut request = request(&["image"]);
        request.leave_source = leave_source;
        let mover = mover(&disk);
        let mut transfer = accept(&mover, 1, &request).unwrap();
        let chunks = std::cell::Cell::new(0);
        let scribble = || {
            // The sender has it open still, though it was claimed.
            let path = match leave_source {
                true => "image",
                false => ".link/0000000000000001.image",
            };
            if chunks.replace(chunks.get() + 1) == chunk {
                let other = octets("other", 4 * CHUNK);
                disk.scribble(&app("camera"), Side::Outbox, path, &other);
            }
            true
        };
        let Ran::Ended(outcome) = mover.run(&mut transfer, &scribble) else {
            panic!("it goes on");
        };
        assert_eq!(outcome.code, Code::SourceChanged);
        assert_eq!(inbox(&disk, "analyser", "image"), None);
        assert!(outbox(&disk, "image").is_some());
        nothing_is_left(&disk);
    }
}

#[test]
fn a_source_that_grows_or_shrinks_while_it_is_copied_does_not_arrive() {
    for bytes in [CHUNK, 3 * CHUNK, 4 * CHUNK - 1, 4 * CHUNK + 1, 9 * CHUNK] {
        let disk = disk(1);
        put(&disk, "image", &octets("image", 4 * CHUNK));
        let mover = mover(&disk);
        let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
        let chunks = std::cell::Cell::new(0);
        let resize = || {
            if chunks.replace(chunks.get() + 1) == 2 {
                let claim = ".link/0000000000000001.image";
                disk.scribble(&app("camera"), Side::Outbox, claim, &octets("image", bytes));
            }
            true
        };
        let Ran::Ended(outcome) = mover.run(&mut transfer, &resize) else {
            panic!("it goes on");
        };
        assert_eq!(outcome.code, Code::SourceChanged);
        assert_eq!(inbox(&disk, "analyser", "image"), None);
    }
}
