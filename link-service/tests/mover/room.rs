//! Quotas of inboxes, and what the disk has left.

use link_service::code::Code;
use link_service::folders::Side;
use link_service::mover::{Mover, MoverLimits, Quota, Quotas, Ran};
use link_service::names::AppId;
use link_service::request::{LinkRequest, Priority};

use crate::rig::{
    CHUNK, MemoryMover, accept, app, disk, inbox, limits, mover, nothing_is_left, octets, outbox,
    put, request, run, run_to_end,
};

const QUOTA: Quota = Quota {
    bytes_max: 100,
    files_max: 3,
};

fn with_quota(disk: &link_service::folders::memory::MemoryDisk) -> MemoryMover {
    let quota = |of: &AppId| match of.as_str() {
        "analyser" => QUOTA,
        _ => Quota::UNLIMITED,
    };
    Mover::new(disk.folders(), disk.journal(), limits(), quota)
}

#[test]
fn w22_an_inbox_gets_no_more_than_its_quota_until_its_app_removes_something() {
    let disk = disk(1);
    let mover = with_quota(&disk);
    for (id, name) in [(1, "a"), (2, "b"), (3, "c")] {
        put(&disk, name, &[0; 40]);
        let mut transfer = accept(&mover, id, &request(&[name])).unwrap();
        if id < 3 {
            assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
            continue;
        }
        let ran = run(&mover, &mut transfer);
        let Ran::Retry(Code::QuotaExceeded, text) = ran else {
            panic!("{ran:?}");
        };
        assert!(text.contains("3 files of 100 octets"), "{text}");
        // Nothing of it takes room meanwhile.
        assert_eq!(disk.paths(&app("analyser"), Side::Inbox), ["a", "b"]);
        disk.take(&app("analyser"), Side::Inbox, "a");
        assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    }
}

#[test]
fn a_quota_is_one_of_files_too_also_in_subdirectories() {
    let disk = disk(1);
    for name in ["raw/a", "b", "raw/nir/c"] {
        disk.put(&app("analyser"), Side::Inbox, name, b"");
    }
    put(&disk, "d", b"");
    let mover = with_quota(&disk);
    let mut transfer = accept(&mover, 1, &request(&["d"])).unwrap();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::QuotaExceeded, _)), "{ran:?}");
}

#[test]
fn what_is_larger_than_the_quota_is_not_tried_again() {
    let disk = disk(1);
    put(&disk, "image", &[0; 101]);
    let mover = with_quota(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let Ran::Ended(outcome) = run(&mover, &mut transfer) else {
        panic!("it goes on");
    };
    assert_eq!(outcome.code, Code::QuotaExceeded);
    assert!(outbox(&disk, "image").is_some());
}

#[test]
fn two_transfers_at_once_do_not_take_the_same_room() {
    let disk = disk(1);
    let mover = with_quota(&disk);
    put(&disk, "a", &[0; 60]);
    put(&disk, "b", &[0; 60]);
    let mut a = accept(&mover, 1, &request(&["a"])).unwrap();
    let mut b = accept(&mover, 2, &request(&["b"])).unwrap();
    // The second runs while the first is copied.
    let b_waits = std::cell::Cell::new(0);
    let run_b = std::cell::RefCell::new(|| {
        let ran = run(&mover, &mut b);
        assert!(matches!(ran, Ran::Retry(Code::QuotaExceeded, _)), "{ran:?}");
    });
    let go_on = || {
        if b_waits.replace(b_waits.get() + 1) < 2 {
            run_b.borrow_mut()();
        }
        true
    };
    assert!(matches!(mover.run(&mut a, &go_on), Ran::Ended(_)));
    assert!(b_waits.get() > 1);
}

#[test]
fn a_full_disk_is_waited_for_and_no_staging_stays_on_it() {
    let disk = disk(1);
    let image = octets("image", 4 * CHUNK);
    put(&disk, "image", &image);
    disk.set_bytes_max(7 * CHUNK as u64);
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::NoSpace, _)), "{ran:?}");
    assert_eq!(
        disk.paths(&app("analyser"), Side::Inbox),
        Vec::<String>::new()
    );
    disk.set_bytes_max(8 * CHUNK as u64);
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(inbox(&disk, "analyser", "image"), Some(image));
    nothing_is_left(&disk);
}

#[test]
fn what_is_to_be_left_free_is() {
    let disk = disk(1);
    put(&disk, "image", &[0; 50]);
    disk.set_bytes_max(120);
    let limits = MoverLimits {
        free_bytes_min: 21,
        ..limits()
    };
    let unlimited = |_: &AppId| Quota::UNLIMITED;
    let mover = Mover::new(disk.folders(), disk.journal(), limits, unlimited);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::NoSpace, _)), "{ran:?}");
    disk.set_bytes_max(121);
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
}

/// Room of a file system that is kept for what is critical.
struct Kept(u64);

impl Quotas for Kept {
    fn of(&self, _: &AppId) -> Quota {
        Quota::UNLIMITED
    }

    fn kept_free_bytes(&self, priority: Priority) -> u64 {
        match priority {
            Priority::Critical => 0,
            _ => self.0,
        }
    }
}

#[test]
fn room_that_is_kept_for_what_is_critical_is_filled_by_nothing_else() {
    for (priority, fits) in [
        (Priority::Low, false),
        (Priority::High, false),
        (Priority::Critical, true),
    ] {
        let disk = disk(1);
        put(&disk, "image", &[0; 50]);
        disk.set_bytes_max(100);
        let mover = Mover::new(disk.folders(), disk.journal(), limits(), Kept(1));
        let request = LinkRequest {
            priority,
            ..request(&["image"])
        };
        let mut transfer = accept(&mover, 1, &request).unwrap();
        let ran = run(&mover, &mut transfer);
        assert_eq!(matches!(ran, Ran::Ended(_)), fits, "{priority}: {ran:?}");
        let waits = matches!(ran, Ran::Retry(Code::NoSpace, _));
        assert_eq!(waits, !fits, "{priority}: {ran:?}");
    }
}
