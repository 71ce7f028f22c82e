//! One transaction at the entity that sends the file.
//!
//! ```text
//! Metadata, then the file once, then EOF ──▶ until it is acknowledged, EOF again
//! NAK ──▶ what it asks for, before the rest          silence ──▶ EOF again
//! Finished ──▶ its ACK, and over
//! ```
//! EOF waits until all file data before it has left the radio, since it may overtake
//! data in the radio's queue.

use std::time::Duration;

use super::clock::Timer;
use super::config::Peer;
use super::record::{HeaderRecord, SendingRecord, name_of};
use super::round_trip::{FirstLeft, RoundTrip};
use super::sent::{Leave, Sent};
use crate::StoreName;
use crate::checksum::Checksum;
use crate::extents::Extents;
use crate::pdu::{
    Ack, BuildError, ConditionCode, EntityId, Eof, FileData, Header, Metadata, Nak, Pdu, Prompt,
    PromptResponse, TransactionId, TransactionSeq, TransactionStatus, TransmissionMode,
};
use crate::store::{FileIdentity, FileStore, StoreError};

pub(super) struct Sender<Source> {
    header: Header,
    metadata: Vec<u8>,
    metadata_leaves: Leave,
    /// Whether the other end may know of it: a PDU was given to the radio, or may have been
    /// before a restart.
    has_spoken: bool,
    closure_requested: bool,
    file: Option<File<Source>>,
    priority: u8,
    arrival: u64,
    /// Of what was sent once; the rest begins after its octets.
    checksum: Checksum,
    /// What is to be sent again.
    again: Extents,
    /// Octets that were sent once, as the journal has it.
    synced: u64,
    data_with_radio: usize,
    eof_leaves: Leave,
    eof_acknowledged: bool,
    /// The answer that the receiver is to be asked for.
    prompt: Option<PromptResponse>,
    /// When EOF left, where it left once and is not answered.
    eof_left_at: FirstLeft,
    round_trip: RoundTrip,
    cancelled: Option<ConditionCode>,
    suspended: bool,
    /// Nothing is done until contact begins anew or the other end is heard.
    rests: bool,
    timer: Timer,
    /// The transaction that asked for this one, and is told how it ended.
    pub(super) on_behalf: Option<TransactionId>,
    /// The file was made for this transaction, and goes with it.
    pub(super) is_temporary: bool,
}

/// The file that is sent.
pub(super) struct File<Source> {
    pub(super) name: StoreName,
    pub(super) identity: FileIdentity,
    /// None until it is read after a restart.
    pub(super) source: Option<Source>,
}

/// Why a PDU with file data could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoData {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("{0} is not the file any more that it was when the transaction began")]
    Changed(StoreName),
}

/// What a timer that ran out leads to.
pub(super) enum RanOut {
    /// Something is sent again.
    Retry,
    /// It ran out too often.
    Fault(ConditionCode),
}

impl<Source> Sender<Source> {
    pub(super) fn new(
        header: Header,
        metadata: Vec<u8>,
        file: Option<File<Source>>,
        checksum: Checksum,
        (priority, arrival): (u8, u64),
        ranges_max: usize,
    ) -> Self {
        let closure_requested = match Pdu::parse(&metadata) {
            Ok((
                _,
                Pdu::Metadata(Metadata {
                    closure_requested, ..
                }),
            )) => closure_requested,
            _ => false,
        };
        Sender {
            header,
            metadata,
            metadata_leaves: Leave::Due,
            has_spoken: false,
            closure_requested,
            file,
            priority,
            arrival,
            synced: checksum.octets(),
            checksum,
            again: Extents::new(ranges_max),
            data_with_radio: 0,
            eof_leaves: Leave::No,
            eof_acknowledged: false,
            prompt: None,
            eof_left_at: FirstLeft::default(),
            round_trip: RoundTrip::default(),
            cancelled: None,
            suspended: false,
            rests: false,
            timer: Timer::default(),
            on_behalf: None,
            is_temporary: false,
        }
    }

