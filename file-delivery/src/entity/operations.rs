//! What an entity does that another asks for by messages to the user, and what it makes
//! of answers (CCSDS 727.0-B-5 §6).
//!
//! All of it goes to the journal with the commit that says that the transaction which
//! asked is over: it is done once, or the transaction is still there to do it.

use std::time::Instant;

use super::Entity;
use super::answers::condition_of;
use super::event::{Event, Outcome, PutRequest, RequestError};
use super::messages::{Answered, Asked, Messages, ProxyPut};
use super::receiver::Receiver;
use crate::StoreName;
use crate::pdu::tlv::{
    DirectoryMessage, FilestoreRequest, Lv, ProxyMessage, RemoteMessage, ReservedMessage,
};
use crate::pdu::{
    ConditionCode, DeliveryCode, EntityId, FileStatus, TransactionId, TransactionStatus,
};
use crate::store::{FileStore, Journal};

/// Why something is not done.
struct Refusal {
    condition: ConditionCode,
    text: String,
}

impl Refusal {
    fn new(condition: ConditionCode, text: impl ToString) -> Self {
        let text = text.to_string();
        Refusal { condition, text }
    }

    fn of_store(text: impl ToString) -> Self {
        Refusal::new(ConditionCode::FilestoreRejection, text)
    }

    /// The entity does not do such a thing.
    fn not_done(text: impl ToString) -> Self {
        Refusal::new(ConditionCode::CancelRequestReceived, text)
    }

