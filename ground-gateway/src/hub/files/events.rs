//! What the entity tells, and what follows for orders.

use std::fs;
use std::io;
use std::path::Path;

use file_delivery::entity::{Event, Outcome, Role, TransactionReport};
use file_delivery::pdu::{ConditionCode, FaultHandler, FileStatus, TransactionId};

use super::listing::is_listing;
use super::{Arrived, Coming, Files, State};
use crate::files::app::AppTarget;
use crate::files::orders::Order;
use crate::files::transfer::Direction;
use crate::files::{delivery, words};

impl Files {
    /// Something happened.
    pub(super) fn hear(&self, event: Event) {
        log::debug!("{event:?}");
        let mut state = self.state();
        match event {
            Event::MetadataReceived {
                transaction,
                name,
                size,
                originating,
            } => {
                let coming = Coming {
                    name,
                    size: Some(size),
                    originating,
                };
                state.coming.insert(transaction, coming);
            }
            Event::Finished {
                transaction,
                role: Role::Sender,
                outcome,
            } => self.sent(&mut state, transaction, &outcome),
            Event::Finished {
                transaction,
                role: Role::Receiver,
                outcome,
            } => self.received(&mut state, transaction, &outcome),
            Event::ProxyFinished { request, outcome } => {
                state.unconfirmed.remove(&request);
                self.get_ended_there(&mut state, request, &outcome);
            }
            Event::Listed { request, listing } => self.take_listing(&mut state, request, listing),
            Event::Fault {
                transaction,
                condition,
                handler,
                text,
            } => {
                log::warn!("transaction {transaction}: {condition:?}, {text}: {handler:?}");
                if handler == FaultHandler::IgnoreError && is_limit(condition) {
                    state.resting.insert(transaction);
                }
                state.faults.insert(transaction, text);
            }
            Event::StorageFailed { text } => log::error!("{text}"),
            _ => {}
        }
        state.forget_surplus();
        drop(state);
        self.deliver_arrived();
        self.changed.notify_all();
    }

    /// A transaction that we sent is over.
    fn sent(&self, state: &mut State, id: TransactionId, outcome: &Outcome) {
        let fault = state.faults.remove(&id);
        state.resting.remove(&id);
        if let Some(order) = pending(state, id) {
            let arrived = outcome.is_success() && outcome.file_status == FileStatus::Retained;
            match order.direction {
                Direction::Up => {
                    let is_for_app = AppTarget::of(&order.remote).is_some();
                    let of_app = words::of_app(outcome).filter(|_| is_for_app);
                    let failure = (!arrived).then(|| match of_app {
                        Some(words) => words.to_owned(),
                        None => why(outcome, fault),
                    });
                    self.end(state, &order, failure);
                }
                // The satellite has the request.
                Direction::Down if outcome.is_success() => {}
                Direction::Down => {
                    let why = why(outcome, fault);
                    let failure = format!("`{}` was not asked for it: {why}", self.satellite_name);
                    self.end(state, &order, Some(failure));
                }
            }
            return;
        }
        if !outcome.is_success() && state.listings.contains_key(&id) {
            self.take_listing(state, id, None);
            return;
        }
        // What the satellite asked for.
        let mut reports = state.reports.iter();
        let report = reports.find(|report| report.transaction == id && report.role == Role::Sender);
        if let Some(report) = report.filter(|report| report.originating.is_some())
            && let Some(name) = &report.name
        {
            let order = self.unasked(id, Direction::Up, name.as_str(), report.size);
            let failure = (!outcome.is_success()).then(|| why(outcome, fault));
            note(state.orders.note_ended(order, failure));
        }
    }

    /// A file came, or will not.
    fn received(&self, state: &mut State, id: TransactionId, outcome: &Outcome) {
        let fault = state.faults.remove(&id);
        state.resting.remove(&id);
        let Some(coming) = state.coming.remove(&id) else {
            return;
        };
        let Some(name) = &coming.name else {
            // Answers have no file.
            return;
        };
        if is_listing(name.as_str()) {
            return;
        }
        let originating = coming
            .originating
            .and_then(|request| pending(state, request));
        let order = originating.or_else(|| {
            let mut pending = state.orders.pending();
            pending.find(|order| order.stored == name.as_str()).cloned()
        });
        let failure = (!outcome.is_success()).then(|| why(outcome, fault));
        match (order, failure) {
            (Some(order), None) => {
                state.unconfirmed.extend(coming.originating);
                state.arrived.push(Arrived {
                    key: order.key,
                    size: coming.size,
                });
            }
            (Some(order), failure) => self.end(state, &order, failure),
            (None, None) if was_given_up(state, name.as_str()) => {
                let removed = fs::remove_file(self.path_of(name.as_str()));
                log::info!("{name} came though it was cancelled, and is removed: {removed:?}");
            }
            (None, failure) => {
                let order = self.unasked(id, Direction::Down, name.as_str(), coming.size);
                note(state.orders.note_ended(order, failure));
            }
        }
    }

    /// The satellite says how the sending ended that it was asked for.
    fn get_ended_there(&self, state: &mut State, request: TransactionId, outcome: &Outcome) {
        let Some(order) = pending(state, request) else {
            return;
        };
        if self.path_of(&order.stored).exists() {
            let size = order.size;
            state.arrived.push(Arrived {
                key: order.key,
                size,
            });
            return;
        }
        let satellite = &self.satellite_name;
        let failure = match outcome.condition {
            ConditionCode::FilestoreRejection => format!(
                "`{satellite}` has no file {} that it may send, or no room here for it",
                order.remote
            ),
            _ if outcome.is_success() => {
                format!(
                    "`{satellite}` says that it sent {}, which did not come",
                    order.remote
                )
            }
            _ => format!(
                "`{satellite}` did not send it: {}",
                words::of_outcome(outcome)
            ),
        };
        self.end(state, &order, Some(failure));
    }

