//! What was delivered, and is done with.

use super::places;
use super::stop::Stop;
use super::{Mover, Refused};
use crate::code::Code;
use crate::folders::{FolderError, Folders, Replace};
use crate::journal::Journal;
use crate::names::{AppId, FileName};
use crate::record::{Transfer, TransferId};

/// How the name of a delivered file ends that is about to be removed.
const DONE: &str = ".done";

/// Where a file of a transfer is, beneath an inbox.
#[must_use]
pub fn delivered_path(transfer: &Transfer, file: &FileName) -> String {
    let mut path = String::new();
    for component in transfer.request.subdirectory.components() {
        path.push_str(component);
        path.push('/');
    }
    path.push_str(&places::final_name(transfer));
    if places::is_batch(&transfer.request) {
        path.push('/');
        path.push_str(file.as_str());
    }
    path
}

/// The transfer of whose a file was about to be removed when the process ended.
pub(super) fn done_id(name: &str) -> Option<TransferId> {
    TransferId::of_name(name.strip_suffix(DONE)?)
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Removes what came to `recipient` with a transfer; durable when it returns. What is
    /// not as it was delivered stays: it is the recipient's, or of another transfer.
    ///
    /// # Errors
    /// [`Refused`]: a part may have been removed.
    pub fn remove_delivered(&self, transfer: &Transfer, recipient: &AppId) -> Result<(), Refused> {
        let removed = self.try_remove_delivered(transfer, recipient);
        removed.map_err(|stop| match stop {
            Stop::Final(code, text) | Stop::Retry(code, text) => Refused { code, text },
            Stop::Preempted => Refused {
                code: Code::Internal,
                text: "nothing was removed".to_owned(),
            },
        })
    }

    fn try_remove_delivered(&self, transfer: &Transfer, recipient: &AppId) -> Result<(), Stop> {
        let arrival = self.arrival(transfer, recipient)?;
        let Some(within) = self.find_final(transfer, &arrival)? else {
            return Ok(());
        };
        let name = places::final_name(transfer);
        let Some(before) = self.folders.look(&within, &name)? else {
            return Ok(());
        };
        if !self.has_right_octets(transfer, &within, &name, &|| true)? {
            return Ok(());
        }
        if places::is_batch(&transfer.request) {
            self.remove_batch(transfer, &within, &name)?;
        } else {
            // Another may take its place just now: what is removed is what was looked at.
            let done = format!("{}{DONE}", transfer.id);
            let own = &arrival.own;
            places::discard(&self.folders, own, &done)?;
            match self
                .folders
                .rename((&within, &name), (own, &done), Replace::Never)
            {
                Err(FolderError::Missing { .. }) => return Ok(()),
                renamed => renamed?,
            }
            let after = self.folders.look(own, &done)?;
            if after.is_some_and(|after| after.number == before.number) {
                self.folders.remove(own, &done)?;
            } else {
                self.folders
                    .rename((own, &done), (&within, &name), Replace::Never)?;
            }
            self.folders.sync_directory(own)?;
        }
        self.folders.sync_directory(&within)?;
        Ok(())
    }

    /// A batch is nobody's to replace. What its recipient put in beside the files, stays.
    fn remove_batch(
        &self,
        transfer: &Transfer,
        within: &F::Directory,
        name: &str,
    ) -> Result<(), Stop> {
        let batch = self.folders.open_directory(within, name)?;
        for file in &transfer.request.files {
            self.folders.remove(&batch, file.as_str())?;
        }
        match self.folders.list(&batch)?.is_empty() {
            true => Ok(self.folders.remove_directory(within, name)?),
            false => Ok(self.folders.sync_directory(&batch)?),
        }
    }

    /// At the start: a file that was about to be removed. If it is not the delivered one,
    /// it goes back to its place, or stays where it is.
    pub(super) fn clear_done(
        &self,
        transfer: Option<&Transfer>,
        recipient: &AppId,
        own: &F::Directory,
        name: &str,
    ) -> Result<(), Stop> {
        let Some(transfer) = transfer else {
            return Err(Stop::finally(
                Code::Internal,
                format!("{name} is of nobody"),
            ));
        };
        if self.has_right_octets(transfer, own, name, &|| true)? {
            self.folders.remove(own, name)?;
            return Ok(());
        }
        let arrival = self.arrival(transfer, recipient)?;
        if let Some(within) = self.find_final(transfer, &arrival)? {
            let to = places::final_name(transfer);
            self.folders
                .rename((own, name), (&within, &to), Replace::Never)?;
            self.folders.sync_directory(&within)?;
        }
        Ok(())
    }
}
