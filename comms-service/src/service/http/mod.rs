//! Posts queries to services by HTTP/1.1, and waits for none of them.
//!
//! Whoever decides on a query sends it ([`Client::start`]); what comes of it, one
//! thread for all hears as events ([`Client::advance`]).
//!
//! A query is posted once. A connection that the service closed before is
//! noticed, and another one opened. A service that closes it at the very moment
//! at which it is used again cannot be told from one that ran the query and died:
//! the ground gets one `service-error`, and the query is not repeated. Services
//! commonly close idle connections after 5 s, so ones idle for nearly as long
//! are not used again.

mod connection;
mod head;
mod pool;
mod response;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::{Poll, Registry, Token, Waker};

use crate::accounting::DropReason;
use crate::budget::{BudgetSpent, ByteBudget, HeldBytes};
use crate::graphql_error::is_graphql_response;
use crate::link::{HandlerId, ServiceFailure};

use connection::{Connection, Exchange, Progress};
use pool::Pool;
use response::Response;

/// Octets of a body that an error message repeats.
const EXCERPT_BYTES: usize = 120;

/// A handler, and what is to go down for it.
pub(super) type Outcome = (HandlerId, Result<HeldBytes, ServiceFailure>);

pub(super) struct Client {
    satellite_ip: Ipv4Addr,
    timeout: Duration,
    budget: ByteBudget,
    answer_bytes_max: AtomicUsize,
    registry: Registry,
    waker: Waker,
    /// Each by its number. No two locks of this structure are held at once.
    slots: Vec<Slot>,
    pool: Mutex<Pool>,
    /// Those that failed at once.
    failed: Mutex<Vec<Outcome>>,
}

/// Room for a connection: most of them are never used at the same time.
type Slot = Mutex<Option<Box<Connection>>>;

