//! A large file keeps those of others waiting for a moment only.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::sync::{Arc, Mutex};

use payload_controller::core::*;
use payload_controller::files::{AppFolders, FileThreads, Stager};
use payload_controller::shell::door;
use payload_interface::AppName;

use crate::eventually;
use crate::files::{Fake, Link, camera, folders, record, secs};

const LARGE_BYTES: u64 = 40 << 20;

struct Rig {
    stager: Stager<Fake>,
    link: Fake,
    all: BTreeMap<AppName, AppFolders>,
    folder: tempfile::TempDir,
}

fn radar() -> AppName {
    "radar".parse().unwrap()
}

/// A camera with a large file and a radar.
fn rig() -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let of = |app: &str| folders(&folder.path().join(app));
    let all = BTreeMap::from([(camera(), of("camera")), (radar(), of("radar"))]);
    let large = File::create(all[&camera()].outbound.join("large")).unwrap();
    large.set_len(LARGE_BYTES).unwrap();
    let link = Fake(Arc::new(Mutex::new(Link {
        outbox: folder.path().join("outbox"),
        ..Link::default()
    })));
    Rig {
        stager: Stager::new(link.clone(), all.clone(), secs(30)),
        link,
        all,
        folder,
    }
}

fn of_radar(id: u64, path: &str) -> FileRecord {
    FileRecord {
        app: radar(),
        ..record(id, path)
    }
}

fn accepted(events: &[Event]) -> Vec<u64> {
    let accepted = events.iter().filter_map(|event| match event {
        Event::FileAccepted { file, .. } => Some(file.0),
        _ => None,
    });
    accepted.collect()
}

#[test]
fn a_large_file_does_not_keep_the_files_of_another_app_waiting() {
    let mut rig = rig();
    rig.stager.stage(record(1, "large"), secs(0));
    let mut rounds = 0;
    loop {
        rounds += 1;
        let name = format!("small{rounds}");
        fs::write(rig.all[&radar()].outbound.join(&name), "echo").unwrap();
        rig.stager.stage(of_radar(100 + rounds, &name), secs(0));
        let numbers = accepted(&rig.stager.work(secs(0)));
        assert!(numbers.contains(&(100 + rounds)), "{numbers:?}");
        if numbers.contains(&1) {
            break;
        }
        assert!(rig.stager.has_more(), "it goes on at once");
    }
    assert!(rounds > 3, "{rounds}");
    assert!(!rig.stager.has_more());
    let link = rig.link.0.lock().unwrap();
    let large = link
        .handed_in
        .iter()
        .find(|(name, ..)| name == "camera/large");
    assert_eq!(large.unwrap().1.len() as u64, LARGE_BYTES);
}

#[test]
fn many_files_of_one_app_take_turns_with_those_of_another() {
    let mut rig = rig();
    for number in 1..=4 {
        let name = format!("half{number}");
        let file = File::create(rig.all[&camera()].outbound.join(&name)).unwrap();
        file.set_len(6 << 20).unwrap();
        rig.stager.stage(record(number, &name), secs(0));
    }
    fs::write(rig.all[&radar()].outbound.join("small"), "echo").unwrap();
    rig.stager.stage(of_radar(9, "small"), secs(0));
    assert_eq!(accepted(&rig.stager.work(secs(0))), [1, 2, 9]);
    assert!(rig.stager.has_more(), "the rest goes on at once");
    assert_eq!(accepted(&rig.stager.work(secs(0))), [3, 4]);
    assert!(!rig.stager.has_more());
}

#[test]
fn a_file_that_grows_while_it_is_read_is_tried_again_and_nothing_of_it_is_left() {
    let mut rig = rig();
    rig.stager.stage(record(1, "large"), secs(0));
    assert!(rig.stager.work(secs(0)).is_empty());
    let large = rig.all[&camera()].outbound.join("large");
    let large = File::options().write(true).open(large).unwrap();
    large.set_len(LARGE_BYTES + 1).unwrap();
    while rig.stager.has_more() {
        assert!(rig.stager.work(secs(0)).is_empty());
    }
    let copy = rig.folder.path().join("outbox/camera/large");
    assert!(!copy.exists(), "a part is no file");
    assert!(rig.stager.is_busy(), "it is tried again");
    let mut events = Vec::new();
    while events.is_empty() {
        events = rig.stager.work(secs(1));
    }
    assert_eq!(accepted(&events), [1]);
}

#[test]
fn a_large_copy_to_another_app_does_not_keep_another_copy_waiting() {
    let rig = rig();
    let small = "echo";
    fs::write(rig.all[&radar()].outbound.join("small"), small).unwrap();
    let large = rig.all[&camera()].outbound.join("large");
    // So large that it is not done before the small one is ordered.
    let octets = 8 << 30;
    File::options()
        .write(true)
        .open(large)
        .unwrap()
        .set_len(octets)
        .unwrap();
    let (door, inputs) = door();
    let threads = FileThreads::start(rig.stager, rig.all.clone(), secs(1), &door).unwrap();
    threads.copy(camera(), radar(), CopyId(1), "large".to_owned());
    threads.copy(radar(), camera(), CopyId(2), "small".to_owned());
    let copy = rig.all[&camera()].inbound.join("radar/small");
    eventually("it is there", || copy.exists());
    assert!(!rig.all[&radar()].inbound.join("camera/large").exists());
    drop(threads);
    drop(inputs);
}
