//! What hands packets to one `write`: takes them from the engine, offers them, and
//! tells the engine what became of them.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use radio_hal::FrameBuffer;

use super::super::Shell;
use super::super::back_off::BackOff;
use super::super::guard::panic_text;
use super::super::radio::Writing;
use crate::accounting::DropReason;
use crate::error::CommsError;
use crate::link::Link;

/// The longest pause before a packet is offered again: for so long the air may be
/// idle after a radio got ready.
const NOT_READY_PAUSE_MAX: Duration = Duration::from_millis(100);

/// A call of `write` that takes no longer is quick.
const QUICK_WRITE_MAX: Duration = Duration::from_millis(1);
/// So many quick calls in a row, and the next one is trusted to be quick, too.
const QUICK_WRITES_TRUSTED: u32 = 64;

/// So many packets, but for what the last call takes, a thread sends that has something
/// else to do.
const PACKETS_AT_ONCE_MAX: usize = 64;

pub(super) struct Transmitter<Connection> {
    number: usize,
    writing: Writing<Connection>,
    connection: Connection,
    /// What `write` has not taken yet of the packets that it was given, oldest first.
    offered: FrameBuffer,
    /// Where those that are left are put together.
    rest: FrameBuffer,
    /// What the engine is to be told.
    written: Option<Written>,
    /// How long the last call took.
    write_took: Duration,
    /// Calls in a row that were quick and succeeded.
    quick_writes: u32,
    after_failure: BackOff,
    until_ready: BackOff,
    /// A failure whose pause is still due.
    failed: Option<String>,
    /// Set while it works: still set at the next beginning after a panic.
    at_work: bool,
}

/// What `write` did with the packets that it was offered.
struct Written {
    /// So many from the front are done with.
    packets: usize,
    /// Why the last of them was not taken.
    error: Option<String>,
}

/// What came of one call of `write`.
enum Step {
    /// It was not called: the stop leaves no time for it.
    Over,
    /// It was not called: there is nothing for it now, and nothing by itself before
    /// this time.
    Nothing(Option<Instant>),
    /// It took so many packets.
    Wrote(usize),
    /// It takes none yet.
    NotReady(String),
    /// It failed with the first packet, which is done with.
    Failed(String),
}