    /// Files that were asked for are in the store, whole: they go where they are to be.
    /// Nobody waits meanwhile, though one may have to be copied to another disk.
    pub(super) fn deliver_arrived(&self) {
        loop {
            let mut state = self.state();
            let Some(arrived) = state.arrived.pop() else {
                return;
            };
            let key = &arrived.key;
            let moving = state.orders.change(key, |order| {
                order.is_moving = true;
                order.size = arrived.size.or(order.size);
            });
            let pending = state.orders.pending().find(|order| order.key == *key);
            // Two events may have told of it.
            let Some(order) = pending.cloned() else {
                continue;
            };
            drop(state);
            let stored = self.path_of(&order.stored);
            let moved =
                moving.and_then(|()| delivery::bring_out(&stored, &order.local, order.force));
            let failure = moved
                .err()
                .map(|error| stays(&stored, &order.local, &error));
            self.end(&mut self.state(), &order, failure);
        }
    }

    /// An order is over.
    pub(super) fn end(&self, state: &mut State, order: &Order, failure: Option<String>) {
        if order.direction == Direction::Up && order.asked_here {
            let removed = fs::remove_file(self.path_of(&order.stored));
            log::debug!("{} is sent no more: {removed:?}", order.stored);
        }
        match &failure {
            None => log::info!("{} has arrived", order.remote),
            Some(failure) => log::info!("{}: {failure}", order.remote),
        }
        note(state.orders.end(&order.key, failure));
    }

    /// What an earlier hub left of an order.
    pub(super) fn go_on_with(
        &self,
        state: &mut State,
        order: &Order,
        reports: &[TransactionReport],
        arrived: Option<bool>,
    ) {
        let id = order.transaction_id();
        let named = |report: &&TransactionReport| {
            let name = report.name.as_ref();
            name.is_some_and(|name| name.as_str() == order.stored)
        };
        let report = reports.iter().find(named);
        let is_there = self.path_of(&order.stored).exists();
        match (order.direction, id, report) {
            (Direction::Up, None, Some(report)) => {
                let id = report.transaction.to_string();
                note(
                    state
                        .orders
                        .change(&order.key, |order| order.transaction = Some(id)),
                );
            }
            (Direction::Up, _, Some(_)) => {}
            (Direction::Up, Some(_), None) => {
                // It ended, and the process was killed before it noted how.
                let failure = match arrived {
                    Some(true) => None,
                    Some(false) => Some("it did not arrive, and why was not noted"),
                    None => Some("nobody knows whether it arrived: put it again"),
                };
                self.end(state, order, failure.map(str::to_owned));
            }
            // The entity is about to say that it came.
            (Direction::Down, _, Some(report)) if !report.is_finished => {}
            (Direction::Down, ..) if is_there => state.arrived.push(Arrived {
                key: order.key.clone(),
                size: order.size,
            }),
            (Direction::Down, ..) if order.is_moving => self.end(state, order, None),
            (Direction::Down, Some(_), _) | (Direction::Down, None, Some(_)) => {}
            // It was not begun, and whoever asked for it knows.
            (_, None, None) => note(state.orders.withdraw(&order.key)),
        }
    }

    /// What no command of the ground asked for, as an order.
    fn unasked(
        &self,
        id: TransactionId,
        direction: Direction,
        name: &str,
        size: Option<u64>,
    ) -> Order {
        Order {
            key: format!("of {id}"),
            direction,
            asked_here: false,
            transaction: Some(id.to_string()),
            remote: name.to_owned(),
            local: self.path_of(name),
            stored: name.to_owned(),
            force: true,
            size,
            is_moving: false,
            end: None,
        }
    }
}

/// The order whose transaction that is.
pub(super) fn pending(state: &State, id: TransactionId) -> Option<Order> {
    let id = id.to_string();
    let mut pending = state.orders.pending();
    pending
        .find(|order| order.transaction.as_ref() == Some(&id))
        .cloned()
}

fn was_given_up(state: &State, stored: &str) -> bool {
    let mut ended = state.orders.ended();
    ended.any(|order| order.asked_here && order.stored == stored)
}

/// Whether it stands for a limit of retries, after which a transaction rests.
fn is_limit(condition: ConditionCode) -> bool {
    use ConditionCode as Code;
    matches!(
        condition,
        Code::PositiveAckLimitReached | Code::NakLimitReached | Code::InactivityDetected
    )
}

fn why(outcome: &Outcome, fault: Option<String>) -> String {
    let words = words::of_outcome(outcome);
    match fault {
        Some(fault) => format!("{words} ({fault})"),
        None => words.to_owned(),
    }
}

fn stays(stored: &Path, local: &Path, error: &io::Error) -> String {
    format!(
        "it is whole, but cannot be moved to {}: {error}; it stays as {}",
        local.display(),
        stored.display()
    )
}

/// What cannot be noted is asked for again by nobody, but seen in the log.
pub(super) fn note(noted: io::Result<()>) {
    if let Err(error) = noted {
        log::error!("the orders of files cannot be written: {error}");
    }
}
