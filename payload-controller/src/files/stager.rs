//! What becomes of a file, step by step: it is opened, handed in, watched, removed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use link_client::{LinkError, Standing};
use payload_interface::AppName;

use super::carrier::Carrier;
use super::confined::{Confined, NotConfined};
use super::transfer::{STEP_BYTES, Transfer, TransferError};
use crate::core::{Event, FileId, FileRecord};

/// Files on their way into the outbox at once.
const COPYING_MAX: usize = 64;

/// Where an app's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFolders {
    /// What it sends.
    pub outbound: PathBuf,
    /// What others copy to it.
    pub inbound: PathBuf,
    /// The user that its files are to belong to.
    pub owner: Option<u32>,
}

/// Looks after files until the ground has them.
pub struct Stager<C> {
    carrier: C,
    apps: BTreeMap<AppName, AppFolders>,
    /// So long a file that the link service does not answer for waits before it failed.
    patience: Duration,
    waiting: BTreeMap<FileId, (FileRecord, Duration)>,
    /// On its way into the outbox: one of each app.
    copying: BTreeMap<AppName, Copying>,
    /// There is more to do at once.
    has_more: bool,
    /// Handed in.
    watched: BTreeMap<FileId, Watched>,
    /// To be removed here.
    discarded: BTreeMap<FileId, FileRecord>,
}

/// A file that was handed in.
#[derive(Clone, Debug)]
struct Watched {
    /// The id of its request.
    tracking: String,
    /// Where its copy is, beneath the outbox, until the link service takes it out.
    place: PathBuf,
}

/// A file on its way into the outbox.
struct Copying {
    record: FileRecord,
    /// So long what it needs may be away.
    until: Duration,
    transfer: Transfer,
    bytes: u64,
    mark: String,
    tracking: String,
    /// Of its copy, beneath the outbox.
    place: PathBuf,
    /// The same from the root.
    copy: PathBuf,
}

/// What a step came to.
enum Step {
    /// It is handed in, or not, and somebody is to hear so.
    Told(Event),
    /// It was handed in before, and is watched.
    Watched,
    /// It is on its way into the outbox.
    Copying(Box<Copying>),
    /// It is tried again.
    Later,
}

impl<C: Carrier> Stager<C> {
    /// One that hands files of these apps to `carrier`.
    pub fn new(
        carrier: C,
        apps: impl IntoIterator<Item = (AppName, AppFolders)>,
        patience: Duration,
    ) -> Self {
        Stager {
            carrier,
            apps: apps.into_iter().collect(),
            patience,
            waiting: BTreeMap::new(),
            copying: BTreeMap::new(),
            has_more: false,
            watched: BTreeMap::new(),
            discarded: BTreeMap::new(),
        }
    }

    /// A file is to go down. `now` counts from any moment.
    pub fn stage(&mut self, record: FileRecord, now: Duration) {
        self.watched.remove(&record.id);
        let until = now.saturating_add(self.patience);
        self.waiting.insert(record.id, (record, until));
    }

    /// The ground has it: it is to be removed here.
    pub fn discard(&mut self, record: FileRecord) {
        self.watched.remove(&record.id);
        self.discarded.insert(record.id, record);
    }

