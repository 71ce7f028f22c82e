//! Transfers that a link or a bucket takes over: their files are claimed, and wait in the
//! outbox until their recipient has them. One leg is taken at a time, as an [`Errand`].

use super::Desk;
use super::entry::Entry;
use super::state::State;
use super::ways::Ways;
use crate::bundle::Bundle;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::queue::{Ran, Route, Stop};
use crate::record::{FileRecord, Transfer, TransferId};

/// A leg that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Of which transfer.
    pub transfer: Transfer,
    /// Which leg of it.
    pub leg: usize,
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// The next that is to go by a link, if there is one. It runs from now on, until
    /// [`errand_ended`](Self::errand_ended), [`errand_failed`](Self::errand_failed) or
    /// [`errand_stopped`](Self::errand_stopped).
    pub fn next_errand(&self, route: &Route) -> Option<Errand> {
        let mut state = self.state();
        let id = state.queue.poll_run(self.clock.now(), route)?;
        let transfer = state.transfers.get(&id)?.transfer()?.into_owned();
        let leg = leg_elsewhere(&transfer, &self.ways)?;
        Some(Errand { transfer, leg })
    }

    /// Whether something may still become of one.
    #[must_use]
    pub fn is_open(&self, id: TransferId) -> bool {
        self.state().queue.standing(id).is_some()
    }

    /// Whether one that a link has taken over is to stop.
    #[must_use]
    pub fn errand_stop(&self, id: TransferId) -> Option<Stop> {
        self.state().queue.stop(self.clock.now(), id)
    }

    /// One is with its link no more, and goes on another time.
    pub fn errand_stopped(&self, id: TransferId) {
        let now = self.clock.now();
        self.state().queue.handle_ran(now, id, Ran::Stopped);
        self.shared.work.notify_one();
    }

    /// One could not go this time: it is tried again after a pause, unless that was too
    /// often.
    ///
    /// # Errors
    /// As [`errand_ended`](Self::errand_ended).
    pub fn errand_failed(&self, id: TransferId, leg: usize, why: &Refused) -> Result<(), Refused> {
        let mut state = self.state();
        let attempts = state.queue.attempts(id);
        if attempts.is_some_and(|attempts| attempts >= self.limits.attempts_max) {
            drop(state);
            return self.errand_ended(id, leg, &Err(why.clone()));
        }
        if let Some(entry) = state.transfers.get_mut(&id) {
            entry.waits_for = Some((why.code, why.text.clone()));
        }
        state.queue.handle_ran(self.clock.now(), id, Ran::Retry);
        Ok(())
    }

    /// What the hashes of the files are of one that was read. The journal has them with the
    /// leg that ends next.
    pub fn errand_hashed(&self, id: TransferId, hashes: &[[u8; 32]]) {
        let mut state = self.state();
        let entry = state.transfers.get_mut(&id);
        let Some(transfer) = entry.and_then(Entry::open_mut) else {
            return;
        };
        for (file, hash) in transfer.files.iter_mut().zip(hashes) {
            file.hash = Some(*hash);
        }
    }

    /// The recipient has the files, or never gets them. The next leg follows; after the last,
    /// the source is released or given back.
    ///
    /// # Errors
    /// [`Refused`]: the journal does not have it; to be told again.
    pub fn errand_ended(
        &self,
        id: TransferId,
        leg: usize,
        ended: &Result<(), Refused>,
    ) -> Result<(), Refused> {
        let entry = |state: &State| {
            let entry = state.transfers.get(&id);
            entry.and_then(|entry| Some(entry.transfer()?.into_owned()))
        };
        let Some(mut transfer) = entry(&self.state()) else {
            return Ok(());
        };
        let phase = transfer.legs.get(leg).map(|leg| leg.phase);
        let is_open = phase.is_some_and(|phase| phase.code().is_none());
        if is_open && transfer.outcome().is_none() {
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

    /// What the files of a transfer go as over a link, where they are several.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn bundle(&self, id: TransferId) -> Result<Option<Bundle>, Refused> {
        let bundled = {
            let state = self.state();
            let entry = state.transfers.get(&id);
            let transfer = entry.and_then(Entry::transfer);
            let transfer = transfer.filter(|transfer| transfer.is_bundled());
            transfer.map(|transfer| Bundle::of(&transfer))
        };
        bundled.transpose().map_err(|error| Refused {
            code: Code::InvalidName,
            text: format!("the files make no archive: {error}"),
        })
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
            .and_then(|entry| Some(entry.transfer()?.into_owned()));
        let transfer = entry.ok_or_else(unknown)?;
        let record = *transfer.files.get(index).ok_or_else(unknown)?;
        let file = self.mover.open_source_of(&transfer, index)?;
        Ok((file, record))
    }
}

/// The first leg that is not over and leads elsewhere.
fn leg_elsewhere(transfer: &Transfer, ways: &Ways) -> Option<usize> {
    let mut legs = transfer.legs.iter();
    legs.position(|leg| leg.phase.code().is_none() && ways.to(&leg.recipient) != Route::Local)
}

/// The way that one waits for whose other legs are over.
pub(super) fn next_route(transfer: &Transfer, ways: &Ways) -> Option<Route> {
    let leg = transfer.legs.get(leg_elsewhere(transfer, ways)?)?;
    Some(ways.to(&leg.recipient))
}
