//! UDP request and answer: which local socket waits for whose answers.
//!
//! There are two kinds. In format `udp` a request has one answer, from the port
//! that was asked. A port with a [`ReplyWindow`] (formats `space-packet` and
//! `kubos`) may answer many times, from any port of the satellite (services with
//! sessions answer from sockets of their own), within a time that is fixed when
//! the request leaves.
//!
//! One socket serves one request at a time. A datagram has nothing but its
//! ports to say what it answers, so a socket whose request went unanswered, or
//! whose window is over, rests as long again before it is used once more, and the
//! socket that was unused longest is used first: a late answer finds nobody to
//! mistake it. A service that answers one request twice in format `udp` can still
//! be mistaken, if all other sockets are in use; the format cannot tell.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Action, TIMEOUT_MAX};
use crate::message::{Head, Message, PayloadType};

/// How long and how often a UDP service may answer one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyWindow {
    /// From when the message is sent to the service; answers do not prolong it.
    pub window: Duration,
    /// Answers that go down; what comes beyond is dropped and counted.
    pub messages_max: u32,
}

#[derive(Debug)]
pub(super) struct Exchanges {
    sockets: Vec<Option<Open>>,
    /// Sockets without a request, the longest unused first, and from when on
    /// they may be used.
    free: VecDeque<(usize, Option<Instant>)>,
    waiting: VecDeque<Message>,
    waiting_max: usize,
    timeout: Duration,
    windows: BTreeMap<u16, ReplyWindow>,
}

#[derive(Debug)]
struct Open {
    head: Head,
    deadline: Instant,
    answers: Answers,
}

#[derive(Debug)]
enum Answers {
    One,
    Window {
        /// How long the socket rests afterwards.
        rest: Duration,
        left: u32,
        /// Whether the socket is known to have taken the message, which is all
        /// that its delivery needs.
        delivered: bool,
    },
}

/// What a datagram of a service is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The one answer to this question, which is closed by it.
    Answer(Head),
    /// One of the answers to this message, within its window.
    InWindow {
        head: Head,
        /// It is the first sign that the message was delivered.
        delivers: bool,
        /// It is one too many.
        is_surplus: bool,
    },
}

/// An exchange whose time is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The answer did not come.
    Unanswered(Head),
    /// The window is over; whether its message is not counted as delivered yet.
    Window { delivers: bool },
}

impl Exchanges {
    pub(super) fn new(
        sockets: usize,
        waiting_max: usize,
        timeout: Duration,
        windows: BTreeMap<u16, ReplyWindow>,
    ) -> Self {
        let mut exchanges = Exchanges {
            sockets: (0..sockets).map(|_| None).collect(),
            free: (0..sockets).map(|socket| (socket, None)).collect(),
            waiting: VecDeque::new(),
            waiting_max,
            timeout,
            windows: BTreeMap::new(),
        };
        exchanges.reconfigure(waiting_max, windows);
        exchanges
    }

    /// Takes other limits, for messages that start from now on.
    pub(super) fn reconfigure(&mut self, waiting_max: usize, windows: BTreeMap<u16, ReplyWindow>) {
        self.waiting_max = waiting_max;
        self.windows = windows;
        for window in self.windows.values_mut() {
            // So that it can be added to any time.
            window.window = window.window.min(TIMEOUT_MAX);
        }
    }

    /// Whether a message with this head may be answered within a window.
    pub(super) fn has_window(&self, head: &Head) -> bool {
        head.payload_type == PayloadType::Udp && self.windows.contains_key(&head.port)
    }

    pub(super) fn add_sockets(&mut self, sockets: usize) {
        let first = self.sockets.len();
        self.sockets.extend((0..sockets).map(|_| None));
        let free = (first..first + sockets).map(|socket| (socket, None));
        self.free.extend(free);
    }

    /// How many sockets there are.
    pub(super) fn sockets(&self) -> usize {
        self.sockets.len()
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

    /// A datagram came by `socket`: gives what it answers.
    pub(super) fn answered(&mut self, socket: usize, service_port: u16) -> Option<Reply> {
        let slot = self.sockets.get_mut(socket)?;
        let open = slot.as_mut()?;
        let head = open.head;
        match &mut open.answers {
            Answers::One if head.port != service_port => None,
            Answers::One => {
                *slot = None;
                self.free.push_back((socket, None));
                Some(Reply::Answer(head))
            }
            Answers::Window {
                left, delivered, ..
            } => {
                let is_surplus = *left == 0;
                *left = left.saturating_sub(1);
                Some(Reply::InWindow {
                    head,
                    delivers: !std::mem::replace(delivered, true),
                    is_surplus,
                })
            }
        }
    }

    /// The socket took the message; whether that delivers it.
    pub(super) fn sent(&mut self, socket: usize) -> bool {
        let open = self.sockets.get_mut(socket).and_then(Option::as_mut);
        match open.map(|open| &mut open.answers) {
            Some(Answers::Window { delivered, .. }) => !std::mem::replace(delivered, true),
            _ => false,
        }
    }

    /// The request could not be sent: nothing can answer it.
    pub(super) fn failed(&mut self, socket: usize) -> Option<Head> {
        let open = self.sockets.get_mut(socket)?.take()?;
        self.free.push_back((socket, None));
        Some(open.head)
    }

    /// Closes the exchanges whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Over> {
        let mut over = Vec::new();
        for (socket, slot) in self.sockets.iter_mut().enumerate() {
            let Some(open) = slot.take_if(|open| open.deadline <= now) else {
                continue;
            };
            let (rest, what) = match open.answers {
                Answers::One => (self.timeout, Over::Unanswered(open.head)),
                Answers::Window {
                    rest, delivered, ..
                } => {
                    let delivers = !delivered;
                    (rest, Over::Window { delivers })
                }
            };
            self.free.push_back((socket, Some(now + rest)));
            over.push(what);
        }
        over
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

    /// Messages that are with a socket and neither answered nor delivered.
    pub(super) fn active(&self) -> u64 {
        let open = self.sockets.iter().flatten();
        let is_active = |open: &&Open| match open.answers {
            Answers::One => true,
            Answers::Window { delivered, .. } => !delivered,
        };
        open.filter(is_active).count() as u64
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
        let (time, answers) = match head.payload_type {
            PayloadType::Udp => {
                // None any more, if the configuration changed while it waited.
                let window = self.windows.get(&head.port);
                let time = window.map_or(self.timeout, |window| window.window);
                let answers = Answers::Window {
                    rest: time,
                    left: window.map_or(0, |window| window.messages_max),
                    delivered: false,
                };
                (time, answers)
            }
            _ => (self.timeout, Answers::One),
        };
        if let Some(slot) = self.sockets.get_mut(socket) {
            *slot = Some(Open {
                head,
                deadline: now + time,
                answers,
            });
        }
        Action::Exchange {
            socket,
            port: head.port,
            payload,
        }
    }
}
