//! One file after the other, from where it came to its place.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use delivery_receipt::SigningKey;
use jiff::Timestamp;
use oort_bundle::BundleError;

use super::APP;
use super::bundle::{self, Compared};
use super::counts::Counts;
use super::journal::{BundleFile, Journal, Ordered, Record, State};
use super::key::{Template, Values};
use super::manifest::Unlisted;
use super::object::Object;
use super::place::{Found, Place, PlaceError};
use super::receipts::Fate;
use super::status::{SHOWN_MAX, Status};
use super::step::{AtStep, Step};

/// Files that are looked at in one round; those whose place rests are none of them.
const ROUND_FILES_MAX: usize = 1024;
/// Names of which it is known where they go; beyond these, what waits is read anew.
const KNOWN_MAX: usize = 65_536;
/// After a place failed, it rests so long, then twice as long, up to the longest.
const PAUSE_SECONDS: i64 = 1;
const PAUSE_SECONDS_MAX: i64 = 60;
/// Keys that are tried for a file: the plain one, and one that no other has.
const KEYS_MAX: usize = 3;

/// The end of the link that it serves.
pub(crate) trait Ground: Send + Sync {
    /// The names in the store of files whose transactions are not over; none where nobody
    /// knows.
    fn coming(&self) -> Option<BTreeSet<String>>;

    /// Whether the satellite is.
    fn is_heard(&self) -> bool;

    /// A file is to go up, once for each key; that is durable when this returns.
    ///
    /// # Errors
    /// Why it is not.
    fn order_up(&self, key: &str, local: &Path, remote: &str) -> Result<(), String>;

    /// What became of the orders with these keys, one for each.
    fn fates(&self, keys: &[&str]) -> Vec<Fate>;
}

/// What a deliverer has to do with.
pub(crate) struct Parts {
    pub(crate) satellite: String,
    /// Where bundles come.
    pub(crate) arrived: PathBuf,
    /// Where those go that are none.
    pub(crate) dead: PathBuf,
    /// Receipts, until they are ordered.
    pub(crate) receipts: PathBuf,
    /// Octets of a file at most.
    pub(crate) bytes_max: u64,
    pub(crate) template: Template,
    /// The first is for topics that have none of their own.
    pub(crate) places: Vec<Box<dyn Place>>,
    /// Which of them is whose.
    pub(crate) topics: BTreeMap<String, usize>,
    pub(crate) signing: Option<SigningKey>,
    /// Receipts that are on their way up at once; others wait here.
    pub(crate) receipts_max: usize,
    pub(crate) manifest_seconds: i64,
    pub(crate) journal: Journal,
    /// What is shown to people.
    pub(crate) status: PathBuf,
    pub(crate) ground: Arc<dyn Ground>,
    pub(crate) at_step: AtStep,
}

/// Brings files to their places.
pub(crate) struct Deliverer {
    pub(super) parts: Parts,
    /// Until when a place rests, and how long it did.
    rests: BTreeMap<usize, (i64, i64)>,
    /// Where a name goes, so that what waits is not read again and again.
    known: HashMap<OsString, usize>,
    pub(super) was_heard: bool,
    /// What an earlier process delivered and listed in no manifest.
    pub(super) unlisted: Unlisted,
    /// Receipts that are not known to have arrived; none before the first look.
    pub(super) receipts: Option<BTreeMap<String, Ordered>>,
    /// What is shown now.
    shown: Option<Counts>,
}

/// Why a file is not done with.
#[derive(Debug)]
pub(super) enum Undone {
    /// It is tried again.
    Later(String),
    /// The process is to end.
    Stopped,
}

impl From<String> for Undone {
    fn from(why: String) -> Self {
        Undone::Later(why)
    }
}

impl From<io::Error> for Undone {
    fn from(error: io::Error) -> Self {
        Undone::Later(error.to_string())
    }
}

impl Deliverer {
    pub(crate) fn new(parts: Parts) -> Self {
        Deliverer {
            parts,
            rests: BTreeMap::new(),
            known: HashMap::new(),
            was_heard: false,
            unlisted: Unlisted::Unknown,
            receipts: None,
            shown: None,
        }
    }

    /// Everything that can be done now.
    pub(crate) fn round(&mut self, now: Timestamp) {
        for name in self.names(now) {
            match self.deliver(&name, now) {
                Ok(()) => {}
                Err(Undone::Stopped) => return,
                Err(Undone::Later(why)) => {
                    log::warn!("{}: not delivered yet: {why}", name.display());
                    let counted = self.parts.journal.count(|counts| counts.failures += 1);
                    noted(counted);
                }
            }
        }
        self.follow_receipts(now);
        if let Err(Undone::Later(why)) = self.list(now) {
            log::warn!("no manifest yet: {why}");
        }
        noted(self.show());
    }

