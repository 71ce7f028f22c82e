//! The thread that has the entity.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comms_service::link::{ContactReason, QueueClass};
use comms_service::pdus::{PduRefused, PduSender};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};

use super::calling::{Calling, Calls};
use super::intake::{PduCounts, Task};
use crate::entity::{Entity, Event, PduToken};
use crate::store::{FileStore, Journal};

/// File directives that are with the link at once.
const DIRECTIVES_MAX: usize = 16;
/// Until a PDU that the link refused is offered again.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);
/// Tasks that are done before PDUs are sent again.
const TASKS_AT_ONCE_MAX: usize = 256;

pub(super) struct Thread<S: FileStore, J: Journal> {
    entity: Entity<S, J>,
    link: PduSender,
    tasks: Receiver<Task<S, J>>,
    events: Sender<Event>,
    pdus: Arc<PduCounts>,
    /// PDUs that the link has, by the number it was given.
    queued: BTreeMap<u64, (PduToken, QueueClass)>,
    next_number: u64,
    /// Not before this is a PDU offered again.
    refused_until: Option<Instant>,
    /// The link takes nothing any more.
    link_stopped: bool,
    contact: Option<ContactReason>,
    /// Where nothing goes out before the other end is heard.
    calls: Option<Calls>,
    out: Vec<u8>,
}

impl<S: FileStore, J: Journal> Thread<S, J> {
    pub(super) fn new(
        entity: Entity<S, J>,
        link: PduSender,
        tasks: Receiver<Task<S, J>>,
        events: Sender<Event>,
        pdus: Arc<PduCounts>,
    ) -> Self {
        Thread {
            entity,
            link,
            tasks,
            events,
            pdus,
            queued: BTreeMap::new(),
            next_number: 0,
            refused_until: None,
            link_stopped: false,
            contact: None,
            calls: None,
            out: Vec::new(),
        }
    }

    /// Nothing but calls goes out until the other end is heard.
    pub(super) fn call(&mut self, calling: Calling) {
        let now = Instant::now();
        self.calls = Some(Calls::new(calling, now));
        self.entity.handle_contact(now, false);
    }

    /// Until it is to stop.
    pub(super) fn run(mut self) {
        loop {
            let now = Instant::now();
            if self.entity.poll_timeout().is_some_and(|at| at <= now) {
                self.entity.handle_timeout(now);
            }
            self.follow_packet_size();
            self.send_call(now);
            self.send(QueueClass::Response, DIRECTIVES_MAX);
            self.send(QueueClass::Bulk, self.link.credits());
            // Before the events: who hears of an end knows what is left to be sent.
            self.pdus
                .set_directives_queued(self.queued_of(QueueClass::Response));
            self.tell_events();
            if !self.take_tasks() {
                // What came just before the end has its events, too.
                self.tell_events();
                return;
            }
        }
    }

