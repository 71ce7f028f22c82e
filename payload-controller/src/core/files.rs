//! Files of one app that are to go down.

use std::collections::BTreeMap;
use std::time::Duration;

use payload_interface::AppName;

use super::record::{FileBand, FileId, FilePriority, FileRecord, FileState};
use super::rules::FileRules;
use super::time::{Now, ms};

/// Most octets of a path: those of the interface's field.
pub const PATH_BYTES_MAX: usize = 191;

#[derive(Debug)]
struct Staged {
    record: FileRecord,
    /// When it is handed in again.
    again: Option<Duration>,
}

/// A new file.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) id: FileId,
    pub(crate) app: AppName,
    pub(crate) path: String,
    pub(crate) priority: FilePriority,
    pub(crate) band: FileBand,
    pub(crate) correlation_id: i32,
    pub(crate) session: u64,
}

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The link service has it.
    Accepted(FileRecord),
    /// It is one that the link service has already.
    Repeated(FileRecord),
    /// It does not go down, and the app has not been told yet.
    Refused(FileRecord, String),
    /// It is handed in again later.
    Again(FileRecord, String),
    /// It is left where it is.
    GivenUp(FileRecord, String),
    /// It is to be removed here.
    OnGround(FileRecord),
    /// Nothing more becomes of it.
    Gone(FileRecord),
}

#[derive(Debug)]
pub(crate) struct Files {
    rules: FileRules,
    open: BTreeMap<FileId, Staged>,
}

/// Where a path leads beneath the outbound directory, by its letters alone; which file that is
/// finds out who opens it.
///
/// # Errors
/// Why not.
pub(crate) fn within(path: &str, outbound: &str) -> Result<String, &'static str> {
    if path.len() > PATH_BYTES_MAX {
        return Err("the path has more than 191 octets");
    }
    if path.contains('\0') {
        return Err("the path has a NUL in it");
    }
    let beneath = match path.strip_prefix('/') {
        None => path,
        Some(_) => {
            let rest = path.strip_prefix(outbound.trim_end_matches('/'));
            let rest = rest.and_then(|rest| rest.strip_prefix('/'));
            rest.ok_or("the path leads out of the outbound directory")?
        }
    };
    let mut parts = Vec::new();
    for part in beneath.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("the path leads out of the outbound directory"),
            part => parts.push(part),
        }
    }
    match parts.is_empty() || beneath.ends_with('/') {
        true => Err("the path names no file"),
        false => Ok(parts.join("/")),
    }
}

impl Files {
    pub(crate) fn recovered(
        rules: FileRules,
        records: impl IntoIterator<Item = FileRecord>,
    ) -> Self {
        let open = records.into_iter();
        let open = open.map(|record| {
            let again = None;
            (record.id, Staged { record, again })
        });
        Files {
            rules,
            open: open.collect(),
        }
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &FileRecord> {
        self.open.values().map(|staged| &staged.record)
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Why another one has no room.
    pub(crate) fn full(&self) -> Option<&'static str> {
        let bytes = self.open().map(|file| file.bytes);
        let bytes = bytes.fold(0, u64::saturating_add);
        match () {
            () if self.open.len() >= self.rules.open_max => {
                Some("too many files are not on the ground yet")
            }
            () if bytes >= self.rules.open_bytes_max => {
                Some("too many octets are not on the ground yet")
            }
            () => None,
        }
    }

    pub(crate) fn ask(&mut self, now: Now, new: NewFile) -> FileRecord {
        let record = FileRecord {
            id: new.id,
            app: new.app,
            path: new.path,
            priority: new.priority,
            band: new.band,
            state: FileState::Asked,
            asked: ms(now.wall),
            correlation_id: new.correlation_id,
            session: new.session,
            attempts: 1,
            mark: None,
            bytes: 0,
        };
        let staged = Staged {
            record: record.clone(),
            again: None,
        };
        self.open.insert(new.id, staged);
        record
    }

    pub(crate) fn accepted(&mut self, id: FileId, mark: String, bytes: u64) -> Option<Turn> {
        let is_other = |file: &FileRecord| file.id != id && file.mark.as_ref() == Some(&mark);
        let is_known = self.open().any(is_other);
        let staged = self.open.get_mut(&id)?;
        if staged.record.state != FileState::Asked {
            return None;
        }
        if is_known {
            let staged = self.open.remove(&id)?;
            return Some(Turn::Repeated(staged.record));
        }
        staged.record.state = FileState::Accepted;
        staged.record.mark = Some(mark);
        staged.record.bytes = bytes;
        Some(Turn::Accepted(staged.record.clone()))
    }

    pub(crate) fn refused(&mut self, id: FileId, why: String) -> Option<Turn> {
        let staged = self.open.remove(&id)?;
        Some(match staged.record.state {
            FileState::Asked => Turn::Refused(staged.record, why),
            FileState::OnGround => Turn::Gone(staged.record),
            FileState::Accepted | FileState::GivenUp(_) => Turn::GivenUp(staged.record, why),
        })
    }

    pub(crate) fn failed(&mut self, now: Now, id: FileId, why: String) -> Option<Turn> {
        let rules = self.rules;
        let staged = self.open.get_mut(&id)?;
        let attempts = staged.record.attempts;
        match staged.record.state {
            FileState::Asked => self.refused(id, why),
            FileState::OnGround => None,
            _ if attempts >= rules.attempts_max => self.refused(id, why),
            _ => {
                let pause = doubled(rules.retry_first, attempts - 1, rules.retry_max);
                staged.again = Some(now.after(pause));
                staged.record.attempts = attempts.saturating_add(1);
                Some(Turn::Again(staged.record.clone(), why))
            }
        }
    }

    pub(crate) fn on_ground(&mut self, id: FileId) -> Option<Turn> {
        let staged = self.open.get_mut(&id)?;
        staged.record.state = FileState::OnGround;
        staged.again = None;
        Some(Turn::OnGround(staged.record.clone()))
    }

    pub(crate) fn gone(&mut self, id: FileId) -> Option<Turn> {
        let is_on_ground = self.open.get(&id)?.record.state == FileState::OnGround;
        match is_on_ground {
            true => Some(Turn::Gone(self.open.remove(&id)?.record)),
            false => None,
        }
    }

    /// Those that are to be handed in again now.
    pub(crate) fn due(&mut self, now: Now) -> Vec<FileRecord> {
        let mut again = Vec::new();
        for staged in self.open.values_mut() {
            if staged.again.is_some_and(|again| again <= now.monotonic) {
                staged.again = None;
                again.push(staged.record.clone());
            }
        }
        again
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.open.values().filter_map(|staged| staged.again).min()
    }
}

/// A pause that doubles with each time, to a limit.
pub(crate) fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(times.min(31));
    first.saturating_mul(factor).min(most)
}
