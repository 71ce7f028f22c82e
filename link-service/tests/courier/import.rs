//! What came over a link gets to its inbox once, whatever ends in between.

use std::sync::Arc;

use heliograph_tests::wait::{eventually, within};
use link_service::code::Code;
use link_service::courier::{Import, Lane};
use link_service::desk::{Desk, Workers};
use link_service::folders::Side;
use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::record::TransferId;

use crate::rig::{PATIENCE, address, app, desk};

const PLAN: &[u8] = b"what the camera is to look at in the next orbits";

type MemoryDesk = Desk<MemoryFolders, MemoryJournal>;

/// A disk with two apps, and the folder of the link to the ground.
fn disk(seed: u64) -> MemoryDisk {
    let disk = MemoryDisk::new(seed);
    for (name, owner) in ["camera", "analyser", "ground"].into_iter().zip(1..) {
        disk.add_app(&app(name), owner);
    }
    disk
}

/// The file entity has put a file there.
fn arrive(disk: &MemoryDisk, transaction: &str, path: &str, octets: &[u8]) {
    let address = address("camera", "ground", path, octets).to_string();
    let rest = address.strip_prefix("to/").unwrap();
    let held = format!("arrived/{transaction}/{rest}");
    disk.put(&app("ground"), Side::Outbox, &held, octets);
}

fn open(disk: &MemoryDisk) -> Arc<MemoryDesk> {
    desk(disk.folders(), disk.journal())
}

fn held(disk: &MemoryDisk) -> Vec<String> {
    disk.paths(&app("ground"), Side::Outbox)
}

fn inbox(disk: &MemoryDisk, path: &str) -> Option<Vec<u8>> {
    disk.file(&app("camera"), Side::Inbox, path)
}

/// All that came is with its recipient, and nothing else is under way.
fn settle(desk: &Arc<MemoryDesk>, disk: &MemoryDisk) {
    let mut import = Import::new(Lane::Ground);
    let _workers = Workers::start(desk, 1).unwrap();
    eventually(PATIENCE, || {
        import.look(desk).unwrap();
        let is_over = desk.depths().open == 0 && held(disk).is_empty();
        is_over.then_some(())
    });
}

