//! Files that go over a link, and files that come: from the desk to a file entity (CFDP) on
//! a link of the service, and back what became of them. The source is released when the other
//! end has the file.
//!
//! ```text
//! desk ──next_errand───▶ courier ──put───▶ entity ──▶ link ──▶ ground, or a peer
//! desk ◀─errand_ended─── courier ◀─Finished─ entity
//! desk ◀─accept_arrived─ courier ◀─ arrived/ ◀─ entity ◀── link ◀── ground, or a peer
//! ```
//!
//! The entity reads a file where it is claimed, in the outbox, so nothing is copied. What is
//! under way is known by its name at the entity, `claims/TRANSFER/FILE`: after a restart the
//! courier finds its transactions by it.
//!
//! At the ground a file is called `SENDER/SUBDIRECTORY/NAME`. At a peer, as everything that
//! comes for an app, it is called by its [address](file_delivery::address).

mod bundled;
mod flights;
mod import;
mod lane;
mod names;
mod store;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select, tick};
use file_delivery::agent::FileHandle;
use file_delivery::entity::{Event, PutRequest, Role};
use file_delivery::pdu::{EntityId, TransactionId};
use file_delivery::store::RedbJournal;

pub use bundled::Bundled;
pub use import::Import;
pub use lane::{IncomingError, Lane};
pub use store::CourierStore;

use crate::code::Code;
use crate::desk::{Desk, Errand};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::queue::{Route, Stop};
use crate::record::{Transfer, TransferId};
use crate::request::Priority;
use flights::{Flight, Landed};

/// Between two looks at what is to go and what is to stop.
const LOOK: Duration = Duration::from_millis(200);
/// Between two looks at what came and could not be handed over.
const IMPORT: Duration = Duration::from_secs(2);

/// The file entity whose files are the desk's.
pub type CourierHandle<F, J> = FileHandle<CourierStore<F, J>, RedbJournal>;

