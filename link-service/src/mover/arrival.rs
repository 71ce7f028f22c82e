//! Where a transfer arrives: an inbox, what is put together in it, and what name it gets.

use super::Mover;
use super::places::{self, OWN};
use super::stop::Stop;
use crate::code::Code;
use crate::folders::{FolderError, Folders, Kind, Replace, Side};
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::Transfer;

/// An inbox, and where in it what is on its way is put together.
pub(super) struct Arrival<'a, F: Folders> {
    pub(super) recipient: &'a AppId,
    pub(super) inbox: F::Directory,
    pub(super) own: F::Directory,
    /// In `own`: a file, or a directory where it is a batch.
    pub(super) staging: String,
}

impl<F: Folders, J: Journal> Mover<F, J> {
    pub(super) fn arrival<'a>(
        &self,
        transfer: &Transfer,
        recipient: &'a AppId,
    ) -> Result<Arrival<'a, F>, Stop> {
        let inbox = self.folders.open_box(recipient, Side::Inbox);
        let inbox = inbox.map_err(Stop::of_box)?;
        let own = places::open_or_make(&self.folders, &inbox, OWN, None);
        Ok(Arrival {
            recipient,
            inbox,
            own: own.map_err(Stop::of_own)?,
            staging: transfer.id.to_string(),
        })
    }

    /// What is known to fail at the end is better known now. It does not hold until then.
    pub(super) fn is_free(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<(), Stop> {
        let name = places::final_name(transfer);
        let Some(within) = self.find_final(transfer, arrival)? else {
            return Ok(());
        };
        match self.folders.look(&within, &name)? {
            None => Ok(()),
            Some(facts) if facts.kind == Kind::Directory => Err(exists(transfer, arrival)),
            Some(_) if is_replaced(transfer) == Replace::May => Ok(()),
            Some(_) => Err(exists(transfer, arrival)),
        }
    }

    /// Whether there is a staging.
    pub(super) fn is_staged(&self, arrival: &Arrival<'_, F>) -> Result<bool, Stop> {
        Ok(self.folders.look(&arrival.own, &arrival.staging)?.is_some())
    }

    /// The directory that it arrives in; nothing where that is not there.
    pub(super) fn find_final(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<Option<F::Directory>, Stop> {
        let depth = transfer.request.subdirectory.components().count();
        let mut found = self.find_finals(transfer, arrival)?;
        Ok(found.pop().filter(|_| found.len() == depth))
    }

    /// The inbox and the directories beneath it that it arrives in, as far as they are
    /// there.
    pub(super) fn find_finals(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<Vec<F::Directory>, Stop> {
        let inbox = self.folders.open_box(arrival.recipient, Side::Inbox);
        let mut found = vec![inbox.map_err(Stop::of_box)?];
        for component in transfer.request.subdirectory.components() {
            let Some(within) = found.last() else {
                break;
            };
            match places::open_if_there(&self.folders, within, component)? {
                Some(directory) => found.push(directory),
                None => break,
            }
        }
        Ok(found)
    }

    pub(super) fn make_final(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<Vec<F::Directory>, Stop> {
        let inbox = self.folders.open_box(arrival.recipient, Side::Inbox);
        let inbox = inbox.map_err(Stop::of_box)?;
        let subdirectory = &transfer.request.subdirectory;
        let made = places::make_beneath(&self.folders, inbox, subdirectory, arrival.recipient);
        made.map_err(|error| match &error {
            // The recipient removes it just now.
            FolderError::Missing { .. } => Stop::of_box(error),
            _ => error.into(),
        })
    }

    pub(super) fn discard(&self, arrival: &Arrival<'_, F>) -> Result<(), Stop> {
        let discarded = places::discard(&self.folders, &arrival.own, &arrival.staging);
        discarded.map_err(Stop::of_own)
    }
}

/// A batch is a directory of its own, and takes nothing's place.
pub(super) fn is_replaced(transfer: &Transfer) -> Replace {
    match transfer.request.overwrite && !places::is_batch(&transfer.request) {
        true => Replace::May,
        false => Replace::Never,
    }
}

pub(super) fn exists<F: Folders>(transfer: &Transfer, arrival: &Arrival<'_, F>) -> Stop {
    let name = places::final_name(transfer);
    let text = format!("{} has {name} already", arrival.recipient);
    Stop::finally(Code::AlreadyExists, text)
}
