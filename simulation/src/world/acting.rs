//! What the engines decided is done.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::Action;

use super::{Outcome, Task, World, outcome_of};
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
                    boot: self.satellite.past.boots,
                    manner,
                    thinks: query.thinks,
                    answer_bytes: query.answer_bytes,
                    message_bytes_max: self.scenario.plan.limits().message_bytes_max,
                    timeout: self.scenario.plan.service_timeout,
                };
                self.services.post(self.now, &posted);
            }
            Action::SendDatagram { payload, .. } => {
                let number = self.messages.arrived("a message", &payload)?;
                let task = self.operators.get(number).map(|it| &it.task);
                let result = match task {
                    Some(Task::Message { wanted: false }) => Err(DropReason::ServiceUnreachable),
                    _ => Ok(()),
                };
                self.datagrams_in_flight += 1;
                self.services.datagram(self.now + SOCKET_DELAY, result);
            }
            Action::Journal(entry) => self.satellite.enter(self.now, entry),
            Action::StoreSecurity { token, octets } => {
                self.satellite.store(self.now, token, octets);
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
            Action::StoreSecurity { token, .. } => format!("ground: stores {token}"),
            other => format!("ground: {other:?}"),
        });
        let (command_id, outcome) = match action {
            Action::Heard(message) => {
                self.datagrams.arrived("a datagram", &message.payload)?;
                return Ok(());
            }
            Action::Answered {
                command_id,
                payload,
            } => {
                let outcome = outcome_of(&payload);
                if outcome == Outcome::Answered {
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
            Action::StoreSecurity { token, octets } => {
                self.ground.store(self.now, token, octets);
                return Ok(());
            }
            other => return Err(format!("the ground was to do {other:?}")),
        };
        self.operators.settle(self.now, command_id, outcome)
    }
}
