//! The thread of the handlers: hears what services answer to all queries that are
//! with them, and brings it back.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::http::{Client, Outcome, Turn};
use crate::shell::{BackOff, Outlet, Shell, Threads, USER_STACK_BYTES};

const BUFFER_BYTES: usize = 16 * 1024;
/// How often the thread looks at least whether it is to stop.
const STOP_POLL_MAX: Duration = Duration::from_millis(250);

/// The watch over the connections to services.
pub(super) struct Handlers {
    client: Arc<Client>,
    poll: Poll,
    buffer: Vec<u8>,
    /// Connections that may hold more, of which no further event tells.
    unread: BTreeSet<usize>,
    /// What the engine has not been told.
    over: VecDeque<Outcome>,
    back_off: BackOff,
}

impl Handlers {
    pub(super) fn new(client: Arc<Client>, poll: Poll) -> Self {
        Handlers {
            client,
            poll,
            buffer: vec![0; BUFFER_BYTES],
            unread: BTreeSet::new(),
            over: VecDeque::new(),
            back_off: BackOff::new(),
        }
    }

    pub(super) fn start(
        mut self,
        shell: &Arc<Shell>,
        read_timeout: Duration,
        outlet: Option<Arc<dyn Outlet>>,
        threads: &mut Threads,
    ) -> io::Result<()> {
        let shell = Arc::clone(shell);
        // As long as `read` may take, so that the stop waits for neither; and no longer
        // than a query may, so that none that is started meanwhile is overdue before.
        let look_at_least = read_timeout
            .min(self.client.timeout())
            .clamp(Duration::from_millis(1), STOP_POLL_MAX);
        let run = move || self.run(&shell, look_at_least, outlet.as_deref());
        threads.spawn("handlers", USER_STACK_BYTES, run)
    }

    /// Answers leave by `outlet`.
    fn run(&mut self, shell: &Shell, look_at_least: Duration, outlet: Option<&dyn Outlet>) {
        let mut events = Events::with_capacity(256);
        let mut next_look = Instant::now();
        loop {
            self.tell(shell, outlet);
            if shell.is_stopping() && self.client.close_if_idle() {
                return;
            }
            let wait = match self.unread.is_empty() {
                true => next_look.saturating_duration_since(Instant::now()),
                false => Duration::ZERO,
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => self.back_off.reset(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let text = format!("cannot wait for answers of services: {error}");
                    log::error!("{text}");
                    shell.with(|link, _| link.note(text));
                    self.back_off.pause(shell.stop());
                }
            }
            // An event tells of a change only, so a connection is read until nothing
            // is left; in turns, so that one that sends for ever keeps up no other.
            let unread = std::mem::take(&mut self.unread);
            for number in events.iter().map(|event| event.token().0).chain(unread) {
                self.advance(number);
            }
            self.over.extend(self.client.take_failed());
            let now = Instant::now();
            if now >= next_look {
                let overdue = self.client.expire(now, &mut self.over);
                let at_latest = now + look_at_least;
                next_look = overdue.map_or(at_latest, |overdue| overdue.min(at_latest));
            }
        }
    }

    fn advance(&mut self, number: usize) {
        let (client, buffer) = (&self.client, &mut self.buffer);
        let turn = catch_unwind(AssertUnwindSafe(|| client.advance(number, buffer)));
        match turn.unwrap_or_else(|_| client.abandon(number)) {
            Turn::Waits => {}
            Turn::HasMore => {
                self.unread.insert(number);
            }
            Turn::Over(outcome) => self.over.push_back(outcome),
        }
    }

    /// Tells the engine all at once, and sends what it makes of it.
    fn tell(&mut self, shell: &Shell, outlet: Option<&dyn Outlet>) {
        // What a panic of the engine leaves is told by the next run.
        let over = &mut self.over;
        if over.is_empty() {
            return;
        }
        let mut hand_over = || {
            shell.with(|link, _| {
                while let Some((handler, answer)) = over.pop_front() {
                    link.handle_answer(handler, answer);
                }
            });
        };
        match outlet {
            Some(outlet) => outlet.bring(shell, &mut hand_over),
            None => hand_over(),
        }
    }
}
