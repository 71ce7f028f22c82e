//! What is asked of a transfer that was accepted: it is to wait, to go first, not to go.

use link_service::code::Code;
use link_service::desk::{AskError, Workers};
use link_service::journal::Journal;
use link_service::queue::Standing;
use link_service::request::Priority;

use crate::rig::{app, arrived, disk, ended, left, open, put, request, status, submit};

#[test]
fn one_on_hold_is_on_hold_after_a_power_cut_until_it_is_let_go() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open(&disk);
    let id = submit(&desk, request("image")).unwrap();
    desk.hold(&app("camera"), id).unwrap();
    disk.power_cut();
    let desk = open(&disk);
    assert_eq!(status(&desk, id).standing, Some(Standing::Held));
    desk.release(&app("camera"), id).unwrap();
    disk.power_cut();
    let desk = open(&disk);
    assert_eq!(status(&desk, id).standing, Some(Standing::Ready));
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
}

#[test]
fn another_priority_has_effect_after_a_power_cut() {
    let disk = disk(1);
    for file in ["first", "second"] {
        put(&disk, file, b"an image");
    }
    let desk = open(&disk);
    let [first, second] = ["first", "second"].map(|file| submit(&desk, request(file)).unwrap());
    desk.reprioritise(&app("camera"), second, Priority::High)
        .unwrap();
    disk.power_cut();
    let desk = open(&disk);
    assert_eq!(status(&desk, first).priority, Priority::Medium);
    assert_eq!(status(&desk, second).priority, Priority::High);
    let _workers = Workers::start(&desk, 1).unwrap();
    let ends = [first, second].map(|id| ended(&desk, id).transfer.outcome().unwrap().ended_at);
    assert!(ends[1] < ends[0], "{ends:?}");
}

#[test]
fn one_that_was_cancelled_is_not_delivered_after_a_power_cut() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open(&disk);
    let id = submit(&desk, request("image")).unwrap();
    desk.cancel(&app("camera"), id).unwrap();
    disk.power_cut();
    let desk = open(&disk);
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Cancelled);
    assert_eq!(arrived(&disk, "image"), None);
    assert!(left(&disk, "image").is_some());
}

#[test]
fn what_the_journal_does_not_keep_is_not_said_to_be_done_and_may_be_asked_again() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open(&disk);
    let id = submit(&desk, request("image")).unwrap();
    disk.fail_after(0);
    let held = desk.hold(&app("camera"), id).unwrap_err();
    assert!(matches!(held, AskError::NotKept(_)), "{held}");
    assert_eq!(status(&desk, id).standing, Some(Standing::Ready));
    disk.restart();
    desk.hold(&app("camera"), id).unwrap();
    assert_eq!(status(&desk, id).standing, Some(Standing::Held));
}

#[test]
fn what_was_asked_of_one_that_is_forgotten_is_forgotten_with_it() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open(&disk);
    let id = submit(&desk, request("image")).unwrap();
    desk.hold(&app("camera"), id).unwrap();
    // As by a cut of the power between the two.
    let order = disk.journal().load_orders().unwrap()[0].1;
    disk.journal().remove(id).unwrap();
    disk.journal().order(id, order).unwrap();
    open(&disk);
    assert_eq!(disk.journal().load_orders().unwrap(), []);
}
