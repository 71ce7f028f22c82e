//! The downlink: which port feeds which queue, how much each class of a queue
//! holds, and how fast the radio sends.
//!
//! ```toml
//! [my-radio.comms]
//! bit-rate-bps = 9600             # else the radio's; 0 switches pacing off
//!
//! [my-radio.comms.queue]
//! telemetry = { messages-max = 200, bytes-max = 100000, when-full = "oldest" }
//!
//! [[my-radio.comms.downlink]]
//! port = 13012
//! write = 0                       # which `write` function, from 0
//! class = "bulk"                  # or "response", "telemetry"
//! ttl-ms = 60000                  # not sent any more after that; else for ever
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use super::TIME_MS_MAX;
use crate::error::{CommsError, CommsResult};
use crate::link::{ClassLimits, DownlinkPort, Pace, QueueClass, QueueLimits, WhenFull};

/// `[<service>.comms.queue]`: limits of the classes of each transmit queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct QueueOptions {
    /// Answers, commands and link control, and ports of this class.
    pub response: ClassOptions,
    /// Downlink ports, unless they say otherwise.
    pub telemetry: ClassOptions,
    /// Long answers, and ports of this class.
    pub bulk: ClassOptions,
}

/// Limits of one class; what is not given takes the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClassOptions {
    /// Messages; else `transmit-queue-messages-max`.
    pub messages_max: Option<usize>,
    /// Octets of payload; else the memory budget alone.
    pub bytes_max: Option<usize>,
    /// What happens to one message more; else "newest" for telemetry, "refuse" for
    /// the others.
    pub when_full: Option<WhenFull>,
}

/// One `[[<service>.comms.downlink]]`: a downlink endpoint beside `downlink-ports`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DownlinkOptions {
    /// UDP port; 0 lets the system choose.
    pub port: u16,
    /// Which `write` function its messages go to.
    #[serde(default)]
    pub write: usize,
    /// How urgent they are.
    #[serde(default = "telemetry")]
    pub class: QueueClass,
    /// How long a message is worth sending, in ms.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
}

fn telemetry() -> QueueClass {
    QueueClass::Telemetry
}

impl QueueOptions {
    /// The limits, on top of `defaults`.
    pub(super) fn limits(&self, defaults: QueueLimits) -> QueueLimits {
        let limits = |own: &ClassOptions, default: ClassLimits| ClassLimits {
            messages_max: own.messages_max.or(default.messages_max),
            bytes_max: own.bytes_max.or(default.bytes_max),
            when_full: own.when_full.unwrap_or(default.when_full),
        };
        QueueLimits {
            response: limits(&self.response, defaults.response),
            telemetry: limits(&self.telemetry, defaults.telemetry),
            bulk: limits(&self.bulk, defaults.bulk),
        }
    }

    pub(super) fn check(&self) -> CommsResult<()> {
        for (class, options) in [
            (QueueClass::Response, &self.response),
            (QueueClass::Telemetry, &self.telemetry),
            (QueueClass::Bulk, &self.bulk),
        ] {
            for (key, value) in [
                ("messages-max", options.messages_max),
                ("bytes-max", options.bytes_max),
            ] {
                if value == Some(0) {
                    let class = class.as_str();
                    let text = format!("queue.{class}.{key} is 0: nothing could ever be sent");
                    return Err(CommsError::Config(text));
                }
            }
        }
        Ok(())
    }
}

impl DownlinkOptions {
    /// A telemetry endpoint of the first `write`.
    pub fn new(port: u16) -> Self {
        DownlinkOptions {
            port,
            write: 0,
            class: QueueClass::Telemetry,
            ttl_ms: None,
        }
    }

    pub(crate) fn endpoint(&self) -> DownlinkPort {
        DownlinkPort {
            port: self.port,
            write: self.write,
            class: self.class,
            ttl: self.ttl_ms.map(Duration::from_millis),
        }
    }
}

/// Each endpoint of the map has a port and a time to live that can be.
pub(super) fn check_downlink(map: &[DownlinkOptions]) -> CommsResult<()> {
    let mut seen = BTreeSet::new();
    for endpoint in map {
        let port = endpoint.port;
        if port != 0 && !seen.insert(port) {
            let text = format!("port {port} stands twice in `downlink`");
            return Err(CommsError::Config(text));
        }
        let ms_max = TIME_MS_MAX as u64;
        if let Some(ms) = endpoint.ttl_ms.filter(|ms| !(1..=ms_max).contains(ms)) {
            let text = format!("ttl-ms = {ms} of downlink port {port} is not in 1..={ms_max}");
            return Err(CommsError::Config(text));
        }
    }
    Ok(())
}

/// What a radio says of how it sends, as far as it says anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RadioPace {
    /// Bits per second on the air.
    pub bit_rate_bps: Option<u64>,
    /// Frames that it may have taken and not yet sent.
    pub credits: Option<usize>,
    /// Octets of a frame beside its packet, at least.
    pub frame_overhead_bytes: usize,
    /// Whether HDLC on the air stuffs bits into the packet.
    pub is_bit_stuffed: bool,
    /// From keying up to the first bit of a frame.
    pub tx_delay: Duration,
}

impl RadioPace {
    /// The pace of this radio; `bit_rate_bps` goes before its own, and 0 is no pace.
    pub(super) fn pace(&self, bit_rate_bps: Option<u64>) -> Option<Pace> {
        let bit_rate_bps = bit_rate_bps.or(self.bit_rate_bps);
        let bit_rate_bps = bit_rate_bps.filter(|bit_rate_bps| *bit_rate_bps > 0)?;
        Some(Pace {
            frame_overhead_bytes: self.frame_overhead_bytes,
            is_bit_stuffed: self.is_bit_stuffed,
            tx_delay: self.tx_delay,
            ..Pace::new(bit_rate_bps, self.credits)
        })
    }
}