    fn show(&mut self) -> Result<(), String> {
        let counts = self.counts()?;
        if self.shown == Some(counts) {
            return Ok(());
        }
        let last = self.parts.journal.last(SHOWN_MAX)?;
        let is_signing = self.parts.signing.is_some();
        let written = Status::new(counts, last, is_signing).write(&self.parts.status);
        written.map_err(|error| format!("{}: {error}", self.parts.status.display()))?;
        self.shown = Some(counts);
        Ok(())
    }

    pub(crate) fn counts(&mut self) -> Result<Counts, String> {
        self.parts.journal.counts()
    }

    /// What has come, whole, and is to go where no place rests.
    fn names(&self, now: Timestamp) -> Vec<OsString> {
        let Ok(entries) = fs::read_dir(&self.parts.arrived) else {
            // Nothing ever came.
            return Vec::new();
        };
        let Some(coming) = self.parts.ground.coming() else {
            return Vec::new();
        };
        let names = entries.flatten().filter_map(|entry| {
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            let name = entry.file_name();
            let is_whole = match name.to_str() {
                Some(name) => !name.starts_with('.') && !coming.contains(&format!("{APP}/{name}")),
                None => true,
            };
            (is_file && is_whole && !self.waits(&name, now)).then_some(name)
        });
        let mut names: Vec<OsString> = names.take(ROUND_FILES_MAX).collect();
        names.sort_unstable();
        names
    }

    fn deliver(&mut self, name: &OsStr, now: Timestamp) -> Result<(), Undone> {
        if self.waits(name, now) {
            return Ok(());
        }
        let path = self.parts.arrived.join(name);
        let file = File::open(&path)?;
        let object = bundle::inspect(&file, &self.parts.satellite, self.parts.bytes_max);
        let object = match object {
            Ok(object) => object,
            Err(BundleError::NotOne(why)) => return self.bury(&path, name, &why),
            Err(BundleError::System(error)) => return Err(error.into()),
        };
        (self.parts.at_step)(Step::Inspected);
        let at = self.parts.topics.get(&object.topic).copied().unwrap_or(0);
        if self.rests(at, now) {
            self.remember(name, at);
            return Ok(());
        }
        let record = match self.parts.journal.find(&object.uuid)? {
            Some(record) if record.state != State::Chosen => {
                if record.object.sha256 != object.sha256 {
                    let why = "a file with its id was delivered, which has other octets";
                    return self.bury(&path, name, why);
                }
                record
            }
            before => match self.bring(&file, at, object, before, now) {
                Ok(record) => {
                    self.rests.remove(&at);
                    record
                }
                Err(Undone::Later(why)) => {
                    self.remember(name, at);
                    self.rest(at, now);
                    return Err(Undone::Later(why));
                }
                Err(stopped) => return Err(stopped),
            },
        };
        self.acknowledge(&path, &file, record)?;
        self.known.remove(name);
        // Rounds may be long.
        self.follow_receipts(now);
        Ok(())
    }

    /// Brings a file to its place.
    fn bring(
        &mut self,
        file: &File,
        at: usize,
        object: Object,
        before: Option<Record>,
        now: Timestamp,
    ) -> Result<Record, Undone> {
        let parts = &mut self.parts;
        let place = parts.places.get(at).ok_or("there is no place".to_owned())?;
        let before = before
            .filter(|before| before.object.sha256 == object.sha256 && before.place == place.name());
        let mut next = before;
        for clash in (0..KEYS_MAX).map(|tries| tries > 0) {
            let values = Values {
                satellite: &object.satellite,
                topic: &object.topic,
                uuid: &object.uuid,
                path: &object.path,
                time: now,
            };
            let (mut record, is_noted) = match next.take() {
                Some(before) => (before, true),
                None => {
                    let chosen = Record {
                        object: object.clone(),
                        place: place.name().to_owned(),
                        key: parts.template.key(&values, clash)?,
                        time: now.as_second(),
                        state: State::Chosen,
                        upload: None,
                        receipts: 0,
                        bundle: None,
                    };
                    (chosen, false)
                }
            };
            let key = record.key.clone();
            let found = place.look(&key, &object).map_err(of_place)?;
            if found == Found::Another {
                continue;
            }
            if !is_noted {
                parts.journal.choose(&record)?;
                (parts.at_step)(Step::Chosen);
            }
            if found == Found::Nothing {
                if let Some(upload) = record.upload.take() {
                    place.abandon(&key, &upload);
                }
                let mut begun = |upload: &str| {
                    record.upload = Some(upload.to_owned());
                    parts.journal.choose(&record)?;
                    (parts.at_step)(Step::Begun);
                    Ok(())
                };
                let put = bundle::with_octets(file, parts.bytes_max, |data| {
                    let data = &mut Compared::new(data, &object);
                    place.put(&key, &object, data, &mut begun)
                });
                match put.map_err(|error| Undone::Later(error.to_string()))? {
                    Err(PlaceError::Taken) => continue,
                    put => put.map_err(of_place)?,
                }
            }
            (parts.at_step)(Step::Put);
            record.state = State::Delivered;
            record.upload = None;
            record.time = now.as_second();
            parts.journal.deliver(&record)?;
            (parts.at_step)(Step::Delivered);
            log::info!(
                "delivered {} ({}, {} octets) as {} in {}",
                object.uuid,
                object.topic,
                object.size,
                record.key,
                record.place
            );
            return Ok(record);
        }
        Err(Undone::Later(
            "its key is another file's, and so is the one with its id".to_owned(),
        ))
    }

