//! What apps drop, and what they are told.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use link_service::code::Code;
use link_service::dropbox::{DropboxCounts, DropboxLimits, DropboxThread, receipt_name};
use link_service::folders::Side;
use link_service::folders::memory::Fault;

use crate::desk::{CAMERA, Desk, adds_up, app, disk, dropbox, limited, outbox, put, told};

const TO_ANALYSER: &str = r#"{"destinationAppId": "analyser"}"#;

#[test]
fn a_request_is_dropped_and_the_app_is_told_that_it_is_accepted_and_how_it_ends() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw", "octets");
    dropbox.scan();
    assert_eq!(desk.asked(), Vec::<String>::new(), "it did not ask");
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    assert_eq!(desk.asked(), ["image.raw"]);
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("ACCEPTED"));
    assert!(!outbox(&disk).contains(&"image.raw.linkrequest.json".to_owned()));
    assert!(dropbox.is_waiting());
    desk.end(0, Code::Ok);
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"));
    let receipt = "receipts/image.raw.linkresponse.json";
    assert_eq!(outbox(&disk), ["image.raw", receipt]);
    let owner = disk.file_owner(&app(CAMERA), Side::Outbox, receipt);
    assert_eq!(owner, Some(1), "the app may remove it");
    assert!(!dropbox.is_waiting());
    let counts = DropboxCounts {
        taken: 1,
        accepted: 1,
        ended: 1,
        ..DropboxCounts::default()
    };
    assert_eq!(dropbox.counts(), counts);
}

#[test]
fn the_request_that_is_kept_is_the_same_after_a_restart() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox(&disk, &desk).scan();
    let mut after = dropbox(&disk, &desk);
    after.scan();
    assert_eq!(desk.asked(), ["image.raw"]);
    desk.end(0, Code::AlreadyExists);
    after.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("ALREADY_EXISTS"));
}

#[test]
fn what_ended_while_nobody_looked_is_told_after_a_restart() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox(&disk, &desk).scan();
    desk.end(0, Code::Ok);
    let mut after = dropbox(&disk, &desk);
    after.scan();
    after.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"));
    assert_eq!(outbox(&disk), ["receipts/image.raw.linkresponse.json"]);
}

#[test]
fn the_same_request_dropped_twice_is_two_requests_one_after_the_other() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    assert_eq!(desk.asked().len(), 1, "the first is not over");
    desk.end(0, Code::Ok);
    dropbox.scan();
    dropbox.scan();
    assert_eq!(desk.asked().len(), 2);
    assert_ne!(desk.tracking_id(0), desk.tracking_id(1));
}

#[test]
fn a_tracking_id_of_the_apps_own_is_left_as_it_is() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let body = r#"{"destinationAppId": "analyser", "requestHeader": {"trackingId": "pass-7"}}"#;
    put(&disk, "image.raw.linkrequest.json", body);
    dropbox(&disk, &desk).scan();
    assert_eq!(desk.tracking_id(0), "pass-7");
}

#[test]
fn what_is_refused_is_told_and_its_file_stays() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    desk.known().refuses = Some(Code::Forbidden);
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw", "octets");
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("FORBIDDEN"));
    let left = ["image.raw", "receipts/image.raw.linkresponse.json"];
    assert_eq!(outbox(&disk), left);
    assert_eq!(dropbox.counts().refused, 1);
}

#[test]
fn what_is_unavailable_is_told_once_and_tried_again() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    desk.known().refuses = Some(Code::Unavailable);
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("UNAVAILABLE"));
    let receipt = "receipts/image.raw.linkresponse.json";
    disk.take(&app(CAMERA), Side::Outbox, receipt);
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw"), None, "nothing is new");
    desk.known().refuses = None;
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("ACCEPTED"));
    assert_eq!(desk.asked(), ["image.raw"]);
}

#[test]
fn a_request_that_is_still_written_is_waited_for() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw.linkrequest.json", "");
    dropbox.scan();
    let is_kept = |path: &String| path.starts_with(".requests/");
    let kept = outbox(&disk).into_iter().find(is_kept).unwrap();
    let (first, _) = TO_ANALYSER.split_at(10);
    disk.scribble(&app(CAMERA), Side::Outbox, &kept, first.as_bytes());
    dropbox.scan();
    disk.scribble(&app(CAMERA), Side::Outbox, &kept, TO_ANALYSER.as_bytes());
    dropbox.scan();
    assert_eq!(desk.asked(), ["image.raw"]);
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("ACCEPTED"));
}

#[test]
fn what_stays_no_json_is_refused_once_it_does_not_change_any_more() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    for (name, octets) in [
        ("a", ""),
        ("b", "{\"destina"),
        ("c", "to: analyser"),
        ("d", "[]"),
    ] {
        put(&disk, &format!("{name}.linkrequest.json"), octets);
    }
    dropbox.scan();
    dropbox.scan();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(
            told(&disk, name).as_deref(),
            Some("INVALID_ARGUMENT"),
            "{name}"
        );
    }
    assert_eq!(desk.asked(), Vec::<String>::new());
    let counts = dropbox.counts();
    assert_eq!((counts.taken, counts.unread, counts.failed), (4, 4, 0));
}

#[test]
fn a_request_is_of_the_file_whose_name_it_has_or_of_a_batch() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    let other = r#"{"destinationAppId": "analyser", "fileName": "other.raw"}"#;
    put(&disk, "image.raw.linkrequest.json", other);
    let batch = r#"{"destinationAppId": "analyser", "fileNames": ["a", "b"]}"#;
    put(&disk, "pass.linkrequest.json", batch);
    dropbox.scan();
    assert_eq!(
        told(&disk, "image.raw").as_deref(),
        Some("INVALID_ARGUMENT")
    );
    assert_eq!(told(&disk, "pass").as_deref(), Some("ACCEPTED"));
    let known = desk.known();
    assert_eq!(known.requests.len(), 1);
    assert!(!known.requests[0].1.contains_key("fileName"));
}