    fn file_status(&self) -> FileStatus {
        match self.condition {
            ConditionCode::FilestoreRejection => FileStatus::RejectedByFilestore,
            _ => FileStatus::Discarded,
        }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Refusal::new(condition_of(&error), error)
    }
}

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Does what the messages of a transaction ask for that came whole.
    pub(super) fn operate(&mut self, now: Instant, id: TransactionId) {
        let metadata = self.receiving.get(&id).and_then(Receiver::metadata);
        let Some(metadata) = metadata.map(<[u8]>::to_vec) else {
            return;
        };
        let messages = Messages::of(&metadata);
        self.counts.messages_dropped += messages.surplus;
        for octets in &messages.others {
            self.events.push_back(Event::MessageToUser {
                transaction: id,
                octets: octets.to_vec(),
            });
        }
        self.hear_answer(id, &messages);
        if messages.asks_for_more {
            self.counts.requests_refused += 1;
            let text = "it asks for more than one thing; the first is done".to_owned();
            self.tell_refused(id, ConditionCode::CancelRequestReceived, text);
        }
        if let Some(asked) = &messages.asked {
            self.do_asked(now, id, asked, messages.originating);
        }
    }

    fn do_asked(
        &mut self,
        now: Instant,
        id: TransactionId,
        asked: &Asked<'_>,
        originating: Option<TransactionId>,
    ) {
        let peer = self.peers.get(&id.source);
        let may_ask = peer.is_some_and(|peer| peer.may_ask);
        let done = match asked {
            _ if !may_ask => Err(Refusal::not_done("it may not ask for anything here")),
            Asked::Put(put) => self.put_for(id, put),
            Asked::CancelPut => self.cancel_put_for(id, originating),
            Asked::List { directory, file } => self.list_for(id, *directory, *file),
            Asked::Report { transaction, file } => self.report_for(id, *transaction, *file),
            Asked::Suspend(transaction) => self.suspend_for(now, id, *transaction, true),
            Asked::Resume(transaction) => self.suspend_for(now, id, *transaction, false),
        };
        match done {
            Ok(()) => self.counts.requests_done += 1,
            Err(refusal) => {
                self.counts.requests_refused += 1;
                self.answer_refusal(id, asked, &refusal, may_ask);
                self.tell_refused(id, refusal.condition, refusal.text);
            }
        }
    }

    /// A proxy put (§6.2).
    fn put_for(&mut self, id: TransactionId, put: &ProxyPut<'_>) -> Result<(), Refusal> {
        if put.how.speaks_for_us {
            let text = "a message to be sent in the name of this entity asks for something";
            return Err(Refusal::not_done(text));
        }
        let names = (put.source_name, put.destination_name);
        let file = match names.0.is_empty() && names.1.is_empty() {
            true => None,
            false => Some((name_of(names.0)?, name_of(names.1)?)),
        };
        let request = PutRequest {
            destination: put.destination,
            file,
            mode: put.how.mode,
            closure_requested: put.how.closure_requested,
            priority: 0,
            options: put.how.options.clone(),
        };
        let request = request
            .with_reserved(&ReservedMessage::OriginatingTransaction(id))
            .map_err(RequestError::from)?;
        let mut sender = self.prepare(&request, self.config.transactions_max)?;
        sender.on_behalf = Some(id);
        self.begin(sender);
        Ok(())
    }

    /// Cancels the put that a transaction asked for; one that is over was answered.
    fn cancel_put_for(
        &mut self,
        id: TransactionId,
        originating: Option<TransactionId>,
    ) -> Result<(), Refusal> {
        let Some(originating) = originating.filter(|other| other.source == id.source) else {
            return Err(Refusal::not_done("it does not say which put to cancel"));
        };
        let mut sending = self.sending.iter_mut();
        let put = sending.find(|(_, sender)| sender.on_behalf == Some(originating));
        if let Some((&put, sender)) = put
            && sender.cancelled().is_none()
        {
            sender.cancel(ConditionCode::CancelRequestReceived);
            self.note(put);
            self.touch(put);
        }
        Ok(())
    }

    /// A listing (§6.3).
    fn list_for(
        &mut self,
        id: TransactionId,
        directory: Lv<'_>,
        file: Lv<'_>,
    ) -> Result<(), Refusal> {
        let of = match directory.octets() {
            b"" | b"/" | b"." => None,
            _ => Some(name_of(directory)?),
        };
        let names = self.store.list(of.as_ref()).map_err(Refusal::of_store)?;
        let lines = names.into_iter().map(|name| name + "\n");
        let message = ReservedMessage::Directory(DirectoryMessage::ListingResponse {
            successful: true,
            directory,
            file,
        });
        self.send_text(id, &lines.collect::<String>(), file, &message)
    }

    /// A status report (§6.4).
    fn report_for(
        &mut self,
        id: TransactionId,
        transaction: TransactionId,
        file: Lv<'_>,
    ) -> Result<(), Refusal> {
        self.check_concerned(id.source, transaction)?;
        let status = self.status_of(transaction);
        let report = self.transactions().find(|of| of.transaction == transaction);
        let message = ReservedMessage::Remote(RemoteMessage::StatusReportResponse {
            transaction,
            status,
            successful: report.is_some() && !file.is_empty(),
        });
        match report {
            Some(report) if !file.is_empty() => {
                self.send_text(id, &report.to_string(), file, &message)
            }
            _ => {
                self.answer_with(id, &message);
                Ok(())
            }
        }
    }

    /// Remote suspension and resumption (§6.5, §6.6).
    fn suspend_for(
        &mut self,
        now: Instant,
        id: TransactionId,
        transaction: TransactionId,
        suspend: bool,
    ) -> Result<(), Refusal> {
        self.check_concerned(id.source, transaction)?;
        let contact = self.clock.contact(now);
        let ends = (
            self.sending.get_mut(&transaction),
            self.receiving.get_mut(&transaction),
        );
        match (ends, suspend) {
            ((Some(sender), _), true) => sender.suspend(),
            ((Some(sender), _), false) => sender.resume(),
            ((_, Some(receiver)), true) => receiver.suspend(),
            ((_, Some(receiver)), false) => {
                if let Some(peer) = self.peers.get(&transaction.source) {
                    receiver.resume(contact, peer);
                }
            }
            _ => {}
        }
        self.note(transaction);
        self.touch(transaction);
        self.answer_suspension(id, transaction, suspend, self.status_of(transaction));
        Ok(())
    }

    fn answer_suspension(
        &mut self,
        id: TransactionId,
        transaction: TransactionId,
        suspend: bool,
        status: TransactionStatus,
    ) {
        let suspended = self.is_suspended(transaction);
        let message = match suspend {
            true => RemoteMessage::SuspendResponse {
                transaction,
                suspended,
                status,
            },
            false => RemoteMessage::ResumeResponse {
                transaction,
                suspended,
                status,
            },
        };
        self.answer_with(id, &ReservedMessage::Remote(message));
    }

    fn is_suspended(&self, id: TransactionId) -> bool {
        match (self.sending.get(&id), self.receiving.get(&id)) {
            (Some(sender), _) => sender.is_suspended(),
            (_, Some(receiver)) => receiver.is_suspended(),
            _ => false,
        }
    }

    fn status_of(&self, id: TransactionId) -> TransactionStatus {
        let is_under_way = self.sending.contains_key(&id) || self.receiving.contains_key(&id);
        match (is_under_way, self.ended.contains(&id)) {
            (true, _) => TransactionStatus::Active,
            (_, true) => TransactionStatus::Terminated,
            _ => TransactionStatus::Unrecognized,
        }
    }

    /// An entity has a say in transactions of which it is an end, and in those that it
    /// asked for.
    fn check_concerned(&self, entity: EntityId, of: TransactionId) -> Result<(), Refusal> {
        let is_concerned = match self.sending.get(&of) {
            Some(sender) => {
                let asked = sender.on_behalf.map(|asked_by| asked_by.source);
                sender.header().destination == entity || asked == Some(entity)
            }
            None => of.source == entity || !self.receiving.contains_key(&of),
        };
        match is_concerned {
            true => Ok(()),
            false => Err(Refusal::not_done(format!(
                "transaction {of} is none of entity {entity}"
            ))),
        }
    }

    /// Sends a text as a file.
    fn send_text(
        &mut self,
        id: TransactionId,
        text: &str,
        there: Lv<'_>,
        message: &ReservedMessage<'_>,
    ) -> Result<(), Refusal> {
        let there = name_of(there)?;
        let here = self.make_temporary(id, text).map_err(Refusal::of_store)?;
        let request = PutRequest::file(id.source, here.clone(), there)
            .with_reserved(&ReservedMessage::OriginatingTransaction(id))
            .and_then(|request| request.with_reserved(message));
        let sender = request
            .map_err(RequestError::from)
            .and_then(|request| self.prepare(&request, self.config.transactions_max));
        match sender {
            Ok(mut sender) => {
                sender.is_temporary = true;
                self.begin(sender);
                Ok(())
            }
            Err(error) => {
                self.store.perform(&FilestoreRequest::DeleteFile(here.lv()));
                Err(error.into())
            }
        }
    }

    fn answer_refusal(
        &mut self,
        id: TransactionId,
        asked: &Asked<'_>,
        refusal: &Refusal,
        may_ask: bool,
    ) {
        let status = match may_ask {
            true => TransactionStatus::Unrecognized,
            false => TransactionStatus::Undefined,
        };
        let message = match *asked {
            Asked::Put(_) => ReservedMessage::Proxy(ProxyMessage::PutResponse {
                condition: refusal.condition,
                delivery: DeliveryCode::Incomplete,
                file_status: refusal.file_status(),
            }),
            // The put has its own answer.
            Asked::CancelPut => return,
            Asked::List { directory, file } => {
                ReservedMessage::Directory(DirectoryMessage::ListingResponse {
                    successful: false,
                    directory,
                    file,
                })
            }
            Asked::Report { transaction, .. } => {
                ReservedMessage::Remote(RemoteMessage::StatusReportResponse {
                    transaction,
                    status,
                    successful: false,
                })
            }
            Asked::Suspend(transaction) => {
                ReservedMessage::Remote(RemoteMessage::SuspendResponse {
                    transaction,
                    suspended: false,
                    status,
                })
            }
            Asked::Resume(transaction) => ReservedMessage::Remote(RemoteMessage::ResumeResponse {
                transaction,
                suspended: false,
                status,
            }),
        };
        self.answer_with(id, &message);
    }

    /// An answer to something that was asked for here.
    fn hear_answer(&mut self, id: TransactionId, messages: &Messages<'_>) {
        let Some(answered) = &messages.answered else {
            return;
        };
        let own = self.config.id;
        let request = messages.originating.filter(|other| other.source == own);
        let file = self.receiving.get(&id).and_then(Receiver::name).cloned();
        let event = match (answered, request) {
            (_, None) => {
                self.counts.messages_dropped += 1;
                return;
            }
            (
                Answered::Put {
                    condition,
                    delivery,
                    file_status,
                },
                Some(request),
            ) => Event::ProxyFinished {
                request,
                outcome: Outcome {
                    condition: *condition,
                    delivery: *delivery,
                    file_status: *file_status,
                    responses: messages.responses.clone(),
                },
            },
            (Answered::Listing { successful }, Some(request)) => Event::Listed {
                request,
                listing: file.filter(|_| *successful),
            },
            (
                Answered::Report {
                    transaction,
                    status,
                    successful,
                },
                Some(_),
            ) => Event::RemoteStatus {
                entity: id.source,
                transaction: *transaction,
                status: *status,
                report: file.filter(|_| *successful),
            },
            (
                Answered::Suspension {
                    transaction,
                    suspended,
                    status,
                },
                Some(_),
            ) => Event::RemoteSuspension {
                entity: id.source,
                transaction: *transaction,
                is_suspended: *suspended,
                status: *status,
            },
        };
        self.events.push_back(event);
    }
}

fn name_of(name: Lv<'_>) -> Result<StoreName, Refusal> {
    StoreName::new(name.octets()).map_err(|error| {
        let name = name.octets().escape_ascii();
        Refusal::of_store(format!("the file name {name}: {error}"))
    })
}
