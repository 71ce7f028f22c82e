//! One transaction at the entity that receives the file.
//!
//! ```text
//! File Data ──▶ written beside the destination, and every `sync_bytes` synced
//! EOF ──▶ its ACK, then lists of what is missing until nothing is
//! whole ──▶ checksum over all of it ──▶ delivered ──▶ Finished, until it is acknowledged
//! ```

use std::ops::Range;
use std::time::Duration;

use super::clock::Timer;
use super::config::{EntityConfig, NakMode, Peer};
use super::options::originating_of;
use super::record::{HeaderRecord, ReceivingRecord, extents_of, name_of, ranges_of};
use super::round_trip::{FirstLeft, RoundTrip};
use super::sent::{Leave, Sent};
use crate::StoreName;
use crate::checksum::{Checksum, ChecksumError, ChecksumType};
use crate::extents::Extents;
use crate::pdu::{
    Ack, Acknowledged, BuildError, ConditionCode, Eof, FileData, Header, KeepAlive, Metadata, Nak,
    Pdu, SegmentRequest, SegmentRequests, TransactionId, TransactionStatus, TransmissionMode,
};
use crate::store::{FileStore, Staging, StoreError};

/// So much of a file is read at once for its checksum.
const VERIFY_BYTES: usize = 1024 * 1024;

/// What is wrong, and what exactly.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) condition: ConditionCode,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(condition: ConditionCode, text: impl ToString) -> Self {
        let text = text.to_string();
        Fault { condition, text }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Fault::new(ConditionCode::FilestoreRejection, error)
    }
}

/// What became of file data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Octets that were missing.
    New,
    /// All of it was there.
    Duplicate,
    /// There is no room for another range; it is asked for later.
    NoRoom,
    /// It is of no use any more.
    Late,
}

/// What the Metadata PDU said.
struct About {
    pdu: Vec<u8>,
    file: Option<StoreName>,
    /// None where it is not known before EOF.
    size: Option<u64>,
    closure_requested: bool,
    checksum_type: ChecksumType,
    originating: Option<TransactionId>,
}

#[derive(Clone, Copy)]
struct End {
    condition: ConditionCode,
    checksum: u32,
    size: u64,
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

/// The list of what is missing that is being sent.
#[derive(Default)]
struct NakList {
    is_due: bool,
    /// Where its next PDU goes on.
    cursor: u64,
    /// The last octet that was asked for lies before this.
    asked_until: Option<u64>,
    /// The sender waits for it, though nothing may be missing.
    is_prompted: bool,
    /// When the last PDU of it left.
    left_at: Option<Duration>,
    /// Something that it asked for came.
    is_being_answered: bool,
}

impl NakList {
    /// Whether there is nothing yet of what was asked for, and still may be.
    fn waits(&self, contact: Duration, timeout: Duration) -> bool {
        let is_on_its_way = |left_at: Duration| contact < left_at + timeout;
        self.is_due || (!self.is_being_answered && self.left_at.is_some_and(is_on_its_way))
    }
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

    pub(super) fn holes(&self) -> usize {
        self.extents.holes(0..self.scope_end()).count()
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

    /// Metadata came: what the transaction is about.
    pub(super) fn handle_metadata<S: FileStore<Staged = Staged>>(
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
            self.staged = Some(store.stage(&self.staging(), size)?);
        }
        self.begin_verifying_if_whole();
        Ok(true)
    }