    /// Whether something is to be done soon.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || self.has_more
    }

    /// Whether something is to be done at once.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Does what can be done now: no more of each app than a part of a large file.
    pub fn work(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let mut copied = BTreeMap::new();
        // What fails now is not tried again at once.
        let waiting = std::mem::take(&mut self.waiting);
        for (app, copying) in std::mem::take(&mut self.copying) {
            let octets = self.copy(copying, now, &mut events);
            copied.insert(app, octets);
        }
        self.has_more = false;
        for (id, (record, until)) in waiting {
            let of_app = copied.entry(record.app.clone()).or_default();
            if *of_app >= STEP_BYTES || self.copying.len() >= COPYING_MAX {
                self.has_more = true;
                self.waiting.insert(id, (record, until));
                continue;
            }
            let begun = self.begin(&record, until);
            match self.came_to(&record, begun, now >= until) {
                Step::Told(event) => events.push(event),
                Step::Watched => {}
                Step::Copying(copying) => *of_app += self.copy(*copying, now, &mut events),
                Step::Later => drop(self.waiting.insert(id, (record, until))),
            }
        }
        self.has_more |= !self.copying.is_empty();
        for (id, record) in std::mem::take(&mut self.discarded) {
            match self.remove(&record) {
                Ok(()) => events.push(Event::FileGone(id)),
                Err(error) => {
                    let path = &record.path;
                    log::warn!("{}: `{path}` cannot be removed: {error}", record.app);
                    self.discarded.insert(id, record);
                }
            }
        }
        events
    }

    /// Looks how those stand that were handed in.
    pub fn watch(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let watched = self.watched.iter();
        let watched = watched.map(|(id, watched)| (*id, watched.tracking.clone()));
        for (id, tracking) in watched.collect::<Vec<_>>() {
            let event = match self.carrier.standing(&tracking) {
                Ok(Some(Standing::Open)) => continue,
                Ok(Some(Standing::Done)) => Event::FileOnGround(id),
                Ok(Some(Standing::Failed(why))) => Event::FileFailed(id, why),
                Ok(None) => {
                    let why = "the link service knows nothing of it any more";
                    Event::FileFailed(id, why.to_owned())
                }
                // It is away: so are all others.
                Err(_) => break,
            };
            self.watched.remove(&id);
            events.push(event);
        }
        events
    }

    /// What comes of it if that is no success.
    fn came_to(&self, record: &FileRecord, step: Result<Step, Trouble>, is_late: bool) -> Step {
        match step {
            Ok(step) => step,
            Err(Trouble::Never(why)) => Step::Told(Event::FileRefused(record.id, why)),
            Err(Trouble::Now(why)) if is_late => Step::Told(Event::FileFailed(record.id, why)),
            Err(Trouble::Now(_)) => Step::Later,
        }
    }

    /// Copies a part of it, so many octets, and hands it in once that was the last.
    fn copy(&mut self, mut copying: Copying, now: Duration, events: &mut Vec<Event>) -> u64 {
        let is_late = now >= copying.until;
        let left = copying.transfer.left();
        let step = match copying.transfer.step() {
            Ok(false) => {
                let copied = left - copying.transfer.left();
                self.copying.insert(copying.record.app.clone(), copying);
                return copied;
            }
            Ok(true) => self.hand_in(&copying),
            Err(error) => {
                discard(&copying.copy);
                let copy = copying.copy.display();
                Err(match error {
                    TransferError::Source(error) => error.into(),
                    TransferError::Failed(error) => Trouble::Now(format!("{copy}: {error}")),
                    changed => Trouble::Now(changed.to_string()),
                })
            }
        };
        let Copying { record, until, .. } = copying;
        match self.came_to(&record, step, is_late) {
            Step::Told(event) => events.push(event),
            Step::Later => drop(self.waiting.insert(record.id, (record, until))),
            Step::Watched | Step::Copying(_) => {}
        }
        left
    }

    /// Finds out whether it is handed in already, and begins to copy it where it is not.
    fn begin(&mut self, record: &FileRecord, until: Duration) -> Result<Step, Trouble> {
        if let Some(mark) = &record.mark {
            // It was accepted before: it may be under way, whatever became of the file here.
            let tracking = tracking(mark, record.attempts);
            if self.is_known(&tracking)? {
                let place = Path::new(record.app.as_str()).join(&record.path);
                self.watched.insert(record.id, Watched { tracking, place });
                return Ok(Step::Watched);
            }
        }
        let folders = self.apps.get(&record.app);
        let folders = folders.ok_or_else(|| Trouble::Never("its app has no folders".to_owned()))?;
        let file = Confined::open(&folders.outbound, &record.path, folders.owner)?;
        let mark = file.mark(record.app.as_str(), &record.path);
        if record.mark.as_ref().is_some_and(|before| *before != mark) {
            return Err(Trouble::Never("it is another file by now".to_owned()));
        }
        let tracking = tracking(&mark, record.attempts);
        let mut place = Path::new(record.app.as_str()).join(&record.path);
        if self.is_known(&tracking)? {
            self.watched.insert(record.id, Watched { tracking, place });
            return Ok(Step::Told(Event::FileAccepted {
                file: record.id,
                bytes: file.bytes(),
                mark,
            }));
        }
        // A copy of it goes into the outbox, in a directory of its app, so that what the
        // payload does to its file meanwhile changes nothing.
        let outbox = self.carrier.outbox().map_err(Trouble::of)?;
        if self.is_taken(&outbox, &place) {
            let number = record.id.0.to_string();
            place = Path::new(record.app.as_str())
                .join(number)
                .join(&record.path);
        }
        let copy = outbox.join(&place);
        let target = created(&copy);
        let target =
            target.map_err(|error| Trouble::Now(format!("{}: {error}", copy.display())))?;
        Ok(Step::Copying(Box::new(Copying {
            record: record.clone(),
            until,
            bytes: file.bytes(),
            transfer: Transfer::new(file, target),
            mark,
            tracking,
            place,
            copy,
        })))
    }

    fn hand_in(&mut self, copying: &Copying) -> Result<Step, Trouble> {
        let Copying {
            record,
            tracking,
            copy,
            ..
        } = copying;
        let handed_in = self.carrier.hand_in(copy, tracking, record);
        if let Err(LinkError::Refused { .. } | LinkError::NotSendable { .. }) = &handed_in {
            discard(copy);
        }
        handed_in.map_err(Trouble::of)?;
        let watched = Watched {
            tracking: tracking.clone(),
            place: copying.place.clone(),
        };
        self.watched.insert(record.id, watched);
        Ok(Step::Told(Event::FileAccepted {
            file: record.id,
            bytes: copying.bytes,
            mark: copying.mark.clone(),
        }))
    }

    /// Whether an earlier file of that name is there, and not taken out yet. What is there of no
    /// request was left by one that was not handed in.
    fn is_taken(&self, outbox: &Path, place: &Path) -> bool {
        let is_handed_in = self.watched.values().any(|one| one.place == *place);
        is_handed_in && outbox.join(place).exists()
    }

    fn is_known(&self, tracking: &str) -> Result<bool, Trouble> {
        let standing = self.carrier.standing(tracking);
        Ok(standing.map_err(Trouble::of)?.is_some())
    }

    /// Removes it, if it is what was handed in.
    fn remove(&self, record: &FileRecord) -> Result<(), NotConfined> {
        let Some(folders) = self.apps.get(&record.app) else {
            return Ok(());
        };
        let file = match Confined::open(&folders.outbound, &record.path, folders.owner) {
            Ok(file) => file,
            Err(NotConfined::Failed(error)) => return Err(NotConfined::Failed(error)),
            // There is nothing of it.
            Err(_) => return Ok(()),
        };
        let mark = file.mark(record.app.as_str(), &record.path);
        if record.mark.as_ref() == Some(&mark) {
            file.remove()?;
        }
        Ok(())
    }
}

/// Why a file is not handed in.
enum Trouble {
    /// It will not be.
    Never(String),
    /// It may be later.
    Now(String),
}

impl Trouble {
    fn of(error: LinkError) -> Self {
        match error {
            LinkError::Refused {
                retry_after: None, ..
            }
            | LinkError::NotSendable { .. } => Trouble::Never(error.to_string()),
            error => Trouble::Now(error.to_string()),
        }
    }
}

impl From<NotConfined> for Trouble {
    fn from(error: NotConfined) -> Self {
        Trouble::Never(error.to_string())
    }
}

fn created(place: &Path) -> io::Result<File> {
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    File::create(place)
}

/// Removes a copy that nobody will take out.
fn discard(place: &Path) {
    if let Err(error) = fs::remove_file(place) {
        log::warn!("{} cannot be removed: {error}", place.display());
    }
}

/// The id of a request: the same file, unchanged, is the same request.
fn tracking(mark: &str, attempts: u32) -> String {
    format!("payload-{mark}-{attempts}")
}
