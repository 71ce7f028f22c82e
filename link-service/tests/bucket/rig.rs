//! A desk with a bucket: the disk is a model, and so is the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bucket_store::Bucket;
use bucket_store::object_store::memory::InMemory;
use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    Attribute, Attributes, Error, GetOptions, GetResult, ObjectStore as _, ObjectStoreExt as _,
    PutOptions, PutPayload,
};
use futures_util::TryStreamExt as _;
use heliograph_tests::wait::eventually;
use link_service::access::{Access, LiveAccess};
use link_service::bucket::{BucketCounts, BucketLimits, BucketThread};
use link_service::desk::{Desk, DeskLimits, SystemClock, TransferView, Workers};
use link_service::folders::Side;
use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::mover::{Mover, MoverLimits, Quota, Refused};
use link_service::names::AppId;
use link_service::queue::QueueLimits;
use link_service::record::TransferId;
use link_service::request::{LinkRequest, LinkType, Priority};
use serde_json::Value;
use service_host::config_file::ConfigFile;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Octets of a part: what is longer goes in several.
pub(crate) const PART_BYTES: usize = 16;

const CONFIG: &str = "
[link-service]
free-bytes-min = 0
reserved-critical-bytes = 0
[[link-service.buckets]]
name = 'shared'
url = 's3://mission/apps'
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'archive'
[[link-service.apps]]
id = 'analyser'
bucket = 'shared'
[[link-service.policy]]
from = 'analyser'
to = 'camera'
allow = false
[[link-service.policy]]
from = '*'
to = '*'
size-max = 1000
";

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

pub(crate) fn disk(seed: u64) -> MemoryDisk {
    let disk = MemoryDisk::new(seed);
    for (name, owner) in ["camera", "archive", "analyser"].into_iter().zip(1..) {
        disk.add_app(&app(name), owner);
    }
    disk
}

/// What is in the bucket, whatever becomes of nodes.
#[derive(Clone)]
pub(crate) struct Shelf(pub(crate) Bucket<InMemory>);

impl Shelf {
    pub(crate) fn new() -> Shelf {
        Shelf(Bucket::new(InMemory::new(), Path::from("apps")))
    }

    pub(crate) fn put(&self, key: &str, octets: &[u8]) {
        let (path, payload) = (self.path(key), PutPayload::from(octets.to_vec()));
        run(self.0.store().put(&path, payload)).unwrap();
    }

