//! What is noted of a request that is under way: which objects its files were. It lies beside
//! what is fetched, in the app's outbox here, so that after a crash no other object is taken
//! for one of them.

use serde::{Deserialize, Serialize};

use crate::folders::{FolderError, Folders, Replace, Side};
use crate::mover::open_or_make;
use crate::names::AppId;

/// Beneath an outbox: what is fetched, until it is whole, and notes.
pub(super) const FETCHED: &str = ".fetched";
/// Octets of a note at most: 1024 keys of 1024 octets, with their tags.
const NOTE_BYTES_MAX: u64 = 4 << 20;

/// The objects of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Whether they stay where they are.
    pub(super) leave: bool,
    pub(super) sources: Vec<SourceNote>,
}

/// An object, as it was when it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SourceNote {
    pub(super) key: String,
    pub(super) etag: Option<String>,
    pub(super) size: u64,
}

/// The directory of notes of an app, open.
pub(super) struct Notes<'n, F: Folders> {
    folders: &'n F,
    pub(super) outbox: F::Directory,
    pub(super) fetched: F::Directory,
}

impl<'n, F: Folders> Notes<'n, F> {
    pub(super) fn open(folders: &'n F, app: &AppId) -> Result<Self, FolderError> {
        let outbox = folders.open_box(app, Side::Outbox)?;
        let fetched = open_or_make(folders, &outbox, FETCHED, None)?;
        Ok(Notes {
            folders,
            outbox,
            fetched,
        })
    }

    /// Durable when it returns.
    pub(super) fn write(&self, request_id: &str, note: &Note) -> Result<(), FolderError> {
        let name = name_of(request_id);
        let part = format!("{name}.part");
        let octets = serde_json::to_vec(note).unwrap_or_default();
        self.folders.remove(&self.fetched, &part)?;
        let file = self.folders.open_to_write(&self.fetched, &part)?;
        self.folders.write(&file, 0, &octets)?;
        self.folders.sync(&file)?;
        let (from, to) = ((&self.fetched, &*part), (&self.fetched, &*name));
        self.folders.rename(from, to, Replace::May)?;
        // The outermost first, as nothing is durable in what is not.
        self.folders.sync_directory(&self.outbox)?;
        self.folders.sync_directory(&self.fetched)
    }

    /// Nothing where there is none, or it is none.
    pub(super) fn read(&self, request_id: &str) -> Result<Option<Note>, FolderError> {
        let file = match self.folders.open(&self.fetched, &name_of(request_id)) {
            Err(FolderError::Missing { .. }) => return Ok(None),
            file => file?,
        };
        let size = self.folders.facts(&file)?.size;
        if size > NOTE_BYTES_MAX {
            return Ok(None);
        }
        let mut octets = vec![0; usize::try_from(size).unwrap_or_default()];
        let mut filled = 0;
        while let Some(free) = octets.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.folders.read(&file, filled as u64, free)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(serde_json::from_slice(&octets).ok())
    }

    pub(super) fn remove(&self, request_id: &str) -> Result<(), FolderError> {
        self.folders.remove(&self.fetched, &name_of(request_id))
    }
}

/// The id may be no name of a file.
fn name_of(request_id: &str) -> String {
    let hash = blake3::hash(request_id.as_bytes()).to_hex();
    format!("{}.json", hash.get(..32).unwrap_or_default())
}
