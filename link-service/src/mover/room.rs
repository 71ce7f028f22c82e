//! What an inbox may hold.
//!
//! Counting what is in an inbox takes long, and its app removes files at any time. So what
//! was counted, with what was delivered since, is the most that there can be; only where
//! that is too much, it is counted anew.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::places::OWN;
use super::stop::Stop;
use crate::code::Code;
use crate::folders::{FolderError, Folders, Kind};
use crate::names::{AppId, SUBDIRECTORY_DEPTH_MAX};

/// What an inbox may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Octets.
    pub bytes_max: u64,
    /// Files.
    pub files_max: u64,
}

impl Quota {
    /// None.
    pub const UNLIMITED: Quota = Quota {
        bytes_max: u64::MAX,
        files_max: u64::MAX,
    };
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    bytes: u64,
    files: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Inbox {
    /// The most that is there; nothing where it was never counted.
    there: Option<Usage>,
    /// Of what is on its way.
    taken: Usage,
    /// Of all that was delivered.
    delivered: Usage,
}

/// What is known of all inboxes.
#[derive(Debug, Default)]
pub(super) struct Rooms(Mutex<BTreeMap<AppId, Inbox>>);

/// Room in an inbox that was taken for what is on its way.
#[derive(Debug)]
pub(super) struct Taken<'r> {
    rooms: &'r Rooms,
    app: AppId,
    usage: Usage,
}

impl Rooms {
    /// Takes room for files of so many octets.
    pub(super) fn take<F: Folders>(
        &self,
        folders: &F,
        inbox: &F::Directory,
        app: &AppId,
        quota: Quota,
        (bytes, files): (u64, u64),
    ) -> Result<Option<Taken<'_>>, Stop> {
        if quota == Quota::UNLIMITED {
            return Ok(None);
        }
        let more = Usage { bytes, files };
        if bytes > quota.bytes_max || files > quota.files_max {
            let text = format!("{files} files of {bytes} octets for {app}, whose {quota}");
            return Err(Stop::finally(Code::QuotaExceeded, text));
        }
        let fits = |room: &Inbox| {
            let most = room.there.map(|there| there.and(room.taken).and(more));
            most.is_some_and(|most| most.bytes <= quota.bytes_max && most.files <= quota.files_max)
        };
        let mut rooms = self.lock();
        let mut room = rooms.entry(app.clone()).or_default();
        if !fits(room) {
            let delivered_before = room.delivered;
            // Others need not wait for that.
            drop(rooms);
            let counted = count(folders, inbox, SUBDIRECTORY_DEPTH_MAX + 1)?;
            rooms = self.lock();
            room = rooms.entry(app.clone()).or_default();
            let meanwhile = room.delivered.without(delivered_before);
            room.there = Some(counted.and(meanwhile));
        }
        if !fits(room) {
            let text = format!(
                "{files} more files of {bytes} octets for {app}, whose {quota}; it has room once \
                 {app} removes files from its inbox"
            );
            return Err(Stop::Retry(Code::QuotaExceeded, text));
        }
        room.taken = room.taken.and(more);
        Ok(Some(Taken {
            rooms: self,
            app: app.clone(),
            usage: more,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AppId, Inbox>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    /// It is there now.
    pub(super) fn deliver(self) {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get_mut(&self.app) {
            room.there = room.there.map(|there| there.and(self.usage));
            room.delivered = room.delivered.and(self.usage);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get_mut(&self.app) {
            room.taken = room.taken.without(self.usage);
        }
    }
}

impl Usage {
    fn and(self, other: Usage) -> Usage {
        Usage {
            bytes: self.bytes.saturating_add(other.bytes),
            files: self.files.saturating_add(other.files),
        }
    }

    fn without(self, other: Usage) -> Usage {
        Usage {
            bytes: self.bytes.saturating_sub(other.bytes),
            files: self.files.saturating_sub(other.files),
        }
    }
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Quota {
            bytes_max,
            files_max,
        } = self;
        write!(f, "quota is {files_max} files of {bytes_max} octets")
    }
}

fn count<F: Folders>(
    folders: &F,
    within: &F::Directory,
    depth_left: usize,
) -> Result<Usage, FolderError> {
    let mut usage = Usage::default();
    for (name, kind) in folders.list(within)? {
        if name == OWN {
            continue;
        }
        if kind != Kind::Directory {
            let facts = folders.look(within, &name)?;
            let bytes = facts.map_or(0, |facts| facts.size);
            usage = usage.and(Usage { bytes, files: 1 });
        } else if depth_left > 0 {
            match folders.open_directory(within, &name) {
                Ok(below) => usage = usage.and(count(folders, &below, depth_left - 1)?),
                // Gone meanwhile.
                Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(usage)
}
