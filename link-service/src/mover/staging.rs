//! What is put together in an inbox before it has its name: copied, synced, verified.

use super::Mover;
use super::arrival::Arrival;
use super::copy::Hash;
use super::kept::Copied;
use super::places;
use super::progress::Progress;
use super::source::{Source, changed};
use super::step::Step;
use super::stop::Stop;
use crate::code::Code;
use crate::folders::{FolderError, Folders, Kind};
use crate::journal::Journal;
use crate::names::FileName;
use crate::record::{LegPhase, Transfer};

/// What was copied to a staging.
pub(super) struct Staged<F: Folders> {
    /// Of each file.
    pub(super) hashes: Vec<Hash>,
    /// The file that is to be [settled](Mover::settle); none where it is a batch, whose
    /// files are.
    pub(super) unsettled: Option<Unsettled<F>>,
}

/// A file that was copied, and is neither durable nor verified.
pub(super) struct Unsettled<F: Folders> {
    name: FileName,
    source: Source<F>,
    staged: F::File,
    hash: Hash,
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Copies all files.
    pub(super) fn stage(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Staged<F>, Stop> {
        let id = transfer.id;
        let tell = |bytes| {
            if let Some(at_chunk) = &self.at_chunk {
                at_chunk(id, index, bytes);
            }
        };
        let progress = Progress::new(go_on, &tell);
        let staged = match places::is_batch(&transfer.request) {
            true => self.stage_batch(transfer, arrival, &progress),
            false => self.stage_alone(transfer, arrival, &progress),
        };
        match &staged {
            Err(Stop::Preempted) => {
                if let Some(leg) = transfer.legs.get_mut(index) {
                    let done_bytes = progress.done_bytes();
                    leg.phase = LegPhase::Copying { done_bytes };
                }
            }
            // What is left is in the way of others, and after a sync that failed it is not
            // to be trusted.
            Err(_) => self.discard(arrival)?,
            Ok(_) => {}
        }
        staged
    }

    fn stage_alone(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        progress: &Progress<'_>,
    ) -> Result<Staged<F>, Stop> {
        let mut staged = Staged {
            hashes: Vec::new(),
            unsettled: None,
        };
        for number in 0..transfer.files.len() {
            let to = (&arrival.own, arrival.staging.as_str());
            let file = self.stage_file(transfer, number, to, arrival, progress)?;
            staged.hashes.push(file.hash);
            staged.unsettled = Some(file);
        }
        Ok(staged)
    }

    fn stage_batch(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        progress: &Progress<'_>,
    ) -> Result<Staged<F>, Stop> {
        let batch = self.batch_directory(arrival)?;
        let mut hashes = Vec::new();
        for (number, name) in transfer.request.files.iter().enumerate() {
            let to = (&batch, name.as_str());
            let file = self.stage_file(transfer, number, to, arrival, progress)?;
            self.settle(&file, &|| progress.may_go_on())?;
            hashes.push(file.hash);
        }
        // All of them arrive with the directory's name: that they are in it is durable before.
        self.sync_batch(arrival, &batch)?;
        Ok(Staged {
            hashes,
            unsettled: None,
        })
    }

    /// The outermost first, as nothing is durable in what is not.
    fn sync_batch(&self, arrival: &Arrival<'_, F>, batch: &F::Directory) -> Result<(), Stop> {
        self.folders.sync_directory(&arrival.inbox)?;
        self.folders.sync_directory(&arrival.own)?;
        Ok(self.folders.sync_directory(batch)?)
    }

    fn stage_file(
        &self,
        transfer: &Transfer,
        number: usize,
        (within, staged_name): (&F::Directory, &str),
        arrival: &Arrival<'_, F>,
        progress: &Progress<'_>,
    ) -> Result<Unsettled<F>, Stop> {
        let source = self.open_accepted(transfer, number)?;
        let file = transfer.request.files.get(number);
        let Some((name, record)) = file.zip(transfer.files.get(number)) else {
            let text = format!("transfer {} has no file {number}", transfer.id);
            return Err(Stop::finally(Code::Internal, text));
        };
        let staged = self.open_staged(within, staged_name)?;
        let there = self.folders.facts(&staged)?;
        let copied = self.kept.take(&source.facts, &there);
        // What is written at once fails at once, and needs no reserving, which is a change
        // of the file system more.
        if source.facts.size > self.limits.chunk_bytes as u64 {
            self.folders.reserve(&staged, source.facts.size)?;
        }
        self.steps.done(Step::Reserved);
        let mut copied = copied.unwrap_or_else(Copied::nothing);
        let hash = self.copy(name, &source, &staged, &mut copied, progress);
        progress.add(copied.bytes);
        if matches!(hash, Err(Stop::Preempted)) {
            let there = self.folders.facts(&staged)?;
            self.kept.keep(source.facts, there, copied);
        }
        let hash = hash?;
        // Of another recipient, or another attempt.
        if record.hash.is_some_and(|before| before != hash) {
            return Err(changed(name));
        }
        self.folders.hand_over(&staged, arrival.recipient)?;
        self.steps.done(Step::Copied);
        Ok(Unsettled {
            name: name.clone(),
            source,
            staged,
            hash,
        })
    }

    /// Makes a file that was copied durable, and verifies it: its octets are those that were
    /// read, of a source that nobody wrote to meanwhile.
    pub(super) fn settle(&self, file: &Unsettled<F>, go_on: &dyn Fn() -> bool) -> Result<(), Stop> {
        self.folders.sync(&file.staged)?;
        self.steps.done(Step::Synced);
        let size = file.source.facts.size;
        self.verify(file.name.as_str(), &file.staged, size, &file.hash, go_on)?;
        self.is_unchanged(&file.name, &file.source)?;
        self.steps.done(Step::Verified);
        Ok(())
    }

    /// Makes durable what an earlier run staged. What is not there is not.
    pub(super) fn sync_staged(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<(), Stop> {
        if !places::is_batch(&transfer.request) {
            return self.sync_there(&arrival.own, &arrival.staging);
        }
        let batch = places::open_if_there(&self.folders, &arrival.own, &arrival.staging);
        let Some(batch) = batch.map_err(Stop::of_own)? else {
            return Ok(());
        };
        for name in &transfer.request.files {
            self.sync_there(&batch, name.as_str())?;
        }
        self.sync_batch(arrival, &batch)
    }

    fn sync_there(&self, within: &F::Directory, name: &str) -> Result<(), Stop> {
        match self.folders.open(within, name) {
            Ok(file) => Ok(self.folders.sync(&file)?),
            // It has not the right octets then.
            Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The staging of an earlier run, or a new one. What is no file of one name only is
    /// never written to: it may have been delivered.
    fn open_staged(&self, within: &F::Directory, name: &str) -> Result<F::File, Stop> {
        let facts = self.folders.look(within, name)?;
        if facts.is_some_and(|facts| facts.kind != Kind::File || facts.links != 1) {
            places::discard(&self.folders, within, name).map_err(Stop::of_own)?;
        }
        let staged = self.folders.open_to_write(within, name);
        let staged = staged.map_err(Stop::of_own)?;
        // A recipient may have put another there just now.
        match self.folders.facts(&staged)?.links {
            1 => Ok(staged),
            links => {
                let text = format!("the staging {name} has {links} names");
                Err(Stop::Retry(Code::IoError, text))
            }
        }
    }

    fn batch_directory(&self, arrival: &Arrival<'_, F>) -> Result<F::Directory, Stop> {
        let facts = self.folders.look(&arrival.own, &arrival.staging)?;
        if facts.is_some_and(|facts| facts.kind != Kind::Directory) {
            self.discard(arrival)?;
        }
        let of = Some(arrival.recipient);
        let made = places::open_or_make(&self.folders, &arrival.own, &arrival.staging, of);
        made.map_err(Stop::of_own)
    }

    pub(super) fn has_right_octets(
        &self,
        transfer: &Transfer,
        within: &F::Directory,
        name: &str,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Stop> {
        let is_batch = places::is_batch(&transfer.request);
        let batch = match is_batch {
            true => match self.folders.open_directory(within, name) {
                Ok(batch) => Some(batch),
                Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            },
            false => None,
        };
        for (file, record) in transfer.request.files.iter().zip(&transfer.files) {
            let (within, name) = match &batch {
                Some(batch) => (batch, file.as_str()),
                None => (within, name),
            };
            let opened = match self.folders.open(within, name) {
                Ok(opened) => opened,
                Err(FolderError::Missing { .. } | FolderError::NotAllowed { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            };
            let Some(hash) = &record.hash else {
                return Ok(false);
            };
            match self.verify(name, &opened, record.size, hash, go_on) {
                Err(Stop::Retry(Code::HashMismatch, _)) => return Ok(false),
                verified => verified?,
            }
        }
        Ok(true)
    }
}
