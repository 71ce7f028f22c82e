//! The generator: one thread that sends and receives, in a closed or an open loop.

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::course::{Course, NUMBERS};

/// Datagrams on their way at once in the closed loop.
const WINDOW: u32 = 32;

/// What did not come back in so long is lost.
const LOST_AFTER: Duration = Duration::from_millis(400);

/// How often nothing may come back until it is no use to go on.
const SILENCES_MAX: u32 = 5;

const DATAGRAM_BYTES_MAX: usize = 65_536;

/// What became of some datagrams.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flow {
    pub(crate) sent: u32,
    pub(crate) received: u32,
    /// Those that came after one with a higher number.
    pub(crate) reordered: u32,
    /// From the first sent to the last received.
    pub(crate) took: Duration,
}

impl Flow {
    pub(crate) fn lost(&self) -> u32 {
        self.sent.saturating_sub(self.received)
    }

    /// Datagrams per second that came back.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.received) / self.took.as_secs_f64().max(1e-9)
    }
}

/// Sends numbered datagrams and looks at what comes back. For as long as its child runs:
/// a service refuses the command ids that it has had not long before.
pub(crate) struct Generator {
    buffer: Vec<u8>,
    next: u32,
    /// The lowest number that would be in order.
    expected: u32,
}

impl Generator {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; DATAGRAM_BYTES_MAX],
            next: 0,
            expected: 0,
        }
    }

    /// `count` datagrams, of which [`WINDOW`] are on their way at once.
    ///
    /// # Errors
    /// When a socket fails.
    pub(crate) fn closed_loop(&mut self, course: &Course<'_>, count: u32) -> Result<Flow> {
        self.forget(course)?;
        course.receives.set_nonblocking(false)?;
        course.receives.set_read_timeout(Some(LOST_AFTER))?;
        let mut flow = Flow::default();
        let mut on_the_way = 0;
        let began = Instant::now();
        let mut last = began;
        let mut silences = 0;
        while flow.sent < count || on_the_way > 0 {
            while on_the_way < WINDOW && flow.sent < count {
                self.send(course, &mut flow)?;
                on_the_way += 1;
            }
            if self.receive(course, &mut flow)? {
                on_the_way -= 1;
                last = Instant::now();
            } else {
                on_the_way = 0;
                silences += 1;
                if silences == SILENCES_MAX {
                    break;
                }
            }
        }
        flow.took = last - began;
        Ok(flow)
    }

    /// Datagrams at an even `rate` per second for `time`, whatever comes back.
    ///
    /// # Errors
    /// When a socket fails.
    pub(crate) fn open_loop(
        &mut self,
        course: &Course<'_>,
        rate: f64,
        time: Duration,
    ) -> Result<Flow> {
        self.forget(course)?;
        course.receives.set_nonblocking(true)?;
        let mut flow = Flow::default();
        let began = Instant::now();
        loop {
            let elapsed = began.elapsed();
            if elapsed >= time {
                break;
            }
            if f64::from(flow.sent) <= elapsed.as_secs_f64() * rate {
                self.send(course, &mut flow)?;
            }
            self.receive(course, &mut flow)?;
        }
        flow.took = began.elapsed();
        let mut heard = Instant::now();
        while flow.received < flow.sent && heard.elapsed() < LOST_AFTER {
            if self.receive(course, &mut flow)? {
                heard = Instant::now();
            }
        }
        Ok(flow)
    }

    /// What is still on its way from before does not count.
    fn forget(&mut self, course: &Course<'_>) -> Result<()> {
        course.receives.set_nonblocking(true)?;
        while self.receive(course, &mut Flow::default())? {}
        self.expected = self.next;
        Ok(())
    }

    fn send(&mut self, course: &Course<'_>, flow: &mut Flow) -> Result<()> {
        course.send(self.next)?;
        self.next = (self.next + 1) % NUMBERS;
        flow.sent += 1;
        Ok(())
    }

    /// Whether something came.
    fn receive(&mut self, course: &Course<'_>, flow: &mut Flow) -> Result<bool> {
        let bytes = match course.receives.recv(&mut self.buffer) {
            Ok(bytes) => bytes,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Ok(false),
                _ => return Err(error.into()),
            },
        };
        let received = self.buffer.get(..bytes).unwrap_or_default();
        if let Some(number) = course.number(received) {
            flow.received += 1;
            let ahead = (number + NUMBERS - self.expected) % NUMBERS;
            match ahead < NUMBERS / 2 {
                true => self.expected = (number + 1) % NUMBERS,
                false => flow.reordered += 1,
            }
        }
        Ok(true)
    }
}