    /// As it was when the journal was written. What was sent before, the receiver has or
    /// asks for.
    pub(super) fn restore(record: SendingRecord, ranges_max: usize) -> Result<Self, String> {
        let header = record.header.header();
        let (_, pdu) = Pdu::parse(&record.metadata).map_err(|error| error.to_string())?;
        let Pdu::Metadata(metadata) = pdu else {
            return Err("no Metadata PDU".to_owned());
        };
        let checksum = Checksum::resume(metadata.checksum_type, record.checksum, record.position);
        let checksum = checksum.map_err(|error| error.to_string())?;
        let file = match record.file {
            Some((name, identity)) => Some(File {
                name: name_of(&name)?,
                identity,
                source: None,
            }),
            None => None,
        };
        let order = (record.priority, record.arrival);
        let cancelled = record.cancelled.and_then(ConditionCode::of_code);
        let mut sender = Sender::new(header, record.metadata, file, checksum, order, ranges_max);
        sender.has_spoken = true;
        if record.position > 0 {
            sender.metadata_leaves = Leave::Left;
        }
        sender.suspended = record.suspended;
        sender.on_behalf = record.on_behalf.map(|(source, number)| TransactionId {
            source: EntityId(source),
            number: TransactionSeq(number),
        });
        sender.is_temporary = record.is_temporary;
        if let Some(condition) = cancelled {
            sender.cancel(condition);
        }
        Ok(sender)
    }

    pub(super) fn record(&self) -> SendingRecord {
        SendingRecord {
            header: HeaderRecord::of(&self.header),
            metadata: self.metadata.clone(),
            file: self
                .file
                .as_ref()
                .map(|file| (file.name.to_string(), file.identity)),
            priority: self.priority,
            arrival: self.arrival,
            position: self.checksum.octets(),
            checksum: self.checksum.value(),
            cancelled: self.cancelled.map(ConditionCode::code),
            suspended: self.suspended,
            on_behalf: self.on_behalf.map(|id| (id.source.0, id.number.0)),
            is_temporary: self.is_temporary,
        }
    }

    /// The journal has what [`record`](Self::record) gave.
    pub(super) fn is_synced(&mut self) {
        self.synced = self.checksum.octets();
    }

