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
use crate::core::{Event, FileId, FileRecord};

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

/// What a step came to.
enum Step {
    /// It is handed in, or not, and somebody is to hear so.
    Told(Event),
    /// It was handed in before, and is watched.
    Watched,
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
        !self.waiting.is_empty()
    }

    /// Does what can be done now.
    pub fn work(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, (record, until)) in std::mem::take(&mut self.waiting) {
            match self.hand_in(&record, now >= until) {
                Step::Told(event) => events.push(event),
                Step::Watched => {}
                Step::Later => drop(self.waiting.insert(id, (record, until))),
            }
        }
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

    fn hand_in(&mut self, record: &FileRecord, is_late: bool) -> Step {
        match self.try_to_hand_in(record) {
            Ok(step) => step,
            Err(Trouble::Never(why)) => Step::Told(Event::FileRefused(record.id, why)),
            Err(Trouble::Now(why)) if is_late => Step::Told(Event::FileFailed(record.id, why)),
            Err(Trouble::Now(_)) => Step::Later,
        }
    }

    fn try_to_hand_in(&mut self, record: &FileRecord) -> Result<Step, Trouble> {
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
        let mut file = Confined::open(&folders.outbound, &record.path, folders.owner)?;
        let mark = file.mark(record.app.as_str(), &record.path);
        if record.mark.as_ref().is_some_and(|before| *before != mark) {
            return Err(Trouble::Never("it is another file by now".to_owned()));
        }
        let tracking = tracking(&mark, record.attempts);
        let mut place = Path::new(record.app.as_str()).join(&record.path);
        if !self.is_known(&tracking)? {
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
            let copied = copied(file.file(), &copy);
            copied.map_err(|error| Trouble::Now(format!("{}: {error}", copy.display())))?;
            if !file.is_unchanged()? {
                discard(&copy);
                return Err(Trouble::Now("it changes while it is read".to_owned()));
            }
            let handed_in = self.carrier.hand_in(&copy, &tracking, record);
            if let Err(LinkError::Refused { .. } | LinkError::NotSendable { .. }) = &handed_in {
                discard(&copy);
            }
            handed_in.map_err(Trouble::of)?;
        }
        self.watched.insert(record.id, Watched { tracking, place });
        let file_accepted = Event::FileAccepted {
            file: record.id,
            bytes: file.bytes(),
            mark,
        };
        Ok(Step::Told(file_accepted))
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

fn copied(file: &mut File, place: &Path) -> io::Result<()> {
    if let Some(directory) = place.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut copy = File::create(place)?;
    io::copy(file, &mut copy)?;
    copy.sync_all()
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
