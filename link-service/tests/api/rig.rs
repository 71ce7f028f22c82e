//! A desk on a disk in memory, a socket for each app, and somebody at each.

use std::sync::Arc;

use heliograph_tests::unix_http::UnixHttp;
use juniper::{EmptyMutation, EmptySubscription, RootNode, graphql_object};
use link_service::access::{Access, LiveAccess};
use link_service::api::Pool;
use link_service::api::json::{Api, Way};
use link_service::desk::{Desk, DeskLimits, SystemClock, Workers};
use link_service::folders::Side;
use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::mover::{Mover, MoverLimits, Quota};
use link_service::names::AppId;
use service_host::config_file::ConfigFile;
use service_host::http::{DoorName, Doors, Endpoint, HttpServer, Limits, UnixDoor};
use tempfile::TempDir;

pub(crate) const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
outbox-requests-max = 3
[[link-service.apps]]
id = 'analyser'
[[link-service.apps]]
id = 'archive'
[[link-service.policy]]
from = 'camera'
to = 'analyser'
size-max = 1000
[[link-service.policy]]
from = 'camera'
to = 'archive'
";

pub(crate) type MemoryDesk = Desk<MemoryFolders, MemoryJournal>;

pub(crate) struct Rig {
    pub(crate) disk: MemoryDisk,
    pub(crate) desk: Arc<MemoryDesk>,
    workers: Option<Workers<MemoryFolders, MemoryJournal>>,
    folder: TempDir,
    _server: HttpServer,
}

struct Nothing;

#[graphql_object]
impl Nothing {
    fn ping() -> &'static str {
        "pong"
    }
}

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig::on(MemoryDisk::new(1), DeskLimits::default())
    }

    pub(crate) fn on(disk: MemoryDisk, limits: DeskLimits) -> Rig {
        Rig::of(CONFIG, disk, limits)
    }

    /// With another configuration of the same apps.
    pub(crate) fn of(config: &str, disk: MemoryDisk, limits: DeskLimits) -> Rig {
        for (name, owner) in ["camera", "analyser", "archive"].into_iter().zip(1..) {
            disk.add_app(&app(name), owner);
        }
        let file = ConfigFile {
            table: config.parse().unwrap(),
            path: None,
        };
        let access = Arc::new(LiveAccess::new(Access::read(&file).unwrap()));
        let mover_limits = MoverLimits {
            chunk_bytes: 16,
            free_bytes_min: 0,
        };
        let unlimited = |_: &AppId| Quota::UNLIMITED;
        let mover = Mover::new(disk.folders(), disk.journal(), mover_limits, unlimited);
        let desk = Desk::open(mover, access, limits, SystemClock::default());
        let desk = Arc::new(desk.unwrap());
        let folder = TempDir::new().unwrap();
        let doors = Doors::default();
        let pool = Arc::new(Pool::start(4).unwrap());
        let api = Api {
            desk: Arc::clone(&desk),
            pool: Arc::clone(&pool),
            way: Way::Socket,
        };
        let routes = api.alone();
        for name in ["camera", "analyser", "archive"] {
            let door = UnixDoor {
                path: folder.path().join(name),
                mode: 0o600,
                owner: None,
                name: DoorName(name.into()),
                routes: routes.clone(),
            };
            doors.open(door).unwrap();
        }
        let schema = RootNode::new(Nothing, EmptyMutation::new(), EmptySubscription::new());
        let endpoint = Endpoint::new(schema, ());
        let port = ([127, 0, 0, 1], 0).into();
        let server = HttpServer::start_with_doors(port, endpoint, &doors, Limits::default());
        Rig {
            disk,
            desk,
            workers: None,
            folder,
            _server: server.unwrap(),
        }
    }

    /// Transfers run from now on.
    pub(crate) fn run(mut self) -> Rig {
        self.workers = Some(Workers::start(&self.desk, 2).unwrap());
        self
    }

    pub(crate) fn at(&self, name: &str) -> UnixHttp {
        UnixHttp::at(&self.folder.path().join(name))
    }

    pub(crate) fn put(&self, file: &str, octets: &[u8]) {
        self.disk.put(&app("camera"), Side::Outbox, file, octets);
    }

    pub(crate) fn arrived(&self, at: &str, file: &str) -> Option<Vec<u8>> {
        self.disk.file(&app(at), Side::Inbox, file)
    }
}
