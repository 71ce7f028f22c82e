//! A fault injector: what can go wrong between a host and its radio, around any
//! radio.
//!
//! Octets are altered or lost as on a line without error control, a stream comes
//! in pieces cut anywhere, and calls fail now and then. What happens on the air is
//! the business of [`channel`](crate::channel).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::radio::{Medium, Radio, RadioReceiver, RadioTransmitter};

/// How likely faults are, each 0 to 1. The default has none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HostLineConfig {
    /// The same seed gives the same faults to the same calls.
    pub seed: u64,
    /// How likely one bit of an octet is turned over, both ways.
    pub octet_errors: f64,
    /// How likely an octet is lost, both ways.
    pub octet_loss: f64,
    /// Whether what is received comes in pieces cut at random places. For
    /// framings that find their borders.
    pub split_reads: bool,
    /// How likely a `receive` fails. No octet is lost by it, but on a stream the
    /// frame that it interrupts is.
    pub receive_failures: f64,
    /// How likely a `transmit` fails and sends nothing.
    pub transmit_failures: f64,
    /// How likely a `transmit` finds no room.
    pub refusals: f64,
}

/// Why a fault cannot be injected.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{key}` is {value}: choose 0 to 1")]
pub struct HostLineConfigError {
    /// The key.
    pub key: &'static str,
    /// The value given.
    pub value: f64,
}

impl HostLineConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`HostLineConfigError`] names the first that is no probability.
    pub fn validate(&self) -> Result<(), HostLineConfigError> {
        for (key, value) in [
            ("octet-errors", self.octet_errors),
            ("octet-loss", self.octet_loss),
            ("receive-failures", self.receive_failures),
            ("transmit-failures", self.transmit_failures),
            ("refusals", self.refusals),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(HostLineConfigError { key, value });
            }
        }
        Ok(())
    }
}

/// What the injector did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HostLineStatistics {
    /// Octets that were altered.
    pub octets_altered: u64,
    /// Octets that were lost.
    pub octets_lost: u64,
    /// Calls of `receive` that failed.
    pub receive_failures: u64,
    /// Calls of `transmit` that failed.
    pub transmit_failures: u64,
    /// Calls of `transmit` that found no room.
    pub refusals: u64,
}

/// Looks at what a fault injector did.
#[derive(Debug, Clone, Default)]
pub struct HostLineMonitor {
    statistics: Arc<Mutex<HostLineStatistics>>,
}

impl HostLineMonitor {
    /// What was done so far.
    pub fn statistics(&self) -> HostLineStatistics {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, HostLineStatistics> {
        self.statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts faults between the host and `radio`.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] if a value is no probability.
pub fn inject(
    radio: Radio,
    config: &HostLineConfig,
) -> Result<(Radio, HostLineMonitor), RadioError> {
    config
        .validate()
        .map_err(|error| RadioError::new(ErrorKind::InvalidConfig, error.to_string()))?;
    let monitor = HostLineMonitor::default();
    let line = |seed| Line {
        config: *config,
        rng: Rng::with_seed(seed),
        monitor: monitor.clone(),
    };
    let mut properties = radio.properties;
    if config.split_reads {
        properties.medium = Medium::Stream;
    }
    let receiver = FaultyReceiver {
        receiver: radio.receiver,
        line: line(config.seed),
        pieces: FrameBuffer::new(),
        waiting: VecDeque::new(),
    };
    let transmitter = FaultyTransmitter {
        transmitter: radio.transmitter,
        line: line(!config.seed),
        octets: Vec::new(),
    };
    let faulty = Radio::new(properties, receiver, transmitter).with_counters(radio.counters);
    Ok((faulty, monitor))
}

/// One direction.
struct Line {
    config: HostLineConfig,
    rng: Rng,
    monitor: HostLineMonitor,
}

impl Line {
    fn happens(&mut self, likelihood: f64) -> bool {
        likelihood > 0.0 && self.rng.f64() < likelihood
    }

    /// What is left of `octets` at the other end.
    fn carry(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let HostLineConfig {
            octet_errors,
            octet_loss,
            ..
        } = self.config;
        if octet_errors <= 0.0 && octet_loss <= 0.0 {
            out.extend_from_slice(octets);
            return;
        }
        for octet in octets {
            if self.happens(octet_loss) {
                self.monitor.lock().octets_lost += 1;
            } else if self.happens(octet_errors) {
                self.monitor.lock().octets_altered += 1;
                out.push(octet ^ 1 << self.rng.u8(0..8));
            } else {
                out.push(*octet);
            }
        }
    }
}

struct FaultyReceiver {
    receiver: Box<dyn RadioReceiver>,
    line: Line,
    pieces: FrameBuffer,
    /// Octets that are to come in later pieces.
    waiting: VecDeque<u8>,
}

impl RadioReceiver for FaultyReceiver {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        if self.line.happens(self.line.config.receive_failures) {
            self.line.monitor.lock().receive_failures += 1;
            return Err(RadioError::new(ErrorKind::Io, "a failure was injected"));
        }
        if self.waiting.is_empty() {
            self.pieces.clear();
            self.receiver.receive(&mut self.pieces, timeout)?;
            for piece in self.pieces.iter() {
                if self.line.config.split_reads {
                    let mut octets = Vec::new();
                    self.line.carry(piece, &mut octets);
                    self.waiting.extend(octets);
                } else {
                    received.push_with(|octets| self.line.carry(piece, octets));
                }
            }
        }
        if !self.waiting.is_empty() {
            let cut = self.line.rng.usize(1..=self.waiting.len());
            received.push_with(|octets| octets.extend(self.waiting.drain(..cut)));
        }
        Ok(())
    }
}

struct FaultyTransmitter {
    transmitter: Box<dyn RadioTransmitter>,
    line: Line,
    octets: Vec<u8>,
}

impl RadioTransmitter for FaultyTransmitter {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        if self.line.happens(self.line.config.transmit_failures) {
            self.line.monitor.lock().transmit_failures += 1;
            return Err(RadioError::new(ErrorKind::Io, "a failure was injected"));
        }
        if self.line.happens(self.line.config.refusals) {
            self.line.monitor.lock().refusals += 1;
            return Err(RadioError::new(ErrorKind::Full, "a refusal was injected"));
        }
        self.octets.clear();
        self.line.carry(frame, &mut self.octets);
        if self.octets.is_empty() {
            return Ok(());
        }
        self.transmitter.transmit(&self.octets)
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        self.transmitter.credits(timeout)
    }
}
