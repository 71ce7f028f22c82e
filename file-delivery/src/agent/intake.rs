//! The channel to the thread that has the entity.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::ContactState;
use comms_service::pdus::PduReceiver;
use crossbeam_channel::Sender;

use crate::entity::Entity;
use crate::store::{FileStore, Journal};

/// Something for the user that needs the entity.
pub(super) type Request<S, J> = Box<dyn FnOnce(&mut Entity<S, J>, Instant) + Send>;

/// What the thread is told.
pub(super) enum Task<S: FileStore, J: Journal> {
    Pdu(HeldBytes),
    Departed(u64, bool),
    Contact(ContactState),
    Request(Request<S, J>),
    Stop,
}

/// PDUs that wait for the thread; more are dropped and counted, and asked for again.
const PDUS_MAX: usize = 1024;

/// The end of the channel that the link and the user have. Of departures there are never
/// more than the thread let go out; of requests, one for each thread that waits.
pub(super) struct Intake<S: FileStore, J: Journal> {
    tasks: Sender<Task<S, J>>,
    pdus: Arc<PduCounts>,
}

/// PDUs between the link and the thread.
#[derive(Default)]
pub(super) struct PduCounts {
    waiting: AtomicUsize,
    dropped: AtomicU64,
    /// File directives that are with the link, on their way out.
    directives_queued: AtomicUsize,
}

impl PduCounts {
    /// So many file directives are with the link now.
    pub(super) fn set_directives_queued(&self, directives: usize) {
        self.directives_queued.store(directives, Ordering::Relaxed);
    }

    /// How many file directives are with the link.
    pub(super) fn directives_queued(&self) -> usize {
        self.directives_queued.load(Ordering::Relaxed)
    }

    /// The thread took one.
    pub(super) fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// So many came while there was no room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<S: FileStore, J: Journal> Intake<S, J> {
    pub(super) fn new(tasks: Sender<Task<S, J>>) -> Self {
        let pdus = Arc::default();
        Intake { tasks, pdus }
    }

    pub(super) fn pdus(&self) -> Arc<PduCounts> {
        Arc::clone(&self.pdus)
    }

    /// False once the thread has ended.
    pub(super) fn tell(&self, task: Task<S, J>) -> bool {
        self.tasks.send(task).is_ok()
    }
}

impl<S, J> PduReceiver for Intake<S, J>
where
    S: FileStore + Send,
    S::Source: Send,
    S::Staged: Send,
    J: Journal + Send,
{
    fn pdu(&self, octets: HeldBytes) {
        if self.pdus.waiting.fetch_add(1, Ordering::Relaxed) < PDUS_MAX {
            self.tell(Task::Pdu(octets));
        } else {
            self.pdus.taken();
            self.pdus.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn departed(&self, token: u64, result: Result<(), DropReason>) {
        self.tell(Task::Departed(token, result.is_ok()));
    }

    fn contact(&self, state: ContactState) {
        self.tell(Task::Contact(state));
    }
}
