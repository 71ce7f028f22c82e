//! Apps, requests and disks to test with.

use std::collections::BTreeMap;
use std::time::Duration;

use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::folders::{Folders, Side};
use link_service::journal::Journal;
use link_service::mover::{Mover, MoverLimits, Quota, Ran, Refused};
use link_service::names::AppId;
use link_service::record::{Outcome, Transfer, TransferId};
use link_service::request::{LinkRequest, LinkType, Priority};

pub(crate) type MemoryMover = Mover<MemoryFolders, MemoryJournal>;

/// Octets that are copied at once.
pub(crate) const CHUNK: usize = 16;

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

pub(crate) fn apps() -> [AppId; 3] {
    ["camera", "analyser", "archive"].map(app)
}

/// From `camera` to `analyser`.
pub(crate) fn request(files: &[&str]) -> LinkRequest {
    LinkRequest {
        link_type: LinkType::App2App,
        priority: Priority::Medium,
        files: files.iter().map(|file| file.parse().unwrap()).collect(),
        subdirectory: Default::default(),
        recipients: vec!["analyser".parse().unwrap()],
        overwrite: false,
        leave_source: false,
        expires: None,
        request_id: "pass-7".to_string(),
        correlation_id: String::new(),
        metadata: BTreeMap::new(),
    }
}

/// A disk with boxes of `camera`, `analyser` and `archive`, whose owners are 1, 2 and 3.
pub(crate) fn disk(seed: u64) -> MemoryDisk {
    let disk = MemoryDisk::new(seed);
    for (app, owner) in apps().iter().zip(1..) {
        disk.add_app(app, owner);
    }
    disk
}

pub(crate) fn limits() -> MoverLimits {
    MoverLimits {
        chunk_bytes: CHUNK,
        free_bytes_min: 0,
    }
}

pub(crate) fn mover(disk: &MemoryDisk) -> MemoryMover {
    let unlimited = |_: &AppId| Quota::UNLIMITED;
    Mover::new(disk.folders(), disk.journal(), limits(), unlimited)
}

pub(crate) fn accept<F: Folders, J: Journal>(
    mover: &Mover<F, J>,
    id: u64,
    request: &LinkRequest,
) -> Result<Transfer, Refused> {
    let at = Duration::from_secs(7);
    mover.accept(TransferId(id), &app("camera"), request.clone(), at)
}

pub(crate) fn run<F: Folders, J: Journal>(mover: &Mover<F, J>, transfer: &mut Transfer) -> Ran {
    mover.run(transfer, &|| true)
}

/// Runs it again and again, as what heals does.
pub(crate) fn run_to_end<F: Folders, J: Journal>(
    mover: &Mover<F, J>,
    transfer: &mut Transfer,
) -> Outcome {
    let mut why = Vec::new();
    for _ in 0..8 {
        match run(mover, transfer) {
            Ran::Ended(outcome) => return outcome,
            ran => why.push(ran),
        }
    }
    panic!("it does not end: {why:?}");
}

/// Accepts a request and runs it to its end.
pub(crate) fn send(disk: &MemoryDisk, request: &LinkRequest) -> Outcome {
    let mover = mover(disk);
    let mut transfer = accept(&mover, 1, request).unwrap();
    run_to_end(&mover, &mut transfer)
}

/// Octets that no two names have in common.
pub(crate) fn octets(name: &str, bytes: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(name.bytes().map(u64::from).sum());
    std::iter::repeat_with(|| random.u8(..))
        .take(bytes)
        .collect()
}

pub(crate) fn inbox(disk: &MemoryDisk, of: &str, path: &str) -> Option<Vec<u8>> {
    disk.file(&app(of), Side::Inbox, path)
}

pub(crate) fn outbox(disk: &MemoryDisk, path: &str) -> Option<Vec<u8>> {
    disk.file(&app("camera"), Side::Outbox, path)
}

pub(crate) fn put(disk: &MemoryDisk, path: &str, octets: &[u8]) {
    disk.put(&app("camera"), Side::Outbox, path, octets);
}

/// Nothing is on its way.
pub(crate) fn nothing_is_left(disk: &MemoryDisk) {
    for app in apps() {
        for side in [Side::Inbox, Side::Outbox] {
            let paths = disk.paths(&app, side);
            assert!(
                !paths.iter().any(|path| path.starts_with(".link/")),
                "{paths:?}"
            );
        }
    }
}