#[test]
fn what_came_is_delivered_with_who_sent_it_and_the_folder_is_empty_then() {
    let disk = disk(1);
    arrive(&disk, "2-17", "plans/today", PLAN);
    let desk = open(&disk);
    settle(&desk, &disk);
    assert_eq!(inbox(&disk, "plans/today").unwrap(), PLAN);
    let deliveries = desk.deliveries(&app("camera"), 10);
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    assert_eq!(deliveries[0].sender.to_string(), "ground");
    assert_eq!(deliveries[0].files[0].path, "plans/today");
    let hash: [u8; 32] = blake3::hash(PLAN).into();
    assert_eq!(deliveries[0].files[0].hash, Some(hash));
    let folders = disk.folders();
    let outbox = link_service::folders::Folders::open_box(&folders, &app("ground"), Side::Outbox);
    let arrived =
        link_service::folders::Folders::open_directory(&folders, &outbox.unwrap(), "arrived");
    let left = link_service::folders::Folders::list(&folders, &arrived.unwrap()).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_same_transaction_is_delivered_once_and_another_with_the_same_file_again() {
    let disk = disk(1);
    let desk = open(&disk);
    arrive(&disk, "2-17", "today", PLAN);
    settle(&desk, &disk);
    let id = desk.deliveries(&app("camera"), 10)[0].id;
    desk.acknowledge(&app("camera"), id, true).unwrap();
    // A cut of the power brings back what was removed.
    arrive(&disk, "2-17", "today", PLAN);
    let mut import = Import::new(Lane::Ground);
    assert_eq!(import.look(&desk).unwrap(), 0);
    assert!(desk.deliveries(&app("camera"), 10).is_empty());
    drop(desk);

    let desk = open(&disk);
    assert!(
        held(&disk).is_empty(),
        "what was delivered is removed at the start"
    );
    arrive(&disk, "2-18", "today", PLAN);
    settle(&desk, &disk);
    assert_eq!(inbox(&disk, "today").unwrap(), PLAN);
}

#[test]
fn what_is_not_what_its_name_says_is_not_delivered_and_kept_aside() {
    let disk = disk(1);
    let mut other = PLAN.to_vec();
    other[3] ^= 1;
    let address = address("camera", "ground", "today", PLAN).to_string();
    let name = format!("arrived/2-17/{}", address.strip_prefix("to/").unwrap());
    disk.put(&app("ground"), Side::Outbox, &name, &other);
    let desk = open(&disk);
    let mut import = Import::new(Lane::Ground);
    let _workers = Workers::start(&desk, 1).unwrap();
    let ended = eventually(PATIENCE, || {
        import.look(&desk).unwrap();
        let views = desk.list_all(TransferId(0), 1, |view| view.has_ended());
        views.into_iter().next()
    });
    assert_eq!(ended.code, Code::SourceChanged, "{ended:?}");
    assert_eq!(inbox(&disk, "today"), None);
    let kept = held(&disk);
    assert_eq!(kept, [format!("returned/{}/today", ended.transfer.id)]);
}

#[test]
fn a_name_that_is_no_address_is_left_alone() {
    let disk = disk(1);
    disk.put(&app("ground"), Side::Outbox, "arrived/2-17/camera/x", PLAN);
    let desk = open(&disk);
    let mut import = Import::new(Lane::Ground);
    assert_eq!(import.look(&desk).unwrap(), 0);
    assert_eq!(held(&disk), ["arrived/2-17/camera/x"]);
}

/// Two files come, and the disk fails after so many changes: whether it did.
fn is_cut(seed: u64, changes: u64, is_power: bool) -> bool {
    let disk = disk(seed);
    arrive(&disk, "2-17", "plans/today", PLAN);
    arrive(&disk, "2-18", "tomorrow", b"short");
    let cut = {
        let desk = open(&disk);
        let mut import = Import::new(Lane::Ground);
        disk.fail_after(changes);
        let workers = Workers::start(&desk, 1).unwrap();
        let ended = within(PATIENCE, || {
            let _ = import.look(&desk);
            let is_over = desk.depths().open == 0 && held(&disk).is_empty();
            (disk.has_failed() || is_over).then(|| disk.has_failed())
        });
        drop(workers);
        ended.unwrap()
    };
    match is_power {
        true => disk.power_cut(),
        false => disk.restart(),
    }
    let case = format!("seed {seed}, {changes} changes, power {is_power}");
    let desk = open(&disk);
    for path in ["plans/today", "tomorrow"] {
        // Under its name there is all of it or nothing.
        if let Some(found) = inbox(&disk, path) {
            assert!(found == PLAN || found == b"short", "{case}: {path}");
        }
    }
    settle(&desk, &disk);
    assert_eq!(inbox(&disk, "plans/today").as_deref(), Some(PLAN), "{case}");
    assert_eq!(
        inbox(&disk, "tomorrow").as_deref(),
        Some(&b"short"[..]),
        "{case}"
    );
    let deliveries = desk.deliveries(&app("camera"), 10);
    assert_eq!(deliveries.len(), 2, "{case}: {deliveries:?}");
    let views = desk.list_all(TransferId(0), 10, |_| true);
    let codes: Vec<Code> = views.iter().map(|view| view.code).collect();
    assert_eq!(codes, [Code::Ok, Code::Ok], "{case}: {views:?}");
    cut
}

#[test]
fn cut_or_ended_at_any_change_of_the_disk_each_file_is_delivered_once() {
    for is_power in [false, true] {
        let mut changes = 0;
        while (0..4).any(|seed| is_cut(seed, changes, is_power)) {
            changes += 1;
        }
        assert!(changes > 20, "only {changes} changes");
    }
}