    /// The same, with a hash that its app says it has.
    pub(crate) fn put_with_hash(&self, key: &str, octets: &[u8], hash: &str) {
        let mut attributes = Attributes::new();
        let name = Attribute::Metadata("heliograph-blake3".into());
        attributes.insert(name, hash.to_owned().into());
        let options = PutOptions {
            attributes,
            ..PutOptions::default()
        };
        let (path, payload) = (self.path(key), PutPayload::from(octets.to_vec()));
        run(self.0.store().put_opts(&path, payload, options)).unwrap();
    }

    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        run(async {
            let got = self.got(key, false).await?;
            Some(got.bytes().await.unwrap().to_vec())
        })
    }

    pub(crate) fn etag(&self, key: &str) -> Option<String> {
        run(self.got(key, true))?.meta.e_tag
    }

    pub(crate) fn metadata(&self, key: &str) -> BTreeMap<String, String> {
        let got = run(self.got(key, true)).unwrap();
        let pairs = got
            .attributes
            .iter()
            .filter_map(|(name, value)| match name {
                Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
                _ => None,
            });
        pairs.collect()
    }

    /// All keys beneath, without what they have in common.
    pub(crate) fn list(&self, beneath: &str) -> Vec<String> {
        let path = self.path(beneath);
        let listed = self.0.store().list(Some(&path)).try_collect::<Vec<_>>();
        let names = run(listed).unwrap().into_iter().map(|object| {
            let key = object.location.as_ref();
            key[path.as_ref().len() + 1..].to_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names
    }

    /// The receipt of the analyser for `stem`, once there is one.
    #[track_caller]
    pub(crate) fn receipt(&self, stem: &str) -> Value {
        let key = format!("analyser/receipts/{stem}.linkresponse.json");
        let octets = eventually(PATIENCE, || self.get(&key));
        serde_json::from_slice(&octets).unwrap()
    }

    async fn got(&self, key: &str, head: bool) -> Option<GetResult> {
        let options = GetOptions {
            head,
            ..GetOptions::default()
        };
        match self.0.store().get_opts(&self.path(key), options).await {
            Err(Error::NotFound { .. }) => None,
            got => Some(got.unwrap()),
        }
    }

    fn path(&self, key: &str) -> Path {
        self.0.key(key.split('/')).unwrap()
    }
}

fn run<T>(does: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.build().unwrap().block_on(does)
}

/// A node that runs. Dropped, it stops as in a crash: nothing is finished.
pub(crate) struct Node {
    pub(crate) desk: Arc<Desk<MemoryFolders, MemoryJournal>>,
    bucket: Option<BucketThread>,
    workers: Option<Workers<MemoryFolders, MemoryJournal>>,
}

impl Node {
    pub(crate) fn start(disk: &MemoryDisk, shelf: &Shelf) -> Node {
        let mut node = Node::start_without_workers(disk, shelf);
        node.workers = Some(Workers::start(&node.desk, 2).unwrap());
        node
    }

    /// What is accepted does not go.
    pub(crate) fn start_without_workers(disk: &MemoryDisk, shelf: &Shelf) -> Node {
        let mut node = Node::idle(disk);
        let limits = BucketLimits {
            part_bytes: PART_BYTES,
            look: Duration::from_millis(2),
            poll: Duration::from_millis(10),
            request_bytes_max: 1000,
            ..BucketLimits::default()
        };
        let desk = Arc::clone(&node.desk);
        let thread = BucketThread::start(desk, app("shared"), shelf.0.clone(), limits);
        node.bucket = Some(thread.unwrap());
        node
    }

    /// As if the store did not answer.
    pub(crate) fn start_without_bucket(disk: &MemoryDisk) -> Node {
        let mut node = Node::idle(disk);
        node.workers = Some(Workers::start(&node.desk, 2).unwrap());
        node
    }

    /// What is accepted does not go, and nothing is taken.
    pub(crate) fn idle(disk: &MemoryDisk) -> Node {
        let file = ConfigFile {
            table: CONFIG.parse().unwrap(),
            path: None,
        };
        let access = Arc::new(LiveAccess::new(Access::read(&file).unwrap()));
        let limits = MoverLimits {
            chunk_bytes: 16,
            free_bytes_min: 0,
        };
        let unlimited = |_: &AppId| Quota::UNLIMITED;
        let mover = Mover::new(disk.folders(), disk.journal(), limits, unlimited);
        let limits = DeskLimits {
            queue: QueueLimits {
                retry_pause: Duration::from_millis(5),
                ..QueueLimits::default()
            },
            ..DeskLimits::default()
        };
        let desk = Desk::open(mover, access, limits, SystemClock::default());
        let desk = Arc::new(desk.unwrap());
        Node {
            desk,
            bucket: None,
            workers: None,
        }
    }

    pub(crate) fn counts(&self) -> BucketCounts {
        self.bucket.as_ref().unwrap().counter().counts()
    }

    /// Hands in a request of the camera.
    pub(crate) fn submit(&self, request: LinkRequest) -> Result<TransferId, Refused> {
        let receipt = self.desk.submit(&app("camera"), request)?;
        Ok(receipt.id)
    }

    #[track_caller]
    pub(crate) fn ended(&self, id: TransferId) -> TransferView {
        let view = self.desk.wait(&app("camera"), id, PATIENCE).unwrap();
        assert!(view.has_ended(), "{view:?}");
        view
    }
}

/// Files of the camera for the analyser.
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
        request_id: format!("of {}", files.join(" and ")),
        correlation_id: String::new(),
        metadata: BTreeMap::new(),
    }
}

pub(crate) fn put(disk: &MemoryDisk, file: &str, octets: &[u8]) {
    disk.put(&app("camera"), Side::Outbox, file, octets);
}

/// What is left of a file of the camera.
pub(crate) fn left(disk: &MemoryDisk, file: &str) -> Option<Vec<u8>> {
    disk.file(&app("camera"), Side::Outbox, file)
}
