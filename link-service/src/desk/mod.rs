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

mod arrivals;
mod ask;
mod clock;
mod counts;
mod elsewhere;
mod entry;
mod inbox;
mod naming;
mod state;
mod submit;
mod view;
mod watch;
mod ways;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::access::LiveAccess;
use crate::folders::Folders;
use crate::journal::{Journal, JournalError};
use crate::mover::{Mover, Recovered};
use crate::queue::{QueueLimits, Route};
use crate::record::TransferId;

pub use arrivals::Incoming;
pub use ask::AskError;
pub use clock::{Clock, SystemClock};
pub use counts::{Counts, Depths};
pub use elsewhere::Errand;
pub use inbox::{AcknowledgeError, DeliveredFile, Delivery};
pub(crate) use naming::{name_elsewhere, no_name};
pub use submit::Receipt;
pub use view::{LegView, TransferView};
pub use watch::{Call, Event, Watch};
pub use workers::Workers;

use state::State;
use ways::Ways;

/// Limits of a [`Desk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskLimits {
    /// Of what has not ended.
    pub queue: QueueLimits,
    /// Transfers that have ended and are remembered: so long a request that comes again is
    /// known. The oldest are forgotten first.
    pub ended_max: usize,
    /// Those besides that have ended, of which a recipient has not acknowledged what came to
    /// it. The oldest are forgotten first: the files stay.
    pub unread_max: usize,
    /// The links that there are: where none leads, nobody is promised anything.
    pub links: BTreeSet<Route>,
    /// Tries before one that may heal is given up.
    pub attempts_max: u32,
    /// Tries to clear what one that is over left on the disk, before it ends all the same.
    pub clearing_max: u32,
}

impl Default for DeskLimits {
    fn default() -> Self {
        DeskLimits {
            queue: QueueLimits::default(),
            ended_max: 16_384,
            unread_max: 16_384,
            links: BTreeSet::new(),
            attempts_max: 1_000,
            clearing_max: 12,
        }
    }
}

/// Takes requests, and knows how they stand.
pub struct Desk<F: Folders, J: Journal> {
    access: Arc<LiveAccess>,
    ways: Ways,
    mover: Mover<F, J>,
    limits: DeskLimits,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    /// Held by whoever asks something of a transfer until the journal has it.
    asking: Mutex<()>,
}

/// What is known, for all threads.
struct Shared {
    state: Mutex<State>,
    /// There is something to run, or soon is: one worker is woken for each.
    work: Condvar,
    /// A request that was looked at is accepted or refused.
    settled: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// One that goes on with what the journal of `mover` knows. Nothing runs before it has
    /// [workers](Workers).
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be read.
    pub fn open(
        mut mover: Mover<F, J>,
        access: Arc<LiveAccess>,
        limits: DeskLimits,
        clock: impl Clock + 'static,
    ) -> Result<Self, JournalError> {
        let ways = Ways::new(&access);
        let of_mover = ways.clone();
        mover.lead_elsewhere(move |app| !of_mover.is_folder(app));
        let current = access.current();
        let apps = current.registry().apps().map(|app| &app.id);
        let Recovered {
            transfers,
            stagings_removed,
            files_returned,
            left,
            left_more,
        } = mover.recover(apps)?;
        log::debug!("{stagings_removed} stagings were left, {files_returned} files go back");
        for text in left {
            log::warn!("not cleared, and tried again at the next start: {text}");
        }
        if left_more > 0 {
            log::warn!("not cleared either: {left_more} more");
        }
        let acknowledged = mover.journal().load_acknowledged()?;
        let is_known = |id: &TransferId| {
            let found = transfers.binary_search_by_key(id, |transfer| transfer.id);
            found.is_ok()
        };
        let (acknowledged, of_nobody): (Vec<_>, Vec<_>) =
            acknowledged.into_iter().partition(|(id, _)| is_known(id));
        let orders = mover.journal().load_orders()?;
        let (orders, orders_of_nobody): (BTreeMap<_, _>, BTreeMap<_, _>) =
            orders.into_iter().partition(|(id, _)| is_known(id));
        let of_nobody = of_nobody.into_iter().map(|(id, _)| id);
        for id in of_nobody.chain(orders_of_nobody.into_keys()) {
            mover.journal().remove(id)?;
        }
        let now = clock.now();
        let state = State::restored(now, &limits, ways.clone(), transfers, acknowledged, &orders);
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let of_mover = Arc::clone(&clock);
        mover.tell_time(move || of_mover.now().wall.unwrap_or_default());
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            settled: Condvar::new(),
        });
        let of_mover = Arc::clone(&shared);
        mover.at_each_leg(Box::new(move |transfer| {
            of_mover.state().note_leg(transfer)
        }));
        let of_mover = Arc::clone(&shared);
        mover.at_each_chunk(Box::new(move |id, leg, bytes| {
            of_mover.state().note_copied(id, leg, bytes);
        }));
        Ok(Desk {
            access,
            ways,
            mover,
            limits,
            clock,
            shared,
            asking: Mutex::new(()),
        })
    }

    /// What holds of apps and policy.
    pub fn access(&self) -> &LiveAccess {
        &self.access
    }

    /// The boxes.
    pub fn folders(&self) -> &F {
        self.mover.folders()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}
