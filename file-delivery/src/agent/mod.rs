//! An entity on a link: the thread that has it, and what speaks to that thread.
//!
//! ```text
//! link ──(PduReceiver)──▶ channel ──▶ thread "files" with the entity ──(PduSender)──▶ link
//! user ──(FileHandle)───▶ channel ──▶        │
//! user ◀────────────── events ◀──────────────┘
//! ```
//!
//! File data is given to the link as its radio takes it, never before; file directives
//! at once, and they overtake it.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! use file_delivery::agent::FileAgent;
//! use file_delivery::entity::{Entity, EntityConfig, Peer, PutRequest};
//! use file_delivery::pdu::EntityId;
//! use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let builder: comms_service::CommsServiceBuilder<()> = todo!();
//! # let telemetry = todo!();
//! let store = Directory::open("/data/files".as_ref(), DirectoryLimits::default())?;
//! let journal = RedbJournal::open("/data/state/files.redb".as_ref())?;
//! let config = EntityConfig::new(EntityId(1));
//! let entity = Entity::new(Instant::now(), config, [Peer::new(EntityId(2))], store, journal)?;
//!
//! let agent = FileAgent::new(entity);
//! let service = builder.pdus(agent.receiver()).start(telemetry)?;
//! let link = service.pdu_sender().ok_or("the link takes no PDUs")?;
//! let files = agent.start(link)?;
//! files.put(PutRequest::file(EntityId(2), "log.txt".parse()?, "log.txt".parse()?))?;
//! # Ok(())
//! # }
//! ```

mod calling;
mod handle;
mod intake;
mod thread;

use std::io;
use std::sync::Arc;
use std::thread::Builder;

use comms_service::pdus::{PduReceiver, PduSender};
use crossbeam_channel::{Receiver, bounded, unbounded};

pub use calling::Calling;
pub use handle::{FileHandle, Stopped};

use crate::entity::{Entity, TransactionReport};
use crate::pdu::TransactionId;
use crate::store::{FileStore, Journal};
use intake::{Intake, Task};
use thread::Thread;

/// Events that their reader has not taken; more are dropped and counted.
const EVENTS_MAX: usize = 4096;

/// An entity whose link is about to start.
pub struct FileAgent<S: FileStore, J: Journal> {
    entity: Entity<S, J>,
    intake: Arc<Intake<S, J>>,
    tasks: Receiver<Task<S, J>>,
}

impl<S, J> FileAgent<S, J>
where
    S: FileStore + Send + 'static,
    S::Source: Send,
    S::Staged: Send,
    J: Journal + Send + 'static,
{
    /// Around an entity.
    pub fn new(entity: Entity<S, J>) -> Self {
        let (sender, tasks) = unbounded();
        FileAgent {
            entity,
            intake: Arc::new(Intake::new(sender)),
            tasks,
        }
    }

    /// How the transactions stand with which it begins.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionReport> + '_ {
        self.entity.transactions()
    }

    /// The entity, before it is on a link.
    pub fn entity(&mut self) -> &mut Entity<S, J> {
        &mut self.entity
    }

    /// As [`Entity::arrived`].
    pub fn arrived(&self, transaction: TransactionId) -> Option<bool> {
        self.entity.arrived(transaction)
    }

    /// What the link is to be given before it starts.
    pub fn receiver(&self) -> Arc<dyn PduReceiver> {
        Arc::clone(&self.intake) as Arc<dyn PduReceiver>
    }

    /// Starts the thread, which ends with the handle, or when [`FileHandle::stop`] is
    /// called. Once the link has stopped, nothing goes out any more.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start(self, link: PduSender) -> io::Result<FileHandle<S, J>> {
        self.start_as(link, None)
    }

    /// The same on a link whose other end is out of reach most of the time: nothing but
    /// calls goes out until it is heard.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_calling(self, link: PduSender, calling: Calling) -> io::Result<FileHandle<S, J>> {
        self.start_as(link, Some(calling))
    }

    fn start_as(self, link: PduSender, calling: Option<Calling>) -> io::Result<FileHandle<S, J>> {
        let (events, heard) = bounded(EVENTS_MAX);
        let pdus = self.intake.pdus();
        let mut thread = Thread::new(self.entity, link, self.tasks, events, pdus);
        if let Some(calling) = calling {
            thread.call(calling);
        }
        let joined = Builder::new()
            .name("files".to_owned())
            .spawn(move || thread.run())?;
        Ok(FileHandle::new(self.intake, heard, joined))
    }
}
