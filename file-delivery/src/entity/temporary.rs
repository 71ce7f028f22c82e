//! Files that are made for one transaction, as listings are: in the store under
//! `listings/<source>-<number>.txt`, and gone when their transaction is.

use super::Entity;
use super::sender::Sender;
use crate::StoreName;
use crate::pdu::TransactionId;
use crate::pdu::tlv::FilestoreRequest;
use crate::store::{FileStore, Journal, Staging, StoreError};

const DIRECTORY: &str = "listings";
const EXTENSION: &str = ".txt";

/// Octets of a listing or report; a longer one is refused.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Makes the file that answers the transaction `asked_by`; done again after a power
    /// cut, it takes the place of the one before.
    pub(super) fn make_temporary(
        &mut self,
        asked_by: TransactionId,
        text: &str,
    ) -> Result<StoreName, String> {
        if text.len() > TEXT_BYTES_MAX {
            let bytes = text.len();
            return Err(format!(
                "{bytes} octets of text; {TEXT_BYTES_MAX} are the most"
            ));
        }
        let name: StoreName = format!("{DIRECTORY}/{asked_by}{EXTENSION}")
            .parse()
            .map_err(|error| format!("{error}"))?;
        let staging = Staging {
            transaction: asked_by,
            beside: Some(name.clone()),
        };
        let made = self.write_temporary(&staging, &name, text.as_bytes());
        if made.is_err() {
            // What cannot be discarded is of no transaction, and known as such.
            let _ = self.store.discard(&staging);
        }
        made.map_err(|error| error.to_string())?;
        Ok(name)
    }

    fn write_temporary(
        &mut self,
        staging: &Staging,
        name: &StoreName,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        // What a power cut left there.
        self.store.discard(staging)?;
        let size = octets.len() as u64;
        let mut staged = self.store.stage(staging, Some(size))?;
        self.store.write(&mut staged, 0, octets)?;
        self.store.sync(&mut staged)?;
        self.store.deliver(staging, size, name)
    }

    /// A transaction is over, and its file goes if it was made for it.
    pub(super) fn drop_temporary(&mut self, sender: &Sender<S::Source>) {
        if let (true, Some(name)) = (sender.is_temporary, sender.name()) {
            self.to_remove.push(name.clone());
        }
    }

    /// The journal has it that their transactions are over.
    pub(super) fn remove_temporaries(&mut self) {
        for name in std::mem::take(&mut self.to_remove) {
            // What is left is found at the next start.
            self.store.perform(&FilestoreRequest::DeleteFile(name.lv()));
        }
    }

    /// Removes what a power cut left of transactions that are over, or never began.
    pub(super) fn sweep_temporaries(&mut self) {
        let Ok(directory) = DIRECTORY.parse::<StoreName>() else {
            return;
        };
        let Ok(files) = self.store.list(Some(&directory)) else {
            // There never was one.
            return;
        };
        for file in files.iter().filter(|file| is_temporary(file)) {
            let Ok(name) = format!("{DIRECTORY}/{file}").parse::<StoreName>() else {
                continue;
            };
            let mut sending = self.sending.values();
            if !sending.any(|sender| sender.name() == Some(&name)) {
                self.store.perform(&FilestoreRequest::DeleteFile(name.lv()));
            }
        }
    }
}

/// Whether a name in the directory is one that is given here.
fn is_temporary(file: &str) -> bool {
    let id = file.strip_suffix(EXTENSION);
    let numbers = id.and_then(|id| id.split_once('-'));
    numbers.is_some_and(|(source, number)| {
        source.parse::<u64>().is_ok() && number.parse::<u64>().is_ok()
    })
}
