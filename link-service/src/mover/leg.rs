//! The delivery to one recipient: copied, synced, verified, journaled, renamed, synced,
//! journaled.

use super::Mover;
use super::copy::Hash;
use super::kept::Copied;
use super::places::{self, OWN};
use super::room::Taken;
use super::source::Source;
use super::step::Step;
use super::stop::Stop;
use crate::code::Code;
use crate::folders::{FolderError, Folders, Kind, Replace, Side};
use crate::journal::Journal;
use crate::names::{AppId, FileName};
use crate::record::{LegPhase, Transfer};

/// An inbox, and where in it what is on its way is put together.
pub(super) struct Arrival<'a, F: Folders> {
    recipient: &'a AppId,
    inbox: F::Directory,
    own: F::Directory,
    /// In `own`: a file, or a directory where it is a batch.
    staging: String,
}

impl<F: Folders> Arrival<'_, F> {
    /// The service's own directory in the inbox.
    pub(super) fn own(&self) -> &F::Directory {
        &self.own
    }
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// Delivers to one recipient; `index` is that of its leg.
    pub(super) fn deliver(
        &self,
        transfer: &mut Transfer,
        index: usize,
        recipient: &AppId,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Stop> {
        let arrival = self.arrival(transfer, recipient)?;
        let phase = transfer.legs.get(index).map(|leg| leg.phase);
        if let Some(LegPhase::Verified { boot }) = phase {
            let is_staged = self.is_staged(&arrival)?;
            if !is_staged && self.was_renamed(transfer, &arrival, boot, go_on)? {
                return self.commit(transfer, index, &arrival);
            }
            if is_staged && self.is_still_right(transfer, &arrival, go_on)? {
                // Perhaps the journal failed to say so.
                self.journal_verified(transfer, index, &arrival)?;
                self.rename(transfer, index, &arrival)?;
                return self.commit(transfer, index, &arrival);
            }
            // Without that, what is removed would be taken for what was renamed.
            self.journal_leg(transfer, index, |_| LegPhase::Waiting)?;
            self.claim(transfer)?;
        }
        self.is_free(transfer, &arrival)?;
        let taken = self.take_room(transfer, &arrival)?;
        let hashes = self.stage(transfer, index, &arrival, go_on)?;
        for (file, hash) in transfer.files.iter_mut().zip(hashes) {
            file.hash = Some(hash);
        }
        self.journal_verified(transfer, index, &arrival)?;
        self.rename(transfer, index, &arrival)?;
        if let Some(taken) = taken {
            taken.deliver();
        }
        self.commit(transfer, index, &arrival)
    }

    /// Where the journal fails, it may say so all the same. So it is taken for verified from
    /// then on: that means that the staging is not removed without the journal knowing.
    fn journal_verified(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
    ) -> Result<(), Stop> {
        let boot = self.folders.boot(&arrival.inbox);
        let verified = LegPhase::Verified { boot };
        let journaled = self.journal_leg(transfer, index, |_| verified);
        if let Some(leg) = transfer.legs.get_mut(index) {
            leg.phase = verified;
        }
        journaled?;
        self.steps.done(Step::VerifiedJournaled);
        Ok(())
    }

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
    fn is_free(&self, transfer: &Transfer, arrival: &Arrival<'_, F>) -> Result<(), Stop> {
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

    fn take_room(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<Option<Taken<'_>>, Stop> {
        let quota = self.quotas.of(arrival.recipient);
        let more = (transfer.bytes(), transfer.files.len() as u64);
        let (folders, app) = (&self.folders, arrival.recipient);
        let taken = self.rooms.take(folders, &arrival.inbox, app, quota, more)?;
        let free_bytes = self.folders.free_bytes(&arrival.inbox)?;
        let min = self.limits.free_bytes_min;
        match free_bytes >= transfer.bytes().saturating_add(min) {
            true => Ok(taken),
            false => {
                let text = format!(
                    "{} octets for {app} on a file system with {free_bytes} free, of which {min} \
                     are left free",
                    transfer.bytes()
                );
                Err(Stop::Retry(Code::NoSpace, text))
            }
        }
    }

    /// Copies, syncs and verifies all files: their hashes.
    fn stage(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Hash>, Stop> {
        let mut done_bytes = 0;
        let staged = self.stage_files(transfer, arrival, &mut done_bytes, go_on);
        match &staged {
            Err(Stop::Preempted) => {
                if let Some(leg) = transfer.legs.get_mut(index) {
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

    fn stage_files(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        done_bytes: &mut u64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Hash>, Stop> {
        let batch = match places::is_batch(&transfer.request) {
            true => Some(self.batch_directory(arrival)?),
            false => None,
        };
        let mut hashes = Vec::new();
        for (name, record) in transfer.request.files.iter().zip(&transfer.files) {
            let source = self.open_accepted(transfer, name, record)?;
            let hash = match &batch {
                Some(batch) => {
                    let to = (batch, name.as_str());
                    self.stage_file(name, &source, to, arrival, done_bytes, go_on)?
                }
                None => {
                    let to = (&arrival.own, arrival.staging.as_str());
                    self.stage_file(name, &source, to, arrival, done_bytes, go_on)?
                }
            };
            // Of another recipient, or another attempt.
            if record.hash.is_some_and(|before| before != hash) {
                return Err(super::source::changed(name));
            }
            hashes.push(hash);
        }
        if let Some(batch) = &batch {
            // All of them arrive with the directory's name: that they are in it is durable
            // before. The outermost first, as nothing is durable in what is not.
            self.folders.sync_directory(&arrival.inbox)?;
            self.folders.sync_directory(&arrival.own)?;
            self.folders.sync_directory(batch)?;
        }
        Ok(hashes)
    }

    fn stage_file(
        &self,
        name: &FileName,
        source: &Source<F>,
        (within, staged_name): (&F::Directory, &str),
        arrival: &Arrival<'_, F>,
        done_bytes: &mut u64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Hash, Stop> {
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
        let hash = self.copy(name, source, &staged, &mut copied, go_on);
        *done_bytes += copied.bytes;
        if matches!(hash, Err(Stop::Preempted)) {
            let there = self.folders.facts(&staged)?;
            self.kept.keep(source.facts, there, copied);
        }
        let hash = hash?;
        self.folders.hand_over(&staged, arrival.recipient)?;
        self.steps.done(Step::Copied);
        self.folders.sync(&staged)?;
        self.steps.done(Step::Synced);
        let size = source.facts.size;
        self.verify(name.as_str(), &staged, size, &hash, go_on)?;
        self.is_unchanged(name, source)?;
        self.steps.done(Step::Verified);
        Ok(hash)
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

    /// Gives what was verified its name.
    fn rename(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
    ) -> Result<(), Stop> {
        let directories = self.make_final(transfer, arrival)?;
        let Some(within) = directories.last() else {
            return Ok(());
        };
        let name = places::final_name(transfer);
        let from = (&arrival.own, arrival.staging.as_str());
        let renamed = self
            .folders
            .rename(from, (within, &name), is_replaced(transfer));
        match renamed {
            Err(FolderError::Exists { .. }) => return Err(exists(transfer, arrival)),
            Err(error @ FolderError::Missing { .. }) => {
                if !self.is_staged(arrival)? {
                    // Somebody removed it: it is not to be taken for renamed.
                    self.journal_leg(transfer, index, |_| LegPhase::Waiting)?;
                }
                return Err(Stop::of_own(error));
            }
            renamed => renamed?,
        }
        self.steps.done(Step::Renamed);
        Ok(())
    }

    /// What has its name is durable, and the journal says so.
    fn commit(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
    ) -> Result<(), Stop> {
        // The outermost first, as nothing is durable in what is not.
        for directory in self.find_finals(transfer, arrival)? {
            self.folders.sync_directory(&directory)?;
        }
        self.steps.done(Step::NamesSynced);
        self.journal_leg(transfer, index, |_| LegPhase::Committed)?;
        self.steps.done(Step::LegJournaled);
        Ok(())
    }

    /// Whether there is a staging.
    fn is_staged(&self, arrival: &Arrival<'_, F>) -> Result<bool, Stop> {
        Ok(self.folders.look(&arrival.own, &arrival.staging)?.is_some())
    }

    /// Of a transfer that was verified: whether what is staged is right.
    fn is_still_right(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Stop> {
        self.has_right_octets(transfer, &arrival.own, &arrival.staging, go_on)
    }

    /// Of a transfer that was verified, and whose staging is gone: whether it was renamed.
    /// Its recipient may have removed it since; as long as no power was cut, nothing else
    /// can have become of it.
    fn was_renamed(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        boot: Option<u128>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Stop> {
        if boot.is_some() && boot == self.folders.boot(&arrival.inbox) {
            return Ok(true);
        }
        match self.find_final(transfer, arrival)? {
            Some(within) => {
                let name = places::final_name(transfer);
                self.has_right_octets(transfer, &within, &name, go_on)
            }
            None => Ok(false),
        }
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

    /// Of a leg that is given up after it was verified: commits it, if its recipient has it
    /// already. Whether that is so.
    pub(super) fn commit_renamed(
        &self,
        transfer: &mut Transfer,
        index: usize,
        recipient: &AppId,
        boot: Option<u128>,
    ) -> Result<bool, Stop> {
        let arrival = self.arrival(transfer, recipient)?;
        let was_renamed =
            !self.is_staged(&arrival)? && self.was_renamed(transfer, &arrival, boot, &|| true)?;
        if was_renamed {
            self.commit(transfer, index, &arrival)?;
        }
        Ok(was_renamed)
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
    fn find_finals(
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

    fn make_final(
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

    fn discard(&self, arrival: &Arrival<'_, F>) -> Result<(), Stop> {
        let discarded = places::discard(&self.folders, &arrival.own, &arrival.staging);
        discarded.map_err(Stop::of_own)
    }
}

/// A batch is a directory of its own, and takes nothing's place.
fn is_replaced(transfer: &Transfer) -> Replace {
    match transfer.request.overwrite && !places::is_batch(&transfer.request) {
        true => Replace::May,
        false => Replace::Never,
    }
}

fn exists<F: Folders>(transfer: &Transfer, arrival: &Arrival<'_, F>) -> Stop {
    let name = places::final_name(transfer);
    let text = format!("{} has {name} already", arrival.recipient);
    Stop::finally(Code::AlreadyExists, text)
}