    /// Octets came.
    pub(super) fn handle_data<S: FileStore<Staged = Staged>>(
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

    /// What was asked for comes, perhaps.
    fn note_answer(&mut self, range: &Range<u64>, contact: Duration) {
        let is_answer = self.nak.asked_until.is_some_and(|end| range.start < end);
        if !is_answer || self.nak.is_being_answered {
            return;
        }
        self.nak.is_being_answered = true;
        if let Some(left_at) = self.nak.left_at {
            self.round_trip.measure(contact.saturating_sub(left_at));
        }
    }

    /// There is little room for further ranges: asks for what is missing, unless that was
    /// just done. What is asked for comes before the rest of the file does.
    fn ask_while_it_comes(
        &mut self,
        range: &Range<u64>,
        was_end: u64,
        contact: Duration,
        peer: &Peer,
    ) {
        let is_further = range.start >= was_end;
        let timeout = match self.round_trip.is_measured() {
            true => self.round_trip.timeout(peer.round_trip_guess),
            false => peer.nak_timeout,
        };
        let waits = self.nak.waits(contact, timeout);
        if is_further && !waits {
            self.ask_if_needed();
        }
    }

    fn start_nak_timer(&mut self, contact: Duration, peer: &Peer) {
        let least = self.round_trip.timeout(peer.round_trip_guess);
        self.timer.start_doubling(contact, least, peer.nak_timeout);
    }

    /// EOF came.
    pub(super) fn handle_eof(
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

    /// The sender wants to hear.
    pub(super) fn handle_prompt(&mut self, wants_nak: bool, contact: Duration, peer: &Peer) {
        self.hear(contact, peer);
        match wants_nak {
            true if self.is_acknowledged() && self.phase == Phase::Receiving => {
                self.nak.is_due = true;
                self.nak.is_prompted = true;
                self.nak.cursor = 0;
            }
            true => {}
            false => self.keep_alive_due = self.is_acknowledged(),
        }
    }

    /// No octet may lie beyond the end.
    fn check_size(&self, size: u64) -> Result<(), Fault> {
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

    /// Whether something is missing that can be asked for.
    fn misses_something(&self) -> bool {
        let mut holes = self.extents.holes(0..self.scope_end());
        self.about.is_none() || holes.next().is_some()
    }

    /// What is known to have been sent ends here.
    fn scope_end(&self) -> u64 {
        let end = self.eof.as_ref().map_or(0, |(_, end)| end.size);
        end.max(self.extents.end())
    }

    fn ask_if_needed(&mut self) {
        let may_ask = self.is_acknowledged() && self.phase == Phase::Receiving;
        if may_ask && self.misses_something() {
            self.nak.is_due = true;
            self.nak.cursor = 0;
            self.nak.left_at = None;
            self.nak.is_being_answered = false;
        }
    }

    fn begin_verifying_if_whole(&mut self) {
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
    pub(super) fn verify<S: FileStore<Staged = Staged>>(
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
    pub(super) fn sync<S: FileStore<Staged = Staged>>(
        &mut self,
        store: &mut S,
    ) -> Result<(), StoreError> {
        if let (Some(staged), true) = (&mut self.staged, self.unsynced > 0) {
            store.sync(staged)?;
        }
        self.unsynced = 0;
        Ok(())
    }

    /// Finished came to the other end.
    pub(super) fn handle_ack_of_finished(&mut self, contact: Duration) {
        if let Some(left_at) = self.finished_left_at.take() {
            self.round_trip.measure(contact.saturating_sub(left_at));
        }
    }

    /// The file is delivered or discarded; this is how it ended.
    pub(super) fn finish(&mut self, finished: Vec<u8>) {
        self.phase = Phase::Finished;
        self.finished = Some(finished);
        self.finished_leaves = Leave::Due;
        self.staged = None;
        self.nak = NakList::default();
        self.suspended = false;
        self.rests = false;
        self.timer.reset();
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

    /// The next PDU of the list of what is missing: as many requests as it holds.
    fn build_nak(
        &mut self,
        pdu_bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Sent>, BuildError> {
        let requests_max = Nak::requests_max(&self.header, pdu_bytes_max).max(1);
        let (start, end) = (self.nak.cursor, self.scope_end());
        let asks_for_metadata = self.about.is_none() && start == 0;
        let metadata = asks_for_metadata.then_some(SegmentRequest::METADATA);
        let mut holes = self.extents.holes(start..end).peekable();
        let listed = holes
            .by_ref()
            .take(requests_max - usize::from(asks_for_metadata));
        let listed = listed.map(|hole| SegmentRequest {
            start: hole.start,
            end: hole.end,
        });
        let requests: Vec<SegmentRequest> = metadata.into_iter().chain(listed).collect();
        let is_last = holes.peek().is_none();
        let last_end = requests.last().map_or(start, |last| last.end);
        let is_prompted = std::mem::take(&mut self.nak.is_prompted);
        if requests.is_empty() && !is_prompted {
            self.nak.is_due = false;
            return Ok(None);
        }
        let nak = Nak {
            start_of_scope: start,
            end_of_scope: if is_last { end } else { last_end },
            requests: SegmentRequests::of(&requests),
        };
        Pdu::build(&self.header, &Pdu::Nak(nak), out)?;
        self.nak.is_due = !is_last;
        self.nak.cursor = last_end;
        if is_last && !requests.is_empty() {
            self.nak.asked_until = Some(last_end);
        }
        Ok(Some(Sent::Nak { is_last }))
    }

    /// A PDU left the radio, or was dropped.
    pub(super) fn handle_departed(
        &mut self,
        sent: Sent,
        left: bool,
        contact: Duration,
        peer: &Peer,
    ) {
        match (sent, left) {
            (Sent::AckOfEof, false) => {
                let end = self.eof.as_ref().map(|(_, end)| end.condition);
                self.ack_of_eof_due = self.ack_of_eof_due.or(end);
            }
            (Sent::Nak { .. }, false) => self.ask_if_needed(),
            (Sent::Nak { is_last: true }, true) if self.phase == Phase::Receiving => {
                self.nak.left_at = Some(contact);
                if self.eof.is_some() {
                    self.start_nak_timer(contact, peer);
                }
            }
            (Sent::Finished, left) => {
                self.finished_leaves.depart(left);
                if left {
                    self.finished_left_at.leave(contact);
                    let least = self.round_trip.timeout(peer.round_trip_guess);
                    self.timer.start_doubling(contact, least, peer.ack_timeout);
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, contact: Duration, peer: &Peer) {
        if std::mem::replace(&mut self.rests, false) {
            self.timer.reset();
            self.ask_if_needed();
        }
        if self.eof.is_none() && self.phase == Phase::Receiving {
            self.timer.reset();
            self.start_inactivity_timer(contact, peer);
        }
    }

    /// Where something may be asked for, it is when file data ceases to come: EOF is lost.
    fn start_inactivity_timer(&mut self, contact: Duration, peer: &Peer) {
        let most = peer.inactivity_timeout;
        match self.is_acknowledged() {
            true => {
                let least = self.round_trip.silence();
                self.timer.start_doubling(contact, least, most);
            }
            false => self.timer.start(contact, most),
        }
    }

    /// Contact began: what is missing is asked for at once, and what is not acknowledged
    /// goes again.
    pub(super) fn handle_aos(&mut self, contact: Duration, peer: &Peer) {
        self.timer.reset();
        self.hear(contact, peer);
        self.ask_if_needed();
        if self.finished_leaves == Leave::Left {
            self.finished_leaves = Leave::Due;
        }
        if !self.is_acknowledged() && self.eof.is_some() {
            self.timer.start(contact, peer.check_timeout);
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Verifying | Phase::Delivering => Some(Duration::ZERO),
            _ => self.timer.due().filter(|_| !self.suspended),
        }
    }

    pub(super) fn handle_timeout(&mut self, contact: Duration, peer: &Peer) -> Result<(), Fault> {
        if self.suspended || !self.timer.has_run_out(contact) {
            return Ok(());
        }
        if self.rests {
            self.handle_aos(contact, peer);
            return Ok(());
        }
        let expiries = self.timer.expiries();
        let (limit, condition, text) = match (self.phase, self.eof.is_some()) {
            (Phase::Finished, _) => (
                peer.ack_limit,
                ConditionCode::PositiveAckLimitReached,
                "Finished is not acknowledged",
            ),
            (_, true) if !self.is_acknowledged() => (
                peer.check_limit,
                ConditionCode::CheckLimitReached,
                "the file is not whole after EOF",
            ),
            (_, true) => (
                peer.nak_limit,
                ConditionCode::NakLimitReached,
                "what is asked for does not come",
            ),
            (_, false) => (
                peer.inactivity_limit,
                ConditionCode::InactivityDetected,
                "the sender is silent",
            ),
        };
        if expiries > limit {
            return Err(Fault::new(condition, text));
        }
        match self.phase {
            Phase::Finished if self.finished_leaves == Leave::Left => {
                self.finished_leaves = Leave::Due;
            }
            Phase::Receiving if !self.is_acknowledged() => {
                self.timer.start(contact, peer.check_timeout);
            }
            // A list that is on its way to the radio is none that brought nothing.
            Phase::Receiving if self.nak.is_due && self.eof.is_some() => {
                self.start_nak_timer(contact, peer);
            }
            Phase::Receiving => {
                self.ask_if_needed();
                if self.eof.is_none() {
                    self.start_inactivity_timer(contact, peer);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing is done until contact begins anew, the sender is heard, or for long.
    pub(super) fn rest(&mut self, contact: Duration, peer: &Peer) {
        self.rests = true;
        self.timer.start(contact, peer.rest_timeout);
    }

    pub(super) fn suspend(&mut self) {
        self.suspended = true;
    }

    pub(super) fn resume(&mut self, contact: Duration, peer: &Peer) {
        self.suspended = false;
        self.handle_aos(contact, peer);
    }
}

impl About {
    fn of(metadata: &Metadata<'_>, octets: &[u8]) -> Result<Self, Fault> {
        let name = metadata.destination_name.octets();
        let file = match name.is_empty() {
            true => None,
            false => Some(StoreName::new(name).map_err(|error| {
                let text = format!("the file name {}: {error}", name.escape_ascii());
                Fault::new(ConditionCode::FilestoreRejection, text)
            })?),
        };
        Ok(About {
            pdu: octets.to_vec(),
            file,
            size: Some(metadata.file_size).filter(|size| *size > 0),
            closure_requested: metadata.closure_requested,
            checksum_type: metadata.checksum_type,
            originating: originating_of(metadata),
        })
    }
}

impl End {
    fn of(eof: &Eof) -> Self {
        End {
            condition: eof.condition,
            checksum: eof.checksum,
            size: eof.file_size,
        }
    }
}
