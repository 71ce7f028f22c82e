//! Desks to test with.

use std::sync::Arc;
use std::time::Duration;

use file_delivery::address::Address;
use link_service::access::{Access, LiveAccess};
use link_service::desk::{Desk, DeskLimits, SystemClock};
use link_service::folders::Folders;
use link_service::folders::memory::{MemoryDisk, MemoryJournal};
use link_service::journal::Journal;
use link_service::mover::{Mover, MoverLimits, Quota};
use link_service::names::AppId;
use service_host::config_file::ConfigFile;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Octets that the inbox of an app holds.
pub(crate) const QUOTA_BYTES: u64 = 1000;

const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'analyser'
[[link-service.policy]]
from = 'ground'
to = 'camera'
size-max = 2000
[[link-service.policy]]
from = '*@helio-2'
to = 'camera'
";

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

pub(crate) fn desk<F: Folders, J: Journal>(folders: F, journal: J) -> Arc<Desk<F, J>> {
    let file = ConfigFile {
        table: CONFIG.parse().unwrap(),
        path: None,
    };
    let access = Arc::new(LiveAccess::new(Access::read(&file).unwrap()));
    let limits = MoverLimits {
        chunk_bytes: 16,
        free_bytes_min: 0,
    };
    let quota = |_: &AppId| Quota {
        bytes_max: QUOTA_BYTES,
        files_max: 100,
    };
    let mover = Mover::new(folders, journal, limits, quota);
    let desk = Desk::open(mover, access, DeskLimits::default(), SystemClock::default());
    Arc::new(desk.unwrap())
}

pub(crate) fn memory_journal() -> MemoryJournal {
    MemoryDisk::new(1).journal()
}

/// The address of a file with these octets.
pub(crate) fn address(to: &str, from: &str, path: &str, octets: &[u8]) -> Address {
    Address {
        app: to.to_owned(),
        from: from.to_owned(),
        hash: blake3::hash(octets).into(),
        overwrite: false,
        path: path.to_owned(),
    }
}
