//! Threads around the engine. They carry octets in and actions out; they decide
//! nothing.
//!
//! A [`Shell`] holds the engine behind a mutex that is only ever held for as
//! long as the engine thinks: never over a system call, `read` or `write`. Both
//! ends of a link run on it; they differ in how they [`Perform`] actions.

mod back_off;
mod clock;
pub(crate) mod first_counts;
mod guard;
mod pdus;
mod radio;
mod read;
mod running;
mod security_state;
mod stop;
pub(crate) mod storage;
mod threads;
mod transmit;

use std::iter::Peekable;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::accounting::Statistics;
use crate::link::{Action, ContactState, JournalEntry, Link};
use crate::pdus::PduReceiver;
use crate::security::StateFiles;

pub(crate) use back_off::BackOff;
pub(crate) use radio::{RadioFunctions, Reading, Writing, reading_one};
pub(crate) use running::{Ending, LinkThreads, Running};
pub(crate) use stop::Stop;
pub use threads::ShutdownReport;
pub(crate) use threads::{OWN_STACK_BYTES, Threads, USER_STACK_BYTES};
pub(crate) use transmit::{Outlet, Outlets};

use guard::{EngineFault, panic_text};
use pdus::PduDelivery;
use security_state::SecurityState;

/// Carries out what the engine decides.
pub(crate) trait Perform: Send + Sync {
    /// Does `action`, without waiting. What comes of it is told to the engine
    /// through [`Shell::with`].
    fn perform(&self, shell: &Shell, action: Action);

    /// The same for several, in their order.
    fn perform_all(&self, shell: &Shell, actions: Vec<Action>) {
        for action in actions {
            self.perform(shell, action);
        }
    }

    /// Hands an entry of the journal to whoever writes it, without waiting; gives it
    /// back where nobody does. The engine is held meanwhile, so that entries come in
    /// the order in which it decided on them: it is not to be called.
    fn enter(&self, entry: JournalEntry) -> Result<(), JournalEntry> {
        Err(entry)
    }
}

/// One engine, and how to wake the threads that serve it.
pub(crate) struct Shell {
    engine: Mutex<Engine>,
    /// None once the shell is closed.
    performer: Mutex<Option<Arc<dyn Perform>>>,
    /// What the transmit threads sleep by.
    transmit_wakes: Vec<Condvar>,
    clock_wake: Sender<()>,
    /// Nothing more is to be taken in.
    stop: Stop,
    /// Nothing more comes for the radio.
    end: Stop,
    /// Since the stop was asked for: when the last `write` is to be over.
    send_until: OnceLock<Instant>,
    /// Where the security layer's state is kept, on a link that has one.
    security_state: OnceLock<SecurityState>,
    /// The way to the file entity, where there is one.
    pdus: OnceLock<PduDelivery>,
}

struct Engine {
    link: Link,
    /// When the clock thread will look next.
    alarm: Option<Instant>,
    /// Which transmit threads sleep.
    sleeping: Vec<bool>,
}

/// What the threads of a shell wait for.
pub(crate) struct Wakes {
    clock: Receiver<()>,
}

impl Shell {
    /// A shell around `link`, without threads yet.
    pub(crate) fn new(
        link: Link,
        writes: usize,
        performer: Arc<dyn Perform>,
    ) -> (Arc<Self>, Wakes) {
        // One waiting token says all there is to say: "look again".
        let (clock_wake, clock) = bounded(1);
        let shell = Arc::new(Shell {
            engine: Mutex::new(Engine {
                link,
                alarm: None,
                sleeping: vec![false; writes],
            }),
            performer: Mutex::new(Some(performer)),
            transmit_wakes: (0..writes).map(|_| Condvar::new()).collect(),
            clock_wake,
            stop: Stop::new(),
            end: Stop::new(),
            send_until: OnceLock::new(),
            security_state: OnceLock::new(),
            pdus: OnceLock::new(),
        });
        (shell, Wakes { clock })
    }

    /// Lets the engine think about what happened, then does what it decided.
    ///
    /// A panic in the engine is accounted for before anybody else can look, and
    /// goes on to the thread's guard.
    pub(crate) fn with<R>(&self, happened: impl FnOnce(&mut Link, Instant) -> R) -> R {
        match self.try_with(happened) {
            Ok(result) => result,
            Err(text) => resume_unwind(Box::new(EngineFault(text))),
        }
    }

    /// The same for several things of one kind, in their order. One at which the engine
    /// panics keeps none of the others from it; the panic goes on after the last.
    pub(crate) fn with_all<I: Iterator>(
        &self,
        things: I,
        mut happened: impl FnMut(&mut Link, Instant, &mut Peekable<I>),
    ) {
        let mut things = things.peekable();
        let mut fault = None;
        while things.peek().is_some() {
            let outcome = self.try_with(|link, now| happened(link, now, &mut things));
            fault = fault.or(outcome.err());
        }
        if let Some(text) = fault {
            resume_unwind(Box::new(EngineFault(text)));
        }
    }

