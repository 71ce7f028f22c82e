//! A channel's settings.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contacts::{Contact, Contacts, ContactsError, PeriodConfig};
use crate::radio::Duplex;

/// Longest time that can be configured.
const TIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Up to this bit rate one frame is in flight: more would only wait.
const ONE_IN_FLIGHT_BPS_MAX: u64 = 100_000;
/// So much air time is in flight above it: longer than a host takes to notice.
const IN_FLIGHT_BITS_PER_FRAME: u64 = 50_000;
/// The most frames in flight.
pub(super) const FRAMES_IN_FLIGHT_MAX: usize = 256;

/// A channel's settings. What is not set costs nothing: the default channel
/// delivers every frame at once.
///
/// In a file, the keys of a direction stand in the table itself for both ways, or
/// in its tables `transmit` and `receive` for one; times are in milliseconds
/// (`delay-ms`), those of contacts in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "super::raw::RawChannel", into = "super::raw::RawChannel")]
pub struct ChannelConfig {
    /// The same seed gives the same fates.
    pub seed: u64,
    /// Whether a station hears while it sends.
    pub duplex: Duplex,
    /// Half duplex: whether a station waits until it hears nobody. Without, both
    /// may send at once, and neither hears the other.
    pub carrier_sense: bool,
    /// Half duplex: from keying down until the receiver hears.
    pub turnaround: Duration,
    /// Frames that the radio takes before they are sent. `None`: 1 up to
    /// 100 kbit/s, then one more for each 50 kbit/s, at most 256.
    pub frames_in_flight_max: Option<usize>,
    /// The contacts; always contact if there is none and no period.
    pub contacts: Vec<Contact>,
    /// Contacts that repeat.
    pub period: Option<PeriodConfig>,
    /// From this end to the other.
    pub transmit: DirectionConfig,
    /// From the other end to this.
    pub receive: DirectionConfig,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            duplex: Duplex::Full,
            carrier_sense: true,
            turnaround: Duration::ZERO,
            frames_in_flight_max: None,
            contacts: Vec::new(),
            period: None,
            transmit: DirectionConfig::default(),
            receive: DirectionConfig::default(),
        }
    }
}

/// One way's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DirectionConfig {
    /// Bits per second; `None`: no frame takes any time.
    pub bit_rate_bps: Option<u64>,
    /// TXDELAY: from keying up to the first bit of a frame.
    pub tx_delay: Duration,
    /// TXTAIL: from the last bit of a frame to keying down.
    pub tx_tail: Duration,
    /// Propagation.
    pub delay: Duration,
    /// What may come on top of it, evenly spread; no frame overtakes another by
    /// it.
    pub jitter: Duration,
    /// How likely a bit is wrong, 0 to 0.5.
    pub bit_error_rate: f64,
    /// Times in which more bits are wrong.
    pub burst: Option<BurstConfig>,
    /// How likely a frame is lost, bit errors aside, 0 to 1.
    pub frame_loss: f64,
    /// How likely a frame is heard twice.
    pub duplication: f64,
    /// How likely a frame is held back, so that later ones may overtake it.
    pub reordering: f64,
    /// How long it is held back at most.
    pub reordering_delay: Duration,
}

/// The bad state of the two-state model of Gilbert and Elliott; the good one has
/// the direction's own bit error rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BurstConfig {
    /// How likely a bit is wrong in the bad state, 0 to 0.5.
    pub bit_error_rate: f64,
    /// How long the good state lasts on average: a bit, and 0.1 ms, or more.
    pub mean_good_ms: f64,
    /// How long the bad state lasts on average, likewise.
    pub mean_bad_ms: f64,
}

