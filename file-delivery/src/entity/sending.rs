//! What an entity does about the files that it sends.

use std::time::Instant;

use super::event::{Event, Outcome, Role};
use super::options::fault_handler_of;
use super::record::Verdict;
use super::sender::Sender;
use super::{Entity, PduDropReason, Peer};
use crate::pdu::tlv::FilestoreStatus;
use crate::pdu::{
    Ack, Acknowledged, ConditionCode, DeliveryCode, Eof, FaultHandler, FileStatus, Finished,
    Header, Pdu, TransactionId, TransactionStatus,
};
use crate::store::{FileStore, Journal};

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// A PDU of the entity that receives the file.
    pub(super) fn hear_receiver(
        &mut self,
        now: Instant,
        peer: &Peer,
        header: &Header,
        pdu: &Pdu<'_>,
    ) -> Result<(), PduDropReason> {
        let id = header.transaction;
        let contact = self.clock.contact(now);
        let Some(sender) = self.sending.get_mut(&id) else {
            return self.hear_of_no_sender(header, pdu);
        };
        if sender.header().destination != header.destination {
            // Of an entity that is known, and has no part in it.
            return Err(PduDropReason::UnknownTransaction);
        }
        match pdu {
            Pdu::Ack(ack) if ack.of == Acknowledged::Eof => {
                let is_over = sender.handle_ack_of_eof(ack, contact, peer);
                if is_over {
                    self.end_sender_unheard(id);
                }
                Ok(())
            }
            Pdu::Nak(nak) => {
                sender.handle_nak(nak, contact, peer);
                Ok(())
            }
            Pdu::KeepAlive(keep_alive) => {
                sender.hear();
                self.events.push_back(Event::Progress {
                    transaction: id,
                    octets: keep_alive.progress,
                });
                Ok(())
            }
            Pdu::Finished(finished) => {
                self.finish_sender(header, finished);
                Ok(())
            }
            _ => Err(PduDropReason::Late),
        }
    }

    fn hear_of_no_sender(&mut self, header: &Header, pdu: &Pdu<'_>) -> Result<(), PduDropReason> {
        let is_over = self.ended.contains(&header.transaction);
        if let Pdu::Finished(finished) = pdu {
            let status = match is_over {
                true => TransactionStatus::Terminated,
                false => TransactionStatus::Unrecognized,
            };
            self.acknowledge_finished(header, finished, status);
        }
        if matches!(pdu, Pdu::Nak(_) | Pdu::KeepAlive(_)) {
            self.cancel_at_receiver(header);
        }
        match is_over {
            true => Err(PduDropReason::Ended),
            false => Err(PduDropReason::UnknownTransaction),
        }
    }

    /// A receiver waits for what will never come, and would for ever. It acknowledges this
    /// EOF, or says again that it waits.
    fn cancel_at_receiver(&mut self, header: &Header) {
        let eof = Eof {
            condition: ConditionCode::CancelRequestReceived,
            checksum: 0,
            file_size: 0,
            fault_location: Some(self.config.id),
        };
        self.answer_stray(header, &Pdu::Eof(eof));
    }

    fn acknowledge_finished(
        &mut self,
        header: &Header,
        finished: &Finished<'_>,
        status: TransactionStatus,
    ) {
        let ack = Ack {
            of: Acknowledged::Finished,
            condition: finished.condition,
            status,
        };
        self.answer_stray(header, &Pdu::Ack(ack));
    }

    /// The receiver told how it ended.
    fn finish_sender(&mut self, header: &Header, finished: &Finished<'_>) {
        let responses = finished.responses.iter();
        let outcome = Outcome {
            condition: finished.condition,
            delivery: finished.delivery,
            file_status: finished.file_status,
            responses: responses.map(|response| response.status).collect(),
        };
        if header.mode == crate::pdu::TransmissionMode::Acknowledged {
            self.acknowledge_finished(header, finished, TransactionStatus::Active);
        }
        self.finish_at_sender(header.transaction, outcome);
    }

    /// It is over; who asked for it is told, with the same commit.
    pub(super) fn finish_at_sender(&mut self, id: TransactionId, outcome: Outcome) {
        let answer = self.answer_to_proxy(id, &outcome);
        let verdict = match outcome.is_success() && outcome.file_status == FileStatus::Retained {
            true => Verdict::Arrived,
            false => Verdict::NotArrived,
        };
        self.events.push_back(Event::Finished {
            transaction: id,
            role: Role::Sender,
            outcome,
        });
        self.end_as(id, verdict);
        if let Some((asked_by, messages)) = answer {
            self.answer(asked_by, &messages);
        }
    }

    /// It is over, and the receiver does not tell how it ended.
    pub(super) fn end_sender_unheard(&mut self, id: TransactionId) {
        let cancelled = self.sending.get(&id).and_then(Sender::cancelled);
        let outcome = Outcome {
            condition: cancelled.unwrap_or(ConditionCode::NoError),
            // Not known: never a success.
            delivery: DeliveryCode::Incomplete,
            file_status: FileStatus::Unreported,
            responses: Vec::<FilestoreStatus>::new(),
        };
        self.finish_at_sender(id, outcome);
    }

    pub(super) fn fault_at_sender(
        &mut self,
        now: Instant,
        id: TransactionId,
        condition: ConditionCode,
        text: String,
    ) {
        let Some(sender) = self.sending.get_mut(&id) else {
            return;
        };
        let peer = self.peers.get(&sender.header().destination);
        let handler = peer.map(|peer| peer.faults.of(condition));
        let overridden = fault_handler_of(sender.metadata(), condition);
        let handler = overridden.or(handler);
        let mut handler = handler.unwrap_or(FaultHandler::AbandonTransaction);
        if sender.cancelled().is_some() {
            // There is nobody to tell any more.
            handler = FaultHandler::AbandonTransaction;
        }
        self.events.push_back(Event::Fault {
            transaction: id,
            condition,
            handler,
            text,
        });
        match handler {
            FaultHandler::NoticeOfCancellation => sender.cancel(condition),
            FaultHandler::NoticeOfSuspension => sender.suspend(),
            FaultHandler::IgnoreError => {
                if let Some(peer) = self.peers.get(&sender.header().destination) {
                    sender.rest(self.clock.contact(now), peer);
                }
            }
            FaultHandler::AbandonTransaction => self.end_sender_unheard(id),
        }
        self.note(id);
        self.touch(id);
        self.commit(now);
    }
}
