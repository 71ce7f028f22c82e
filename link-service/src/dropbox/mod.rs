//! Link requests as files, for apps that know nothing but files.
//!
//! An app writes `outbox/image.raw.part`, renames it to `outbox/image.raw`, and drops
//! `outbox/image.raw.linkrequest.json` last: the body of a request as the JSON API has it,
//! of the file whose name it has. The answer is `outbox/receipts/image.raw.linkresponse.json`.
//!
//! ```text
//! outbox/NAME.linkrequest.json                 dropped by the app
//!    │ renamed, in the place of none
//!    ▼
//! outbox/.requests/NUMBER-NAME                 until the request is over: then it is removed
//!    │ read, handed in
//!    ▼
//! outbox/receipts/NAME.linkresponse.json       what became of it, as often as that changes
//! ```
//!
//! What is in `.requests` is all that is kept: after a crash it is read and handed in again,
//! and as it has the number that it had, it is the same request. A second one of the
//! same name waits in the outbox until the first is over.
//!
//! Receipts are in the sender's own outbox, where no other app can put anything, and no
//! file that is sent can have their name. Outboxes are looked at again and again; nothing
//! rests on events of the file system, which shares do not give.

pub(crate) mod body;
mod clock;
mod desk;
mod kept_name;
mod place;
mod receipts;
mod taking;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::code::Code;
use crate::folders::{FolderError, Folders, Side};
use crate::names::AppId;
use crate::record::TransferId;

pub use clock::{DropboxCounter, DropboxThread};
pub use receipts::receipt_name;

use kept_name::KeptName;
use taking::Asked;

/// How the name of a request ends.
pub const REQUEST_SUFFIX: &str = ".linkrequest.json";
/// How the name of a receipt ends.
pub const RECEIPT_SUFFIX: &str = ".linkresponse.json";
/// Where requests are kept until they are over, beneath an outbox.
pub const KEPT: &str = ".requests";
/// Where receipts are, beneath an outbox.
pub const RECEIPTS: &str = "receipts";

/// Who takes the requests.
pub trait Submit: Send {
    /// Where the outboxes are.
    type Folders: Folders;

    /// The outboxes.
    fn folders(&self) -> &Self::Folders;

    /// Whose outboxes there are.
    fn apps(&self) -> Vec<AppId>;

    /// Takes a request of `sender`. The same tracking id is the same request.
    fn submit(&self, sender: &AppId, body: Map<String, Value>) -> Answer;

    /// How a request stands; nothing where it is not known any more.
    fn status(&self, sender: &AppId, id: TransferId) -> Option<Answer>;
}

type DirectoryOf<S> = <<S as Submit>::Folders as Folders>::Directory;

/// What is said of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// [`Code::Accepted`] until it is over.
    pub code: Code,
    /// Its number; nothing where it was not accepted.
    pub id: Option<TransferId>,
    /// The whole answer, as the JSON API has it.
    pub response: Value,
}

/// Limits of a [`Dropbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropboxLimits {
    /// Octets of a request.
    pub request_bytes_max: u64,
    /// Requests of one app that are kept; more wait in its outbox.
    pub kept_max: usize,
    /// Receipts in one outbox; of more, the oldest are removed.
    pub receipts_max: usize,
}

impl Default for DropboxLimits {
    fn default() -> Self {
        DropboxLimits {
            request_bytes_max: 64 << 10,
            kept_max: 1024,
            receipts_max: 4096,
        }
    }
}

/// What became of requests. `taken` = `accepted` + `refused` + `unread` + `taken_away` + what
/// is kept and not yet accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropboxCounts {
    /// Taken out of an outbox, found kept at the start, or handed in anew as nobody knew it
    /// any more.
    pub taken: u64,
    /// Accepted: those that were before are among them.
    pub accepted: u64,
    /// Refused by whoever takes requests.
    pub refused: u64,
    /// Refused here: what was dropped is no request.
    pub unread: u64,
    /// Accepted, and over since.
    pub ended: u64,
    /// Receipts that were not written: the app has something else in their place, or took
    /// the request away after it was accepted.
    pub untold: u64,
    /// Receipts that were removed, as there were too many.
    pub receipts_removed: u64,
    /// Requests that the app took out of `.requests` before they were accepted.
    pub taken_away: u64,
    /// Something failed that is tried again at the next scan.
    pub failed: u64,
}