    /// The same, but that the caller hears of a panic, which is accounted for.
    pub(crate) fn try_with<R>(
        &self,
        happened: impl FnOnce(&mut Link, Instant) -> R,
    ) -> Result<R, String> {
        let mut engine = self.engine();
        let now = Instant::now();
        let link = &mut engine.link;
        let result = catch_unwind(AssertUnwindSafe(|| happened(link, now)));
        let result = result.map_err(|panic| panic_text(&*panic));
        if let Err(text) = &result {
            engine.link.handle_panic(text);
        }
        // Without an action, as is usual, this allocates nothing.
        let actions = std::iter::from_fn(|| engine.link.poll_action());
        let actions: Vec<Action> = actions.filter_map(|action| self.enter(action)).collect();
        let woken = engine.wake(now);
        let due = engine.link.poll_timeout();
        if due.is_some_and(|due| engine.alarm.is_none_or(|alarm| due < alarm)) {
            engine.alarm = due;
            let _ = self.clock_wake.try_send(());
        }
        drop(engine);
        // Not before: whoever wakes wants the engine.
        for write in woken {
            if let Some(wake) = self.transmit_wakes.get(write) {
                wake.notify_one();
            }
        }
        if !actions.is_empty() {
            self.perform(actions);
        }
        self.pass_to_entity();
        result
    }

    /// Hands on what is for the journal or the file entity; gives back what is to be done
    /// otherwise. Threads overtake each other once the engine is let go: a command that
    /// was forgotten must not be entered so after its retry was entered as started.
    fn enter(&self, action: Action) -> Option<Action> {
        let action = match self.pdus.get() {
            Some(pdus) => pdus.keep(action)?,
            None => action,
        };
        let Action::Journal(entry) = action else {
            return Some(action);
        };
        let performer = unpoisoned(&self.performer).clone()?;
        performer.enter(entry).err().map(Action::Journal)
    }

    fn perform(&self, mut actions: Vec<Action>) {
        // Not held over the actions, which may come back here.
        let performer = unpoisoned(&self.performer).clone();
        let Some(performer) = performer else {
            return;
        };
        let is_store = |action: &mut Action| matches!(action, Action::StoreSecurity { .. });
        for action in actions.extract_if(.., is_store) {
            if let Action::StoreSecurity { token, octets } = action {
                self.store_security(token, octets);
            }
        }
        performer.perform_all(self, actions);
    }

    /// Drops what is still held, and closes the sockets, whoever keeps the
    /// shell: telemetry does, and so does a thread that did not end.
    pub(crate) fn close(&self) {
        let state = self.with(|link, _| {
            link.handle_shutdown();
            link.close_security()
        });
        if let (Some(store), Some(octets)) = (self.security_state.get(), state) {
            store.close(&octets);
        }
        unpoisoned(&self.performer).take();
        if let Some(pdus) = self.pdus.get() {
            pdus.close();
            self.tell_entity(pdus);
        }
    }

    /// What the link has for a file entity goes to `receiver`.
    pub(crate) fn keep_pdus(&self, receiver: Arc<dyn PduReceiver>) {
        self.pdus.get_or_init(|| PduDelivery::new(receiver));
    }

    /// Has a thread of the link tell the entity what is new: this one, or the clock's.
    /// Who uses the link may hold what the entity wants.
    fn pass_to_entity(&self) {
        match self.pdus.get() {
            Some(pdus) if threads::is_of_link() => self.tell_entity(pdus),
            Some(pdus) if pdus.has_news() => {
                let _ = self.clock_wake.try_send(());
            }
            _ => {}
        }
    }

    fn tell_entity(&self, pdus: &PduDelivery) {
        for text in pdus.tell() {
            let text = format!("the receiver of PDUs failed: {text}");
            log::error!("{text}");
            self.engine().link.note(text);
        }
    }

