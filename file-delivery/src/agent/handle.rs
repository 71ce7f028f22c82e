//! What speaks to the thread that has the entity.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::intake::{Intake, Task};
use crate::entity::{
    Entity, EntityCounts, Event, GetRequest, PutRequest, RequestError, TransactionReport,
};
use crate::pdu::TransactionId;
use crate::store::{FileStore, Journal};

/// The thread that has the entity has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file entity has stopped")]
pub struct Stopped;

/// Speaks to an entity on a link. Dropped, it stops the entity; its transactions go on
/// with the next one that has their journal.
pub struct FileHandle<S: FileStore, J: Journal> {
    intake: Arc<Intake<S, J>>,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
}

impl<S: FileStore, J: Journal> FileHandle<S, J> {
    pub(super) fn new(
        intake: Arc<Intake<S, J>>,
        events: Receiver<Event>,
        thread: JoinHandle<()>,
    ) -> Self {
        FileHandle {
            intake,
            events,
            thread: Some(thread),
        }
    }

    /// Lets the thread do something with the entity, and waits for it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn with<R: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Entity<S, J>, Instant) -> R + Send + 'static,
    ) -> Result<R, Stopped> {
        let (answer, answered) = sync_channel(1);
        let request = Box::new(move |entity: &mut Entity<S, J>, now| {
            let _ = answer.send(request(entity, now));
        });
        match self.intake.tell(Task::Request(request)) {
            true => answered.recv().map_err(|_| Stopped),
            false => Err(Stopped),
        }
    }

    /// As [`Entity::put`].
    ///
    /// # Errors
    /// As there, and [`RequestError::Stopped`].
    pub fn put(&self, request: PutRequest) -> Result<TransactionId, RequestError> {
        self.with(move |entity, now| entity.put(now, &request))?
    }

    /// As [`Entity::get`].
    ///
    /// # Errors
    /// As there, and [`RequestError::Stopped`].
    pub fn get(&self, request: GetRequest) -> Result<TransactionId, RequestError> {
        self.with(move |entity, now| entity.get(now, &request))?
    }

    /// As [`Entity::suspend`].
    ///
    /// # Errors
    /// As there, and [`RequestError::Stopped`].
    pub fn suspend(&self, id: TransactionId) -> Result<(), RequestError> {
        self.with(move |entity, now| entity.suspend(now, id))?
    }

    /// As [`Entity::resume`].
    ///
    /// # Errors
    /// As there, and [`RequestError::Stopped`].
    pub fn resume(&self, id: TransactionId) -> Result<(), RequestError> {
        self.with(move |entity, now| entity.resume(now, id))?
    }

    /// As [`Entity::cancel`].
    ///
    /// # Errors
    /// As there, and [`RequestError::Stopped`].
    pub fn cancel(&self, id: TransactionId) -> Result<(), RequestError> {
        self.with(move |entity, now| entity.cancel(now, id))?
    }

    /// How all transactions stand that are under way.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn transactions(&self) -> Result<Vec<TransactionReport>, Stopped> {
        self.with(|entity, _| entity.transactions().collect())
    }

    /// What was counted.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn counts(&self) -> Result<EntityCounts, Stopped> {
        self.with(|entity, _| entity.counts().clone())
    }

    /// PDUs that came faster than the entity took them, and were dropped; they are asked
    /// for again.
    pub fn pdus_dropped(&self) -> u64 {
        self.intake.pdus().dropped()
    }

    /// File directives that are with the link and have not left. The last word of a
    /// transaction whose end was told is among them.
    pub fn directives_queued(&self) -> usize {
        self.intake.pdus().directives_queued()
    }

    /// What happens, in order; at most 4096 wait to be taken. Each goes to one reader.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// Stops the thread, and waits until it has ended.
    pub fn stop(&mut self) {
        self.intake.tell(Task::Stop);
        if let Some(thread) = self.thread.take() {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

impl<S: FileStore, J: Journal> Drop for FileHandle<S, J> {
    fn drop(&mut self) {
        self.stop();
    }
}
