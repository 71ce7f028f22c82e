//! What went wrong in the service that this one succeeds, on a real disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use link_service::code::Code;
use link_service::mover::{Mover, MoverLimits, Quota, Step};
use link_service::names::AppId;

use crate::rig::{accept, octets, request, run_to_end};
use crate::site::{FileJournal, Site, directories_at};

const BYTES: usize = 3 << 20;
/// What directories, and what a file system keeps of large files beside their octets, take.
const BESIDE_BYTES: u64 = 256 << 10;

/// Octets that all files of some directories take on the disk.
fn taken(site: &Path) -> u64 {
    let mut taken = BTreeMap::new();
    let mut open = ["camera", "analyser"].map(|app| site.join(app)).to_vec();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let entry = entry.unwrap();
            let facts = fs::symlink_metadata(entry.path()).unwrap();
            taken.insert(facts.ino(), facts.blocks() * 512);
            if facts.is_dir() {
                open.push(entry.path());
            }
        }
    }
    taken.values().sum()
}

#[test]
fn w26_a_file_takes_no_more_than_its_source_and_what_arrives_and_is_claimed_without_a_copy() {
    let site = Site::new();
    let image = octets("image", BYTES);
    fs::write(site.path("camera/outbox/image"), &image).unwrap();
    fs::File::open(site.path("camera/outbox/image"))
        .unwrap()
        .sync_all()
        .unwrap();
    let number = fs::metadata(site.path("camera/outbox/image"))
        .unwrap()
        .ino();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut mover = Mover::new(
        directories_at(site.0.path()),
        FileJournal::at(&site),
        MoverLimits::default(),
        |_: &AppId| Quota::UNLIMITED,
    );
    let (sees, root) = (Arc::clone(&seen), site.0.path().to_owned());
    mover.at_each_step(Box::new(move |step| {
        sees.lock().unwrap().push((step, taken(&root)));
    }));
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let id = transfer.id;
    assert_eq!(
        mover.run(&mut transfer, &|| false),
        link_service::mover::Ran::Preempted
    );
    let claimed = site.paths("camera/outbox");
    let [claimed] = claimed.as_slice() else {
        panic!("{claimed:?}");
    };
    assert!(
        claimed.starts_with(".link/") && claimed.contains(&id.to_string()),
        "{claimed}"
    );
    let claimed = fs::metadata(site.path("camera/outbox").join(claimed)).unwrap();
    assert_eq!(claimed.ino(), number, "it was copied");
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert!(fs::read(site.path("analyser/inbox/image")).unwrap() == image);
    let seen = seen.lock().unwrap();
    let most = seen.iter().map(|(_, bytes)| *bytes).max().unwrap();
    let two = 2 * BYTES as u64;
    assert!(most >= two && most < two + BESIDE_BYTES, "{seen:?}");
    let (last, after) = seen.last().unwrap();
    assert_eq!(*last, Step::Ended);
    assert!(*after < BYTES as u64 + BESIDE_BYTES, "{seen:?}");
}