    /// Looks at the engine, to which nothing happened.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Link, Instant) -> R) -> R {
        look(&self.engine().link, Instant::now())
    }

    /// The security layer's state is kept in `files`, by a thread that this starts.
    pub(crate) fn keep_security(
        self: &Arc<Self>,
        files: StateFiles,
        threads: &mut LinkThreads,
    ) -> std::io::Result<()> {
        let (state, jobs) = SecurityState::new(files);
        self.security_state.get_or_init(|| state);
        let own = Arc::clone(self);
        // It ends with those that transmit, which may need it until then.
        let run = move || security_state::run(&own, &jobs);
        threads
            .transmit
            .spawn("security-state", OWN_STACK_BYTES, run)
    }

    fn store_security(&self, token: u64, octets: Vec<u8>) {
        if let Some(state) = self.security_state.get() {
            state.ask(token, octets);
        }
    }

    /// Everything counted, in one consistent snapshot.
    pub(crate) fn statistics(&self) -> Statistics {
        self.engine().link.statistics()
    }

    /// Whether the ground is there, now.
    pub(crate) fn contact(&self) -> ContactState {
        self.engine().link.contact(Instant::now())
    }

    /// Which `write` the messages of a downlink endpoint go to, now.
    pub(crate) fn write_of_endpoint(&self, endpoint: usize) -> Option<usize> {
        self.engine().link.write_of_endpoint(endpoint)
    }

    /// Whether nothing more is to be taken in.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_requested()
    }

    /// For threads that take something in.
    pub(crate) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// For threads that transmit: requested once nobody can queue any more.
    fn end(&self) -> &Stop {
        &self.end
    }

    /// Whether another `write` may begin, when the last one took so long.
    fn may_write(&self, last_took: Duration) -> bool {
        let until = self.send_until.get();
        until.is_none_or(|until| Instant::now() + last_took <= *until)
    }

    fn request_stop(&self, send_until: Instant) {
        self.send_until.get_or_init(|| send_until);
        self.stop.request();
    }

    fn request_end(&self) {
        self.end.request();
        // Whoever is about to sleep sees it, or sleeps already and is woken.
        drop(self.engine());
        self.transmit_wakes.iter().for_each(Condvar::notify_all);
    }

    /// Waits until there may be packets for `write`: because one came, the end was
    /// asked for, or it is `until`.
    fn sleep_until_packets(&self, write: usize, until: Option<Instant>) {
        let mut engine = self.engine();
        let now = Instant::now();
        let Some(wake) = self.transmit_wakes.get(write) else {
            return;
        };
        if self.end.is_requested() || engine.link.has_packet(now, write) {
            return;
        }
        engine.set_sleeping(write, true);
        let mut engine = match until {
            Some(until) => {
                let pause = until.saturating_duration_since(now);
                let woken = wake.wait_timeout(engine, pause);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => wake.wait(engine).unwrap_or_else(PoisonError::into_inner),
        };
        engine.set_sleeping(write, false);
    }

    /// Has a transmit thread that sleeps not woken until [`Shell::end_let_sleep`]; false
    /// when it is awake.
    fn let_sleep(&self, write: usize) -> bool {
        let mut engine = self.engine();
        let sleeping = engine.sleeping.get_mut(write);
        sleeping.is_some_and(std::mem::take)
    }

    /// From now on the thread is woken as usual: now, if there is a packet for it, or
    /// if it `must_look`.
    fn end_let_sleep(&self, write: usize, must_look: bool) {
        let mut engine = self.engine();
        let is_due = must_look || engine.link.has_packet(Instant::now(), write);
        engine.set_sleeping(write, !is_due);
        drop(engine);
        if let (true, Some(wake)) = (is_due, self.transmit_wakes.get(write)) {
            wake.notify_one();
        }
    }

    /// Sets the alarm to when the engine is due next.
    fn rearm(&self) -> Option<Instant> {
        let mut engine = self.engine();
        engine.alarm = engine.link.poll_timeout();
        engine.alarm
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        unpoisoned(&self.engine)
    }
}

impl Engine {
    /// The transmit threads to wake, as there is something for them; none of them
    /// sleeps from now on.
    fn wake(&mut self, now: Instant) -> Vec<usize> {
        let mut woken = Vec::new();
        for (write, sleeps) in self.sleeping.iter_mut().enumerate() {
            if *sleeps && self.link.has_packet(now, write) {
                *sleeps = false;
                woken.push(write);
            }
        }
        woken
    }

    fn set_sleeping(&mut self, write: usize, sleeps: bool) {
        if let Some(sleeping) = self.sleeping.get_mut(write) {
            *sleeping = sleeps;
        }
    }
}

/// A panic elsewhere must not stop the link.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the threads that every link has: clock, transmit, read.
pub(crate) fn start_threads<Connection: Send + 'static>(
    shell: &Arc<Shell>,
    wakes: Wakes,
    read: Option<Reading<Connection>>,
    outlets: Outlets,
    threads: &mut LinkThreads,
) -> std::io::Result<()> {
    let own = Arc::clone(shell);
    threads.intake.spawn("clock", OWN_STACK_BYTES, move || {
        clock::run(&own, &wakes.clock)
    })?;
    for (write, outlet) in outlets.into_iter().enumerate() {
        let own = Arc::clone(shell);
        let run = move || outlet.run(&own);
        let name = format!("transmit-{write}");
        threads.transmit.spawn(&name, USER_STACK_BYTES, run)?;
    }
    if let Some((function, connection)) = read {
        let own = Arc::clone(shell);
        let run = move || read::run(&own, &*function, &connection);
        threads.intake.spawn("read", USER_STACK_BYTES, run)?;
    }
    Ok(())
}
