//! UDP request and answer, in format `udp`: which local socket waits for whose
//! answer.
//!
//! One socket serves one request at a time. A datagram has nothing but its
//! ports to say what it answers, so a socket whose request went unanswered
//! rests for another time-out before it is used again, and the socket that was
//! unused longest is used first: a late answer finds nobody to mistake it. A
//! service that answers one request twice can still be mistaken, if all other
//! sockets are in use; the format cannot tell.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Action;
use crate::message::{Head, Message};

#[derive(Debug)]
pub(super) struct Exchanges {
    sockets: Vec<Option<Open>>,
    /// Sockets without a request, the longest unused first, and from when on
    /// they may be used.
    free: VecDeque<(usize, Option<Instant>)>,
    waiting: VecDeque<Message>,
    waiting_max: usize,
    timeout: Duration,
}

#[derive(Debug)]
struct Open {
    head: Head,
    deadline: Instant,
}

impl Exchanges {
    pub(super) fn new(sockets: usize, waiting_max: usize, timeout: Duration) -> Self {
        Exchanges {
            sockets: (0..sockets).map(|_| None).collect(),
            free: (0..sockets).map(|socket| (socket, None)).collect(),
            waiting: VecDeque::new(),
            waiting_max,
            timeout,
        }
    }

    /// Starts the exchange or lets the message wait; gives it back when there
    /// is room for neither.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        message: Message,
    ) -> Result<Option<Action>, Message> {
        if self.waiting.is_empty()
            && let Some(socket) = self.take_socket(now)
        {
            return Ok(Some(self.start(now, socket, message)));
        }
        if self.sockets.is_empty() || self.waiting.len() >= self.waiting_max {
            return Err(message);
        }
        self.waiting.push_back(message);
        Ok(None)
    }

    /// Starts the next waiting exchange if a socket is free.
    pub(super) fn start_waiting(&mut self, now: Instant) -> Option<Action> {
        if self.waiting.is_empty() {
            return None;
        }
        let socket = self.take_socket(now)?;
        let message = self.waiting.pop_front()?;
        Some(self.start(now, socket, message))
    }

    /// A datagram came by `socket`: gives the question that it answers.
    pub(super) fn answered(&mut self, socket: usize, service_port: u16) -> Option<Head> {
        let asked = |open: &mut Open| open.head.port == service_port;
        let open = self.sockets.get_mut(socket)?.take_if(asked)?;
        self.free.push_back((socket, None));
        Some(open.head)
    }

    /// The request could not be sent: nothing can answer it.
    pub(super) fn failed(&mut self, socket: usize) -> Option<Head> {
        let open = self.sockets.get_mut(socket)?.take()?;
        self.free.push_back((socket, None));
        Some(open.head)
    }

    /// Gives up the exchanges that are overdue.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Head> {
        let mut expired = Vec::new();
        for (socket, slot) in self.sockets.iter_mut().enumerate() {
            if let Some(open) = slot.take_if(|open| open.deadline <= now) {
                self.free.push_back((socket, Some(now + self.timeout)));
                expired.push(open.head);
            }
        }
        expired
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let open = self
            .sockets
            .iter()
            .flatten()
            .map(|open| open.deadline)
            .min();
        // A resting socket matters only to somebody who waits for it.
        let rested = match self.waiting.is_empty() {
            true => None,
            false => self.free.iter().filter_map(|(_, from)| *from).min(),
        };
        open.into_iter().chain(rested).min()
    }

    pub(super) fn active(&self) -> u64 {
        self.sockets.iter().flatten().count() as u64
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Forgets everything; gives how many messages that were.
    pub(super) fn clear(&mut self) -> u64 {
        let messages = self.active() + self.waiting();
        self.sockets.iter_mut().for_each(|slot| *slot = None);
        self.waiting.clear();
        messages
    }

    fn take_socket(&mut self, now: Instant) -> Option<usize> {
        let usable = |(_, from): &(usize, Option<Instant>)| from.is_none_or(|from| from <= now);
        let at = self.free.iter().position(usable)?;
        self.free.remove(at).map(|(socket, _)| socket)
    }

    fn start(&mut self, now: Instant, socket: usize, message: Message) -> Action {
        let Message { head, payload } = message;
        let deadline = now + self.timeout;
        if let Some(slot) = self.sockets.get_mut(socket) {
            *slot = Some(Open { head, deadline });
        }
        Action::Exchange {
            socket,
            port: head.port,
            payload,
        }
    }
}
