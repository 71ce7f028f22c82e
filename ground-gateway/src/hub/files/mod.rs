//! The file entity of a hub, and what its clients asked of it.
//!
//! | part | what stands there |
//! |---|---|
//! | `requests` | get, put, cancel, suspend, resume |
//! | `events` | what the entity tells, and what follows for orders |
//! | `deliveries` | what is asked of it by who delivers what came |
//! | `listing` | the names of the satellite's files |
//! | `view` | how everything stands, for clients |
//! | `serve` | what clients are told of it |
//!
//! An order is on the disk before its transaction is begun, and until it has ended; so the
//! next hub goes on with it, whatever became of this one and of the client.

mod deliveries;
mod events;
mod listing;
mod requests;
mod serve;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use comms_service::pdus::PduSender;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use file_delivery::StoreName;
use file_delivery::agent::{FileAgent, FileHandle};
use file_delivery::entity::{Event, Role, TransactionReport};
use file_delivery::pdu::{EntityId, TransactionId};
use file_delivery::setup::FileSettings;
use file_delivery::store::{Directory, RedbJournal};

pub(super) use serve::{change, get, list, names, put, tell_ends};

use crate::config::GroundLinkConfig;
use crate::error::GroundError;
use crate::files::orders::{Order, Orders};
use crate::files::outgoing;
use crate::files::passes::Pass;
use crate::files::rate::Rate;
use listing::Listing;

type Handle = FileHandle<Directory, RedbJournal>;

/// Between two looks at how transactions stand.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// After something happened, the next look is sooner.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(50);
/// How long a hub that leaves stays for the last words of files that have come.
const SETTLE_MAX: Duration = Duration::from_secs(2);
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

/// Transactions of which something is remembered between two events, as the entity has so
/// many under way at most, each way. Of more, those of the lowest ids are forgotten.
const REMEMBERED_MAX: usize = 4096;

/// Files on the link of a hub.
pub(super) struct Files {
    settings: FileSettings,
    /// Whom commands ask.
    satellite: EntityId,
    /// What people call it.
    satellite_name: String,
    /// None once it has stopped: then another hub may have root and journal.
    handle: RwLock<Option<Handle>>,
    link: PduSender,
    state: Mutex<State>,
    changed: Condvar,
    is_stopping: AtomicBool,
}

/// What is known besides what the entity keeps.
struct State {
    orders: Orders,
    /// How transactions stood at the last look.
    reports: Vec<TransactionReport>,
    rates: BTreeMap<TransactionId, Rate>,
    /// Those that a limit of retries made rest.
    resting: BTreeSet<TransactionId>,
    /// The last fault of each, for people.
    faults: BTreeMap<TransactionId, String>,
    /// What comes, from its first word to its last.
    coming: BTreeMap<TransactionId, Coming>,
    /// What came whole and is to be moved to where it was asked for.
    arrived: Vec<Arrived>,
    /// Requests whose file has come, of which the satellite has not said so yet.
    unconfirmed: BTreeSet<TransactionId>,
    /// Listings that clients wait for.
    listings: BTreeMap<TransactionId, Listing>,
    pass: Pass,
    is_heard: bool,
    /// The thread that has the entity has ended, and not because we wanted it.
    is_dead: bool,
}

/// Octets of the file that are at the receiver, as far as is known: of those that were sent
/// it may ask for some again.
fn octets_there(report: &TransactionReport) -> u64 {
    report.octets.saturating_sub(report.octets_to_repeat)
}

/// A file that came, for an order.
struct Arrived {
    key: String,
    size: Option<u64>,
}

/// A file that comes.
struct Coming {
    name: Option<StoreName>,
    size: Option<u64>,
    originating: Option<TransactionId>,
}

/// The files of a hub, and the thread that hears of them.
pub(super) struct RunningFiles {
    pub(super) files: Arc<Files>,
    thread: Option<JoinHandle<()>>,
}