impl<Connection> Transmitter<Connection> {
    pub(super) fn new(number: usize, writing: Writing<Connection>, connection: Connection) -> Self {
        Transmitter {
            number,
            writing,
            connection,
            offered: FrameBuffer::new(),
            rest: FrameBuffer::new(),
            written: None,
            write_took: Duration::ZERO,
            quick_writes: 0,
            after_failure: BackOff::new(),
            until_ready: BackOff::up_to(NOT_READY_PAUSE_MAX),
            failed: None,
            at_work: false,
        }
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Whether the next call may be expected not to keep its thread.
    pub(super) fn is_quick(&self) -> bool {
        self.quick_writes >= QUICK_WRITES_TRUSTED && self.is_done()
    }

    /// Whether nothing is left over for the thread that may wait.
    pub(super) fn is_done(&self) -> bool {
        self.offered.is_empty() && self.failed.is_none() && !self.at_work
    }

    /// Sends until there is nothing to send now, waiting for the radio and after
    /// failures. Gives when pacing allows the next packet; breaks at the end.
    pub(super) fn send_all(&mut self, shell: &Shell) -> ControlFlow<(), Option<Instant>> {
        self.begin(shell);
        let flow = loop {
            let step = match self.failed.take() {
                Some(error) => Step::Failed(error),
                None => self.step(shell),
            };
            let went_on = match step {
                Step::Over => break ControlFlow::Break(()),
                Step::Nothing(paced_until) => break ControlFlow::Continue(paced_until),
                Step::Wrote(_) => true,
                Step::NotReady(error) => self.wait_until_ready(shell, error),
                Step::Failed(error) => self.wait_after_failure(shell, &error),
            };
            if !went_on {
                let (number, reason) = (self.number, DropReason::Shutdown);
                shell.with(|link, now| link.handle_lost_packets(now, number, 0, reason));
                self.offered.clear();
                break ControlFlow::Break(());
            }
        };
        self.at_work = false;
        flow
    }

    /// Sends a few packets without waiting. What the radio does not take is left for
    /// [`send_all`](Transmitter::send_all).
    pub(super) fn send_at_once(&mut self, shell: &Shell) {
        self.begin(shell);
        let mut left = PACKETS_AT_ONCE_MAX;
        while left > 0 {
            match self.step(shell) {
                Step::Over | Step::Nothing(_) | Step::NotReady(_) => break,
                Step::Wrote(packets) => left = left.saturating_sub(packets),
                Step::Failed(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
        // Of a failure, whoever pauses for it tells.
        if self.written.is_some() && self.failed.is_none() {
            let (number, written) = (self.number, self.written.take());
            shell.with(|link, now| tell(link, now, number, written));
        }
        self.at_work = false;
    }

    /// After a panic, what was on the way from the engine or to it may be lost.
    fn begin(&mut self, shell: &Shell) {
        if !std::mem::replace(&mut self.at_work, true) {
            return;
        }
        self.written = None;
        let (number, left) = (self.number, self.offered.len());
        let reason = DropReason::InternalFault;
        shell.with(|link, now| link.handle_lost_packets(now, number, left, reason));
    }

    /// Tells the engine what was written, takes packets if none are left, and offers
    /// them once.
    fn step(&mut self, shell: &Shell) -> Step {
        let may_write = shell.may_write(self.write_took);
        let (number, packets_max) = (self.number, self.writing.packets_max);
        let (written, packets) = (self.written.take(), &mut self.offered);
        let paced_until = shell.with(|link, now| {
            tell(link, now, number, written);
            if !may_write {
                link.handle_lost_packets(now, number, 0, DropReason::Shutdown);
            } else if packets.is_empty() {
                link.poll_packets(now, number, packets_max, packets);
            }
            link.paced_until(number)
        });
        if !may_write {
            self.offered.clear();
            return Step::Over;
        }
        if self.offered.is_empty() {
            return Step::Nothing(paced_until);
        }
        self.write()
    }

    fn write(&mut self) -> Step {
        let (write, connection) = (&self.writing.write, &self.connection);
        let offered = &self.offered;
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| write(connection, offered)));
        self.write_took = began.elapsed();
        let quick_writes = match self.write_took <= QUICK_WRITE_MAX {
            true => self.quick_writes.saturating_add(1),
            false => 0,
        };
        self.quick_writes = 0;
        let error = match result {
            Ok(Ok(0)) => return Step::NotReady("it took none of the packets".to_owned()),
            Ok(Ok(taken)) => {
                let packets = taken.min(self.offered.len());
                self.done(packets, None);
                self.quick_writes = quick_writes;
                self.after_failure.reset();
                return Step::Wrote(packets);
            }
            Ok(Err(CommsError::NotReady(error))) => return Step::NotReady(error),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic_text(&*panic),
        };
        self.done(1, Some(error.clone()));
        Step::Failed(error)
    }

    /// The first `packets` of those offered are done with.
    fn done(&mut self, packets: usize, error: Option<String>) {
        self.written = Some(Written { packets, error });
        self.until_ready.reset();
        if packets < self.offered.len() {
            self.rest.clear();
            let left = self.offered.iter().skip(packets);
            left.for_each(|packet| self.rest.push(packet));
            std::mem::swap(&mut self.offered, &mut self.rest);
        } else {
            self.offered.clear();
        }
    }

    /// Pauses before the same packet is offered again. One whose command was taken back
    /// is not; at the end of the link, neither is one for which no time is left. False
    /// when nothing more is to be offered.
    fn wait_until_ready(&mut self, shell: &Shell, error: String) -> bool {
        if self.until_ready.is_first() {
            let number = self.number;
            log::info!("write {number} waits for the radio: {error}");
        }
        let pause = self.until_ready.next_pause();
        if !self.until_ready.pause(shell.end()) {
            if !shell.may_write(self.write_took + pause) {
                self.done(1, Some(error.clone()));
                return self.wait_after_failure(shell, &error);
            }
            std::thread::sleep(pause);
        }
        if self.is_withdrawn(shell) {
            self.done(1, Some(error));
        }
        true
    }

    /// Tells of a failure, and pauses; not for a packet whose command was taken back.
    /// At the end nobody waits for a radio that fails: false then.
    fn wait_after_failure(&mut self, shell: &Shell, error: &str) -> bool {
        let number = self.number;
        if self.is_withdrawn(shell) {
            return true;
        }
        let pause_ms = self.after_failure.next_pause().as_millis();
        log::warn!("write {number} failed, next try in {pause_ms} ms: {error}");
        let written = self.written.take();
        shell.with(|link, now| tell(link, now, number, written));
        self.after_failure.pause(shell.end())
    }

    fn is_withdrawn(&self, shell: &Shell) -> bool {
        shell.with(|link, _| link.is_withdrawn(self.number))
    }
}

fn tell(link: &mut Link, now: Instant, number: usize, written: Option<Written>) {
    let Some(Written { packets, mut error }) = written else {
        return;
    };
    for packet in 1..=packets {
        let error = error.take_if(|_| packet == packets);
        link.handle_written(now, number, error.map_or(Ok(()), Err));
    }
}
