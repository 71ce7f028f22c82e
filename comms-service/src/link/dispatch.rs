//! To services on the satellite and back: queries by HTTP, datagrams, and UDP
//! requests with an answer.

use std::time::Instant;

use super::exchanges::Reply;
use super::{Action, HandlerId, Link, ServiceFailure};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{Head, Message, PayloadType};
use crate::packet::DATAGRAM_BYTES_MAX;

/// A datagram that was given to the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatagramId(u64);

impl Link {
    /// Passes a message on to whom it is for, if it may be.
    pub(super) fn dispatch(&mut self, now: Instant, message: Message) {
        if let Err(reason) = self.let_in(now, &message.head) {
            return self.refuse(reason, &message.head);
        }
        self.pass_on(now, message);
    }

    /// Whether a message may be passed on.
    pub(super) fn let_in(&mut self, now: Instant, head: &Head) -> Result<(), DropReason> {
        self.gate.admit(now, head)?;
        self.proof.let_in();
        Ok(())
    }

    /// Passes a message on that was let in.
    pub(super) fn pass_on(&mut self, now: Instant, message: Message) {
        match message.head.payload_type {
            PayloadType::GraphQl => self.start_query(message),
            PayloadType::Udp if self.exchanges.has_window(&message.head) => {
                self.start_exchange(now, message);
            }
            PayloadType::Udp => self.send_datagram(message),
            PayloadType::UdpExchange => self.start_exchange(now, message),
            _ => self.drop_message(DropReason::NotCarried, &message.head),
        }
    }

    /// Whoever waits for an answer is told; a datagram is refused in silence.
    pub(super) fn refuse(&mut self, reason: DropReason, head: &Head) {
        self.drop_message(reason, head);
        let port = head.port;
        let text = match reason {
            DropReason::NotAllowed => format!("port {port} may not be called from the ground"),
            _ => format!("more messages for port {port} than its rate allows: try again later"),
        };
        self.answer_with_error(head, reason, &text);
    }

    // Handlers: GraphQL over HTTP.

    pub(super) fn start_query(&mut self, message: Message) {
        match self.handlers.admit(message) {
            Ok(started) => self.actions.extend(started),
            Err(refused) => self.refuse_busy(&refused.head, self.config.handlers_max),
        }
    }

    pub(super) fn refuse_busy(&mut self, head: &Head, handlers: usize) {
        self.drop_message(DropReason::HandlersBusy, head);
        let why = match handlers {
            0 => "there is no handler for it (max_num_handlers is 0)".to_string(),
            handlers => format!(
                "all {handlers} handlers are busy and {} more messages wait",
                self.config.handler_queue_messages_max
            ),
        };
        let text = format!(
            "the message for port {} was not passed on: {why}",
            head.port
        );
        self.answer_with_error(head, DropReason::HandlersBusy, &text);
    }

    /// The service behind a [`Action::Post`] answered, or did not.
    pub fn handle_answer(&mut self, handler: HandlerId, answer: Result<HeldBytes, ServiceFailure>) {
        let Some((head, next)) = self.handlers.finish(handler) else {
            return;
        };
        self.actions.extend(next);
        match answer {
            Ok(payload) => {
                self.counted.messages_in.deliver(1);
                self.remember_answer(&head, &payload);
                self.answer(&head, payload);
            }
            Err(failure) => {
                self.counted.messages_in.drop(failure.reason, 1);
                self.note(failure.message.clone());
                let error = crate::graphql_error::document(failure.reason, &failure.message);
                self.remember_failure(&head, &failure, error.as_bytes());
                self.answer_with_error(&head, failure.reason, &failure.message);
            }
        }
    }

    // UDP passthrough.