/// Takes link requests out of outboxes.
///
/// [`scan`](Self::scan) does everything; [`DropboxThread`] calls it again and again.
#[derive(Debug)]
pub struct Dropbox<S: Submit> {
    desk: S,
    limits: DropboxLimits,
    asked: BTreeMap<AppId, BTreeMap<KeptName, Asked>>,
    counts: DropboxCounts,
}

impl<S: Submit> Dropbox<S> {
    /// One that hands in at `desk` what is in the outboxes.
    pub fn new(desk: S, limits: DropboxLimits) -> Self {
        Dropbox {
            desk,
            limits,
            asked: BTreeMap::new(),
            counts: DropboxCounts::default(),
        }
    }

    /// What became of requests since the start.
    #[must_use]
    pub fn counts(&self) -> DropboxCounts {
        self.counts
    }

    /// Whether requests are kept that are not over.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.asked.values().any(|of_app| !of_app.is_empty())
    }

    /// Looks at all outboxes, and takes everything as far as it goes. What fails with one
    /// app keeps no other waiting.
    pub fn scan(&mut self) {
        let apps = self.desk.apps();
        self.asked.retain(|app, _| apps.contains(app));
        for app in apps {
            self.scan_one(&app);
        }
    }

    /// Tells of requests that are over since. Where there is none, it touches no disk.
    pub fn poll(&mut self) {
        let is_over = |app: &AppId, asked: &Asked| match asked {
            Asked::Open(id) => {
                let answer = self.desk.status(app, *id);
                answer.is_none_or(|answer| answer.code.is_terminal())
            }
            Asked::New | Asked::Partly(..) | Asked::Again(_) => false,
        };
        let asked = self.asked.iter();
        let asked = asked.filter(|(app, asked)| asked.values().any(|asked| is_over(app, asked)));
        let apps: Vec<AppId> = asked.map(|(app, _)| app.clone()).collect();
        for app in apps {
            self.scan_one(&app);
        }
    }

    fn scan_one(&mut self, app: &AppId) {
        let mut asked = self.asked.remove(app).unwrap_or_default();
        if let Err(error) = self.scan_app(app, &mut asked) {
            self.failed(app, "its outbox", &error);
        }
        if !asked.is_empty() {
            self.asked.insert(app.clone(), asked);
        }
    }

    fn scan_app(
        &mut self,
        app: &AppId,
        asked: &mut BTreeMap<KeptName, Asked>,
    ) -> Result<(), FolderError> {
        let outbox = self.folders().open_box(app, Side::Outbox)?;
        let Some(kept) = self.take_up(app, &outbox, asked)? else {
            self.note_gone(std::mem::take(asked));
            return Ok(());
        };
        let mut place = place::Place {
            app,
            outbox: &outbox,
            kept: &kept,
            receipts_written: 0,
        };
        let mut takes_more = true;
        for name in asked.keys().cloned().collect::<Vec<_>>() {
            let was = asked.remove(&name).unwrap_or(Asked::New);
            let is = self.go_on(&mut place, &name, was.clone(), &mut takes_more);
            let is = is.unwrap_or_else(|error| {
                self.failed(app, name.stem(), &error);
                Some(was)
            });
            if let Some(is) = is {
                asked.insert(name, is);
            }
        }
        match place.receipts_written {
            0 => Ok(()),
            _ => self.thin_out_receipts(&place),
        }
    }

    /// What the app took away.
    fn note_gone(&mut self, gone: BTreeMap<KeptName, Asked>) {
        for asked in gone.into_values() {
            match asked {
                Asked::Open(_) => self.counts.untold += 1,
                Asked::New | Asked::Partly(..) | Asked::Again(_) => self.counts.taken_away += 1,
            }
        }
    }

    fn folders(&self) -> &S::Folders {
        self.desk.folders()
    }

    fn failed(&mut self, app: &AppId, what: &str, error: &FolderError) {
        self.counts.failed += 1;
        log::warn!("link requests of {app}, {what}: {error}; it is tried again");
    }
}
