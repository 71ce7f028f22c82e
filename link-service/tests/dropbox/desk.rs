//! A desk that remembers what was handed in, over restarts, and ends it when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use link_service::code::Code;
use link_service::dropbox::{Answer, Dropbox, DropboxCounts, DropboxLimits, Submit};
use link_service::folders::memory::{MemoryDisk, MemoryFolders};
use link_service::folders::{Folders, Side};
use link_service::names::AppId;
use link_service::record::TransferId;
use serde_json::{Map, Value, json};

#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Known>>);

/// A desk, and where the outboxes are.
pub(crate) struct DeskOf<F>(pub(crate) F, pub(crate) Desk);

#[derive(Default)]
pub(crate) struct Known {
    /// In the order in which they came, each once.
    pub(crate) requests: Vec<(AppId, Map<String, Value>)>,
    ids: BTreeMap<(AppId, String), usize>,
    pub(crate) ended: BTreeMap<usize, Code>,
    /// What is said to whoever comes anew.
    pub(crate) refuses: Option<Code>,
    pub(crate) apps: Vec<AppId>,
}

impl Desk {
    pub(crate) fn of(apps: &[&str]) -> Self {
        let desk = Desk::default();
        desk.known().apps = apps.iter().map(|app| app.parse().unwrap()).collect();
        desk
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap()
    }

    pub(crate) fn end(&self, number: usize, code: Code) {
        self.known().ended.insert(number, code);
    }

    /// Its journal is lost.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        known.requests.clear();
        known.ids.clear();
    }

    /// The names of files, in the order in which they were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let known = self.known();
        let files = known.requests.iter();
        let names = files.map(|(_, body)| body["fileName"].as_str().unwrap().to_owned());
        names.collect()
    }

    pub(crate) fn tracking_id(&self, number: usize) -> String {
        let known = self.known();
        let header = &known.requests[number].1["requestHeader"];
        header["trackingId"].as_str().unwrap().to_owned()
    }
}

impl Known {
    fn answer(&self, number: usize) -> Answer {
        let code = self.ended.get(&number).copied().unwrap_or(Code::Accepted);
        Answer {
            code,
            id: Some(TransferId(number as u64)),
            response: json!({"code": code, "id": number}),
        }
    }
}

impl<F: Folders> Submit for DeskOf<F> {
    type Folders = F;

    fn folders(&self) -> &F {
        &self.0
    }

    fn apps(&self) -> Vec<AppId> {
        self.1.known().apps.clone()
    }

    fn submit(&self, sender: &AppId, body: Map<String, Value>) -> Answer {
        let mut known = self.1.known();
        let id = body["requestHeader"]["trackingId"].as_str().unwrap();
        let key = (sender.clone(), id.to_owned());
        if let Some(number) = known.ids.get(&key) {
            return known.answer(*number);
        }
        if let Some(code) = known.refuses {
            return Answer {
                code,
                id: None,
                response: json!({"code": code}),
            };
        }
        let number = known.requests.len();
        known.requests.push((sender.clone(), body));
        known.ids.insert(key, number);
        known.answer(number)
    }

    fn status(&self, sender: &AppId, id: TransferId) -> Option<Answer> {
        let known = self.1.known();
        let number = usize::try_from(id.0).unwrap();
        let (of, _) = known.requests.get(number)?;
        (of == sender).then(|| known.answer(number))
    }
}

pub(crate) type MemoryDropbox = Dropbox<DeskOf<MemoryFolders>>;

pub(crate) const CAMERA: &str = "camera";

pub(crate) fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

pub(crate) fn disk(seed: u64) -> MemoryDisk {
    let disk = MemoryDisk::new(seed);
    disk.add_app(&app(CAMERA), 1);
    disk
}

pub(crate) fn dropbox(disk: &MemoryDisk, desk: &Desk) -> MemoryDropbox {
    limited(disk, desk, DropboxLimits::default())
}

pub(crate) fn limited(disk: &MemoryDisk, desk: &Desk, limits: DropboxLimits) -> MemoryDropbox {
    Dropbox::new(DeskOf(disk.folders(), desk.clone()), limits)
}

pub(crate) fn put(disk: &MemoryDisk, path: &str, octets: &str) {
    disk.put(&app(CAMERA), Side::Outbox, path, octets.as_bytes());
}

pub(crate) fn outbox(disk: &MemoryDisk) -> Vec<String> {
    disk.paths(&app(CAMERA), Side::Outbox)
}

/// The code of a receipt; nothing where there is none.
pub(crate) fn told(disk: &MemoryDisk, name: &str) -> Option<String> {
    let path = format!("receipts/{name}.linkresponse.json");
    let octets = disk.file(&app(CAMERA), Side::Outbox, &path)?;
    let receipt: Value = serde_json::from_slice(&octets).unwrap();
    Some(receipt["code"].as_str().unwrap().to_owned())
}

/// Whatever was taken has become something, once nothing is waited for.
#[track_caller]
pub(crate) fn adds_up(counts: DropboxCounts) {
    let ended = counts.accepted + counts.refused + counts.unread + counts.taken_away;
    assert_eq!(counts.taken, ended, "{counts:?}");
}
