//! A file that goes down through passes, on virtual time: how much of the air carries
//! octets of it that were not there yet.
//!
//! Both ends have an engine and behind it a CFDP entity, fed as the radio takes. The
//! channel loses frames both ways and is away between passes, of which both entities are
//! told. No clock is asked, so the figures are the same on every machine.

mod pattern;
mod transfer;

use std::time::Duration;

use comms_service::security::Mode;
use radio_hal::channel::{ChannelConfig, DirectionConfig, PeriodConfig};

use transfer::Transfer;

/// How long a spacecraft is above the horizon, and how long beneath it after that.
const PASS: Duration = Duration::from_secs(8 * 60);
const GAP: Duration = Duration::from_secs(20 * 60);
/// To a spacecraft in a low orbit.
const DELAY: Duration = Duration::from_millis(5);

/// A file, and the link that it goes down by.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    /// Everything that is random is made of it.
    pub seed: u64,
    /// Bits per second on the air, either way.
    pub bit_rate_bps: u64,
    /// N1: octets of the largest packet.
    pub n1: usize,
    /// Octets of the file.
    pub file_bytes: u64,
    /// How likely a frame is lost, either way.
    pub frame_loss: f64,
    /// How long each pass is.
    pub pass: Duration,
    /// From the end of a pass to the next.
    pub gap: Duration,
    /// How long a signal is on its way.
    pub delay: Duration,
    /// How messages are protected, if they are.
    pub security: Option<Mode>,
    /// Ranges of the file that an entity keeps apart; none for its default.
    pub ranges_max: Option<usize>,
}

/// How a file arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Octets of the file.
    pub file_bytes: u64,
    /// Time in contact from when it was asked for until it had its name at the other end.
    pub contact: Duration,
    /// Of it, time in which the satellite's radio sent nothing.
    pub idle: Duration,
    /// Passes that it took.
    pub passes: u64,
    /// Octets of the largest PDU.
    pub pdu_bytes: usize,
    /// Octets of the air, on average, that the frame of a full File Data PDU took.
    pub frame_bytes: f64,
    /// Octets of the file that go in that time, if full File Data PDUs follow each other
    /// without any gap, with bits stuffed as they were.
    pub best_bytes: f64,
    /// File Data PDUs that went again.
    pub data_again: u64,
    /// File Data PDUs that were there already.
    pub duplicates: u64,
    /// What happened, a line each, the oldest first; File Data PDUs in a row are one.
    pub timeline: Vec<String>,
}

impl Delivery {
    /// Of the best possible.
    pub fn share(&self) -> f64 {
        self.file_bytes as f64 / self.best_bytes
    }
}

impl Files {
    /// A file on a link that loses nothing.
    pub fn new(bit_rate_bps: u64, n1: usize, file_bytes: u64) -> Self {
        Files {
            seed: 1,
            bit_rate_bps,
            n1,
            file_bytes,
            frame_loss: 0.0,
            pass: PASS,
            gap: GAP,
            delay: DELAY,
            security: None,
            ranges_max: None,
        }
    }

    /// Lets the file go down.
    ///
    /// # Errors
    /// A text, if it does not arrive as it is.
    pub fn deliver(&self) -> Result<Delivery, String> {
        Transfer::new(self)?.deliver()
    }

    /// Lets a service give `answers` answers, and an app as many datagrams, at random
    /// moments while the file goes down; how long each took to its last bit, in air times
    /// of the longest frame, the longest of either.
    ///
    /// # Errors
    /// A text, if the link comes to a halt.
    pub fn waits(&self, answers: usize) -> Result<Waits, String> {
        Transfer::new(self)?.waits(answers)
    }

    fn channel(&self) -> ChannelConfig {
        let way = DirectionConfig {
            bit_rate_bps: Some(self.bit_rate_bps),
            delay: self.delay,
            frame_loss: self.frame_loss,
            ..DirectionConfig::default()
        };
        ChannelConfig {
            seed: self.seed,
            period: (!self.gap.is_zero()).then(|| PeriodConfig {
                first_aos_s: 0.0,
                duration_s: self.pass.as_secs_f64(),
                period_s: (self.pass + self.gap).as_secs_f64(),
            }),
            transmit: way.clone(),
            receive: way,
            ..ChannelConfig::default()
        }
    }
}

/// The longest waits, in air times of the longest frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Waits {
    /// Frames that the engine hands to the radio ahead.
    pub credits: usize,
    /// Of answers.
    pub answer: f64,
    /// Of datagrams of telemetry.
    pub telemetry: f64,
}
