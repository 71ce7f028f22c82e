//! Transfers that a link takes over: their files are claimed, and wait in the outbox until
//! their recipient has them.

use super::Desk;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::queue::{Ran, Route, Stop};
use crate::record::{FileRecord, Transfer, TransferId};
use crate::request::Recipient;

impl<F: Folders, J: Journal> Desk<F, J> {
    /// The next that is to go down, if there is one. It runs from now on, until
    /// [`downlinked`](Self::downlinked) or [`downlink_stopped`](Self::downlink_stopped).
    pub fn next_downlink(&self) -> Option<Transfer> {
        let mut state = self.state();
        let id = state.queue.poll_run(self.clock.now(), &Route::Downlink)?;
        let entry = state.transfers.get(&id)?;
        Some(entry.transfer.clone())
    }

    /// Whether something may still become of one.
    #[must_use]
    pub fn is_open(&self, id: TransferId) -> bool {
        self.state().queue.standing(id).is_some()
    }

    /// Whether one that goes down is to stop.
    #[must_use]
    pub fn downlink_stop(&self, id: TransferId) -> Option<Stop> {
        self.state().queue.stop(self.clock.now(), id)
    }

    /// One that went down does not any more, and goes on another time.
    pub fn downlink_stopped(&self, id: TransferId) {
        let now = self.clock.now();
        self.state().queue.handle_ran(now, id, Ran::Stopped);
        self.shared.work.notify_one();
    }

    /// One could not go down this time: it is tried again after a pause, unless that was too
    /// often.
    ///
    /// # Errors
    /// As [`downlinked`](Self::downlinked).
    pub fn downlink_failed(&self, id: TransferId, why: &Refused) -> Result<(), Refused> {
        let mut state = self.state();
        let attempts = state.queue.attempts(id);
        if attempts.is_some_and(|attempts| attempts >= self.limits.attempts_max) {
            drop(state);
            return self.downlinked(id, &Err(why.clone()));
        }
        if let Some(entry) = state.transfers.get_mut(&id) {
            entry.waits_for = Some((why.code, why.text.clone()));
        }
        state.queue.handle_ran(self.clock.now(), id, Ran::Retry);
        Ok(())
    }

    /// The ground has a file, or never gets it. The source is released or given back after
    /// that.
    ///
    /// # Errors
    /// [`Refused`]: the journal does not have it; to be told again.
    pub fn downlinked(&self, id: TransferId, ended: &Result<(), Refused>) -> Result<(), Refused> {
        let entry = |state: &super::state::State| {
            let entry = state.transfers.get(&id);
            entry.map(|entry| entry.transfer.clone())
        };
        let Some(mut transfer) = entry(&self.state()) else {
            return Ok(());
        };
        let mut legs = transfer.legs.iter();
        let leg = legs.position(|leg| leg.recipient == Recipient::Ground);
        if let Some(leg) = leg.filter(|_| transfer.outcome().is_none()) {
            self.mover.end_leg(&mut transfer, leg, ended)?;
        }
        let now = self.clock.now();
        let mut state = self.state();
        state.note_leg(&transfer);
        state.queue.reroute(now, id, Route::Local);
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Opens a file of a transfer, if it is what was accepted.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open_source(
        &self,
        id: TransferId,
        index: usize,
    ) -> Result<(F::File, FileRecord), Refused> {
        let unknown = || Refused {
            code: Code::SourceNotFound,
            text: format!("there is no file {index} of transfer {id}"),
        };
        let entry = self
            .state()
            .transfers
            .get(&id)
            .map(|entry| entry.transfer.clone());
        let transfer = entry.ok_or_else(unknown)?;
        let record = *transfer.files.get(index).ok_or_else(unknown)?;
        let file = self.mover.open_source_of(&transfer, index)?;
        Ok((file, record))
    }
}
