//! What came over a link for apps, handed to the desk: each file once, whatever ends in
//! between. The folder says what there is, and the desk what of it is known already.

use std::collections::BTreeSet;

use super::lane::{ARRIVED, IncomingError, Lane, address_of, request_id};
use crate::code::Code;
use crate::desk::Desk;
use crate::folders::{FolderError, Folders, Kind, Side};
use crate::journal::Journal;
use crate::mover::Refused;
use crate::names::AppId;

/// Directories of a path at most: an address is no longer.
const DEPTH_MAX: usize = 128;

/// Hands what came to the desk.
pub struct Import {
    lane: Lane,
    id: AppId,
    /// Transactions of which the desk has the file, that are still in the folder.
    known: BTreeSet<String>,
}

/// A file that came.
struct Came {
    /// The directory that it is in, beneath that of its transaction.
    folder: Vec<String>,
    file: String,
}

impl Import {
    /// Of a link.
    #[must_use]
    pub fn new(lane: Lane) -> Self {
        Import {
            id: lane.id(),
            lane,
            known: BTreeSet::new(),
        }
    }

    /// Looks at the folder, and hands the desk what it does not know: how many files.
    ///
    /// # Errors
    /// [`FolderError`]: the folder cannot be read.
    pub fn look<F: Folders, J: Journal>(
        &mut self,
        desk: &Desk<F, J>,
    ) -> Result<usize, FolderError> {
        let folders = desk.folders();
        let outbox = folders.open_box(&self.id, Side::Outbox)?;
        let arrived = match folders.open_directory(&outbox, ARRIVED) {
            Err(FolderError::Missing { .. }) => return Ok(0),
            arrived => arrived?,
        };
        let mut there = BTreeSet::new();
        let mut taken = 0;
        for (transaction, kind) in folders.list(&arrived)? {
            if kind != Kind::Directory {
                continue;
            }
            there.insert(transaction.clone());
            if self.known.contains(&transaction) {
                continue;
            }
            // Its recipient may have got it just now.
            let Ok(of_transaction) = folders.open_directory(&arrived, &transaction) else {
                continue;
            };
            let Some(came) = find(folders, of_transaction, DEPTH_MAX)? else {
                continue;
            };
            match self.hand_in(desk, &transaction, &came) {
                Ok(is_new) => {
                    taken += usize::from(is_new);
                    self.known.insert(transaction);
                }
                Err(Refused { code, text }) if is_tried_again(code) => {
                    log::debug!("{}: {transaction} waits: {text}", self.id);
                }
                Err(refused) => {
                    log::error!("{}: {transaction} stays where it is: {refused}", self.id);
                    self.known.insert(transaction);
                }
            }
        }
        self.known.retain(|transaction| there.contains(transaction));
        Ok(taken)
    }

    /// Removes directories that a process left which ended before the file was in them. To be
    /// called before the entity of the link runs.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn clear<F: Folders, J: Journal>(&self, desk: &Desk<F, J>) -> Result<(), FolderError> {
        let folders = desk.folders();
        let outbox = match folders.open_box(&self.id, Side::Outbox) {
            Err(FolderError::Missing { .. }) => return Ok(()),
            outbox => outbox?,
        };
        match folders.open_directory(&outbox, ARRIVED) {
            Err(FolderError::Missing { .. }) => Ok(()),
            arrived => remove_empty(folders, &arrived?, DEPTH_MAX).map(drop),
        }
    }

    fn hand_in<F: Folders, J: Journal>(
        &self,
        desk: &Desk<F, J>,
        transaction: &str,
        came: &Came,
    ) -> Result<bool, Refused> {
        let folder = came.folder.join("/");
        let address = address_of(&format!("{folder}/{}", came.file));
        let incoming = address.map_err(IncomingError::from);
        let incoming = incoming.and_then(|address| self.lane.incoming(&address));
        let incoming = incoming.map_err(|error| Refused {
            code: Code::InvalidName,
            text: error.to_string(),
        })?;
        let request_id = request_id(transaction, &incoming.hash);
        let folder = format!("{ARRIVED}/{transaction}/{folder}");
        let receipt = desk.accept_arrived(&self.id, &request_id, &incoming, &folder)?;
        if !receipt.is_known {
            let (file, from, to) = (&incoming.file, &incoming.from, &incoming.to);
            log::info!("{file} came from {from} for {to}: transfer {}", receipt.id);
        }
        Ok(!receipt.is_known)
    }
}

/// Whether it may be handed in another time. What is there and cannot be, is for people.
fn is_tried_again(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::IoError | Code::NoSpace | Code::SourceNotFound
    )
}

/// Removes what is empty beneath a directory; whether that is empty now.
fn remove_empty<F: Folders>(
    folders: &F,
    within: &F::Directory,
    depth_left: usize,
) -> Result<bool, FolderError> {
    let mut is_empty = true;
    for (name, kind) in folders.list(within)? {
        is_empty &= kind == Kind::Directory && depth_left > 0 && {
            let below = folders.open_directory(within, &name)?;
            let is_empty = remove_empty(folders, &below, depth_left - 1)?;
            if is_empty {
                folders.remove_directory(within, &name)?;
            }
            is_empty
        };
    }
    Ok(is_empty)
}

/// The file beneath a directory: there is one at most.
fn find<F: Folders>(
    folders: &F,
    within: F::Directory,
    depth_left: usize,
) -> Result<Option<Came>, FolderError> {
    for (name, kind) in folders.list(&within)? {
        match kind {
            Kind::File => {
                return Ok(Some(Came {
                    folder: Vec::new(),
                    file: name,
                }));
            }
            Kind::Directory if depth_left > 0 => {
                let Ok(below) = folders.open_directory(&within, &name) else {
                    continue;
                };
                if let Some(mut came) = find(folders, below, depth_left - 1)? {
                    came.folder.insert(0, name);
                    return Ok(Some(came));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}
