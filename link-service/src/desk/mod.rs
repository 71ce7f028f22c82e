//! Where requests are taken: whoever hands one in hears that it is accepted, which a power cut
//! does not undo, or why not; and once, how it ended.
//!
//! ```text
//! submit ─▶ known already? ─▶ may it be sent? ─▶ is there room? ─▶ accepted, on the disk
//!                                                                       │
//! status, wait, cancel, … ◀── what is known of transfers ◀── workers ◀── queue
//! ```
//!
//! | thread | does |
//! |---|---|
//! | `mover-N` | runs what the queue says is next, each its own |
//! | whoever asks | everything else |

mod ask;
mod clock;
mod state;
mod submit;
mod view;
mod workers;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::access::LiveAccess;
use crate::folders::Folders;
use crate::journal::{Journal, JournalError};
use crate::mover::{Mover, Recovered};
use crate::queue::QueueLimits;

pub use ask::AskError;
pub use clock::{Clock, SystemClock};
pub use submit::Receipt;
pub use view::{LegView, TransferView};
pub use workers::Workers;

use state::State;

/// Limits of a [`Desk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskLimits {
    /// Of what has not ended.
    pub queue: QueueLimits,
    /// Transfers that have ended and are remembered: so long a request that comes again is
    /// known. The oldest are forgotten first.
    pub ended_max: usize,
    /// Tries before one that may heal is given up.
    pub attempts_max: u32,
}

impl Default for DeskLimits {
    fn default() -> Self {
        DeskLimits {
            queue: QueueLimits::default(),
            ended_max: 16_384,
            attempts_max: 1_000,
        }
    }
}

/// Takes requests, and knows how they stand.
pub struct Desk<F: Folders, J: Journal> {
    access: Arc<LiveAccess>,
    mover: Mover<F, J>,
    limits: DeskLimits,
    clock: Box<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// One that goes on with what the journal of `mover` knows. Nothing runs before it has
    /// [workers](Workers).
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be read.
    pub fn open(
        mover: Mover<F, J>,
        access: Arc<LiveAccess>,
        limits: DeskLimits,
        clock: impl Clock + 'static,
    ) -> Result<Self, JournalError> {
        let current = access.current();
        let apps = current.registry().apps().map(|app| &app.id);
        let Recovered {
            transfers,
            stagings_removed,
            files_returned,
            left,
        } = mover.recover(apps)?;
        log::debug!("{stagings_removed} stagings were left, {files_returned} files go back");
        for text in left {
            log::warn!("not cleared, and tried again at the next start: {text}");
        }
        let now = clock.now();
        let state = State::restored(now, &limits, transfers);
        Ok(Desk {
            access,
            mover,
            limits,
            clock: Box::new(clock),
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    /// What holds of apps and policy.
    pub fn access(&self) -> &LiveAccess {
        &self.access
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
