//! Admission of queries to handlers: so many at once, so many waiting.

use std::collections::{BTreeMap, VecDeque};

use super::Action;
use crate::message::{Head, Message};

/// One run of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId(u64);

#[derive(Debug)]
pub(super) struct Handlers {
    active: BTreeMap<HandlerId, Head>,
    waiting: VecDeque<Message>,
    next_id: u64,
    active_max: usize,
    waiting_max: usize,
}

impl Handlers {
    pub(super) fn new(active_max: usize, waiting_max: usize) -> Self {
        Handlers {
            active: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_id: 0,
            active_max,
            waiting_max,
        }
    }

    /// Takes another limit; what waits stays.
    pub(super) fn set_waiting_max(&mut self, waiting_max: usize) {
        self.waiting_max = waiting_max;
    }

    /// Starts a handler or lets the message wait; gives it back when there is
    /// room for neither.
    pub(super) fn admit(&mut self, message: Message) -> Result<Option<Action>, Message> {
        if self.active.len() < self.active_max {
            return Ok(Some(self.start(message)));
        }
        // Without any handler nothing that waits would ever be taken.
        if self.active_max == 0 || self.waiting.len() >= self.waiting_max {
            return Err(message);
        }
        self.waiting.push_back(message);
        Ok(None)
    }

    /// A handler is done: gives the question it had, and the next one to start.
    pub(super) fn finish(&mut self, handler: HandlerId) -> Option<(Head, Option<Action>)> {
        let head = self.active.remove(&handler)?;
        let next = self.waiting.pop_front().map(|message| self.start(message));
        Some((head, next))
    }

    pub(super) fn active(&self) -> u64 {
        self.active.len() as u64
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// How many are with services or wait.
    pub(super) fn held(&self) -> usize {
        self.active.len() + self.waiting.len()
    }

    /// Forgets everything; gives how many messages that were.
    pub(super) fn clear(&mut self) -> u64 {
        let messages = self.active() + self.waiting();
        self.active.clear();
        self.waiting.clear();
        messages
    }

    fn start(&mut self, message: Message) -> Action {
        let handler = HandlerId(self.next_id);
        self.next_id += 1;
        self.active.insert(handler, message.head);
        Action::Post {
            handler,
            port: message.head.port,
            body: message.payload,
        }
    }
}
