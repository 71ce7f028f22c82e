//! What came over a link for apps, handed to the desk: each file once, whatever ends in
//! between. The folder says what there is, and the desk what of it is known already.

use std::collections::BTreeSet;

use super::lane::{ARRIVED, Lane, address_of, request_id};
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
                Err(why) => log::warn!("{}: {transaction} waits: {why}", self.id),
            }
        }
        self.known.retain(|transaction| there.contains(transaction));
        Ok(taken)
    }

    fn hand_in<F: Folders, J: Journal>(
        &self,
        desk: &Desk<F, J>,
        transaction: &str,
        came: &Came,
    ) -> Result<bool, String> {
        let folder = came.folder.join("/");
        let address = address_of(&format!("{folder}/{}", came.file));
        let address = address.map_err(|error| error.to_string())?;
        let incoming = self.lane.incoming(&address);
        let incoming = incoming.map_err(|error| error.to_string())?;
        let request_id = request_id(transaction, &incoming.hash);
        let folder = format!("{ARRIVED}/{transaction}/{folder}");
        let accepted = desk.accept_arrived(&self.id, &request_id, &incoming, &folder);
        let receipt = accepted.map_err(|refused: Refused| refused.to_string())?;
        if !receipt.is_known {
            let (file, from, to) = (&incoming.file, &incoming.from, &incoming.to);
            log::info!("{file} came from {from} for {to}: transfer {}", receipt.id);
        }
        Ok(!receipt.is_known)
    }
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