    /// Octets sent for the first time that the journal does not know of.
    pub(super) fn unsynced(&self) -> u64 {
        self.checksum.octets() - self.synced
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

    /// The Metadata PDU.
    pub(super) fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    pub(super) fn name(&self) -> Option<&StoreName> {
        self.file.as_ref().map(|file| &file.name)
    }

    pub(super) fn size(&self) -> u64 {
        self.file.as_ref().map_or(0, |file| file.identity.size)
    }

    pub(super) fn octets_sent(&self) -> u64 {
        self.checksum.octets()
    }

    pub(super) fn octets_to_repeat(&self) -> u64 {
        self.again.octets()
    }

    pub(super) fn order(&self) -> (u8, u64) {
        (self.priority, self.arrival)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether the other end may know of it.
    pub(super) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    pub(super) fn cancelled(&self) -> Option<ConditionCode> {
        self.cancelled
    }

    fn is_acknowledged(&self) -> bool {
        self.header.mode == TransmissionMode::Acknowledged
    }

    fn is_still(&self) -> bool {
        self.suspended || self.rests
    }

    /// Whether [`poll_directive`](Self::poll_directive) gives a PDU.
    pub(super) fn has_directive(&self) -> bool {
        !self.is_still() && (self.metadata_is_due() || self.eof_is_due() || self.prompt_is_due())
    }

    /// It is of a transaction that the receiver knows.
    fn prompt_is_due(&self) -> bool {
        self.prompt.is_some() && self.cancelled.is_none() && self.metadata_leaves == Leave::Left
    }

    /// Who hears that it is cancelled need not know what it was about.
    fn metadata_is_due(&self) -> bool {
        self.cancelled.is_none() && self.metadata_leaves == Leave::Due
    }

    fn eof_is_due(&self) -> bool {
        let all_left = self.cancelled.is_some()
            || (self.checksum.octets() >= self.size()
                && self.again.is_empty()
                && self.data_with_radio == 0
                && self.metadata_leaves == Leave::Left);
        all_left && matches!(self.eof_leaves, Leave::Due | Leave::No)
    }

    /// Whether [`poll_data`](Self::poll_data) gives a PDU.
    pub(super) fn has_data(&self) -> bool {
        let is_left = !self.again.is_empty() || self.checksum.octets() < self.size();
        let has_begun = self.metadata_leaves != Leave::Due;
        is_left && has_begun && !self.is_still() && self.cancelled.is_none()
    }

    pub(super) fn poll_directive(&mut self, out: &mut Vec<u8>) -> Result<Option<Sent>, BuildError> {
        if !self.has_directive() {
            return Ok(None);
        }
        self.has_spoken = true;
        if self.cancelled.is_none() && self.metadata_leaves.take() {
            out.clear();
            out.extend_from_slice(&self.metadata);
            return Ok(Some(Sent::Metadata));
        }
        if self.prompt_is_due()
            && let Some(response) = self.prompt.take()
        {
            Pdu::build(&self.header, &Pdu::Prompt(Prompt { response }), out)?;
            return Ok(Some(Sent::Prompt(response)));
        }
        if !self.eof_is_due() {
            return Ok(None);
        }
        let eof = Eof {
            condition: self.eof_condition(),
            checksum: self.checksum.value(),
            file_size: self.checksum.octets(),
            fault_location: self.cancelled.map(|_| self.header.transaction.source),
        };
        Pdu::build(&self.header, &Pdu::Eof(eof), out)?;
        self.eof_leaves = Leave::WithRadio;
        Ok(Some(Sent::Eof))
    }

    /// File data, no more than fits into a PDU of `pdu_bytes_max` octets.
    pub(super) fn poll_data<S: FileStore<Source = Source>>(
        &mut self,
        store: &mut S,
        pdu_bytes_max: usize,
        buffer: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Option<Sent>, NoData> {
        let has_data = self.has_data();
        let Some(file) = self.file.as_mut().filter(|_| has_data) else {
            return Ok(None);
        };
        let source = match &mut file.source {
            Some(source) => source,
            none => {
                let (source, identity) = store.open(&file.name)?;
                if identity != file.identity {
                    return Err(NoData::Changed(file.name.clone()));
                }
                none.insert(source)
            }
        };
        let bytes_max = FileData::data_bytes_max(&self.header, pdu_bytes_max).max(1) as u64;
        let position = self.checksum.octets();
        let repeated = self.again.take_first(bytes_max);
        let range = repeated.clone().unwrap_or_else(|| {
            position..file.identity.size.min(position.saturating_add(bytes_max))
        });
        let bytes = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        buffer.clear();
        buffer.resize(bytes, 0);
        let read = store.read(source, range.start, buffer);
        let data = Pdu::FileData(FileData::new(range.start, buffer));
        let built = read.map_err(NoData::from);
        let built = built.and_then(|()| Ok(Pdu::build(&self.header, &data, out)?));
        if let Err(error) = built {
            if repeated.is_some() {
                self.send_again(range.start, range.end);
            }
            return Err(error);
        }
        if repeated.is_none() {
            // In order, as it is: the octets that come next.
            let _ = self.checksum.update(range.start, buffer);
        }
        self.data_with_radio += 1;
        Ok(Some(Sent::Data {
            start: range.start,
            end: range.end,
        }))
    }

    fn send_again(&mut self, start: u64, end: u64) {
        // What there is no room for is asked for again.
        let _ = self.again.insert(start..end.min(self.checksum.octets()));
    }

    /// A PDU left the radio, or was dropped. True when nothing more comes of the
    /// transaction.
    pub(super) fn handle_departed(
        &mut self,
        sent: Sent,
        left: bool,
        contact: Duration,
        peer: &Peer,
    ) -> bool {
        match sent {
            Sent::Metadata => self.metadata_leaves.depart(left),
            Sent::Data { start, end } => {
                self.data_with_radio = self.data_with_radio.saturating_sub(1);
                self.round_trip.pass_data(contact);
                if !left {
                    self.send_again(start, end);
                } else if self.eof_acknowledged {
                    self.timer.start(contact, peer.inactivity_timeout);
                }
            }
            Sent::Eof => {
                self.eof_leaves.depart(left);
                if !self.is_acknowledged() && left {
                    if !self.closure_requested || self.cancelled.is_some() {
                        return true;
                    }
                    self.timer.start(contact, peer.inactivity_timeout);
                } else if left {
                    self.eof_left_at.leave(contact);
                    let least = self.round_trip.timeout(peer.round_trip_guess);
                    self.timer.start_doubling(contact, least, peer.ack_timeout);
                }
            }
            Sent::Prompt(response) if !left => self.prompt = Some(response),
            _ => {}
        }
        false
    }

    /// EOF came to the other end. True when that was the last word: the end that is
    /// cancelled is known there, or the transaction is over there and nothing more comes.
    pub(super) fn handle_ack_of_eof(&mut self, ack: &Ack, contact: Duration, peer: &Peer) -> bool {
        self.hear();
        if ack.status == TransactionStatus::Terminated {
            return true;
        }
        if ack.condition != self.eof_condition() {
            // Of the EOF before it was cancelled.
            return false;
        }
        if self.eof_leaves == Leave::Due {
            self.eof_leaves = Leave::Left;
        }
        self.eof_acknowledged = true;
        self.timer.reset();
        if let Some(left_at) = self.eof_left_at.take() {
            self.round_trip.measure(contact.saturating_sub(left_at));
        }
        self.timer.start(contact, peer.inactivity_timeout);
        self.cancelled.is_some()
    }

    /// What EOF says.
    fn eof_condition(&self) -> ConditionCode {
        self.cancelled.unwrap_or(ConditionCode::NoError)
    }

    /// The other end misses something.
    pub(super) fn handle_nak(&mut self, nak: &Nak<'_>, contact: Duration, peer: &Peer) {
        self.hear();
        for request in nak.requests.iter() {
            if request.is_metadata() {
                if self.metadata_leaves == Leave::Left {
                    self.metadata_leaves = Leave::Due;
                }
            } else {
                self.send_again(request.start, request.end);
            }
        }
        if self.eof_leaves == Leave::Left && !self.eof_acknowledged {
            // Lost, or its ACK is: it goes again behind what is missing.
            self.eof_leaves = Leave::Due;
        }
        if self.eof_acknowledged {
            self.timer.start(contact, peer.inactivity_timeout);
        }
    }

    /// The other end was heard: retries begin to count anew.
    pub(super) fn hear(&mut self) {
        let rested = std::mem::replace(&mut self.rests, false);
        if rested {
            self.handle_aos();
        } else {
            self.timer.forget_expiries();
        }
    }

    /// Contact began: what is not acknowledged goes again at once.
    pub(super) fn handle_aos(&mut self) {
        self.rests = false;
        self.timer.reset();
        if self.eof_leaves == Leave::Left {
            self.eof_leaves = Leave::Due;
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.timer.due().filter(|_| !self.suspended)
    }

    pub(super) fn handle_timeout(&mut self, contact: Duration, peer: &Peer) -> Option<RanOut> {
        if self.suspended || !self.timer.has_run_out(contact) {
            return None;
        }
        if self.rests {
            self.handle_aos();
            return Some(RanOut::Retry);
        }
        let (limit, fault) = match self.eof_acknowledged || !self.is_acknowledged() {
            true => (peer.inactivity_limit, ConditionCode::InactivityDetected),
            false => (peer.ack_limit, ConditionCode::PositiveAckLimitReached),
        };
        if self.timer.expiries() > limit {
            return Some(RanOut::Fault(fault));
        }
        if self.eof_leaves == Leave::Left {
            self.eof_leaves = Leave::Due;
        }
        Some(RanOut::Retry)
    }

    /// Nothing is done until contact begins anew, the other end is heard, or for long.
    pub(super) fn rest(&mut self, contact: Duration, peer: &Peer) {
        self.rests = true;
        self.timer.start(contact, peer.rest_timeout);
    }

    /// The receiver is to be asked for an answer.
    pub(super) fn prompt(&mut self, response: PromptResponse) {
        self.prompt = Some(response);
    }

    pub(super) fn suspend(&mut self) {
        self.suspended = true;
    }

    pub(super) fn resume(&mut self) {
        self.suspended = false;
        self.handle_aos();
    }

    /// From now on only EOF goes, and says why.
    pub(super) fn cancel(&mut self, condition: ConditionCode) {
        self.cancelled = Some(condition);
        self.again = Extents::new(1);
        self.eof_leaves = Leave::Due;
        self.eof_acknowledged = false;
        self.suspended = false;
        self.rests = false;
        self.timer.reset();
    }
}
