//! One transaction at the entity that receives the file.
//!
//! ```text
//! File Data ──▶ written beside the destination, and every `sync_bytes` synced
//! EOF ──▶ its ACK, then lists of what is missing until nothing is
//! whole ──▶ checksum over all of it ──▶ delivered ──▶ Finished, until it is acknowledged
//! ```

mod about;
mod ending;
mod missing;
mod taking;
mod timers;

use super::clock::Timer;
use super::config::EntityConfig;
use super::record::{HeaderRecord, ReceivingRecord, extents_of, name_of, ranges_of};
use super::round_trip::{FirstLeft, RoundTrip};
use super::sent::{Leave, Sent};
use crate::StoreName;
use crate::checksum::Checksum;
use crate::extents::Extents;
use crate::pdu::{
    Ack, Acknowledged, BuildError, ConditionCode, FileStatus, Header, KeepAlive, Pdu,
    TransactionId, TransactionStatus, TransmissionMode,
};
use crate::store::{Staging, StoreError};
use about::{About, End};
use missing::NakList;
pub(super) use taking::Taken;

/// What is wrong, and what exactly.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) condition: ConditionCode,
    /// What becomes of the file, where that ends it.
    pub(super) file_status: FileStatus,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(condition: ConditionCode, text: impl ToString) -> Self {
        let file_status = match condition {
            ConditionCode::FilestoreRejection => FileStatus::RejectedByFilestore,
            _ => FileStatus::Discarded,
        };
        Fault {
            condition,
            file_status,
            text: text.to_string(),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let condition = match error {
            StoreError::WrongOctets { .. } => ConditionCode::FileChecksumFailure,
            _ => ConditionCode::FilestoreRejection,
        };
        let fault = Fault::new(condition, &error);
        match error {
            // Discarded deliberately: it need not be sent again.
            StoreError::Refused { .. } => Fault {
                file_status: FileStatus::Discarded,
                ..fault
            },
            _ => fault,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Octets come.
    Receiving,
    /// All came; the checksum is being computed.
    Verifying,
    /// It is the file that was sent, and gets its name.
    Delivering,
    /// Finished is sent.
    Finished,
}

pub(super) struct Receiver<Staged> {
    header: Header,
    about: Option<About>,
    eof: Option<(Vec<u8>, End)>,
    file_bytes_max: u64,
    extents: Extents,
    /// Of the octets that are there; of a CRC, from the start on. None while its type is
    /// not known.
    checksum: Option<Checksum>,
    beside: Option<StoreName>,
    staged: Option<Staged>,
    /// Octets that came since the last sync.
    unsynced: u64,
    phase: Phase,
    pub(super) performed: Vec<Option<u8>>,
    finished: Option<Vec<u8>>,
    finished_leaves: Leave,
    /// When Finished left, where it left once and is not answered.
    finished_left_at: FirstLeft,
    /// What the EOF says that is to be acknowledged.
    ack_of_eof_due: Option<ConditionCode>,
    keep_alive_due: bool,
    nak: NakList,
    round_trip: RoundTrip,
    /// From so many ranges on, what is missing is asked for before EOF.
    ranges_many: usize,
    suspended: bool,
    rests: bool,
    timer: Timer,
}

impl<Staged> Receiver<Staged> {
    pub(super) fn new(header: Header, config: &EntityConfig) -> Self {
        Receiver {
            header,
            about: None,
            eof: None,
            file_bytes_max: config.file_bytes_max,
            extents: Extents::new(config.ranges_max),
            checksum: None,
            beside: None,
            staged: None,
            unsynced: 0,
            phase: Phase::Receiving,
            performed: Vec::new(),
            finished: None,
            finished_leaves: Leave::No,
            finished_left_at: FirstLeft::default(),
            ack_of_eof_due: None,
            keep_alive_due: false,
            nak: NakList::default(),
            round_trip: RoundTrip::default(),
            ranges_many: (config.ranges_max / 4 * 3).max(1),
            suspended: false,
            rests: false,
            timer: Timer::default(),
        }
    }

    /// As it was when the journal was written.
    pub(super) fn restore(record: ReceivingRecord, config: &EntityConfig) -> Result<Self, String> {
        let header = record.header.header();
        let mut receiver = Receiver::new(header, config);
        if let Some(octets) = &record.metadata {
            match Pdu::parse(octets).map_err(|error| error.to_string())? {
                (_, Pdu::Metadata(metadata)) => {
                    let about = About::of(&metadata, octets).map_err(|fault| fault.text)?;
                    receiver.about = Some(about);
                }
                _ => return Err("no Metadata PDU".to_owned()),
            }
        }
        if let Some(octets) = &record.eof {
            match Pdu::parse(octets).map_err(|error| error.to_string())? {
                (_, Pdu::Eof(eof)) => receiver.eof = Some((octets.clone(), End::of(&eof))),
                _ => return Err("no EOF PDU".to_owned()),
            }
        }
        receiver.extents = extents_of(&record.ranges, config.ranges_max)?;
        if let (Some((value, octets)), Some(about)) = (record.checksum, &receiver.about) {
            let checksum = Checksum::resume(about.checksum_type, value, octets);
            receiver.checksum = Some(checksum.map_err(|error| error.to_string())?);
        }
        receiver.beside = record.beside.as_deref().map(name_of).transpose()?;
        receiver.performed = record.performed;
        receiver.suspended = record.suspended;
        if record.delivering {
            receiver.phase = Phase::Delivering;
        }
        if record.finished.is_some() {
            receiver.phase = Phase::Finished;
            receiver.finished = record.finished;
            receiver.finished_leaves = Leave::Due;
        }
        receiver.ask_if_needed();
        receiver.begin_verifying_if_whole();
        Ok(receiver)
    }

    pub(super) fn record(&self) -> ReceivingRecord {
        ReceivingRecord {
            header: HeaderRecord::of(&self.header),
            metadata: self.about.as_ref().map(|about| about.pdu.clone()),
            eof: self.eof.as_ref().map(|(octets, _)| octets.clone()),
            ranges: ranges_of(&self.extents),
            checksum: self
                .checksum
                .map(|checksum| (checksum.value(), checksum.octets())),
            beside: self.beside.as_ref().map(StoreName::to_string),
            delivering: self.phase == Phase::Delivering,
            performed: self.performed.clone(),
            finished: self.finished.clone(),
            suspended: self.suspended,
        }
    }

    /// How long the other end takes, as far as that is known.
    pub(super) fn expect_round_trip(&mut self, round_trip: RoundTrip) {
        self.round_trip = round_trip;
    }

    pub(super) fn round_trip(&self) -> RoundTrip {
        self.round_trip
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.header.mode == TransmissionMode::Acknowledged
    }

    /// Whether a Finished PDU is to tell the sender how it ended.
    pub(super) fn tells_the_end(&self) -> bool {
        let about = self.about.as_ref();
        self.is_acknowledged() || about.is_some_and(|about| about.closure_requested)
    }

    pub(super) fn metadata(&self) -> Option<&[u8]> {
        self.about.as_ref().map(|about| about.pdu.as_slice())
    }

    pub(super) fn name(&self) -> Option<&StoreName> {
        self.about.as_ref().and_then(|about| about.file.as_ref())
    }

    /// The transaction that this one answers.
    pub(super) fn originating(&self) -> Option<TransactionId> {
        self.about.as_ref().and_then(|about| about.originating)
    }

    /// Octets of the file, as far as that is known.
    pub(super) fn size(&self) -> Option<u64> {
        let of_metadata = self.about.as_ref().and_then(|about| about.size);
        self.eof.as_ref().map(|(_, end)| end.size).or(of_metadata)
    }

    pub(super) fn octets_received(&self) -> u64 {
        self.extents.octets()
    }

    pub(super) fn unsynced(&self) -> u64 {
        self.unsynced
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended
    }

    pub(super) fn finished(&self) -> Option<&[u8]> {
        self.finished.as_deref()
    }

    pub(super) fn staging(&self) -> Staging {
        Staging {
            transaction: self.header.transaction,
            beside: self.beside.clone(),
        }
    }

    fn is_still(&self) -> bool {
        self.suspended || self.rests
    }

    pub(super) fn has_directive(&self) -> bool {
        !self.is_still()
            && (self.ack_of_eof_due.is_some()
                || self.keep_alive_due
                || self.nak.is_due
                || self.finished_leaves == Leave::Due)
    }

    pub(super) fn poll_directive(
        &mut self,
        pdu_bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Sent>, BuildError> {
        if self.is_still() {
            return Ok(None);
        }
        if let Some(condition) = self.ack_of_eof_due.take() {
            let ack = Ack {
                of: Acknowledged::Eof,
                condition,
                status: TransactionStatus::Active,
            };
            Pdu::build(&self.header, &Pdu::Ack(ack), out)?;
            return Ok(Some(Sent::AckOfEof));
        }
        if let (true, Some(finished)) = (self.finished_leaves.take(), &self.finished) {
            out.clear();
            out.extend_from_slice(finished);
            return Ok(Some(Sent::Finished));
        }
        if self.nak.is_due {
            return self.build_nak(pdu_bytes_max, out);
        }
        if std::mem::take(&mut self.keep_alive_due) {
            let progress = self.extents.contiguous_prefix();
            Pdu::build(&self.header, &Pdu::KeepAlive(KeepAlive { progress }), out)?;
            return Ok(Some(Sent::KeepAlive));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_never_takes_is_discarded_and_what_it_has_no_room_for_rejected() {
        let (name, why) = (|| "a".to_owned(), || "so it is".to_owned());
        let refused = StoreError::Refused {
            name: name(),
            why: why(),
        };
        let not_now = StoreError::NotAllowed {
            name: name(),
            why: why(),
        };
        let wrong = StoreError::WrongOctets {
            name: name(),
            why: why(),
        };
        let told = |error| {
            let fault = Fault::from(error);
            (fault.condition, fault.file_status)
        };
        let rejection = ConditionCode::FilestoreRejection;
        assert_eq!(told(refused), (rejection, FileStatus::Discarded));
        assert_eq!(told(not_now), (rejection, FileStatus::RejectedByFilestore));
        let checksum = ConditionCode::FileChecksumFailure;
        assert_eq!(told(wrong), (checksum, FileStatus::Discarded));
    }
}
