//! A desk between three apps, on a disk in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use link_service::access::{Access, LiveAccess};
use link_service::desk::{Desk, DeskLimits, SystemClock, TransferView};
use link_service::folders::Side;
use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::mover::{Mover, MoverLimits, Quota, Refused};
use link_service::names::AppId;
use link_service::queue::QueueLimits;
use link_service::record::TransferId;
use link_service::request::{LinkRequest, LinkType, Priority};
use service_host::config_file::ConfigFile;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'analyser'
[[link-service.apps]]
id = 'archive'
[[link-service.policy]]
from = '*'
to = '*'
priority-max = 'critical'
";

pub(crate) type MemoryDesk = Desk<MemoryFolders, MemoryJournal>;

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

pub(crate) fn disk(seed: u64) -> MemoryDisk {
    let disk = MemoryDisk::new(seed);
    for (name, owner) in ["camera", "analyser", "archive"].into_iter().zip(1..) {
        disk.add_app(&app(name), owner);
    }
    disk
}

pub(crate) fn limits() -> DeskLimits {
    DeskLimits {
        queue: QueueLimits {
            retry_pause: Duration::from_millis(1),
            retry_pause_max: Duration::from_millis(1),
            ..QueueLimits::default()
        },
        ..DeskLimits::default()
    }
}

/// Nothing runs before it has workers.
pub(crate) fn open(disk: &MemoryDisk) -> Arc<MemoryDesk> {
    open_with(disk, limits())
}

pub(crate) fn open_with(disk: &MemoryDisk, limits: DeskLimits) -> Arc<MemoryDesk> {
    let mover_limits = MoverLimits {
        chunk_bytes: 16,
        free_bytes_min: 0,
    };
    let unlimited = |_: &AppId| Quota::UNLIMITED;
    let mover = Mover::new(disk.folders(), disk.journal(), mover_limits, unlimited);
    let file = ConfigFile {
        table: CONFIG.parse().unwrap(),
        path: None,
    };
    let access = Arc::new(LiveAccess::new(Access::read(&file).unwrap()));
    let desk = Desk::open(mover, access, limits, SystemClock::default());
    Arc::new(desk.unwrap())
}

/// From the camera to the analyser.
pub(crate) fn request(file: &str) -> LinkRequest {
    LinkRequest {
        link_type: LinkType::App2App,
        priority: Priority::Medium,
        files: vec![file.parse().unwrap()],
        subdirectory: Default::default(),
        recipients: vec!["analyser".parse().unwrap()],
        overwrite: false,
        leave_source: false,
        expires: None,
        request_id: file.to_owned(),
        correlation_id: String::new(),
        metadata: BTreeMap::new(),
    }
}

pub(crate) fn put(disk: &MemoryDisk, file: &str, octets: &[u8]) {
    disk.put(&app("camera"), Side::Outbox, file, octets);
}

pub(crate) fn left(disk: &MemoryDisk, file: &str) -> Option<Vec<u8>> {
    disk.file(&app("camera"), Side::Outbox, file)
}

pub(crate) fn arrived(disk: &MemoryDisk, file: &str) -> Option<Vec<u8>> {
    disk.file(&app("analyser"), Side::Inbox, file)
}

pub(crate) fn submit(desk: &MemoryDesk, request: LinkRequest) -> Result<TransferId, Refused> {
    let receipt = desk.submit(&app("camera"), request);
    receipt.map(|receipt| receipt.id)
}

pub(crate) fn status(desk: &MemoryDesk, id: TransferId) -> TransferView {
    desk.status(&app("camera"), id).unwrap()
}

#[track_caller]
pub(crate) fn ended(desk: &MemoryDesk, id: TransferId) -> TransferView {
    let view = desk.wait(&app("camera"), id, PATIENCE).unwrap();
    assert!(view.has_ended(), "{view:?}");
    view
}
