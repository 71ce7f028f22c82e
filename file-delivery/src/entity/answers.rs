//! What an entity answers to those that asked it for something: transactions without a
//! file, acknowledged, with the Originating Transaction Id (CCSDS 727.0-B-5 §6.1.5).

use super::Entity;
use super::event::{Event, Outcome, PutRequest, RequestError};
use super::options::{encoded, requests_of};
use crate::pdu::tlv::{FilestoreResponse, Lv, ProxyMessage, ReservedMessage};
use crate::pdu::{ConditionCode, FaultHandler, TransactionId};
use crate::store::{FileStore, Journal};

/// So many answers may be under way where there is no room for other transactions:
/// whoever is refused is to hear of it.
const ANSWERS_MAX: usize = 256;

/// The condition that is told of what cannot be begun.
pub(super) fn condition_of(error: &RequestError) -> ConditionCode {
    match error {
        RequestError::Store(_) => ConditionCode::FilestoreRejection,
        RequestError::Checksum(_) => ConditionCode::UnsupportedChecksumType,
        // The standard has no condition for the limits of an entity.
        _ => ConditionCode::CancelRequestReceived,
    }
}

/// Reserved messages as they go over the link: first the answer, then what may be left
/// out for want of room.
pub(super) type AnswerMessages = Vec<Vec<u8>>;

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Begins to answer, with the next commit. The first message is the answer; the
    /// others go with it if there is room.
    pub(super) fn answer(&mut self, asked_by: TransactionId, messages: &AnswerMessages) {
        let all = self.begin_answer(asked_by, messages);
        let begun = match (all, messages.split_at_checked(1)) {
            (Err(RequestError::PduTooSmall { .. }), Some((first, _))) => {
                self.begin_answer(asked_by, first)
            }
            (all, _) => all,
        };
        if let Err(error) = begun {
            self.counts.answers_dropped += 1;
            self.tell_refused(
                asked_by,
                condition_of(&error),
                format!("no answer: {error}"),
            );
        }
    }

    fn begin_answer(
        &mut self,
        asked_by: TransactionId,
        messages: &[Vec<u8>],
    ) -> Result<(), RequestError> {
        let mut request = PutRequest::without_file(asked_by.source)
            .with_reserved(&ReservedMessage::OriginatingTransaction(asked_by))?;
        for message in messages {
            request = request.with_message(message)?;
        }
        let most = self.config.transactions_max.saturating_add(ANSWERS_MAX);
        let sender = self.prepare(&request, most)?;
        self.begin(sender);
        Ok(())
    }

    /// Answers with one message.
    pub(super) fn answer_with(&mut self, asked_by: TransactionId, message: &ReservedMessage<'_>) {
        match encoded(message) {
            Ok(octets) => self.answer(asked_by, &vec![octets]),
            Err(error) => {
                self.counts.answers_dropped += 1;
                let condition = ConditionCode::CancelRequestReceived;
                self.tell_refused(asked_by, condition, format!("no answer: {error}"));
            }
        }
    }

    /// What is told of a put that ends, and whom, where another entity asked for it.
    pub(super) fn answer_to_proxy(
        &self,
        id: TransactionId,
        outcome: &Outcome,
    ) -> Option<(TransactionId, AnswerMessages)> {
        let sender = self.sending.get(&id)?;
        let asked_by = sender.on_behalf?;
        let response = ReservedMessage::Proxy(ProxyMessage::PutResponse {
            condition: outcome.condition,
            delivery: outcome.delivery,
            file_status: outcome.file_status,
        });
        let mut messages = vec![encoded(&response).ok()?];
        for (request, status) in requests_of(sender.metadata()).zip(&outcome.responses) {
            let response = FilestoreResponse {
                request,
                status: *status,
                message: Lv::EMPTY,
            };
            let message = ReservedMessage::Proxy(ProxyMessage::FilestoreResponse(response));
            // One that is too long for a message is left out.
            messages.extend(encoded(&message).ok());
        }
        Some((asked_by, messages))
    }

    /// Something is not done that was asked for by a transaction which itself is well.
    pub(super) fn tell_refused(
        &mut self,
        asked_by: TransactionId,
        condition: ConditionCode,
        text: String,
    ) {
        self.events.push_back(Event::Fault {
            transaction: asked_by,
            condition,
            handler: FaultHandler::IgnoreError,
            text,
        });
    }
}
