//! What was delivered, for whoever looks: a file beside the journal, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::journal::{Record, State};

/// Files that are shown.
pub(super) const SHOWN_MAX: usize = 100;
/// Octets of the file at most: names on board may be long.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// How deliveries stand.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) counts: Counts,
    /// The newest last.
    pub(crate) files: Vec<Shown>,
}

/// A file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    uuid: String,
    topic: String,
    size: u64,
    bucket: String,
    key: String,
    time: i64,
    /// Whether it is at its place.
    is_delivered: bool,
    /// Receipts that were ordered; none where none are signed.
    receipts: Option<u32>,
}

impl Status {
    pub(super) fn new(counts: Counts, last: Vec<Record>, is_signing: bool) -> Self {
        let shown = |record: Record| Shown {
            uuid: record.object.uuid,
            topic: record.object.topic,
            size: record.object.size,
            bucket: record.place,
            key: record.key,
            time: record.time,
            is_delivered: record.state != State::Chosen,
            receipts: is_signing.then_some(record.receipts),
        };
        Status {
            counts,
            files: last.into_iter().rev().map(shown).collect(),
        }
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(new, path)
    }

    /// As the process that holds the link wrote it last; empty where none ever did.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?,
        };
        let mut octets = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut octets)?;
        Ok(serde_json::from_slice(&octets)?)
    }
}

impl Shown {
    /// `2026-11-27T12:00:00Z images 0190a1b2-… 1000 octets: s3://images helio/…/a.raw`; before
    /// the place `goes to ` while the file is not there, at the end `, no receipt yet` while the
    /// one that is due was not ordered.
    pub(crate) fn line(&self) -> String {
        let time = Timestamp::from_second(self.time).unwrap_or_default();
        let Shown {
            uuid,
            topic,
            size,
            bucket,
            key,
            ..
        } = self;
        let goes = if self.is_delivered { "" } else { "goes to " };
        let receipt = match self.receipts {
            Some(0) => ", no receipt yet",
            _ => "",
        };
        format!("{time} {topic} {uuid} {size} octets: {goes}{bucket} {key}{receipt}")
    }
}

impl Counts {
    pub(crate) fn line(&self) -> String {
        let Counts {
            arrived,
            delivered,
            repeated,
            dead,
            ..
        } = self;
        format!(
            "{arrived} arrived: {delivered} delivered ({} octets), {repeated} repeated, {dead} no \
             bundles; {} receipts ({} failed), {} manifests, {} failures",
            self.delivered_bytes,
            self.receipts,
            self.receipts_failed,
            self.manifests,
            self.failures
        )
    }
}

/// Where it is, by the journal of the files.
pub(crate) fn path(of_files: &Path) -> PathBuf {
    of_files.with_extension("delivery.json")
}
