//! What the sender sends is taken: Metadata, File Data, EOF.

use std::ops::Range;
use std::time::Duration;

use super::about::{About, End};
use super::{Fault, Phase, Receiver};
use crate::checksum::{Checksum, ChecksumError};
use crate::entity::config::{NakMode, Peer};
use crate::entity::sent::Leave;
use crate::pdu::{ConditionCode, Eof, FileData, Metadata};
use crate::store::FileStore;

/// What became of file data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::entity) enum Taken {
    /// Octets that were missing.
    New,
    /// All of it was there.
    Duplicate,
    /// There is no room for another range; it is asked for later.
    NoRoom,
    /// It is of no use any more.
    Late,
}

impl<Staged> Receiver<Staged> {
    /// Metadata came: what the transaction is about.
    pub(in crate::entity) fn handle_metadata<S: FileStore<Staged = Staged>>(
        &mut self,
        metadata: &Metadata<'_>,
        octets: &[u8],
        store: &mut S,
        (contact, peer): (Duration, &Peer),
    ) -> Result<bool, Fault> {
        self.hear(contact, peer);
        if self.about.is_some() || self.phase != Phase::Receiving {
            return Ok(false);
        }
        let about = About::of(metadata, octets)?;
        let checksum = Checksum::new(about.checksum_type).map_err(|error| match error {
            ChecksumError::Unsupported(_) => {
                Fault::new(ConditionCode::UnsupportedChecksumType, error)
            }
            _ => Fault::new(ConditionCode::FileChecksumFailure, error),
        })?;
        let size = about.size;
        let has_file = about.file.is_some();
        if self.staged.is_none() && self.extents.is_empty() {
            self.beside = about.file.clone();
        }
        self.about = Some(about);
        // Of octets that came before it is computed when all are there.
        self.checksum = self.extents.is_empty().then_some(checksum);
        if let Some(size) = size {
            self.check_size(size)?;
        }
        if has_file {
            // The rules of the store, before the first octet.
            if let Some(name) = self.name() {
                store.may_receive(name, self.header.transaction, size)?;
            }
            self.staged = Some(store.stage(&self.staging(), size)?);
        }
        self.begin_verifying_if_whole();
        Ok(true)
    }

    /// Octets came.
    pub(in crate::entity) fn handle_data<S: FileStore<Staged = Staged>>(
        &mut self,
        data: &FileData<'_>,
        store: &mut S,
        (contact, peer): (Duration, &Peer),
    ) -> Result<Taken, Fault> {
        self.hear(contact, peer);
        if self.phase != Phase::Receiving {
            return Ok(Taken::Late);
        }
        let range = data.range();
        if self.extents.contains(range.clone()) {
            return Ok(Taken::Duplicate);
        }
        let most = self.size().unwrap_or(self.file_bytes_max);
        if range.end > most {
            let size = most;
            let text = format!("octets up to {} of a file of {size}", range.end);
            return Err(Fault::new(ConditionCode::FileSizeError, text));
        }
        let (staging, size) = (self.staging(), self.size());
        let staged = match &mut self.staged {
            Some(staged) => staged,
            none => none.insert(store.stage(&staging, size)?),
        };
        store.write(staged, range.start, data.data)?;
        let missing: Vec<Range<u64>> = self.extents.holes(range.clone()).collect();
        let was_end = self.extents.end();
        self.round_trip.pass_data(contact);
        let Ok(inserted) = self.extents.insert(range.clone()) else {
            self.ask_while_it_comes(&range, was_end, contact, peer);
            return Ok(Taken::NoRoom);
        };
        self.add_to_checksum(&range, data.data, &missing);
        self.unsynced += inserted.new_octets;
        self.after_data(&range, was_end, contact, peer);
        Ok(Taken::New)
    }

    fn add_to_checksum(&mut self, range: &Range<u64>, octets: &[u8], missing: &[Range<u64>]) {
        let Some(checksum) = &mut self.checksum else {
            return;
        };
        for part in missing {
            let from = usize::try_from(part.start - range.start).unwrap_or(usize::MAX);
            let until = usize::try_from(part.end - range.start).unwrap_or(usize::MAX);
            if let Some(octets) = octets.get(from..until) {
                // A CRC leaves out what is not next: it is read again in the end.
                let _ = checksum.update(part.start, octets);
            }
        }
    }

    /// Asks for more at once where that is known to be of use.
    fn after_data(&mut self, range: &Range<u64>, was_end: u64, contact: Duration, peer: &Peer) {
        if !self.is_acknowledged() {
            return self.begin_verifying_if_whole();
        }
        self.note_answer(range, contact);
        if self.eof.is_some() {
            self.timer.reset();
            self.start_nak_timer(contact, peer);
            // What was asked for comes in order: after the last of it nothing more does.
            if self.nak.asked_until.is_some_and(|until| range.end >= until) {
                self.ask_if_needed();
            }
        } else if peer.nak_mode == NakMode::Immediate && range.start > was_end {
            self.ask_if_needed();
        } else if self.extents.ranges().len() >= self.ranges_many {
            self.ask_while_it_comes(range, was_end, contact, peer);
        }
        self.begin_verifying_if_whole();
    }

    /// EOF came.
    pub(in crate::entity) fn handle_eof(
        &mut self,
        eof: &Eof,
        octets: &[u8],
        (contact, peer): (Duration, &Peer),
    ) -> Result<(), Fault> {
        self.hear(contact, peer);
        self.ack_of_eof_due = self.is_acknowledged().then_some(eof.condition);
        if self.phase != Phase::Receiving {
            // Finished may have been lost.
            if self.finished_leaves == Leave::Left {
                self.finished_leaves = Leave::Due;
            }
            return Ok(());
        }
        let end = End::of(eof);
        let is_again = self.eof.replace((octets.to_vec(), end)).is_some();
        if end.condition != ConditionCode::NoError {
            let text = "the sender cancelled it";
            return Err(Fault::new(end.condition, text));
        }
        self.check_size(end.size)?;
        // Of one that goes again since its ACK is lost, or still on its way.
        let timeout = self.round_trip.timeout(peer.round_trip_guess);
        if !is_again || !self.nak.waits(contact, timeout) {
            self.ask_if_needed();
        }
        if !self.is_acknowledged() {
            self.timer.start(contact, peer.check_timeout);
        }
        self.begin_verifying_if_whole();
        Ok(())
    }

    /// No octet may lie beyond the end.
    pub(super) fn check_size(&self, size: u64) -> Result<(), Fault> {
        if size > self.file_bytes_max {
            let text = format!(
                "a file of {size} octets; {} are the most",
                self.file_bytes_max
            );
            return Err(Fault::new(ConditionCode::FileSizeError, text));
        }
        let end = self.extents.end();
        let of_metadata = self.about.as_ref().and_then(|about| about.size);
        let other = of_metadata.filter(|other| *other != size);
        match (end > size, other) {
            (true, _) => {
                let text = format!("octets up to {end} of a file of {size}");
                Err(Fault::new(ConditionCode::FileSizeError, text))
            }
            (_, Some(other)) => {
                let text = format!("EOF of a file of {size} octets, Metadata of one of {other}");
                Err(Fault::new(ConditionCode::FileSizeError, text))
            }
            _ => Ok(()),
        }
    }
}