    pub(super) fn send_datagram(&mut self, message: Message) {
        let Message { head, payload } = message;
        if payload.len() > DATAGRAM_BYTES_MAX {
            self.drop_message(DropReason::TooLarge, &head);
            return;
        }
        let datagram = DatagramId(self.next_datagram);
        self.next_datagram += 1;
        self.datagrams.push_back((datagram, head));
        self.remember_answer(&head, &[]);
        self.actions.push_back(Action::SendDatagram {
            datagram,
            port: head.port,
            payload,
        });
    }

    /// The socket took the oldest [`Action::SendDatagram`] of which nothing was said
    /// yet, or did not.
    pub fn handle_datagram_sent(&mut self, result: Result<(), ServiceFailure>) {
        let oldest = self.datagrams.front().map(|(datagram, _)| *datagram);
        if let Some(datagram) = oldest {
            self.handle_datagrams_sent([(datagram, result)]);
        }
    }

    /// The socket took each [`Action::SendDatagram`], or did not.
    pub fn handle_datagrams_sent(
        &mut self,
        results: impl IntoIterator<Item = (DatagramId, Result<(), ServiceFailure>)>,
    ) {
        for (datagram, result) in results {
            let mut in_flight = self.datagrams.iter();
            let at = in_flight.position(|(one, _)| *one == datagram);
            let Some((_, head)) = at.and_then(|at| self.datagrams.remove(at)) else {
                // Already counted, when the service was told to stop.
                continue;
            };
            match result {
                Ok(()) => self.counted.messages_in.deliver(1),
                Err(failure) => {
                    self.counted.messages_in.drop(failure.reason, 1);
                    self.note(failure.message);
                    self.forget_datagram(&head);
                }
            }
        }
    }

    // UDP request and answer.

    pub(super) fn start_exchange(&mut self, now: Instant, message: Message) {
        let head = message.head;
        match self.exchanges.admit(now, message) {
            Ok(started) => {
                if head.payload_type == PayloadType::Udp {
                    self.remember_answer(&head, &[]);
                }
                self.actions.extend(started);
            }
            Err(refused) => self.refuse_busy(&refused.head, self.exchanges.sockets()),
        }
    }

    /// A datagram came from `service_port` by local socket `socket`.
    pub fn handle_reply(&mut self, now: Instant, socket: usize, service_port: u16, octets: &[u8]) {
        let head = match self.exchanges.answered(socket, service_port) {
            Some(Reply::Answer(head)) => head,
            Some(Reply::InWindow {
                head,
                delivers,
                is_surplus,
            }) => {
                self.counted.messages_in.deliver(delivers.into());
                return self.answer_in_window(&head, is_surplus, octets);
            }
            None => {
                self.note(format!(
                    "datagram from port {service_port} answers no open request"
                ));
                return;
            }
        };
        match HeldBytes::copy_of(&self.budget, octets) {
            Ok(payload) => {
                self.counted.messages_in.deliver(1);
                self.answer(&head, payload);
            }
            Err(spent) => {
                self.drop_message(DropReason::MemorySpent, &head);
                self.answer_with_error(&head, DropReason::MemorySpent, &spent.to_string());
            }
        }
        self.continue_exchanges(now);
    }

    /// The socket took the request of a [`Action::Exchange`].
    pub fn handle_exchange_sent(&mut self, socket: usize) {
        let delivers = self.exchanges.sent(socket);
        self.counted.messages_in.deliver(delivers.into());
    }

    /// The request of a [`Action::Exchange`] could not be sent.
    pub fn handle_exchange_failed(&mut self, now: Instant, socket: usize, failure: ServiceFailure) {
        if let Some(head) = self.exchanges.failed(socket) {
            self.counted.messages_in.drop(failure.reason, 1);
            self.note(failure.message.clone());
            self.forget_datagram(&head);
            self.answer_with_error(&head, failure.reason, &failure.message);
            self.continue_exchanges(now);
        }
    }

    pub(super) fn continue_exchanges(&mut self, now: Instant) {
        while let Some(action) = self.exchanges.start_waiting(now) {
            self.actions.push_back(action);
        }
    }
}