impl ChannelConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ChannelConfigError`] names the first that cannot work.
    pub fn validate(&self) -> Result<(), ChannelConfigError> {
        Contacts::new(&self.contacts, self.period)?;
        check_time("turnaround-ms", self.turnaround)?;
        if let Some(frames) = self.frames_in_flight_max {
            check(
                "frames-in-flight-max",
                frames as f64,
                1.0,
                FRAMES_IN_FLIGHT_MAX as f64,
            )?;
        }
        self.transmit.validate()?;
        self.receive.validate()
    }

    /// Frames that the radio takes before they are sent.
    pub fn frames_in_flight_max(&self) -> usize {
        self.frames_in_flight_max.unwrap_or_else(|| {
            let frames = match self.transmit.bit_rate_bps {
                Some(bit_rate_bps) if bit_rate_bps <= ONE_IN_FLIGHT_BPS_MAX => 1,
                Some(bit_rate_bps) => bit_rate_bps / IN_FLIGHT_BITS_PER_FRAME,
                None => u64::MAX,
            };
            usize::try_from(frames).map_or(FRAMES_IN_FLIGHT_MAX, |frames| {
                frames.min(FRAMES_IN_FLIGHT_MAX)
            })
        })
    }
}

/// A few words for the log.
impl fmt::Display for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duplex = match self.duplex {
            Duplex::Full => "full duplex",
            Duplex::Half => "half duplex",
        };
        write!(f, "{duplex}")?;
        for (way, config) in [("out", &self.transmit), ("in", &self.receive)] {
            match config.bit_rate_bps {
                Some(bit_rate_bps) => write!(f, ", {way} {bit_rate_bps} bit/s")?,
                None => write!(f, ", {way} at once")?,
            }
        }
        Ok(())
    }
}

impl DirectionConfig {
    fn validate(&self) -> Result<(), ChannelConfigError> {
        if let Some(bit_rate_bps) = self.bit_rate_bps {
            check(
                "bit-rate-bps",
                bit_rate_bps as f64,
                1.0,
                f64::from(u32::MAX),
            )?;
        }
        for (key, time) in [
            ("tx-delay-ms", self.tx_delay),
            ("tx-tail-ms", self.tx_tail),
            ("delay-ms", self.delay),
            ("jitter-ms", self.jitter),
            ("reordering-ms", self.reordering_delay),
        ] {
            check_time(key, time)?;
        }
        check("bit-error-rate", self.bit_error_rate, 0.0, 0.5)?;
        for (key, probability) in [
            ("frame-loss", self.frame_loss),
            ("duplication", self.duplication),
            ("reordering", self.reordering),
        ] {
            check(key, probability, 0.0, 1.0)?;
        }
        if let Some(burst) = self.burst {
            check("burst.bit-error-rate", burst.bit_error_rate, 0.0, 0.5)?;
            // Shorter than a bit they would be no bursts, and take for ever to count.
            let bit_ms = self.bit_rate_bps.map_or(0.0, |rate| 1e3 / rate as f64);
            let shortest_ms = bit_ms.max(0.1);
            check("burst.mean-good-ms", burst.mean_good_ms, shortest_ms, 1e9)?;
            check("burst.mean-bad-ms", burst.mean_bad_ms, shortest_ms, 1e9)?;
        }
        Ok(())
    }
}

fn check_time(key: &'static str, time: Duration) -> Result<(), ChannelConfigError> {
    check(
        key,
        time.as_secs_f64() * 1e3,
        0.0,
        TIME_MAX.as_secs_f64() * 1e3,
    )
}

fn check(key: &'static str, value: f64, min: f64, max: f64) -> Result<(), ChannelConfigError> {
    match (min..=max).contains(&value) {
        true => Ok(()),
        false => Err(ChannelConfigError::OutOfRange {
            key,
            value,
            min,
            max,
        }),
    }
}

/// Why a channel cannot be simulated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelConfigError {
    /// A value out of its range.
    #[error("`{key}` is {value}: choose {min} to {max}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The value given.
        value: f64,
        /// The smallest value possible.
        min: f64,
        /// The largest value possible.
        max: f64,
    },
    /// The contacts make no sense.
    #[error(transparent)]
    Contacts(#[from] ContactsError),
    /// A time that is no time.
    #[error("`{key}` is {value}: give a time of 0 or more milliseconds")]
    NoTime {
        /// The key.
        key: &'static str,
        /// The value given.
        value: f64,
    },
}