    /// Waits for something to do, and does what waits; false at the end.
    fn take_tasks(&mut self) -> bool {
        let is_heard = self.is_heard();
        let call = self.calls.as_ref().and_then(|calls| calls.next(is_heard));
        let deadlines = [self.entity.poll_timeout(), self.refused_until, call];
        let first = match deadlines.into_iter().flatten().min() {
            Some(at) => self.tasks.recv_deadline(at),
            None => self
                .tasks
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        };
        let first = match first {
            Ok(task) => task,
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let tasks = self.tasks.clone();
        let mut tasks = std::iter::once(first).chain(tasks.try_iter().take(TASKS_AT_ONCE_MAX));
        tasks.all(|task| self.take(task))
    }

    /// False when it was to stop.
    fn take(&mut self, task: Task<S, J>) -> bool {
        let now = Instant::now();
        match task {
            Task::Pdu(octets) => {
                self.pdus.taken();
                self.entity.handle_pdu(now, octets.as_slice());
            }
            Task::Departed(number, left) => {
                if let Some((token, _)) = self.queued.remove(&number) {
                    self.entity.handle_departed(now, token, left);
                }
            }
            Task::Contact(state) => self.contact(now, state.reason),
            Task::Request(request) => request(&mut self.entity, now),
            Task::Stop => return false,
        }
        true
    }

    /// To be heard after nobody knew is as good as AOS.
    fn contact(&mut self, now: Instant, reason: ContactReason) {
        let was = self.contact.replace(reason);
        if reason == ContactReason::Heard && was.is_some_and(is_unknown) {
            self.entity.handle_contact(now, false);
        }
        let is_contact = match self.calls {
            Some(_) => reason == ContactReason::Heard,
            None => may_be_contact(reason),
        };
        self.entity.handle_contact(now, is_contact);
    }

    fn is_heard(&self) -> bool {
        self.contact == Some(ContactReason::Heard)
    }

    /// Calls the other end, if that is due. Whether it leaves, only its answer shows.
    fn send_call(&mut self, now: Instant) {
        let is_heard = self.is_heard();
        if let Some(calls) = &mut self.calls
            && calls.poll(now, is_heard, &mut self.out)
        {
            let number = self.next_number;
            self.next_number += 1;
            if let Err(refused) = self.link.send(QueueClass::Response, number, &self.out) {
                log::debug!("nobody is called: {refused}");
            }
        }
    }

    /// PDUs are as large as the link carries now.
    fn follow_packet_size(&mut self) {
        let bytes_max = self.link.pdu_bytes_max();
        self.entity.limit_pdus(bytes_max);
    }

    /// Gives the link PDUs of a class until it has `queued_max`.
    fn send(&mut self, class: QueueClass, queued_max: usize) {
        let now = Instant::now();
        if self.calls.is_some() && !self.is_heard() {
            return;
        }
        if self.link_stopped || self.refused_until.is_some_and(|until| now < until) {
            return;
        }
        self.refused_until = None;
        for _ in self.queued_of(class)..queued_max {
            let polled = match class {
                QueueClass::Response => self.entity.poll_directive(now, &mut self.out),
                _ => self.entity.poll_data(now, &mut self.out),
            };
            let Some(token) = polled else {
                return;
            };
            let number = self.next_number;
            self.next_number += 1;
            // Before: it may have departed when `send` returns.
            self.queued.insert(number, (token, class));
            if let Err(refused) = self.link.send(class, number, &self.out) {
                self.queued.remove(&number);
                self.entity.handle_departed(now, token, false);
                self.refused_until = Some(now + REFUSED_PAUSE);
                self.link_stopped = matches!(refused, PduRefused::Stopped);
                log::debug!("a PDU is not sent yet: {refused}");
                return;
            }
        }
    }

    fn queued_of(&self, class: QueueClass) -> usize {
        let of_class = self.queued.values().filter(|(_, of)| *of == class);
        of_class.count()
    }

    fn tell_events(&mut self) {
        while let Some(event) = self.entity.poll_event() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                log::warn!("nobody takes events, one is dropped: {event:?}");
            }
        }
    }
}

/// Whether nobody knows if there is contact: no plan, or none to follow.
fn is_unknown(reason: ContactReason) -> bool {
    !matches!(
        reason,
        ContactReason::Heard | ContactReason::Planned | ContactReason::BetweenWindows
    )
}

/// Only a plan that holds says that there is none: with the clock not set, or the plan used
/// up, nothing is held back.
fn may_be_contact(reason: ContactReason) -> bool {
    reason != ContactReason::BetweenWindows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plan_that_holds_says_that_there_is_no_contact() {
        use ContactReason::*;
        for reason in [Heard, Planned, NoPlan, ClockNotSet, PlanUsedUp, Silence] {
            assert!(may_be_contact(reason), "{reason:?}");
        }
        assert!(!may_be_contact(BetweenWindows));
    }

    #[test]
    fn whoever_is_heard_after_a_silence_that_nobody_could_judge_is_there_again() {
        use ContactReason::*;
        for reason in [NoPlan, ClockNotSet, PlanUsedUp, Silence] {
            assert!(is_unknown(reason), "{reason:?}");
        }
        for reason in [Heard, Planned, BetweenWindows] {
            assert!(!is_unknown(reason), "{reason:?}");
        }
    }
}
