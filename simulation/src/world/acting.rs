//! What the engines decided is done.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::Action;

use super::{Ledger, Machine, Outcome, Task, World, outcome_of};
use crate::services::Posted;

/// How long a socket has a datagram.
const SOCKET_DELAY: Duration = Duration::from_micros(300);

impl World<'_> {
    /// Does what both engines decided; true if that was nothing.
    pub(super) fn act(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        while let Some(action) = self.satellite.call_if_deciding(self.now) {
            quiet = false;
            self.act_on_satellite(action)?;
        }
        while let Some(action) = self.ground.call_if_deciding(self.now) {
            quiet = false;
            self.act_on_ground(action)?;
        }
        Ok(quiet)
    }

    fn act_on_satellite(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Post { handler, body, .. } => {
                if self.is_spliced(&self.ground, &self.queries, &body) {
                    self.spliced += 1;
                    self.services.refuse(self.now, handler);
                    return Ok(());
                }
                let number = self.queries.arrived("a query", &body)?;
                let Some(Task::Query(query)) = self.operators.get(number).map(|it| &it.task) else {
                    return Err(format!("command {number} is no query"));
                };
                let manner = query.manner;
                self.trace.line(self.now, || {
                    format!("satellite: query {number} to a service: {manner:?}")
                });
                let posted = Posted {
                    handler,
                    number,
                    manner,
                    thinks: query.thinks,
                    answer_bytes: query.answer_bytes,
                    message_bytes_max: self.scenario.plan.limits().message_bytes_max,
                    timeout: self.scenario.plan.service_timeout,
                };
                self.services.post(self.now, &posted);
            }
            Action::SendDatagram { payload, .. } => {
                if self.is_spliced(&self.ground, &self.messages, &payload) {
                    self.spliced += 1;
                    let refused = Err(DropReason::ServiceUnreachable);
                    self.datagrams_in_flight += 1;
                    self.services.datagram(self.now, refused);
                    return Ok(());
                }
                let number = self.messages.arrived("a message", &payload)?;
                let task = self.operators.get(number).map(|it| &it.task);
                let result = match task {
                    Some(Task::Message { wanted: false }) => Err(DropReason::ServiceUnreachable),
                    _ => Ok(()),
                };
                self.datagrams_in_flight += 1;
                self.services.datagram(self.now + SOCKET_DELAY, result);
            }
            other => return Err(format!("the satellite was to do {other:?}")),
        }
        Ok(())
    }

    fn act_on_ground(&mut self, action: Action) -> Result<(), String> {
        self.trace.line(self.now, || match &action {
            Action::Heard(message) => format!("ground: heard {:?}", message.head),
            Action::Answered {
                command_id,
                payload,
            } => format!("ground: command {command_id} answered by {}", payload.len()),
            other => format!("ground: {other:?}"),
        });
        let (command_id, outcome) = match action {
            Action::Heard(message) => {
                if self.is_spliced(&self.satellite, &self.datagrams, &message.payload) {
                    self.spliced += 1;
                    return Ok(());
                }
                self.datagrams.arrived("a datagram", &message.payload)?;
                return Ok(());
            }
            Action::Answered {
                command_id,
                payload,
            } => {
                let outcome = outcome_of(&payload);
                if self.is_spliced(&self.satellite, &self.answers, &payload) {
                    self.spliced += 1;
                } else if outcome == Outcome::Answered {
                    let number = self.answers.arrived("an answer", &payload)?;
                    if number != command_id {
                        return Err(format!("command {command_id} has the answer to {number}"));
                    }
                }
                (command_id, outcome)
            }
            Action::Sent { command_id } => (command_id, Outcome::Sent),
            Action::Failed {
                command_id,
                failure,
            } => {
                if self.scenario.loses_nothing {
                    return Err(format!("command {command_id} failed: {failure}"));
                }
                (command_id, Outcome::Failed)
            }
            other => return Err(format!("the ground was to do {other:?}")),
        };
        self.operators.settle(self.now, command_id, outcome)
    }

    /// Whether what arrived is the beginning of one message and the end of another.
    ///
    /// A sender that reboots counts from 0 again. If the first segment of its first
    /// message then is lost, the next may have just the count that the receiver waits
    /// for, and becomes the end of a message from before. No check covers more than a
    /// packet but that of the security layer, so without that it can happen, and is
    /// counted.
    fn is_spliced(&self, sender: &Machine, sent: &Ledger, octets: &[u8]) -> bool {
        sender.past.boots > 0 && !sent.was_sent(octets) && sent.begins_as_sent(octets)
    }
}
