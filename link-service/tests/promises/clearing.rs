//! A disk that does not let go of what is over: its transfer ends all the same.

use link_service::code::Code;
use link_service::desk::{DeskLimits, Workers};
use link_service::folders::Side;
use link_service::folders::memory::MemoryDisk;

use crate::rig::{
    app, arrived, disk, ended, left, limits, open, open_with, put, request, status, submit,
};

fn few_tries() -> DeskLimits {
    DeskLimits {
        clearing_max: 3,
        ..limits()
    }
}

/// What the service keeps in the outbox of the camera.
fn claimed(disk: &MemoryDisk) -> Vec<String> {
    let mut paths = disk.paths(&app("camera"), Side::Outbox);
    paths.retain(|path| path.starts_with(".link/"));
    paths
}

#[test]
fn what_was_delivered_ends_well_though_its_source_cannot_be_removed() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open_with(&disk, few_tries());
    let workers = Workers::start(&desk, 1).unwrap();
    disk.break_removing(true);
    let id = submit(&desk, request("image")).unwrap();
    let view = ended(&desk, id);
    assert_eq!(
        (view.code, &*view.text.replace("input or output", "I/O")),
        (
            Code::Ok,
            "its source is not cleared before the next start: removing failed: I/O error"
        )
    );
    assert_eq!(arrived(&disk, "image").as_deref(), Some(&b"an image"[..]));
    // Its name is free for another.
    assert_eq!(left(&disk, "image"), None);
    assert_eq!(claimed(&disk).len(), 1);
    drop(workers);
    // The answer is the same over a cut of the power, and what was left is cleared.
    disk.break_removing(false);
    disk.power_cut();
    let desk = open(&disk);
    assert_eq!(
        status(&desk, id).transfer.outcome(),
        view.transfer.outcome()
    );
    assert_eq!(claimed(&disk), Vec::<String>::new());
}

#[test]
fn a_removal_that_fails_less_often_is_tried_again_before_the_sender_hears_of_the_end() {
    let disk = disk(1);
    put(&disk, "image", b"an image");
    let desk = open(&disk);
    let _workers = Workers::start(&desk, 1).unwrap();
    disk.break_removing(true);
    let id = submit(&desk, request("image")).unwrap();
    while status(&desk, id).text.is_empty() {
        std::thread::yield_now();
    }
    assert!(!status(&desk, id).has_ended());
    disk.break_removing(false);
    let view = ended(&desk, id);
    assert_eq!((view.code, &*view.text), (Code::Ok, ""));
    assert_eq!(claimed(&disk), Vec::<String>::new());
}