impl RunningFiles {
    /// Goes on with what earlier hubs left.
    pub(super) fn start(
        config: &GroundLinkConfig,
        settings: &FileSettings,
        agent: FileAgent<Directory, RedbJournal>,
        link: PduSender,
    ) -> Result<Self, GroundError> {
        let system = |problem: String| GroundError::System {
            what: "what files need",
            problem,
        };
        let path = settings.journal.with_extension("orders.json");
        let named = format!("the orders {}", path.display());
        let orders = Orders::open(path).map_err(|error| system(format!("{named}: {error}")))?;
        // Before anything happens: of what ends from now on there is an event.
        let reports: Vec<TransactionReport> = agent.transactions().collect();
        let arrived: BTreeMap<TransactionId, bool> = orders
            .pending()
            .filter_map(Order::transaction_id)
            .filter_map(|id| Some((id, agent.arrived(id)?)))
            .collect();
        let handle = agent.start(link.clone());
        let handle = handle.map_err(|error| system(error.to_string()))?;
        let events = handle.events().clone();
        let files = Arc::new(Files {
            settings: settings.clone(),
            satellite: EntityId(settings.peers.first().map_or(0, |peer| peer.entity_id)),
            satellite_name: config.satellite.clone(),
            handle: RwLock::new(Some(handle)),
            link,
            state: Mutex::new(State::new(orders)),
            changed: Condvar::new(),
            is_stopping: AtomicBool::new(false),
        });
        files.go_on(&reports, &arrived);
        let heard = Arc::clone(&files);
        let thread = super::spawn("file-events", move || heard.run(&events))?;
        Ok(RunningFiles {
            files,
            thread: Some(thread),
        })
    }

    /// Lets the last words of what has come go out, while the link is there.
    pub(super) fn settle(&self) {
        let deadline = Instant::now() + SETTLE_MAX;
        while !self.files.is_settled() && Instant::now() < deadline {
            thread::sleep(SETTLE_PAUSE);
        }
    }

    /// Clients are told no more; they ask the next hub.
    pub(super) fn close(&self) {
        self.files.is_stopping.store(true, Ordering::SeqCst);
        self.files.changed.notify_all();
    }
}

