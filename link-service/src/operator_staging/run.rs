//! What the thread does.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::paper::{self, Hash};
use super::place::{Place, Word};
use crate::code::Code;
use crate::desk::{Desk, Errand};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::queue::{Route, Stop};
use crate::record::{Transfer, TransferId};

/// Between two looks at what the operator said, and what is to go.
const LOOK: Duration = Duration::from_millis(500);
/// Octets that are copied at once.
const CHUNK_BYTES: usize = 1 << 20;

pub(super) struct Run<F: Folders, J: Journal> {
    desk: Arc<Desk<F, J>>,
    place: Place,
    /// What is staged; with its leg, where the desk has said that it goes.
    staged: BTreeMap<TransferId, Option<usize>>,
}

/// Why one is not staged.
enum NotStaged {
    Again(Refused),
    Never(Refused),
    /// It is to stop.
    Stopped,
}

impl<F: Folders, J: Journal> Run<F, J> {
    pub(super) fn new(desk: Arc<Desk<F, J>>, place: Place) -> io::Result<Self> {
        let staged = place.staged()?;
        let staged = staged.into_iter().map(|id| (id, None)).collect();
        Ok(Run {
            desk,
            place,
            staged,
        })
    }

    pub(super) fn until(&mut self, ended: &Receiver<()>) {
        loop {
            self.look();
            self.take_over(ended);
            if ended.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Stages what is to go.
    fn take_over(&mut self, ended: &Receiver<()>) {
        while let Some(Errand { transfer, leg }) = self.desk.next_errand(&Route::Downlink) {
            let id = transfer.id;
            if let Some(of) = self.staged.get_mut(&id) {
                // It was staged before, by an earlier process perhaps.
                *of = Some(leg);
                continue;
            }
            let has_ended =
                || ended.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected);
            let told = match self.stage(&transfer, &has_ended) {
                Ok(()) => {
                    self.staged.insert(id, Some(leg));
                    Ok(())
                }
                Err(NotStaged::Again(why)) => self.desk.errand_failed(id, leg, &why),
                Err(NotStaged::Never(why)) => self.desk.errand_ended(id, leg, &Err(why)),
                Err(NotStaged::Stopped) => {
                    self.desk.errand_stopped(id);
                    Ok(())
                }
            };
            if let Err(refused) = told {
                // The next start finds it in the outbox.
                log::error!("transfer {id} is not staged, and nobody is told: {refused}");
            }
            if has_ended() {
                return;
            }
        }
    }

    fn stage(&self, transfer: &Transfer, has_ended: &dyn Fn() -> bool) -> Result<(), NotStaged> {
        let id = transfer.id;
        let draft = self.place.begin(id).map_err(no_disk)?;
        let mut hashes: Vec<Hash> = Vec::with_capacity(transfer.request.files.len());
        let mut chunk = vec![0; CHUNK_BYTES];
        for (index, name) in transfer.request.files.iter().enumerate() {
            let opened = self.desk.open_source(id, index);
            let (source, record) = opened.map_err(not_opened)?;
            let mut file = draft.file(name.as_str()).map_err(no_disk)?;
            let mut hasher = blake3::Hasher::new();
            let mut offset = 0;
            while offset < record.size {
                if has_ended() || self.desk.errand_stop(id).is_some() {
                    return Err(NotStaged::Stopped);
                }
                let read = self.desk.folders().read(&source, offset, &mut chunk);
                let read = read.map_err(|error| again(Code::IoError, error.to_string()))?;
                let octets = chunk.get(..read).unwrap_or_default();
                if octets.is_empty() {
                    let text = format!("{name} ends after {offset} octets");
                    return Err(NotStaged::Never(refused(Code::SourceChanged, text)));
                }
                hasher.update(octets);
                file.write_all(octets).map_err(no_disk)?;
                offset += read as u64;
            }
            file.sync_all().map_err(no_disk)?;
            // What was read is what was accepted, or it is not sent.
            self.desk.open_source(id, index).map_err(not_opened)?;
            hashes.push(*hasher.finalize().as_bytes());
        }
        draft
            .show(&paper::paper(transfer, &hashes))
            .map_err(no_disk)
    }

    /// Tells the desk what the operator said, and removes what is over.
    fn look(&mut self) {
        let mut over = Vec::new();
        for (id, leg) in &self.staged {
            let id = *id;
            if !self.desk.is_open(id) {
                over.push(id);
                continue;
            }
            let Some(leg) = *leg else { continue };
            let told = match (self.place.word(id), self.desk.errand_stop(id)) {
                (Ok(Word::Delivered), _) => self.desk.errand_ended(id, leg, &Ok(())),
                (Ok(Word::Failed(why)), _) => {
                    let text = format!("the operator says that it does not go down: {why}");
                    let refused = refused(Code::Unavailable, text);
                    self.desk.errand_ended(id, leg, &Err(refused))
                }
                (_, Some(Stop::Cancelled | Stop::Expired | Stop::Held)) => {
                    self.desk.errand_stopped(id);
                    Ok(())
                }
                (Ok(Word::Gone), _) => {
                    let text = "it was removed from the staging directory without a word";
                    let refused = refused(Code::Unavailable, text.to_owned());
                    self.desk.errand_failed(id, leg, &refused)
                }
                (Ok(Word::None), _) => continue,
                (Err(error), _) => {
                    log::warn!("transfer {id}, in the staging directory: {error}");
                    continue;
                }
            };
            match told {
                Ok(()) => over.push(id),
                Err(refused) => log::warn!("transfer {id}: {refused}; told again"),
            }
        }
        for id in over {
            match self.place.remove(id) {
                Ok(()) => {
                    self.staged.remove(&id);
                }
                Err(error) => {
                    log::warn!("transfer {id} stays in the staging directory: {error}");
                    self.staged.insert(id, None);
                }
            }
        }
    }
}

fn not_opened(why: Refused) -> NotStaged {
    match why.code {
        Code::IoError | Code::NoSpace | Code::Unavailable => NotStaged::Again(why),
        _ => NotStaged::Never(why),
    }
}

fn no_disk(error: io::Error) -> NotStaged {
    let code = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::NoSpace,
        _ => Code::IoError,
    };
    again(code, format!("the staging directory: {error}"))
}

fn again(code: Code, text: String) -> NotStaged {
    NotStaged::Again(refused(code, text))
}

fn refused(code: Code, text: String) -> Refused {
    Refused { code, text }
}
