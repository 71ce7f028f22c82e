//! What the ground sends to the agent: receipts in `receipts/` of its inbox, and bundles for
//! topics in `uploads/`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use delivery_receipt::{RECEIPT_BYTES_MAX, Receipt};

use super::remove;
use crate::agent::{Agent, AgentError};
use crate::store::{ArrivalError, open};

/// Files that are looked at in one round, of each kind.
const ROUND_FILES_MAX: usize = 64;
/// Files of which was said that they wait.
const TOLD_MAX: usize = 1_000;

/// Takes what is in the inbox.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    told: BTreeSet<OsString>,
}

impl Inbox {
    pub(super) fn look(&mut self, inbox: &Path, agent: &Agent) {
        // Without a key nobody knows whose they are; somebody else may.
        if agent.takes_receipts() {
            for path in files(&inbox.join("receipts")) {
                take_receipt(&path, agent);
            }
        }
        for path in files(&inbox.join("uploads")) {
            self.take_upload(&path, agent);
        }
    }

    fn take_upload(&mut self, path: &Path, agent: &Agent) {
        match agent.store().unpack(path) {
            Ok(id) => {
                log::info!("{id}: it came up");
                remove(path);
            }
            Err(ArrivalError::NotOne(why)) => {
                log::warn!("{}: {why}; it is kept in dead/", path.display());
                if let Err(error) = agent.store().bury_file(path) {
                    self.tell(path, &error);
                }
            }
            Err(ArrivalError::System(error)) => self.tell(path, &error),
        }
    }

    /// Once: it is tried again in each round.
    fn tell(&mut self, path: &Path, error: &io::Error) {
        let name = path.file_name().unwrap_or_default().to_owned();
        if self.told.len() >= TOLD_MAX {
            self.told.clear();
        }
        if self.told.insert(name) {
            log::warn!("{}: it waits: {error}", path.display());
        }
    }
}

fn take_receipt(path: &Path, agent: &Agent) {
    let taken = read(path).map(|receipt| agent.accept_receipt(receipt));
    match taken {
        Ok(Ok(())) => {}
        Ok(Err(AgentError::Journal(why))) => {
            log::warn!("{}: {why}", path.display());
            return;
        }
        Ok(Err(error)) => log::warn!("{}: {error}", path.display()),
        Err(error) => log::warn!("{}: it is no receipt: {error}", path.display()),
    }
    remove(path);
}

fn read(path: &Path) -> io::Result<Receipt> {
    let mut octets = Vec::new();
    open(path)?
        .take(RECEIPT_BYTES_MAX)
        .read_to_end(&mut octets)?;
    Ok(serde_json::from_slice(&octets)?)
}

/// Those that have their names: what begins with a dot is not whole.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.filter(|entry| {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        is_file && !entry.file_name().as_encoded_bytes().starts_with(b".")
    });
    files
        .take(ROUND_FILES_MAX)
        .map(|entry| entry.path())
        .collect()
}
