//! A ground without a link, and an agent that makes bundles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bucket_store::Bucket;
use bucket_store::object_store::{Attribute, ObjectStore as _, ObjectStoreExt as _, PutPayload};
use delivery_receipt::{Receipt, SigningKey};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::store::WatchedStore;
use crate::delivery::deliverer::{Deliverer, Ground, Parts};
use crate::delivery::journal::Journal;
use crate::delivery::key::DEFAULT;
use crate::delivery::object::Object;
use crate::delivery::place::{Begun, BucketPlace, DirectoryPlace, Found, Place, PlaceError};
use crate::delivery::receipts::Fate;
use crate::delivery::step::{AtStep, unwatched};

pub(super) const SECRET: [u8; 32] = [9; 32];

/// Orders that survive the process, as those of a hub do.
#[derive(Default)]
pub(super) struct Orders {
    folder: PathBuf,
    pub(super) coming: Mutex<BTreeSet<String>>,
    pub(super) is_heard: AtomicBool,
    pub(super) is_full: AtomicBool,
    /// Nothing goes up.
    pub(super) is_held: AtomicBool,
    /// The satellite refuses what goes up.
    pub(super) is_refused: AtomicBool,
}

impl Ground for Orders {
    fn coming(&self) -> Option<BTreeSet<String>> {
        Some(self.coming.lock().unwrap().clone())
    }

    fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::SeqCst)
    }

    fn order_up(&self, key: &str, local: &Path, remote: &str) -> Result<(), String> {
        assert_eq!(remote, "app:oort/receipts");
        if self.is_full.load(Ordering::SeqCst) {
            return Err("it is full".to_owned());
        }
        fs::create_dir_all(&self.folder).unwrap();
        let order = self.folder.join(key);
        // One that has ended is known, too.
        if !order.exists() && !order.with_extension("refused").exists() {
            fs::copy(local, self.folder.join(".part")).unwrap();
            fs::rename(self.folder.join(".part"), order).unwrap();
        }
        Ok(())
    }

    fn fates(&self, keys: &[&str]) -> Vec<Fate> {
        let fate = |key: &&str| {
            let order = self.folder.join(key);
            let refused = order.with_extension("refused");
            if self.is_refused.load(Ordering::SeqCst) && order.exists() {
                fs::rename(&order, &refused).unwrap();
            }
            match (order.exists(), refused.exists()) {
                (true, _) if self.is_held.load(Ordering::SeqCst) => Fate::UnderWay,
                (true, _) => Fate::Arrived,
                (false, true) => Fate::Failed("it is refused".to_owned()),
                (false, false) => Fate::Failed("nobody knows it".to_owned()),
            }
        };
        keys.iter().map(fate).collect()
    }
}

pub(super) struct Site {
    folder: PathBuf,
    _temporary: Option<TempDir>,
    pub(super) orders: Arc<Orders>,
    pub(super) now: Timestamp,
    pub(super) template: &'static str,
    pub(super) receipts_max: usize,
    pub(super) is_signing: bool,
}

impl Site {
    pub(super) fn new() -> Self {
        let temporary = TempDir::new().unwrap();
        let mut site = Self::at(temporary.path());
        site._temporary = Some(temporary);
        site
    }

    /// One that is another process's.
    pub(super) fn at(folder: &Path) -> Self {
        let site = Site {
            folder: folder.to_owned(),
            _temporary: None,
            orders: Arc::new(Orders {
                folder: folder.join("orders"),
                ..Orders::default()
            }),
            now: "2026-11-27T12:00:00Z".parse().unwrap(),
            template: DEFAULT,
            receipts_max: 128,
            is_signing: true,
        };
        fs::create_dir_all(site.path("root/oort")).unwrap();
        site
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A process that delivers into the directory `out`.
    pub(super) fn start(&self) -> Deliverer {
        self.start_watched(unwatched())
    }

    pub(super) fn start_watched(&self, at_step: AtStep) -> Deliverer {
        let place = DirectoryPlace::open(&self.path("out"), Arc::clone(&at_step)).unwrap();
        self.start_with(vec![Box::new(place)], &[], at_step)
    }

    pub(super) fn start_with(
        &self,
        places: Vec<Box<dyn Place>>,
        topics: &[(&str, usize)],
        at_step: AtStep,
    ) -> Deliverer {
        Deliverer::new(Parts {
            satellite: "helio".to_owned(),
            arrived: self.path("root/oort"),
            dead: self.path("root/oort.dead"),
            receipts: self.path("receipts"),
            bytes_max: 64 << 20,
            template: self.template.parse().unwrap(),
            places,
            topics: topics
                .iter()
                .map(|(topic, at)| ((*topic).to_owned(), *at))
                .collect(),
            signing: self.is_signing.then(|| SigningKey::of(&SECRET)),
            receipts_max: self.receipts_max,
            manifest_seconds: 600,
            journal: Journal::open(&self.path("delivery.redb")).unwrap(),
            status: self.path("delivery.json"),
            ground: self.orders.clone(),
            at_step,
        })
    }

    pub(super) fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// A bundle comes down.
    pub(super) fn bring(&self, item: &Item) {
        self.bring_octets(&format!("{}.oort.tar", item.uuid), &item.bundle());
    }

    pub(super) fn bring_octets(&self, name: &str, octets: &[u8]) {
        fs::write(self.path("root/oort").join(name), octets).unwrap();
    }

    /// What has come and was not dealt with.
    pub(super) fn waiting(&self) -> usize {
        fs::read_dir(self.path("root/oort")).unwrap().count()
    }

    pub(super) fn dead(&self) -> usize {
        fs::read_dir(self.path("root/oort.dead")).map_or(0, Iterator::count)
    }

    /// What was delivered into a directory: the octets of each file, by its key.
    pub(super) fn delivered(&self, place: &str) -> BTreeMap<String, Vec<u8>> {
        let mut all = BTreeMap::new();
        collect(&self.path(place), &self.path(place), &mut all);
        all.retain(|name, _| !name.ends_with(".meta.json") && !name.contains("/manifests/"));
        all
    }

    pub(super) fn manifests(&self) -> Vec<Value> {
        let mut all = BTreeMap::new();
        collect(&self.path("out"), &self.path("out"), &mut all);
        all.retain(|name, _| !name.ends_with(".meta.json") && name.contains("/manifests/"));
        let octets = all.into_values();
        octets
            .map(|octets| serde_json::from_slice(&octets).unwrap())
            .collect()
    }

    pub(super) fn receipts(&self) -> Vec<Receipt> {
        let orders = fs::read_dir(self.path("orders")).into_iter().flatten();
        let orders = orders.map(|order| order.unwrap().path());
        let orders = orders.filter(|path| path.extension().is_none());
        orders
            .map(|path| fs::read(path).unwrap())
            .map(|octets| serde_json::from_slice(&octets).unwrap())
            .collect()
    }
}

fn collect(root: &Path, folder: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, all);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            all.insert(name.to_owned(), fs::read(&path).unwrap());
        }
    }
}

