//! Files that came over a link. They stay in its folder until their recipients have them:
//! nobody but the service writes there, so that none is claimed.

use std::time::Duration;

use super::places;
use super::stop::Stop;
use super::{Mover, Refused};
use crate::code::Code;
use crate::folders::{FolderError, Folders, Kind, Side};
use crate::journal::Journal;
use crate::names::{AppId, FileName, Subdirectory};
use crate::record::{FileRecord, Origin, Transfer, TransferId};
use crate::request::{LinkRequest, Priority};

/// A file that is to come to an inbox.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// To whom.
    pub to: &'a AppId,
    /// The directory beneath the inbox.
    pub subdirectory: &'a Subdirectory,
    /// Its name.
    pub file: &'a FileName,
    /// Whether it takes the place of a file of that name.
    pub overwrite: bool,
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Accepts a file that came over the link of `lane`: it is delivered only if it is the one
    /// with that hash.
    ///
    /// # Errors
    /// [`Refused`]: nothing has become of it.
    pub fn accept_arrived(
        &self,
        id: TransferId,
        lane: (&AppId, Origin),
        request: LinkRequest,
        accepted_at: Duration,
        hash: [u8; 32],
    ) -> Result<Transfer, Refused> {
        let (lane, origin) = lane;
        let is_that = |files: &mut [FileRecord]| {
            for file in files {
                file.hash = Some(hash);
            }
            Ok(())
        };
        self.accept_from(id, (lane, Some(origin)), request, accepted_at, is_that)
    }

    /// Whether an inbox has the name free, and room for so many octets and files, as far as is
    /// known before they come.
    ///
    /// # Errors
    /// [`Refused`]: why not.
    pub fn may_arrive(
        &self,
        expected: &Expected<'_>,
        more: (u64, u64),
        priority: Priority,
    ) -> Result<(), Refused> {
        self.try_may_arrive(expected, more, priority)
            .map_err(Refused::of)
    }

    fn try_may_arrive(
        &self,
        expected: &Expected<'_>,
        more: (u64, u64),
        priority: Priority,
    ) -> Result<(), Stop> {
        let Expected {
            to,
            subdirectory,
            file,
            overwrite,
        } = *expected;
        let inbox = || {
            let inbox = self.folders.open_box(to, Side::Inbox);
            inbox.map_err(Stop::of_box)
        };
        let found = match places::beneath(&self.folders, inbox()?, subdirectory.components()) {
            Ok(within) => self.folders.look(&within, file.as_str())?,
            Err(FolderError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let is_in_the_way = |kind: Kind| !overwrite || kind == Kind::Directory;
        if found.is_some_and(|facts| is_in_the_way(facts.kind)) {
            let text = format!("{to} has {file} already");
            return Err(Stop::finally(Code::AlreadyExists, text));
        }
        self.take_room_for(&inbox()?, to, more, priority).map(drop)
    }

    /// Removes what came and was delivered. Nothing else has its name: that is of one
    /// transaction.
    pub(super) fn release_arrived(
        &self,
        transfer: &Transfer,
        outbox: F::Directory,
    ) -> Result<(), Stop> {
        match places::beneath(&self.folders, outbox, transfer.source_folder()) {
            Err(FolderError::Missing { .. }) => {}
            within => {
                let within = within?;
                for file in &transfer.request.files {
                    self.folders.remove(&within, file.as_str())?;
                }
            }
        }
        self.remove_emptied(transfer)
    }

    /// Removes the directories that a file was in which came, as far as they are empty.
    fn remove_emptied(&self, transfer: &Transfer) -> Result<(), Stop> {
        let components: Vec<&str> = transfer.source_folder().collect();
        // The outermost is that of all that came.
        for depth in (1..components.len()).rev() {
            let outbox = self.folders.open_box(&transfer.sender, Side::Outbox);
            let outbox = outbox.map_err(Stop::of_box)?;
            let above = components.iter().take(depth).copied();
            let within = match places::beneath(&self.folders, outbox, above) {
                Err(FolderError::Missing { .. }) => continue,
                within => within?,
            };
            let Some(last) = components.get(depth) else {
                continue;
            };
            if let Some(emptied) = places::open_if_there(&self.folders, &within, last)?
                && self.folders.list(&emptied)?.is_empty()
            {
                self.folders.remove_directory(&within, last)?;
            }
        }
        Ok(())
    }

    /// What came and is never delivered, is kept among what was returned.
    pub(super) fn set_arrived_aside(
        &self,
        transfer: &Transfer,
        outbox: &F::Directory,
    ) -> Result<(), Stop> {
        let root = self.folders.open_box(&transfer.sender, Side::Outbox);
        let root = root.map_err(Stop::of_box)?;
        let within = match places::beneath(&self.folders, root, transfer.source_folder()) {
            Err(FolderError::Missing { .. }) => return Ok(()),
            within => within?,
        };
        let id = transfer.id.to_string();
        for file in &transfer.request.files {
            let name = file.as_str();
            if self.folders.look(&within, name)?.is_some() {
                self.set_aside(&transfer.sender, outbox, (&within, name), (&id, name))?;
            }
        }
        self.remove_emptied(transfer)
    }
}
