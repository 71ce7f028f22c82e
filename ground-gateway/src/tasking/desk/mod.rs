//! What may be asked of tasking, and by whom; without a word of HTTP.
//!
//! | part | what stands there |
//! |---|---|
//! | `caller` | who asks, and what it may |
//! | `windows` | order and cancel windows, see them, ask when one may be |
//! | `uploads` | hand over files, see them |
//! | `keys` | the same request twice is one |

mod caller;
mod keys;
mod uploads;
mod windows;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use caller::{Asked, Caller, Denied};
pub(crate) use keys::Key;
pub(crate) use uploads::Incoming;
pub(crate) use windows::AvailabilityQuery;

use super::audit::{Entry, Floodgate};
use super::make_folder;
use super::moment::Now;
use super::plan::Plan;
use super::step::{AtStep, Step};
use super::store::{Store, StoreError};

/// What was answered: an HTTP status and JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// `{"data": …}` under 200.
    pub(crate) fn data(data: &serde_json::Value) -> Answer {
        Answer {
            status: 200,
            body: serde_json::json!({ "data": data }).to_string(),
        }
    }
}

/// Where all that is asked comes together.
pub(crate) struct Desk {
    pub(crate) plan: Plan,
    pub(crate) store: Store,
    /// Where the octets of uploads are.
    pub(crate) uploads: PathBuf,
    gate: Mutex<Floodgate>,
    /// How often something was ordered or cancelled.
    changes: AtomicU64,
    at_step: AtStep,
}

impl Desk {
    /// Goes on with what is in the directory of the plan, which is made if it is not there.
    ///
    /// # Errors
    /// In words for the operator.
    pub(crate) fn open(plan: Plan, at_step: AtStep) -> Result<Desk, String> {
        let uploads = plan.directory.join("uploads");
        make_folder(&uploads).map_err(|error| format!("{}: {error}", uploads.display()))?;
        let store = Store::open(&super::database_file(&plan.directory));
        let desk = Desk {
            store: store.map_err(|error| error.to_string())?,
            plan,
            uploads,
            gate: Mutex::default(),
            changes: AtomicU64::new(0),
            at_step,
        };
        desk.remove_strays().map_err(|error| error.to_string())?;
        Ok(desk)
    }

    pub(crate) fn step(&self, step: Step) {
        (self.at_step)(step);
    }

    /// Another number after each change of what is asked for.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    fn has_changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    fn gate(&self) -> MutexGuard<'_, Floodgate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs what changes nothing: not each, where there are many of the same.
    pub(crate) fn log(&self, entry: Entry) -> Result<(), StoreError> {
        let due = self.gate().pass(entry.limited());
        self.write(due)
    }

    /// Logs this one for sure.
    pub(crate) fn log_now(&self, entry: &Entry) -> Result<(), StoreError> {
        self.store.change(|tables| tables.log(entry))
    }

    /// Logs what was counted long enough. To be called now and then.
    pub(crate) fn log_counted(&self, now: Now) -> Result<(), StoreError> {
        let due = self.gate().due(now.ms);
        self.write(due)
    }

    /// Logs all that was counted: nobody asks any more.
    pub(crate) fn close(&self, now: Now) -> Result<(), StoreError> {
        let due = self.gate().close(now.ms);
        self.write(due)
    }

    fn write(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.store
            .change(|tables| entries.iter().try_for_each(|entry| tables.log(entry)))
    }

    /// Removes what ended so long ago that nobody is told of it any more.
    pub(crate) fn remove_old(&self, now: Now) -> Result<(), StoreError> {
        let before_s = now.s().saturating_sub(self.plan.keep_s);
        self.store.change(|tables| {
            tables.remove_windows(before_s)?;
            tables.remove_uploads(before_s)?;
            tables.remove_keys(keys::kept_since_s(now))?;
            Ok(())
        })
    }
}

/// Of one more than was asked for at most, those that were asked for, and the last of them where
/// there are more.
fn page<T, I>(mut found: Vec<T>, limit: usize, id: impl Fn(&T) -> I) -> (Vec<T>, Option<I>) {
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_more).map(id);
    (found, last)
}
