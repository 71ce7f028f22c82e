//! A CFDP entity: every decision, and no socket, clock or thread.
//!
//! [`Entity`] sends and receives files. Its methods are of these kinds:
//!
//! - [`put`](Entity::put), [`suspend`](Entity::suspend), [`resume`](Entity::resume),
//!   [`cancel`](Entity::cancel) and [`abandon`](Entity::abandon) are what its user asks
//!   for.
//! - [`get`](Entity::get), [`list`](Entity::list), [`remote_suspend`](Entity::remote_suspend)
//!   and others ask another entity to do something (CCSDS 727.0-B-5 §6); what comes of it
//!   is told by an [`Event`]. What others ask of this one it does by itself, where
//!   [`Peer::may_ask`] allows it.
//! - `handle_*(now, …)` tells it what happened: a PDU came, one left the radio, contact
//!   began or ended, time passed.
//! - `poll_*` asks it what to do: [`poll_directive`](Entity::poll_directive) and
//!   [`poll_data`](Entity::poll_data) whenever the radio has room,
//!   [`poll_event`](Entity::poll_event) until it gives none, and
//!   [`poll_timeout`](Entity::poll_timeout) for when to call
//!   [`handle_timeout`](Entity::handle_timeout).
//!
//! Time is a parameter that never goes back. Files and journal are behind the traits of
//! [`store`](crate::store), which it calls when it needs them: what it acknowledges is
//! durable before.

mod answers;
mod asks;
mod clock;
mod config;
mod counts;
mod ended;
mod event;
mod index;
mod messages;
mod operations;
mod options;
mod receiver;
mod receiving;
mod record;
mod report;
mod requests;
mod round_trip;
mod sender;
mod sending;
mod sent;
mod temporary;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub use asks::{GetRequest, ListRequest};
pub use config::{EntityConfig, FaultHandlers, NakMode, Peer};
pub use counts::{EntityCounts, PduDropReason};
pub use event::{Event, Outcome, PutRequest, RequestError, Role};
pub use report::TransactionReport;

use clock::ContactClock;
use ended::Ended;
use index::{Index, ToDo};
use receiver::{Phase, Receiver};
use record::{EndedRecord, Record, Verdict};
use round_trip::RoundTrip;
use sender::Sender;
use sent::Sent;

use crate::StoreName;
use crate::pdu::{ConditionCode, Direction, EntityId, FaultHandler, Header, Pdu, TransactionId};
use crate::store::{Change, FileStore, Journal, JournalError, Staging};

/// PDUs of transactions that are over, and wait for the radio; more are not made.
const STRAY_PDUS_MAX: usize = 64;

/// Until a journal that failed is tried again.
const JOURNAL_PAUSE: Duration = Duration::from_secs(1);

/// A PDU that was handed out, until [`Entity::handle_departed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PduToken(u64);