/// The courier's thread. Dropped, it ends; what is under way goes on with the next.
pub struct Courier {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Whom the courier's thread calls.
pub struct Calls {
    /// Once, where the entity ends before the courier is dropped.
    pub lost: Box<dyn FnOnce() + Send>,
    /// Every two seconds; it must not wait.
    pub look: Box<dyn FnMut() + Send>,
}

impl Courier {
    /// Starts the thread `courier`, which hands the entity files for `peer`, the entity at the
    /// other end of `lane`, and the desk files that came from there.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start<F, J>(
        desk: Arc<Desk<F, J>>,
        entity: CourierHandle<F, J>,
        (lane, peer): (Lane, EntityId),
        calls: Calls,
    ) -> io::Result<Self>
    where
        F: Folders + 'static,
        J: Journal + 'static,
    {
        let (end, ended) = bounded(0);
        let Calls { lost, look } = calls;
        let mut run = Run {
            desk,
            entity,
            peer,
            route: lane.route(),
            import: Import::new(lane.clone()),
            lane,
            flights: BTreeMap::new(),
            at_look: look,
        };
        let thread = thread::Builder::new()
            .name("courier".to_owned())
            .spawn(move || {
                if run.run(&ended) == End::EntityLost {
                    lost();
                }
            })?;
        Ok(Courier {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

/// Why the thread ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Wanted,
    EntityLost,
}

struct Run<F: Folders + 'static, J: Journal + 'static> {
    desk: Arc<Desk<F, J>>,
    entity: CourierHandle<F, J>,
    lane: Lane,
    peer: EntityId,
    route: Route,
    import: Import,
    flights: BTreeMap<TransferId, Flight>,
    at_look: Box<dyn FnMut() + Send>,
}

impl<F: Folders + 'static, J: Journal + 'static> Run<F, J> {
    fn run(&mut self, ended: &Receiver<()>) -> End {
        // What an earlier process handed over.
        for report in self.entity.transactions().unwrap_or_default() {
            let claim = report.name.as_ref().and_then(names::transfer_of);
            if let (Role::Sender, Some(id)) = (report.role, claim) {
                let flight = Flight::found(report.transaction, report.is_suspended);
                self.flights.insert(id, flight);
            }
        }
        let events = self.entity.events().clone();
        let looks = tick(LOOK);
        let imports = tick(IMPORT);
        self.import();
        loop {
            self.take_over();
            self.look();
            select! {
                recv(events) -> event => match event {
                    Ok(event) => self.hear(&event),
                    Err(_) => return End::EntityLost,
                },
                recv(looks) -> _ => {}
                recv(imports) -> _ => {
                    self.import();
                    (self.at_look)();
                }
                recv(ended) -> _ => return End::Wanted,
            }
        }
    }

    /// Hands the desk what came.
    fn import(&mut self) {
        if let Err(error) = self.import.look(&self.desk) {
            log::error!("files that come from {}: {error}", self.lane.id());
        }
    }

    /// Hands the entity what is to go.
    fn take_over(&mut self) {
        while let Some(errand) = self.desk.next_errand(&self.route) {
            let Errand { transfer, leg } = errand;
            let id = transfer.id;
            match self.flights.get_mut(&id) {
                Some(flight) => {
                    flight.is_flying = true;
                    flight.leg = leg;
                    if std::mem::take(&mut flight.is_suspended)
                        && let Some(transaction) = flight.transaction
                        && let Err(error) = self.entity.resume(transaction)
                    {
                        log::debug!("transfer {id}: {error}");
                    }
                }
                None => {
                    let flight = match self.put(&transfer, leg) {
                        Ok(transaction) => Flight::begun(leg, transaction),
                        Err(landed) => Flight::not_taken(leg, landed),
                    };
                    self.flights.insert(id, flight);
                }
            }
        }
    }

    fn put(&self, transfer: &Transfer, leg: usize) -> Result<TransactionId, Landed> {
        let here = names::claim_of(transfer.id).map_err(Landed::Never)?;
        let there = names::there(transfer, leg).map_err(Landed::Never)?;
        let request = PutRequest {
            priority: match transfer.request.priority {
                Priority::Low => 0,
                Priority::Medium => 64,
                Priority::High => 128,
                Priority::Critical => 192,
            },
            ..PutRequest::file(self.peer, here, there)
        };
        let put = self.entity.put(request);
        put.map_err(|error| Landed::not_taken(&error))
    }

    /// Something became of a transaction.
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Finished {
                transaction,
                role: Role::Sender,
                outcome,
            } => {
                let mut flights = self.flights.values_mut();
                let is_it = |one: &&mut Flight| one.transaction == Some(*transaction);
                if let Some(flight) = flights.find(is_it) {
                    flight.landed = Some(Landed::of(outcome, flight.stopped_as));
                }
            }
            Event::Finished {
                role: Role::Receiver,
                outcome,
                ..
            } if outcome.is_success() => self.import(),
            Event::StorageFailed { text } => log::error!("files of {}: {text}", self.lane.id()),
            Event::Fault { text, .. } => log::info!("files of {}: {text}", self.lane.id()),
            _ => {}
        }
    }

    /// Tells the desk what has ended, and the entity what is to stop.
    fn look(&mut self) {
        let mut over = Vec::new();
        for (id, flight) in &mut self.flights {
            if !self.desk.is_open(*id) {
                // It was given up while it was on hold, or waited for its turn.
                if flight.landed.is_none() {
                    cancel(&self.entity, *id, flight);
                }
                over.push(*id);
                continue;
            }
            if !flight.is_flying {
                continue;
            }
            if let Some(landed) = &flight.landed {
                let told = match landed {
                    Landed::There => self.desk.errand_ended(*id, flight.leg, &Ok(())),
                    Landed::Never(why) => {
                        self.desk.errand_ended(*id, flight.leg, &Err(why.clone()))
                    }
                    Landed::Again(why) => self.desk.errand_failed(*id, flight.leg, why),
                };
                match told {
                    Ok(()) => over.push(*id),
                    Err(refused) => log::warn!("transfer {id}: {refused}; told again"),
                }
                continue;
            }
            match self.desk.errand_stop(*id) {
                None | Some(Stop::Preempted) => {}
                Some(Stop::Held) => {
                    let transaction = flight.transaction;
                    flight.is_suspended =
                        transaction.is_some_and(|one| self.entity.suspend(one).is_ok());
                    flight.is_flying = false;
                    self.desk.errand_stopped(*id);
                }
                Some(why) if flight.stopped_as.is_none() => {
                    flight.stopped_as = Some(match why {
                        Stop::Expired => Code::Expired,
                        _ => Code::Cancelled,
                    });
                    cancel(&self.entity, *id, flight);
                }
                Some(_) => {}
            }
        }
        for id in over {
            self.flights.remove(&id);
        }
    }
}

fn cancel<F: Folders + 'static, J: Journal + 'static>(
    entity: &CourierHandle<F, J>,
    id: TransferId,
    flight: &Flight,
) {
    if let Some(transaction) = flight.transaction
        && let Err(error) = entity.cancel(transaction)
    {
        log::debug!("transfer {id}: {error}");
    }
}