/// A file of a payload.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) uuid: String,
    pub(super) topic: String,
    pub(super) path: String,
    pub(super) octets: Vec<u8>,
    pub(super) tags: Value,
}

impl Item {
    pub(super) fn new(number: u8, octets: &[u8]) -> Self {
        Item {
            uuid: format!("{number:08x}-0000-4000-8000-000000000000"),
            topic: "images".to_owned(),
            path: "/data/picture.raw".to_owned(),
            octets: octets.to_vec(),
            tags: json!({}),
        }
    }

    pub(super) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.octets))
    }

    pub(super) fn meta(&self) -> Value {
        let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &self.octets);
        json!({
            "meta_version": "1.3", "topic": self.topic, "destination": "ground", "node": "payload",
            "time": 1_795_780_000,
            "file_info": {
                "id": self.uuid, "path": self.path, "size": self.octets.len(),
                "modified": 1, "created": 1, "crc32": format!("{crc:08x}"),
            },
            "send_options": {"reliable": true, "tags": self.tags},
            "extra": {"sha256": self.sha256()},
        })
    }

    pub(super) fn bundle(&self) -> Vec<u8> {
        archive(&[
            ("meta.json", self.meta().to_string().as_bytes()),
            ("data", &self.octets),
        ])
    }
}

pub(super) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, octets) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_size(octets.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, *octets).unwrap();
    }
    archive.into_inner().unwrap()
}

pub(super) fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

/// A place that outlives who delivers.
#[derive(Clone)]
pub(super) struct Kept(pub(super) Arc<BucketPlace<WatchedStore>>);

impl Kept {
    /// An empty bucket, whose parts are small.
    pub(super) fn new(name: &str) -> Self {
        let bucket = Bucket::new(WatchedStore::default(), "files".into());
        let place = BucketPlace::new(name.to_owned(), bucket, Arc::default());
        Kept(Arc::new(place.unwrap().with_part_bytes(1000)))
    }

    pub(super) fn boxed(&self) -> Box<dyn Place> {
        Box::new(self.clone())
    }
}

impl Place for Kept {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn look(&self, key: &str, object: &Object) -> Result<Found, PlaceError> {
        self.0.look(key, object)
    }

    fn put(
        &self,
        key: &str,
        object: &Object,
        data: &mut dyn Read,
        begun: Begun<'_>,
    ) -> Result<(), PlaceError> {
        self.0.put(key, object, data, begun)
    }

    fn abandon(&self, key: &str, upload: &str) {
        self.0.abandon(key, upload);
    }
}

impl Kept {
    pub(super) fn store(&self) -> &WatchedStore {
        self.0.within().0.store()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        let (bucket, runtime) = self.0.within();
        let listed = bucket.store().list_with_delimiter(None);
        let mut folders = runtime.block_on(listed).unwrap().common_prefixes;
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            let listed = bucket.store().list_with_delimiter(Some(&folder));
            let listed = runtime.block_on(listed).unwrap();
            folders.extend(listed.common_prefixes);
            keys.extend(listed.objects.into_iter().map(|of| of.location.to_string()));
        }
        keys
    }

    pub(super) fn get(&self, key: &str) -> (Vec<u8>, BTreeMap<String, String>) {
        let (bucket, runtime) = self.0.within();
        runtime.block_on(async {
            let got = bucket.store().get(&key.into()).await.unwrap();
            let attributes = got
                .attributes
                .iter()
                .filter_map(|(name, value)| match name {
                    Attribute::Metadata(name) => Some((name.to_string(), value.to_string())),
                    _ => None,
                });
            let attributes = attributes.collect();
            (got.bytes().await.unwrap().to_vec(), attributes)
        })
    }

    pub(super) fn put(&self, key: &str, octets: &[u8]) {
        let (bucket, runtime) = self.0.within();
        let (key, payload) = (key.into(), PutPayload::from(octets.to_vec()));
        let put = bucket.store().put(&key, payload);
        runtime.block_on(put).unwrap();
    }
}
