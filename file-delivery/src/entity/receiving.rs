//! What an entity does about the files that it receives.

use std::time::Instant;

use super::event::{Event, Outcome, Role};
use super::options::{fault_handler_of, originating_of, requests_of};
use super::receiver::{Fault, Phase, Receiver, Taken};
use super::{Entity, PduDropReason, Peer};
use crate::pdu::tlv::{FilestoreResponse, FilestoreResponses, FilestoreStatus, Lv};
use crate::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, FaultHandler, FileStatus, Finished, Header,
    Metadata, Pdu, PromptResponse, TransactionId, TransactionStatus, TransmissionMode,
};
use crate::store::{FileStore, Journal};

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// A PDU of the entity that sends the file.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        peer: &Peer,
        header: &Header,
        pdu: &Pdu<'_>,
        octets: &[u8],
    ) -> Result<(), PduDropReason> {
        let id = header.transaction;
        if !self.receiving.contains_key(&id) {
            self.begin_receiving(header, pdu)?;
        }
        let at = (self.clock.contact(now), peer);
        let Some(receiver) = self.receiving.get_mut(&id) else {
            return Err(PduDropReason::UnknownTransaction);
        };
        let done = match pdu {
            Pdu::Metadata(metadata) => {
                let taken = receiver.handle_metadata(metadata, octets, &mut self.store, at);
                taken.map(|is_new| match is_new {
                    true => {
                        self.tell_metadata(id, metadata);
                        Ok(())
                    }
                    false => Err(PduDropReason::Duplicate),
                })
            }
            Pdu::FileData(data) => {
                let taken = receiver.handle_data(data, &mut self.store, at);
                taken.map(|taken| match taken {
                    Taken::New => Ok(()),
                    Taken::Duplicate => Err(PduDropReason::Duplicate),
                    Taken::NoRoom => Err(PduDropReason::NoRoom),
                    Taken::Late => Err(PduDropReason::Late),
                })
            }
            Pdu::Eof(eof) => {
                let was_receiving = receiver.phase() == Phase::Receiving;
                let taken = receiver.handle_eof(eof, octets, at);
                if eof.condition != ConditionCode::NoError && was_receiving {
                    self.finish(now, id, eof.condition, FileStatus::Discarded);
                    return Ok(());
                }
                // Acknowledged is what is durable.
                if was_receiving && taken.is_ok() {
                    self.sync(now, id);
                }
                taken.map(Ok)
            }
            Pdu::Prompt(prompt) => {
                let wants_nak = prompt.response == PromptResponse::Nak;
                receiver.handle_prompt(wants_nak, at.0, peer);
                Ok(Ok(()))
            }
            Pdu::Ack(ack) if ack.of == Acknowledged::Finished => {
                match receiver.phase() == Phase::Finished {
                    true => {
                        receiver.handle_ack_of_finished(at.0);
                        self.end(id);
                        Ok(Ok(()))
                    }
                    false => Ok(Err(PduDropReason::Late)),
                }
            }
            _ => Ok(Err(PduDropReason::Late)),
        };
        match done {
            Ok(used) => {
                let unsynced = self.receiving.get(&id).map_or(0, Receiver::unsynced);
                if unsynced >= self.config.sync_bytes {
                    self.sync(now, id);
                }
                used
            }
            Err(fault) => {
                self.fault_at_receiver(now, id, fault);
                Err(PduDropReason::Fault)
            }
        }
    }

    fn begin_receiving(&mut self, header: &Header, pdu: &Pdu<'_>) -> Result<(), PduDropReason> {
        let id = header.transaction;
        let is_over = self.ended.contains(&id);
        let status = match is_over {
            true => TransactionStatus::Terminated,
            false => TransactionStatus::Unrecognized,
        };
        match pdu {
            Pdu::Eof(eof) if is_over || eof.condition != ConditionCode::NoError => {
                if header.mode == TransmissionMode::Acknowledged {
                    let ack = Ack {
                        of: Acknowledged::Eof,
                        condition: eof.condition,
                        status,
                    };
                    self.answer_stray(header, &Pdu::Ack(ack));
                }
                return Err(match is_over {
                    true => PduDropReason::Ended,
                    false => PduDropReason::UnknownTransaction,
                });
            }
            _ if is_over => return Err(PduDropReason::Ended),
            Pdu::Metadata(_) | Pdu::FileData(_) | Pdu::Eof(_) => {}
            _ => return Err(PduDropReason::UnknownTransaction),
        }
        if self.receiving.len() >= self.config.transactions_max {
            return Err(PduDropReason::TooManyTransactions);
        }
        let mut receiver = Receiver::new(*header, &self.config);
        receiver.expect_round_trip(self.round_trip(id.source));
        self.receiving.insert(id, receiver);
        self.events.push_back(Event::Started { transaction: id });
        Ok(())
    }

    fn tell_metadata(&mut self, id: TransactionId, metadata: &Metadata<'_>) {
        let name = self.receiving.get(&id).and_then(Receiver::name);
        self.events.push_back(Event::MetadataReceived {
            transaction: id,
            name: name.cloned(),
            size: metadata.file_size,
            originating: originating_of(metadata),
        });
    }

    /// Makes durable what came of a file, and that it came. What could not be made durable
    /// may be lost already: the transaction fails, and its sender is told.
    fn sync(&mut self, now: Instant, id: TransactionId) {
        let Some(receiver) = self.receiving.get_mut(&id) else {
            return;
        };
        self.counts.file_syncs += u64::from(receiver.unsynced() > 0);
        match receiver.sync(&mut self.store) {
            Ok(()) => self.note(id),
            Err(error) => self.fault_at_receiver(now, id, error.into()),
        }
    }

    /// Goes on with the end of a file that is whole.
    pub(super) fn work(&mut self, now: Instant, id: TransactionId) {
        let Some(receiver) = self.receiving.get_mut(&id) else {
            return;
        };
        if receiver.phase() == Phase::Verifying {
            match receiver.verify(&mut self.store) {
                Ok(true) => {
                    self.sync(now, id);
                    self.commit(now);
                }
                Ok(false) => {}
                Err(fault) => self.fault_at_receiver(now, id, fault),
            }
            return;
        }
        if receiver.phase() != Phase::Delivering || !self.changes.is_empty() {
            return;
        }
        let (staging, size) = (receiver.staging(), receiver.size().unwrap_or(0));
        let name = receiver.name().cloned();
        if let Some(name) = &name
            && let Err(error) = self.store.deliver(&staging, size, name)
        {
            return self.fault_at_receiver(now, id, error.into());
        }
        if !self.perform(now, id) {
            return;
        }
        // With the commit that says that it is over: never twice, and never lost.
        self.operate(now, id);
        let status = match name {
            Some(_) => FileStatus::Retained,
            None => FileStatus::Unreported,
        };
        self.finish(now, id, ConditionCode::NoError, status);
    }

    /// Does what filestore requests ask for, each once: one that a restart interrupted is
    /// not done again. False where the journal failed, and it goes on later.
    fn perform(&mut self, now: Instant, id: TransactionId) -> bool {
        let metadata = self.receiving.get(&id).and_then(Receiver::metadata);
        let Some(metadata) = metadata.map(<[u8]>::to_vec) else {
            return true;
        };
        let may_ask = self.peers.get(&id.source).is_some_and(|peer| peer.may_ask);
        for (number, request) in requests_of(&metadata).enumerate() {
            let Some(receiver) = self.receiving.get_mut(&id) else {
                return true;
            };
            let failed_before = receiver.performed.iter().take(number).any(|status| {
                let successful = FilestoreStatus::Successful.code(request.action());
                *status != successful
            });
            match receiver.performed.get_mut(number) {
                Some(Some(_)) => continue,
                Some(interrupted) => {
                    *interrupted = FilestoreStatus::NotPerformed.code(request.action());
                    continue;
                }
                None => receiver.performed.push(None),
            }
            self.note(id);
            self.commit(now);
            if !self.changes.is_empty() {
                // What the journal does not have as begun, is not begun.
                if let Some(receiver) = self.receiving.get_mut(&id) {
                    receiver.performed.truncate(number);
                }
                return false;
            }
            let status = match failed_before {
                true => FilestoreStatus::NotPerformed,
                false if !may_ask => FilestoreStatus::NotAllowed,
                false => self.store.perform(&request),
            };
            let status = status.code(request.action());
            let status = status.or(FilestoreStatus::NotAllowed.code(request.action()));
            if let Some(receiver) = self.receiving.get_mut(&id)
                && let Some(place) = receiver.performed.get_mut(number)
            {
                *place = status;
            }
        }
        true
    }

    /// It is over at the receiver; the sender is told, where it is to be.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        id: TransactionId,
        condition: ConditionCode,
        file_status: FileStatus,
    ) {
        let own = self.config.id;
        let Some(receiver) = self.receiving.get_mut(&id) else {
            return;
        };
        let is_complete = condition == ConditionCode::NoError;
        if !is_complete && let Err(error) = self.store.discard(&receiver.staging()) {
            let text = error.to_string();
            self.events.push_back(Event::StorageFailed { text });
        }
        let metadata = receiver.metadata().map(<[u8]>::to_vec);
        let metadata = metadata.unwrap_or_default();
        let performed = &receiver.performed;
        let responses: Vec<FilestoreResponse<'_>> = requests_of(&metadata)
            .enumerate()
            .map(|(number, request)| {
                let code = performed.get(number).copied().flatten();
                let status = code.and_then(|code| FilestoreStatus::of_code(request.action(), code));
                FilestoreResponse {
                    request,
                    status: status.unwrap_or(FilestoreStatus::NotPerformed),
                    message: Lv::EMPTY,
                }
            })
            .collect();
        let finished = Finished {
            condition,
            delivery: match is_complete {
                true => DeliveryCode::Complete,
                false => DeliveryCode::Incomplete,
            },
            file_status,
            responses: FilestoreResponses::of(&responses),
            fault_location: (!is_complete).then_some(own),
        };
        let outcome = Outcome {
            condition,
            delivery: finished.delivery,
            file_status,
            responses: responses.iter().map(|response| response.status).collect(),
        };
        let mut pdu = Vec::new();
        let built = Pdu::build(receiver.header(), &Pdu::Finished(finished), &mut pdu);
        let tells_the_end = receiver.tells_the_end() && built.is_ok();
        receiver.finish(pdu);
        self.events.push_back(Event::Finished {
            transaction: id,
            role: Role::Receiver,
            outcome,
        });
        match tells_the_end {
            true => self.note(id),
            false => self.end(id),
        }
        self.commit(now);
    }

    pub(super) fn fault_at_receiver(&mut self, now: Instant, id: TransactionId, fault: Fault) {
        let Some(receiver) = self.receiving.get_mut(&id) else {
            return;
        };
        let Fault {
            condition,
            file_status,
            text,
        } = fault;
        let overridden = receiver
            .metadata()
            .and_then(|metadata| fault_handler_of(metadata, condition));
        let peer = self.peers.get(&id.source);
        let handler = overridden.or(peer.map(|peer| peer.faults.of(condition)));
        let mut handler = handler.unwrap_or(FaultHandler::NoticeOfCancellation);
        let is_a_limit = matches!(
            condition,
            ConditionCode::PositiveAckLimitReached
                | ConditionCode::NakLimitReached
                | ConditionCode::InactivityDetected
        );
        if handler == FaultHandler::IgnoreError && (!is_a_limit || !receiver.is_acknowledged()) {
            // There is nothing to go on with: without acknowledgements, nothing is sent
            // again.
            handler = FaultHandler::NoticeOfCancellation;
        }
        self.events.push_back(Event::Fault {
            transaction: id,
            condition,
            handler,
            text,
        });
        let is_finished = receiver.phase() == Phase::Finished;
        match handler {
            FaultHandler::NoticeOfCancellation if is_finished => self.end(id),
            FaultHandler::NoticeOfCancellation => {
                return self.finish(now, id, condition, file_status);
            }
            FaultHandler::NoticeOfSuspension => {
                receiver.suspend();
                self.note(id);
            }
            FaultHandler::IgnoreError => {
                if let Some(peer) = self.peers.get(&id.source) {
                    receiver.rest(self.clock.contact(now), peer);
                }
            }
            FaultHandler::AbandonTransaction => self.abandon_receiving(id),
        }
        self.touch(id);
        self.commit(now);
    }

    /// Nothing is kept, and nobody is told.
    pub(super) fn abandon_receiving(&mut self, id: TransactionId) {
        let staging = self.receiving.get(&id).map(Receiver::staging);
        if let Some(staging) = staging
            && let Err(error) = self.store.discard(&staging)
        {
            let text = error.to_string();
            self.events.push_back(Event::StorageFailed { text });
        }
        self.end(id);
    }
}
