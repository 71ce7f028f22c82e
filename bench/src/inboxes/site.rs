//! Two apps, and a desk between them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use link_service::access::{Access, LiveAccess};
use link_service::code::Code;
use link_service::desk::{Desk, DeskLimits, SystemClock, Workers};
use link_service::folders::{AppDirectories, Directories};
use link_service::journal::RedbJournal;
use link_service::mover::{Mover, MoverLimits, Quota};
use link_service::names::AppId;
use link_service::queue::QueueLimits;
use link_service::request::{LinkRequest, LinkType, Priority};
use service_host::config_file::ConfigFile;
use tempfile::TempDir;

use super::floor;

const PATIENCE: Duration = Duration::from_secs(3600);
const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'analyser'
[[link-service.policy]]
from = 'camera'
to = 'analyser'
";

type RealDesk = Desk<Directories, RedbJournal>;

pub(super) struct Site {
    folder: TempDir,
    desk: Arc<RealDesk>,
    camera: AppId,
    // Before the desk.
    _workers: Workers<Directories, RedbJournal>,
}

impl Site {
    /// So many run at once.
    pub(super) fn open(slots: usize) -> Result<Self> {
        Self::within(tempfile::tempdir().context("no folder")?, slots)
    }

    /// The same, in a folder.
    pub(super) fn within(folder: TempDir, slots: usize) -> Result<Self> {
        let mut apps = Vec::new();
        for name in ["camera", "analyser"] {
            let place = |side| folder.path().join(name).join(side);
            let directories = AppDirectories {
                inbox: place("inbox"),
                outbox: place("outbox"),
                owner: None,
                group: None,
            };
            fs::create_dir_all(&directories.inbox)?;
            fs::create_dir_all(&directories.outbox)?;
            apps.push((name.parse()?, directories));
        }
        let journal = RedbJournal::open(&folder.path().join("link.redb"))?;
        let unlimited = |_: &AppId| Quota::UNLIMITED;
        let limits = MoverLimits::default();
        let mover = Mover::new(Directories::new(apps), journal, limits, unlimited);
        let file = ConfigFile {
            table: CONFIG.parse::<toml::Table>()?,
            path: None,
        };
        let access = LiveAccess::new(Access::read(&file)?);
        let limits = DeskLimits {
            queue: QueueLimits {
                local_slots: slots,
                ..QueueLimits::default()
            },
            ..DeskLimits::default()
        };
        let desk = Desk::open(mover, Arc::new(access), limits, SystemClock::default())?;
        let desk = Arc::new(desk);
        Ok(Site {
            folder,
            _workers: Workers::start(&desk, slots)?,
            desk,
            camera: "camera".parse()?,
        })
    }

    /// What its file system has left.
    pub(super) fn free_bytes(&self) -> Result<u64> {
        let system = rustix::fs::statvfs(self.folder.path())?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    pub(super) fn outbox(&self) -> PathBuf {
        self.folder.path().join("camera/outbox")
    }

    pub(super) fn inbox(&self) -> PathBuf {
        self.folder.path().join("analyser/inbox")
    }

    /// Sends the files of a flight, each once the one before has arrived.
    pub(super) fn send_all(&self, flight: usize, files: usize) -> Result<()> {
        floor::names(flight, files).try_for_each(|name| self.send(&name))
    }

    /// Sends a file of the outbox, and waits until it has arrived.
    pub(super) fn send(&self, name: &str) -> Result<()> {
        let request = LinkRequest {
            link_type: LinkType::App2App,
            priority: Priority::Medium,
            files: vec![name.parse()?],
            subdirectory: Default::default(),
            recipients: vec!["analyser".parse()?],
            overwrite: false,
            leave_source: false,
            expires: None,
            request_id: String::new(),
            correlation_id: String::new(),
            metadata: BTreeMap::new(),
        };
        let receipt = self.desk.submit(&self.camera, request);
        let receipt = receipt.map_err(|refused| anyhow!("{refused}"))?;
        let view = self.desk.wait(&self.camera, receipt.id, PATIENCE)?;
        ensure!(
            view.code == Code::Ok,
            "{name}: {:?} {}",
            view.code,
            view.text
        );
        Ok(())
    }
}