/// Stops the entity, and lets go of root and journal.
impl Drop for RunningFiles {
    fn drop(&mut self) {
        self.close();
        let handle = self.files.handle.write();
        drop(handle.unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // A client whose file is being copied may still be served.
        self.files.state().orders.close();
    }
}

impl State {
    fn new(orders: Orders) -> Self {
        State {
            orders,
            reports: Vec::new(),
            rates: BTreeMap::new(),
            resting: BTreeSet::new(),
            faults: BTreeMap::new(),
            coming: BTreeMap::new(),
            arrived: Vec::new(),
            unconfirmed: BTreeSet::new(),
            listings: BTreeMap::new(),
            pass: Pass::default(),
            is_heard: false,
            is_dead: false,
        }
    }
}

impl State {
    /// Forgets what is too much: events that were lost would else leave it for ever.
    fn forget_surplus(&mut self) {
        while self.coming.len() > REMEMBERED_MAX {
            self.coming.pop_first();
        }
        while self.faults.len() > REMEMBERED_MAX {
            self.faults.pop_first();
        }
        while self.resting.len() > REMEMBERED_MAX {
            self.resting.pop_first();
        }
        while self.unconfirmed.len() > REMEMBERED_MAX {
            self.unconfirmed.pop_first();
        }
    }
}

impl Files {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the entity; none once it has stopped.
    fn with_handle<R>(&self, does: impl FnOnce(&Handle) -> R) -> Option<R> {
        let handle = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        handle.as_ref().map(does)
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Where a name of the store is.
    fn path_of(&self, stored: &str) -> PathBuf {
        self.settings.root.join(stored)
    }

    fn run(&self, events: &Receiver<Event>) {
        let mut next_look = Instant::now();
        loop {
            match events.recv_deadline(next_look) {
                Ok(event) => {
                    self.hear(event);
                    let soon = Instant::now() + LOOK_PAUSE_MIN;
                    next_look = next_look.min(soon);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next_look = Instant::now() + LOOK_PAUSE;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    if !self.is_stopping() {
                        log::error!("the thread of the files has ended");
                        self.state().is_dead = true;
                    }
                    self.changed.notify_all();
                    return;
                }
            }
        }
    }

    /// Looks how transactions stand.
    fn look(&self) {
        let Some(Ok(reports)) = self.with_handle(Handle::transactions) else {
            return;
        };
        let now = Instant::now();
        let mut state = self.state();
        let mut moved = 0_u64;
        let before = std::mem::take(&mut state.rates);
        let octets_before: BTreeMap<_, _> = state
            .reports
            .iter()
            .map(|report| (report.transaction, octets_there(report)))
            .collect();
        state.rates = before
            .into_iter()
            .filter(|(id, _)| reports.iter().any(|report| report.transaction == *id))
            .collect();
        for report in &reports {
            let id = report.transaction;
            let known = octets_before.get(&id);
            let there = octets_there(report);
            let octets = there.saturating_sub(*known.unwrap_or(&there));
            moved = moved.saturating_add(octets);
            if octets > 0 {
                state.resting.remove(&id);
            }
            state.rates.entry(id).or_default().look(now, there);
        }
        state.reports = reports;
        state.is_heard = self.is_heard();
        let is_heard = state.is_heard;
        if let Some(octets) = state.pass.look(is_heard, moved)
            && let Err(error) = state.orders.add_pass(octets)
        {
            log::error!("what the pass moved cannot be noted: {error}");
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Whether the satellite was heard within `contact-hold-ms`.
    fn is_heard(&self) -> bool {
        let contact = self.link.contact();
        contact.in_contact && contact.heard_at.is_some()
    }

    /// Whether nothing is on its way that the other end waits for, or it is not there.
    fn is_settled(&self) -> bool {
        if !self.is_heard() {
            return true;
        }
        let Some(queued) = self.with_handle(Handle::directives_queued) else {
            return true;
        };
        let reports = self.with_handle(Handle::transactions);
        let Some(Ok(reports)) = reports else {
            return true;
        };
        let is_confirmed = self.state().unconfirmed.is_empty();
        is_confirmed && queued == 0 && !reports.iter().any(|report| report.is_finished)
    }

    /// Waits until something changed, at most so long.
    fn wait(&self, timeout: Duration) {
        let state = self.state();
        drop(self.changed.wait_timeout(state, timeout));
    }

    /// Goes on with what earlier hubs left, and removes what belongs to nothing any more.
    fn go_on(&self, reports: &[TransactionReport], arrived: &BTreeMap<TransactionId, bool>) {
        let mut state = self.state();
        state.reports = reports.to_vec();
        for report in reports {
            if report.role == Role::Receiver {
                let coming = Coming {
                    name: report.name.clone(),
                    size: report.size,
                    originating: report.originating,
                };
                state.coming.insert(report.transaction, coming);
            }
        }
        let pending: Vec<Order> = state.orders.pending().cloned().collect();
        for order in pending {
            let arrived = order.transaction_id().and_then(|id| arrived.get(&id));
            self.go_on_with(&mut state, &order, reports, arrived.copied());
        }
        self.remove_unknown_outgoing(&state, reports);
        self.remove_listings();
        drop(state);
        self.deliver_arrived();
    }

    /// Removes copies of files that nobody sends any more.
    fn remove_unknown_outgoing(&self, state: &State, reports: &[TransactionReport]) {
        let Ok(entries) = fs::read_dir(self.path_of(outgoing::FOLDER)) else {
            // There never was one.
            return;
        };
        for entry in entries.flatten() {
            let name = format!(
                "{}/{}",
                outgoing::FOLDER,
                entry.file_name().to_string_lossy()
            );
            let mut names = reports.iter().filter_map(|report| report.name.as_ref());
            let is_sent = names.any(|of| of.as_str() == name)
                || state.orders.pending().any(|order| order.stored == name);
            if !is_sent && let Err(error) = fs::remove_file(entry.path()) {
                log::warn!("{name} is sent no more, and cannot be removed: {error}");
            }
        }
    }
}
