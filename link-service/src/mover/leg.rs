//! The delivery to one recipient: staged, journaled, renamed, synced, journaled.

use super::Mover;
use super::arrival::{Arrival, exists, is_replaced};
use super::places;
use super::room::Taken;
use super::staging::Staged;
use super::step::Step;
use super::stop::Stop;
use crate::code::Code;
use crate::folders::{FolderError, Folders};
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::{LegPhase, Transfer};
use crate::request::Priority;

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
            if is_staged && self.is_staged_right(transfer, &arrival, go_on)? {
                // Perhaps the journal failed to say so.
                self.journal_verified(transfer, index, &arrival, &mut || {})?;
                self.rename(transfer, index, &arrival)?;
                return self.commit(transfer, index, &arrival);
            }
            // Without that, what is removed would be taken for what was renamed.
            self.journal_leg(transfer, index, |_| LegPhase::Waiting)?;
            self.claim(transfer)?;
        }
        self.is_free(transfer, &arrival)?;
        let taken = self.take_room(transfer, &arrival)?;
        let staged = self.stage(transfer, index, &arrival, go_on)?;
        for (file, hash) in transfer.files.iter_mut().zip(&staged.hashes) {
            file.hash = Some(*hash);
        }
        self.journal_and_settle(transfer, index, &arrival, staged, go_on)?;
        self.rename(transfer, index, &arrival)?;
        if let Some(taken) = taken {
            taken.deliver();
        }
        self.commit(transfer, index, &arrival)
    }

    /// Makes what is staged durable and verifies it, while the journal writes down that it is
    /// verified: both take as long as the disk does. Without both, it does not get its name.
    fn journal_and_settle(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
        staged: Staged<F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<(), Stop> {
        let mut settled = Ok(());
        let mut settle = || {
            if let Some(file) = &staged.unsettled {
                settled = self.settle(file, go_on);
            }
        };
        let journaled = self.journal_verified(transfer, index, arrival, &mut settle);
        match settled {
            Ok(()) => journaled,
            // The next run finds what is there.
            Err(Stop::Preempted) => Err(Stop::Preempted),
            Err(stop) => {
                // Without that, what is removed would be taken for what was renamed.
                self.journal_leg(transfer, index, |_| LegPhase::Waiting)?;
                self.discard(arrival)?;
                Err(stop)
            }
        }
    }

    /// Where the journal fails, it may say so all the same. So it is taken for verified from
    /// then on: that means that the staging is not removed without the journal knowing.
    fn journal_verified(
        &self,
        transfer: &mut Transfer,
        index: usize,
        arrival: &Arrival<'_, F>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Stop> {
        let boot = self.folders.boot(&arrival.inbox);
        if let Some(leg) = transfer.legs.get_mut(index) {
            leg.phase = LegPhase::Verified { boot };
        }
        self.journal.put_while(transfer, meanwhile)?;
        if let Some(at_leg) = &self.at_leg {
            at_leg(transfer);
        }
        self.steps.done(Step::VerifiedJournaled);
        Ok(())
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

    /// Whether what is staged may get its name: it is of the source as it was accepted, is
    /// durable, and its octets are right. The journal calls it verified, but that may have
    /// been written down before.
    fn is_staged_right(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Stop> {
        for number in 0..transfer.files.len() {
            match self.open_accepted(transfer, number) {
                Err(Stop::Final(..)) => return Ok(false),
                opened => opened?,
            };
        }
        self.sync_staged(transfer, arrival)?;
        self.has_right_octets(transfer, &arrival.own, &arrival.staging, go_on)
    }

    fn take_room(
        &self,
        transfer: &Transfer,
        arrival: &Arrival<'_, F>,
    ) -> Result<Option<Taken<'_>>, Stop> {
        let more = (transfer.bytes(), transfer.files.len() as u64);
        let priority = transfer.request.priority;
        self.take_room_for(&arrival.inbox, arrival.recipient, more, priority)
    }

    /// Room in an inbox for so many octets and files.
    pub(super) fn take_room_for(
        &self,
        inbox: &F::Directory,
        app: &AppId,
        more: (u64, u64),
        priority: Priority,
    ) -> Result<Option<Taken<'_>>, Stop> {
        let quota = self.quotas.of(app);
        let taken = self.rooms.take(&self.folders, inbox, app, quota, more)?;
        let free_bytes = self.folders.free_bytes(inbox)?;
        let kept = self.quotas.kept_free_bytes(priority);
        let min = self.limits.free_bytes_min.saturating_add(kept);
        let (bytes, _) = more;
        match free_bytes >= bytes.saturating_add(min) {
            true => Ok(taken),
            false => {
                let text = format!(
                    "{bytes} octets for {app} on a file system with {free_bytes} free, of which \
                     {min} are left free"
                );
                Err(Stop::Retry(Code::NoSpace, text))
            }
        }
    }
}