    /// It is at its place: its receipt is due from now on, and the bundle goes.
    fn acknowledge(&mut self, path: &Path, file: &File, record: Record) -> Result<(), Undone> {
        let bundle = bundle_file(file)?;
        // Else it is said already, and only the bundle is to go.
        if record.state != State::Done || record.bundle != Some(bundle) {
            self.say(record, bundle)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn say(&mut self, mut record: Record, bundle: BundleFile) -> Result<(), Undone> {
        let is_repeated = record.state == State::Done;
        let due = self.parts.signing.as_ref().map(|_| Ordered::due_now());
        record.state = State::Done;
        record.bundle = Some(bundle);
        if is_repeated {
            log::info!("{} came again, and is where it was", record.object.uuid);
        }
        let journal = &mut self.parts.journal;
        journal.change(&record, due.as_ref(), |counts| {
            counts.arrived += u64::from(is_repeated);
            counts.repeated += u64::from(is_repeated);
        })?;
        if let (Some(receipts), Some(due)) = (&mut self.receipts, due) {
            receipts.insert(record.object.uuid, due);
        }
        (self.parts.at_step)(Step::Acknowledged);
        Ok(())
    }

    /// What is no bundle is kept, and not looked at again.
    fn bury(&mut self, path: &Path, name: &OsStr, why: &str) -> Result<(), Undone> {
        fs::create_dir_all(&self.parts.dead)?;
        let mut to = self.parts.dead.join(name);
        let mut number = 1;
        while to.symlink_metadata().is_ok() {
            let mut other = name.to_owned();
            other.push(format!(".{number}"));
            to = self.parts.dead.join(other);
            number += 1;
        }
        fs::rename(path, &to)?;
        log::error!(
            "{} is not delivered: {why}; it is kept as {}",
            name.display(),
            to.display()
        );
        let counted = self.parts.journal.count(|counts| {
            counts.arrived += 1;
            counts.dead += 1;
        });
        noted(counted);
        Ok(())
    }

    fn remember(&mut self, name: &OsStr, at: usize) {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(name.to_owned(), at);
    }

    /// Whether it is known that its place rests.
    fn waits(&self, name: &OsStr, now: Timestamp) -> bool {
        self.known.get(name).is_some_and(|at| self.rests(*at, now))
    }

    fn rests(&self, at: usize, now: Timestamp) -> bool {
        let rest = self.rests.get(&at);
        rest.is_some_and(|(until, _)| now.as_second() < *until)
    }

    fn rest(&mut self, at: usize, now: Timestamp) {
        let before = self.rests.get(&at).map(|(_, pause)| *pause);
        let pause = before.map_or(PAUSE_SECONDS, |pause| (2 * pause).min(PAUSE_SECONDS_MAX));
        self.rests.insert(at, (now.as_second() + pause, pause));
    }
}

fn bundle_file(file: &File) -> io::Result<BundleFile> {
    let found = file.metadata()?;
    Ok(BundleFile {
        inode: found.ino(),
        changed: (found.mtime(), found.mtime_nsec()),
    })
}

pub(super) fn of_place(error: PlaceError) -> Undone {
    match error {
        PlaceError::Stopped => Undone::Stopped,
        error => Undone::Later(error.to_string()),
    }
}

/// What cannot be noted is seen in the log.
fn noted(noted: Result<(), String>) {
    if let Err(why) = noted {
        log::error!("the journal of deliveries: {why}");
    }
}