#[test]
fn names_that_begin_with_a_dot_and_directories_are_no_requests() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    put(&disk, ".image.raw.linkrequest.json", TO_ANALYSER);
    disk.put_directory(&app(CAMERA), Side::Outbox, "b.linkrequest.json");
    let mut dropbox = dropbox(&disk, &desk);
    dropbox.scan();
    assert_eq!(dropbox.counts(), DropboxCounts::default());
    assert_eq!(outbox(&disk), [".image.raw.linkrequest.json"]);
}

#[test]
fn more_requests_than_are_kept_wait_in_the_outbox() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let limits = DropboxLimits {
        kept_max: 2,
        ..DropboxLimits::default()
    };
    let mut dropbox = limited(&disk, &desk, limits);
    for name in ["a", "b", "c"] {
        put(&disk, &format!("{name}.linkrequest.json"), TO_ANALYSER);
    }
    dropbox.scan();
    // Of those that are taken up at once, which is handed in first does not matter.
    let asked = || BTreeSet::from_iter(desk.asked());
    assert_eq!(asked(), ["a", "b"].map(str::to_owned).into());
    assert!(outbox(&disk).contains(&"c.linkrequest.json".to_owned()));
    desk.end(0, Code::Ok);
    dropbox.scan();
    dropbox.scan();
    assert_eq!(asked(), ["a", "b", "c"].map(str::to_owned).into());
}

#[test]
fn receipts_that_nobody_removes_do_not_fill_the_disk() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let limits = DropboxLimits {
        receipts_max: 3,
        ..DropboxLimits::default()
    };
    desk.known().refuses = Some(Code::Forbidden);
    let mut dropbox = limited(&disk, &desk, limits);
    for name in ["e", "d", "c", "b", "a"] {
        put(&disk, &format!("{name}.linkrequest.json"), TO_ANALYSER);
        dropbox.scan();
    }
    let left = ["a", "b", "c"].map(|name| format!("receipts/{name}.linkresponse.json"));
    assert_eq!(outbox(&disk), left, "the newest");
    assert_eq!(dropbox.counts().receipts_removed, 2);
}

#[test]
fn a_disk_that_fails_once_delays_a_request_and_loses_none() {
    for changes in 0..24 {
        for fault in Fault::ALL {
            let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
            let mut dropbox = dropbox(&disk, &desk);
            put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
            disk.fault_after(changes, fault);
            dropbox.scan();
            desk.end(0, Code::Ok);
            for _ in 0..4 {
                dropbox.scan();
            }
            let at = format!("{fault:?} after {changes}");
            assert_eq!(desk.asked(), ["image.raw"], "{at}");
            if dropbox.counts().untold == 0 {
                assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"), "{at}");
            }
            assert!(!dropbox.is_waiting(), "{at}");
            adds_up(dropbox.counts());
        }
    }
}

#[test]
fn an_app_without_an_outbox_keeps_no_other_waiting() {
    let (disk, desk) = (disk(1), Desk::of(&["absent", CAMERA]));
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    let mut dropbox = dropbox(&disk, &desk);
    dropbox.scan();
    assert_eq!(desk.asked(), ["image.raw"]);
    assert_eq!(dropbox.counts().failed, 1);
}

#[test]
fn a_name_that_is_too_long_for_a_receipt_has_one_all_the_same() {
    let longest = "é".repeat(119);
    assert_eq!(longest.len(), 238, "with the suffix of a request, 255");
    let receipt = receipt_name(&longest);
    assert!(receipt.len() <= 255 && receipt.ends_with(".linkresponse.json"));
    let another = receipt_name(&("é".repeat(118) + "aa"));
    assert_ne!(receipt, another);
    assert_eq!(receipt_name("image.raw"), "image.raw.linkresponse.json");
}

#[test]
fn the_thread_scans_again_and_again_until_it_is_stopped() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let dropbox = dropbox(&disk, &desk);
    let thread = DropboxThread::start(dropbox, Duration::from_millis(1)).unwrap();
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    let until = Instant::now() + Duration::from_secs(30);
    let wait_for = |code: &str| {
        while told(&disk, "image.raw").as_deref() != Some(code) {
            assert!(Instant::now() < until, "{code} is not told");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait_for("ACCEPTED");
    desk.end(0, Code::Ok);
    wait_for("OK");
    let counter = thread.counter();
    drop(thread);
    let counts = counter.counts();
    assert_eq!((counts.taken, counts.accepted, counts.ended), (1, 1, 1));
}

#[test]
fn an_end_is_told_without_looking_for_new_requests() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.poll();
    assert_eq!(desk.asked(), Vec::<String>::new(), "that is for a scan");
    dropbox.scan();
    let changes = disk.changes();
    dropbox.poll();
    assert_eq!(disk.changes(), changes);
    desk.end(0, Code::Ok);
    dropbox.poll();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"));
}

#[test]
fn what_the_desk_has_forgotten_is_handed_in_anew() {
    let (disk, desk) = (disk(1), Desk::of(&[CAMERA]));
    let mut dropbox = dropbox(&disk, &desk);
    put(&disk, "image.raw.linkrequest.json", TO_ANALYSER);
    dropbox.scan();
    desk.forget();
    dropbox.scan();
    dropbox.scan();
    assert_eq!(desk.asked(), ["image.raw"]);
    desk.end(0, Code::Ok);
    dropbox.scan();
    assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"));
    adds_up(dropbox.counts());
}