/// An entity. See the head of this module.
pub struct Entity<S: FileStore, J: Journal> {
    config: EntityConfig,
    peers: BTreeMap<EntityId, Peer>,
    store: S,
    journal: J,
    clock: ContactClock,
    sending: BTreeMap<TransactionId, Sender<S::Source>>,
    receiving: BTreeMap<TransactionId, Receiver<S::Staged>>,
    ended: Ended,
    index: Index,
    /// As the last transaction with each peer measured them.
    round_trips: BTreeMap<EntityId, RoundTrip>,
    next_number: u64,
    next_arrival: u64,
    with_radio: BTreeMap<PduToken, (TransactionId, Sent)>,
    next_token: u64,
    stray: VecDeque<Vec<u8>>,
    /// What the journal does not have yet. Until it does, nothing is handed out.
    changes: Vec<Change>,
    /// When a journal that failed is tried again.
    retry_at: Option<Instant>,
    events: VecDeque<Event>,
    counts: EntityCounts,
    buffer: Vec<u8>,
    /// Octets that the link carries in a PDU.
    pdu_bytes_max: usize,
    /// Files that go once the journal has it that their transactions are over.
    to_remove: Vec<StoreName>,
    started: Instant,
}

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// An entity that goes on where the journal says it was. It is in contact until
    /// [`handle_contact`](Self::handle_contact) says otherwise.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be read. A record that means nothing is
    /// left in it and told by an [`Event`].
    pub fn new(
        now: Instant,
        config: EntityConfig,
        peers: impl IntoIterator<Item = Peer>,
        store: S,
        mut journal: J,
    ) -> Result<Self, JournalError> {
        let journaled = journal.load()?;
        let next_number = journaled.next_number.max(config.first_number);
        let mut entity = Entity {
            config,
            peers: peers.into_iter().map(|peer| (peer.id, peer)).collect(),
            store,
            journal,
            clock: ContactClock::new(now, true),
            sending: BTreeMap::new(),
            receiving: BTreeMap::new(),
            ended: Ended::default(),
            index: Index::default(),
            round_trips: BTreeMap::new(),
            next_number,
            next_arrival: 0,
            with_radio: BTreeMap::new(),
            next_token: 0,
            stray: VecDeque::new(),
            changes: Vec::new(),
            retry_at: None,
            events: VecDeque::new(),
            counts: EntityCounts::default(),
            buffer: Vec::new(),
            pdu_bytes_max: usize::MAX,
            to_remove: Vec::new(),
            started: now,
        };
        for (id, octets) in &journaled.records {
            if let Err(text) = entity.restore(*id, octets) {
                let text = format!("the journal's record of transaction {id}: {text}");
                entity.events.push_back(Event::StorageFailed { text });
            }
        }
        entity.sweep_temporaries();
        Ok(entity)
    }

    fn restore(&mut self, id: TransactionId, octets: &[u8]) -> Result<(), String> {
        let ranges_max = self.config.ranges_max;
        match Record::decode(octets)? {
            Record::Sending(record) => {
                let sender = Sender::restore(record, ranges_max)?;
                self.next_arrival = self.next_arrival.max(sender.order().1 + 1);
                // It cannot have had a number that was not given.
                self.next_number = self.next_number.max(id.number.0 + 1);
                self.sending.insert(id, sender);
            }
            Record::Receiving(record) => {
                let receiver = Receiver::restore(record, &self.config)?;
                self.receiving.insert(id, receiver);
            }
            Record::Ended(record) => {
                self.ended.insert(id, record, usize::MAX);
            }
        }
        self.touch(id);
        Ok(())
    }

    /// What it knows of another entity from now on; PDUs may have another size.
    pub fn set_peer(&mut self, peer: Peer) {
        let id = peer.id;
        self.peers.insert(id, peer);
        let sending = self.sending.iter();
        let sending = sending.filter(|(_, sender)| sender.header().destination == id);
        let receiving = self.receiving.keys().filter(|of| of.source == id);
        let of_peer = sending.map(|(of, _)| *of).chain(receiving.copied());
        let of_peer: Vec<TransactionId> = of_peer.collect();
        of_peer.into_iter().for_each(|of| self.touch(of));
    }

    /// No PDU may be larger from now on, whatever its peer takes.
    pub fn limit_pdus(&mut self, bytes_max: usize) {
        self.pdu_bytes_max = bytes_max;
    }

    /// What it knows of another entity.
    pub fn peer(&self, id: EntityId) -> Option<&Peer> {
        self.peers.get(&id)
    }

    /// Its store.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// What was counted.
    pub fn counts(&self) -> &EntityCounts {
        &self.counts
    }

    /// The places where files are put together: all others are of no transaction.
    pub fn stagings(&self) -> impl Iterator<Item = Staging> + '_ {
        self.receiving.values().map(Receiver::staging)
    }

    /// Contact began or ended.
    pub fn handle_contact(&mut self, now: Instant, in_contact: bool) {
        if !self.clock.set(now, in_contact) || !in_contact {
            return;
        }
        let contact = self.clock.contact(now);
        for sender in self.sending.values_mut() {
            sender.handle_aos();
        }
        let mut receiving: Vec<TransactionId> = Vec::with_capacity(self.receiving.len());
        for (id, receiver) in &mut self.receiving {
            if let Some(peer) = self.peers.get(&id.source) {
                receiver.handle_aos(contact, peer);
            }
            receiving.push(*id);
        }
        let sending: Vec<TransactionId> = self.sending.keys().copied().collect();
        sending
            .into_iter()
            .chain(receiving)
            .for_each(|id| self.touch(id));
    }

    /// A PDU came. Whatever a plan says: there is contact.
    pub fn handle_pdu(&mut self, now: Instant, octets: &[u8]) {
        self.counts.pdus_in += 1;
        let used = match Pdu::parse(octets) {
            Ok((header, pdu)) => {
                self.handle_contact(now, true);
                self.dispatch(now, &header, &pdu, octets)
            }
            Err(_) => Err(PduDropReason::Malformed),
        };
        match used {
            Ok(()) => self.counts.used += 1,
            Err(reason) => *self.counts.dropped.entry(reason).or_default() += 1,
        }
        self.commit(now);
    }

    fn dispatch(
        &mut self,
        now: Instant,
        header: &Header,
        pdu: &Pdu<'_>,
        octets: &[u8],
    ) -> Result<(), PduDropReason> {
        let (own, other) = match pdu.direction() {
            Direction::TowardReceiver => (header.destination, header.transaction.source),
            Direction::TowardSender => (header.transaction.source, header.destination),
        };
        if own != self.config.id {
            return Err(PduDropReason::NotForUs);
        }
        let peer = self.peers.get(&other).cloned();
        let peer = peer.ok_or(PduDropReason::UnknownEntity)?;
        let result = match pdu.direction() {
            Direction::TowardReceiver => self.receive(now, &peer, header, pdu, octets),
            Direction::TowardSender => self.hear_receiver(now, &peer, header, pdu),
        };
        self.touch(header.transaction);
        result
    }

    /// The next file directive that is to go out, written to `out`. Then
    /// [`handle_departed`](Self::handle_departed).
    pub fn poll_directive(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<PduToken> {
        if !self.may_hand_out(now) {
            return None;
        }
        if let Some(stray) = self.stray.pop_front() {
            *out = stray;
            return Some(self.hand_out(None, Sent::Stray));
        }
        while let Some(id) = self.index.directive() {
            let bytes_max = self.pdu_bytes_max(id);
            let polled = match (self.sending.get_mut(&id), self.receiving.get_mut(&id)) {
                (Some(sender), _) => sender.poll_directive(out),
                (_, Some(receiver)) => receiver.poll_directive(bytes_max, out),
                _ => Ok(None),
            };
            self.touch(id);
            match polled {
                Ok(Some(sent)) => return Some(self.hand_out(Some(id), sent)),
                Ok(None) => {}
                // What cannot be built would block all others.
                Err(error) => self.end_with_fault(now, id, error.to_string()),
            }
        }
        None
    }

    /// The next PDU with file data, written to `out`: of the transactions of the highest
    /// priority the first. Then [`handle_departed`](Self::handle_departed).
    pub fn poll_data(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<PduToken> {
        if !self.may_hand_out(now) {
            return None;
        }
        while let Some(id) = self.index.data() {
            let bytes_max = self.pdu_bytes_max(id);
            let Some(sender) = self.sending.get_mut(&id) else {
                self.touch(id);
                continue;
            };
            let sent_once = sender.octets_sent();
            let polled = sender.poll_data(&mut self.store, bytes_max, &mut self.buffer, out);
            let is_again = sender.octets_sent() == sent_once;
            let is_due = sender.unsynced() >= self.config.sync_bytes;
            self.touch(id);
            match polled {
                Ok(Some(sent)) => {
                    self.counts.data_again += u64::from(is_again);
                    if is_due {
                        self.note(id);
                        self.commit(now);
                    }
                    return Some(self.hand_out(Some(id), sent));
                }
                Ok(None) => {}
                Err(error) => {
                    let condition = ConditionCode::FilestoreRejection;
                    self.fault_at_sender(now, id, condition, error.to_string());
                }
            }
        }
        None
    }

    fn may_hand_out(&self, _: Instant) -> bool {
        self.clock.is_in_contact() && self.changes.is_empty()
    }

    fn hand_out(&mut self, id: Option<TransactionId>, sent: Sent) -> PduToken {
        let token = PduToken(self.next_token);
        self.next_token += 1;
        self.counts.pdus_out += 1;
        if let Some(id) = id {
            self.with_radio.insert(token, (id, sent));
        }
        token
    }

    fn pdu_bytes_max(&self, id: TransactionId) -> usize {
        let other = match self.sending.get(&id) {
            Some(sender) => sender.header().destination,
            None => id.source,
        };
        let of_peer = self.peers.get(&other).map_or(0, |peer| peer.pdu_bytes_max);
        of_peer.min(self.pdu_bytes_max)
    }

    /// A PDU left the radio (`left`), or was dropped before.
    pub fn handle_departed(&mut self, now: Instant, token: PduToken, left: bool) {
        let Some((id, sent)) = self.with_radio.remove(&token) else {
            return;
        };
        let contact = self.clock.contact(now);
        let mut is_over = None;
        if let Some(sender) = self.sending.get_mut(&id) {
            let peer = self.peers.get(&sender.header().destination);
            if let Some(peer) = peer
                && sender.handle_departed(sent, left, contact, peer)
            {
                is_over = Some(Role::Sender);
            }
        } else if let (Some(receiver), Some(peer)) =
            (self.receiving.get_mut(&id), self.peers.get(&id.source))
        {
            receiver.handle_departed(sent, left, contact, peer);
            if sent == Sent::Finished && left && !receiver.is_acknowledged() {
                is_over = Some(Role::Receiver);
            }
        }
        match is_over {
            Some(Role::Sender) => self.end_sender_unheard(id),
            Some(Role::Receiver) => self.end(id),
            None => {}
        }
        self.touch(id);
        self.commit(now);
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, if nothing happens
    /// before; a time that has passed: at once.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if let Some(retry_at) = self.retry_at {
            return Some(retry_at);
        }
        if self.index.has_work() {
            return Some(self.started);
        }
        self.index.next_due().and_then(|due| self.clock.when(due))
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
        }
        self.commit(now);
        if !self.changes.is_empty() {
            return;
        }
        for id in self.index.work() {
            self.work(now, id);
            self.touch(id);
        }
        if self.clock.is_in_contact() {
            let contact = self.clock.contact(now);
            for id in self.index.due(contact) {
                self.run_out(now, id, contact);
                self.touch(id);
            }
        }
        self.commit(now);
    }

    fn run_out(&mut self, now: Instant, id: TransactionId, contact: Duration) {
        if let Some(sender) = self.sending.get_mut(&id) {
            let peer = self.peers.get(&sender.header().destination);
            let ran_out = peer.and_then(|peer| sender.handle_timeout(contact, peer));
            if let Some(sender::RanOut::Fault(condition)) = ran_out {
                let text = "the receiver does not answer".to_owned();
                self.fault_at_sender(now, id, condition, text);
            }
        } else if let (Some(receiver), Some(peer)) =
            (self.receiving.get_mut(&id), self.peers.get(&id.source))
            && let Err(fault) = receiver.handle_timeout(contact, peer)
        {
            self.fault_at_receiver(now, id, fault);
        }
    }

    /// Finds out what a transaction has to do from now on.
    fn touch(&mut self, id: TransactionId) {
        let other = match self.sending.get(&id) {
            Some(sender) => sender.header().destination,
            None => id.source,
        };
        if !self.peers.contains_key(&other) {
            // Until the other end is among the peers again, nothing is done.
            return self.index.set(id, ToDo::default());
        }
        let to_do = match (self.sending.get(&id), self.receiving.get(&id)) {
            (Some(sender), _) => ToDo {
                directive: sender.has_directive(),
                data: sender.has_data().then(|| sender.order()),
                due: sender.due(),
                work: false,
            },
            (_, Some(receiver)) => ToDo {
                directive: receiver.has_directive(),
                data: None,
                due: receiver.due(),
                work: matches!(receiver.phase(), Phase::Verifying | Phase::Delivering),
            },
            _ => ToDo::default(),
        };
        self.index.set(id, to_do);
    }

    /// What is known of a transaction goes to the journal with the next commit.
    fn note(&mut self, id: TransactionId) {
        let record = match (self.sending.get_mut(&id), self.receiving.get(&id)) {
            (Some(sender), _) => {
                sender.is_synced();
                Record::Sending(sender.record())
            }
            (_, Some(receiver)) => Record::Receiving(receiver.record()),
            _ => return,
        };
        self.put_record(id, &record);
    }

    fn put_record(&mut self, id: TransactionId, record: &Record) {
        self.changes
            .retain(|change| !matches!(change, Change::Put(other, _) if *other == id));
        match record.encode() {
            Ok(octets) => self.changes.push(Change::Put(id, octets)),
            Err(text) => self.events.push_back(Event::StorageFailed { text }),
        }
    }

    /// Makes what was noted durable. Until that is done, nothing is handed out.
    fn commit(&mut self, now: Instant) {
        if self.changes.is_empty() || self.retry_at.is_some() {
            return;
        }
        match self.journal.commit(&self.changes) {
            Ok(()) => {
                self.counts.commits += 1;
                self.changes.clear();
                self.remove_temporaries();
            }
            Err(error) => {
                self.retry_at = Some(now + JOURNAL_PAUSE);
                let text = error.to_string();
                self.events.push_back(Event::StorageFailed { text });
            }
        }
    }

    /// A transaction is over: nothing but the fact is kept.
    fn end(&mut self, id: TransactionId) {
        self.end_as(id, Verdict::NotNoted);
    }

    fn end_as(&mut self, id: TransactionId, verdict: Verdict) {
        if let Some(sender) = self.sending.remove(&id) {
            self.learn(sender.header().destination, sender.round_trip());
            self.drop_temporary(&sender);
        }
        if let Some(receiver) = self.receiving.remove(&id) {
            self.learn(id.source, receiver.round_trip());
        }
        let record = EndedRecord {
            order: self.ended.next_order(),
            verdict: verdict as u8,
        };
        self.put_record(id, &Record::Ended(record.clone()));
        let forgotten = self.ended.insert(id, record, self.config.ended_max);
        let forgotten = forgotten.into_iter().map(Change::Remove);
        self.changes.extend(forgotten);
        self.touch(id);
    }

    /// How far away a peer is, for its next transactions.
    fn learn(&mut self, peer: EntityId, round_trip: RoundTrip) {
        if round_trip.is_measured() && self.peers.contains_key(&peer) {
            self.round_trips.insert(peer, round_trip.of_same_end());
        }
    }

    fn round_trip(&self, peer: EntityId) -> RoundTrip {
        self.round_trips.get(&peer).copied().unwrap_or_default()
    }

    fn end_with_fault(&mut self, now: Instant, id: TransactionId, text: String) {
        let handler = FaultHandler::AbandonTransaction;
        self.events.push_back(Event::Fault {
            transaction: id,
            condition: ConditionCode::InvalidFileStructure,
            handler,
            text,
        });
        match self.sending.contains_key(&id) {
            true => self.end_sender_unheard(id),
            false => self.end(id),
        }
        self.commit(now);
    }

    /// A PDU of a transaction that is over, or never was.
    fn answer_stray(&mut self, header: &Header, pdu: &Pdu<'_>) {
        let mut out = Vec::new();
        let built = Pdu::build(header, pdu, &mut out).is_ok();
        if built && self.stray.len() < STRAY_PDUS_MAX && !self.stray.contains(&out) {
            self.stray.push_back(out);
        }
    }
}
