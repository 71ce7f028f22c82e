//! A file that is whole: compared with what the sender says, delivered, told.

use std::time::Duration;

use super::missing::NakList;
use super::{Fault, Phase, Receiver};
use crate::checksum::{Checksum, ChecksumType};
use crate::entity::sent::Leave;
use crate::pdu::ConditionCode;
use crate::store::{FileStore, StoreError};

/// So much of a file is read at once for its checksum.
const VERIFY_BYTES: usize = 1024 * 1024;

impl<Staged> Receiver<Staged> {
    pub(super) fn begin_verifying_if_whole(&mut self) {
        let Some((_, end)) = self.eof.as_ref() else {
            return;
        };
        let has_file = self.about.as_ref().map(|about| about.file.is_some());
        let is_whole = match has_file {
            Some(true) => self.extents.contains(0..end.size),
            Some(false) => true,
            None => false,
        };
        if is_whole && self.phase == Phase::Receiving {
            self.phase = Phase::Verifying;
            self.nak = NakList::default();
            self.timer.reset();
        }
    }

    /// Computes a part of the checksum; true when it is the sender's.
    pub(in crate::entity) fn verify<S: FileStore<Staged = Staged>>(
        &mut self,
        store: &mut S,
    ) -> Result<bool, Fault> {
        let (Some(about), Some((_, end))) = (&self.about, &self.eof) else {
            return Ok(false);
        };
        if about.file.is_none() {
            self.phase = Phase::Delivering;
            return Ok(true);
        }
        let mut checksum = match self.checksum {
            Some(checksum) => checksum,
            None => Checksum::new(about.checksum_type)
                .map_err(|error| Fault::new(ConditionCode::UnsupportedChecksumType, error))?,
        };
        let from = checksum.octets();
        let staging = self.staging();
        if from < end.size {
            let bytes = (end.size - from).min(VERIFY_BYTES as u64);
            let mut octets = vec![0; usize::try_from(bytes).unwrap_or(VERIFY_BYTES)];
            let staged = match &mut self.staged {
                Some(staged) => staged,
                none => none.insert(store.stage(&staging, None)?),
            };
            store.read_staged(staged, from, &mut octets)?;
            // From where it stands, as it is.
            let _ = checksum.update(from, &octets);
        }
        self.checksum = Some(checksum);
        if checksum.octets() < end.size {
            return Ok(false);
        }
        if about.checksum_type != ChecksumType::NULL && checksum.value() != end.checksum {
            let text = format!(
                "the {} checksum is {:08x}, that of EOF {:08x}",
                about.checksum_type,
                checksum.value(),
                end.checksum
            );
            return Err(Fault::new(ConditionCode::FileChecksumFailure, text));
        }
        self.phase = Phase::Delivering;
        Ok(true)
    }

    /// Makes what came durable, before the journal says that it is there.
    pub(in crate::entity) fn sync<S: FileStore<Staged = Staged>>(
        &mut self,
        store: &mut S,
    ) -> Result<(), StoreError> {
        if let (Some(staged), true) = (&mut self.staged, self.unsynced > 0) {
            store.sync(staged)?;
        }
        self.unsynced = 0;
        Ok(())
    }

    /// The file is delivered or discarded; this is how it ended.
    pub(in crate::entity) fn finish(&mut self, finished: Vec<u8>) {
        self.phase = Phase::Finished;
        self.finished = Some(finished);
        self.finished_leaves = Leave::Due;
        self.staged = None;
        self.nak = NakList::default();
        self.suspended = false;
        self.rests = false;
        self.timer.reset();
    }

    /// Finished came to the other end.
    pub(in crate::entity) fn handle_ack_of_finished(&mut self, contact: Duration) {
        if let Some(left_at) = self.finished_left_at.take() {
            self.round_trip.measure(contact.saturating_sub(left_at));
        }
    }
}
