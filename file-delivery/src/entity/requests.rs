//! What the user of an entity asks for.

use std::time::Instant;

use super::Entity;
use super::event::{Event, Outcome, PutRequest, RequestError, Role};
use super::record::Record;
use super::sender::{File, Sender};
use crate::checksum::Checksum;
use crate::pdu::tlv::{Lv, MetadataOptions};
use crate::pdu::{
    ConditionCode, DeliveryCode, FileData, FileStatus, Header, Metadata, Pdu, PromptResponse,
    TransactionId, TransactionSeq, TransmissionMode, Width, Widths,
};
use crate::store::{Change, FileStore, Journal};

/// Files up to here have offsets of 32 bits.
const SMALL_FILE_BYTES_MAX: u64 = u32::MAX as u64;

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Begins to send a file, or what goes without one. It is durable when this returns.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn put(
        &mut self,
        now: Instant,
        request: &PutRequest,
    ) -> Result<TransactionId, RequestError> {
        let sender = self.prepare(request, self.config.transactions_max)?;
        let id = sender.header().transaction;
        let record = Record::Sending(sender.record());
        let octets = record.encode().map_err(crate::store::JournalError)?;
        // On its own: what failed before does not keep it from failing by itself.
        self.journal.commit(&[
            Change::NextNumber(self.next_number + 1),
            Change::Put(id, octets),
        ])?;
        self.counts.commits += 1;
        self.add(sender);
        self.commit(now);
        Ok(id)
    }

    /// Begins to send, with the next commit.
    pub(super) fn begin(&mut self, sender: Sender<S::Source>) -> TransactionId {
        let id = self.add(sender);
        self.changes.push(Change::NextNumber(self.next_number));
        self.note(id);
        id
    }

    fn add(&mut self, sender: Sender<S::Source>) -> TransactionId {
        let id = sender.header().transaction;
        self.next_number += 1;
        self.next_arrival += 1;
        self.sending.insert(id, sender);
        self.touch(id);
        id
    }

    /// What [`begin`](Self::begin) takes, with the number that is next; nothing is begun.
    pub(super) fn prepare(
        &mut self,
        request: &PutRequest,
        transactions_max: usize,
    ) -> Result<Sender<S::Source>, RequestError> {
        let peer = self.peers.get(&request.destination);
        let peer = peer.ok_or(RequestError::UnknownPeer(request.destination))?;
        let pdu_bytes_max = peer.pdu_bytes_max.min(self.pdu_bytes_max);
        if self.sending.len() >= transactions_max {
            return Err(RequestError::TooMany { transactions_max });
        }
        let file = match &request.file {
            Some((name, _)) => {
                let (source, identity) = self.store.open(name)?;
                Some(File {
                    name: name.clone(),
                    identity,
                    source: Some(source),
                })
            }
            None => None,
        };
        let size = file.as_ref().map_or(0, |file| file.identity.size);
        let own = self.config.widths;
        let id = TransactionId {
            source: self.config.id,
            number: TransactionSeq(self.next_number),
        };
        let header = Header {
            mode: request.mode,
            crc: peer.crc,
            large_file: size > SMALL_FILE_BYTES_MAX,
            widths: Widths {
                entity_id: own
                    .entity_id
                    .max(Width::for_value(request.destination.0))
                    .max(Width::for_value(id.source.0)),
                transaction_seq: own.transaction_seq.max(Width::for_value(id.number.0)),
            },
            transaction: id,
            destination: request.destination,
        };
        let names = request.file.as_ref();
        let names = names.map_or((Lv::EMPTY, Lv::EMPTY), |(here, there)| {
            (here.lv(), there.lv())
        });
        let metadata = Metadata {
            closure_requested: request.closure_requested,
            checksum_type: peer.checksum_type,
            file_size: size,
            source_name: names.0,
            destination_name: names.1,
            options: MetadataOptions::new_checked(&request.options)
                .map_err(RequestError::Options)?,
        };
        let checksum = Checksum::new(peer.checksum_type)
            .map_err(|_| RequestError::Checksum(peer.checksum_type))?;
        let mut pdu = Vec::new();
        Pdu::build(&header, &Pdu::Metadata(metadata), &mut pdu)?;
        let data_bytes_max = FileData::data_bytes_max(&header, pdu_bytes_max);
        if pdu.len() > pdu_bytes_max || (size > 0 && data_bytes_max == 0) {
            return Err(RequestError::PduTooSmall {
                pdu_bytes_max,
                metadata_bytes: pdu.len(),
            });
        }
        let order = (request.priority, self.next_arrival);
        let ranges_max = self.config.ranges_max;
        let mut sender = Sender::new(header, pdu, file, checksum, order, ranges_max);
        sender.expect_round_trip(self.round_trip(request.destination));
        Ok(sender)
    }

    /// Nothing more goes out of a transaction until [`resume`](Self::resume). What comes
    /// is taken.
    ///
    /// # Errors
    /// [`RequestError::UnknownTransaction`].
    pub fn suspend(&mut self, now: Instant, id: TransactionId) -> Result<(), RequestError> {
        match (self.sending.get_mut(&id), self.receiving.get_mut(&id)) {
            (Some(sender), _) => sender.suspend(),
            (_, Some(receiver)) => receiver.suspend(),
            _ => return Err(RequestError::UnknownTransaction(id)),
        }
        self.note_and_touch(now, id);
        Ok(())
    }

    /// A transaction goes on.
    ///
    /// # Errors
    /// [`RequestError::UnknownTransaction`].
    pub fn resume(&mut self, now: Instant, id: TransactionId) -> Result<(), RequestError> {
        let contact = self.clock.contact(now);
        let peer = self.peers.get(&id.source);
        match (self.sending.get_mut(&id), self.receiving.get_mut(&id)) {
            (Some(sender), _) => sender.resume(),
            (_, Some(receiver)) => {
                let peer = peer.ok_or(RequestError::UnknownPeer(id.source))?;
                receiver.resume(contact, peer);
            }
            _ => return Err(RequestError::UnknownTransaction(id)),
        }
        self.note_and_touch(now, id);
        Ok(())
    }

    /// Asks the receiver of a file that is sent to ask for what it misses now, or to say
    /// how far it is (an [`Event::Progress`]).
    ///
    /// # Errors
    /// [`RequestError::UnknownTransaction`] where no such file is sent,
    /// [`RequestError::NotAcknowledged`].
    pub fn prompt(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: PromptResponse,
    ) -> Result<(), RequestError> {
        let sender = self.sending.get_mut(&id);
        let sender = sender.ok_or(RequestError::UnknownTransaction(id))?;
        if sender.header().mode == TransmissionMode::Unacknowledged {
            return Err(RequestError::NotAcknowledged(id));
        }
        sender.prompt(response);
        self.touch(id);
        self.commit(now);
        Ok(())
    }

    /// Ends a transaction without the file; the other end is told.
    ///
    /// # Errors
    /// [`RequestError::UnknownTransaction`].
    pub fn cancel(&mut self, now: Instant, id: TransactionId) -> Result<(), RequestError> {
        let condition = ConditionCode::CancelRequestReceived;
        if let Some(sender) = self.sending.get_mut(&id) {
            sender.cancel(condition);
            if !sender.has_spoken() {
                // There is nobody to tell.
                self.end_sender_unheard(id);
            }
        } else if let Some(receiver) = self.receiving.get(&id) {
            // What is delivered stays.
            if receiver.finished().is_none() {
                self.finish(now, id, condition, FileStatus::Discarded);
            }
        } else {
            return Err(RequestError::UnknownTransaction(id));
        }
        self.note_and_touch(now, id);
        Ok(())
    }

    /// Ends a transaction here; the other end is not told.
    ///
    /// # Errors
    /// [`RequestError::UnknownTransaction`].
    pub fn abandon(&mut self, now: Instant, id: TransactionId) -> Result<(), RequestError> {
        let role = match (self.sending.contains_key(&id), self.receiving.get(&id)) {
            (true, _) => Role::Sender,
            (_, Some(_)) => Role::Receiver,
            _ => return Err(RequestError::UnknownTransaction(id)),
        };
        let was_told = self.receiving.get(&id).is_some_and(|receiver| {
            // It ended before, and only waited for the acknowledgement.
            receiver.finished().is_some()
        });
        let outcome = Outcome {
            condition: ConditionCode::CancelRequestReceived,
            delivery: DeliveryCode::Incomplete,
            file_status: FileStatus::Discarded,
            responses: Vec::new(),
        };
        match role {
            Role::Sender => self.finish_at_sender(id, outcome),
            Role::Receiver if was_told => self.end(id),
            Role::Receiver => {
                self.abandon_receiving(id);
                self.events.push_back(Event::Finished {
                    transaction: id,
                    role,
                    outcome,
                });
            }
        }
        self.commit(now);
        Ok(())
    }

    fn note_and_touch(&mut self, now: Instant, id: TransactionId) {
        self.note(id);
        self.touch(id);
        self.commit(now);
    }
}