/// What came of an event.
pub(super) enum Turn {
    /// The next event tells when it goes on.
    Waits,
    /// There may be more, of which no event tells.
    HasMore,
    Over(Outcome),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("its time was over")]
    TimedOut,
    #[error("it closed the connection")]
    HungUp,
    #[error("it closed the connection in the middle")]
    CutShort,
    #[error("it is no HTTP: {0}")]
    NoHttp(#[from] httparse::Error),
    #[error("it changes to another protocol")]
    OtherProtocol,
    #[error("its head is too large")]
    HeadTooLarge,
    #[error("its Content-Length is no number, or several")]
    ContentLength,
    #[error("its Transfer-Encoding is not `chunked`")]
    TransferEncoding,
    #[error("its chunks are malformed")]
    Chunks,
    #[error("it is too large")]
    TooLarge,
    #[error("{0}")]
    Memory(#[from] BudgetSpent),
    #[error("its handler failed on it")]
    Panic,
}

impl Client {
    /// A client for so many queries at once. Its events come by the other half.
    pub(super) fn new(
        satellite_ip: Ipv4Addr,
        timeout: Duration,
        handlers_max: usize,
        budget: ByteBudget,
        answer_bytes_max: usize,
    ) -> io::Result<(Self, Poll)> {
        let poll = Poll::new()?;
        let slots = handlers_max + pool::IDLE_MAX;
        let client = Client {
            satellite_ip,
            timeout,
            budget,
            answer_bytes_max: AtomicUsize::new(answer_bytes_max),
            registry: poll.registry().try_clone()?,
            waker: Waker::new(poll.registry(), Token(slots))?,
            slots: (0..slots).map(|_| Mutex::default()).collect(),
            pool: Mutex::new(Pool::new(slots)),
            failed: Mutex::default(),
        };
        Ok((client, poll))
    }

    /// Takes another limit for answers.
    pub(super) fn set_answer_bytes_max(&self, bytes: usize) {
        self.answer_bytes_max.store(bytes, Ordering::Relaxed);
    }

    /// How long a service may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Posts `body` to the service at `port`, without waiting. What comes of it, a
    /// failure too, the thread that has the events tells the engine. Once the client
    /// is closed, nothing is done.
    pub(super) fn start(&self, handler: HandlerId, port: u16, body: HeldBytes) {
        let now = Instant::now();
        let Some(number) = unpoisoned(&self.pool).take(now, port) else {
            return;
        };
        let service = SocketAddr::from((self.satellite_ip, port));
        let deadline = now + self.timeout;
        let exchange = Exchange::new(handler, service, deadline, body, &self.budget);
        let Some(slot) = self.slots.get(number) else {
            return;
        };
        let mut slot = unpoisoned(slot);
        let begun = self.begin(number, &mut slot, exchange);
        if let Err(fault) = begun {
            *slot = None;
            drop(slot);
            let outcome = (handler, Err(self.failure(service, fault)));
            // Not told from here: this may be a long row of them, each started by the
            // end of the one before.
            unpoisoned(&self.failed).push(outcome);
            unpoisoned(&self.pool).release(number);
            if let Err(error) = self.waker.wake() {
                log::error!("cannot wake the thread of the handlers: {error}");
            }
        }
    }

    fn begin(
        &self,
        number: usize,
        slot: &mut Option<Box<Connection>>,
        exchange: Exchange,
    ) -> Result<(), Fault> {
        let kept = slot.take().filter(|kept| kept.is_usable());
        let connection = match kept {
            Some(kept) => kept,
            None => {
                let opened = Connection::open(exchange.service, &self.registry, Token(number));
                Box::new(opened?)
            }
        };
        slot.insert(connection).begin(exchange)
    }

    /// Takes those that failed at once.
    pub(super) fn take_failed(&self) -> Vec<Outcome> {
        std::mem::take(&mut *unpoisoned(&self.failed))
    }

    /// Something happened to the connection of this number.
    pub(super) fn advance(&self, number: usize, buffer: &mut [u8]) -> Turn {
        let Some(slot) = self.slots.get(number) else {
            return Turn::Waits;
        };
        let mut slot = unpoisoned(slot);
        match &mut *slot {
            None => Turn::Waits,
            Some(connection) if connection.exchange.is_some() => {
                let bytes_max = self.answer_bytes_max.load(Ordering::Relaxed);
                match connection.advance(buffer, bytes_max) {
                    Ok(Progress::Waits) => Turn::Waits,
                    Ok(Progress::HasMore) => Turn::HasMore,
                    Ok(Progress::Whole) => self.finish(number, slot, Ok(())),
                    Err(fault) => self.finish(number, slot, Err(fault)),
                }
            }
            // The event was of what came for the query before.
            Some(connection) if connection.is_usable() => Turn::Waits,
            Some(_) => {
                drop(slot);
                self.look_at_idle(number);
                Turn::Waits
            }
        }
    }

    /// The thread panicked over the connection of this number.
    pub(super) fn abandon(&self, number: usize) -> Turn {
        match self.slots.get(number) {
            Some(slot) => self.finish(number, unpoisoned(slot), Err(Fault::Panic)),
            None => Turn::Waits,
        }
    }

    /// Ends queries that took too long, and closes what was idle for long. Gives when
    /// the next query will have taken too long.
    pub(super) fn expire(&self, now: Instant, over: &mut impl Extend<Outcome>) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for (number, slot) in self.slots.iter().enumerate() {
            let slot = unpoisoned(slot);
            let exchange = slot.as_ref().and_then(|slot| slot.exchange.as_ref());
            match exchange.map(|exchange| exchange.deadline) {
                Some(deadline) if deadline <= now => {
                    if let Turn::Over(outcome) = self.finish(number, slot, Err(Fault::TimedOut)) {
                        over.extend([outcome]);
                    }
                }
                Some(deadline) => next = Some(next.map_or(deadline, |next| next.min(deadline))),
                None => {}
            }
        }
        let expired = unpoisoned(&self.pool).expire(now);
        for number in expired {
            self.close_idle(number);
        }
        next
    }

    /// If no query is with a service, takes no more, and closes all connections.
    /// Gives whether that is so.
    pub(super) fn close_if_idle(&self) -> bool {
        let is_closed = unpoisoned(&self.pool).close_if_idle();
        if is_closed {
            for slot in &self.slots {
                unpoisoned(slot).take();
            }
        }
        is_closed
    }

    /// The exchange of this slot is over.
    fn finish(
        &self,
        number: usize,
        mut slot: MutexGuard<'_, Option<Box<Connection>>>,
        ended: Result<(), Fault>,
    ) -> Turn {
        let connection = slot.as_mut();
        let (exchange, is_kept) = connection.map_or((None, false), |it| it.finish());
        let Some(exchange) = exchange else {
            return Turn::Waits;
        };
        let is_kept = is_kept && ended.is_ok();
        if !is_kept {
            *slot = None;
        }
        drop(slot);
        let service = exchange.service;
        if !is_kept {
            unpoisoned(&self.pool).release(number);
        } else if !unpoisoned(&self.pool).keep(Instant::now(), service.port(), number) {
            self.close_idle(number);
        }
        let answer = match ended {
            Ok(()) => answer_of(service, exchange.response),
            Err(fault) => Err(self.failure(service, fault)),
        };
        Turn::Over((exchange.handler, answer))
    }

    /// A service says something on an idle connection: that it closes it, or what
    /// nobody asked for.
    fn look_at_idle(&self, number: usize) {
        // If it is not idle any more, it was looked at when it was taken.
        if unpoisoned(&self.pool).take_idle(number) {
            self.close_idle(number);
        }
    }

    /// Closes a connection that was taken from the idle ones.
    fn close_idle(&self, number: usize) {
        if let Some(slot) = self.slots.get(number) {
            unpoisoned(slot).take();
        }
        unpoisoned(&self.pool).free(number);
    }

    fn failure(&self, service: SocketAddr, fault: Fault) -> ServiceFailure {
        let (reason, message) = match fault {
            Fault::TimedOut => self.timed_out(service),
            Fault::Io(error) if error.kind() == io::ErrorKind::TimedOut => self.timed_out(service),
            Fault::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (
                DropReason::ServiceUnreachable,
                format!("service {service} is not there: {error}"),
            ),
            Fault::TooLarge => {
                let bytes_max = self.answer_bytes_max.load(Ordering::Relaxed);
                let message = format!(
                    "service {service}: its answer is larger than a message may be ({bytes_max} \
                     octets)"
                );
                (DropReason::TooLarge, message)
            }
            Fault::Memory(spent) => (
                DropReason::MemorySpent,
                format!("service {service}: {spent}"),
            ),
            fault => (
                DropReason::ServiceError,
                format!("service {service} gave no whole answer: {fault}"),
            ),
        };
        ServiceFailure { reason, message }
    }

    fn timed_out(&self, service: SocketAddr) -> (DropReason, String) {
        let timeout_ms = self.timeout.as_millis();
        (
            DropReason::ServiceTimeout,
            format!("service {service} did not answer within {timeout_ms} ms"),
        )
    }
}

/// What goes down of a whole response.
fn answer_of(service: SocketAddr, response: Response) -> Result<HeldBytes, ServiceFailure> {
    let (status, body) = response.into_parts();
    if status == 200 || is_graphql_response(&body) {
        return Ok(body);
    }
    let excerpt = body.get(..EXCERPT_BYTES).unwrap_or(&body);
    let excerpt = String::from_utf8_lossy(excerpt);
    let message = format!("service {service} answered with HTTP status {status}: {excerpt}");
    Err(ServiceFailure {
        reason: DropReason::ServiceError,
        message,
    })
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
