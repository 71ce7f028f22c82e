//! A channel in a configuration file.
//!
//! ```toml
//! [radio.channel]
//! bit-rate-bps = 9600                # both ways
//! bit-error-rate = 1e-5
//! duplex = "half"
//! period = { first-aos-s = 10, duration-s = 480, period-s = 5400 }
//! receive = { bit-rate-bps = 1200 }  # one way differs
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contacts::Contact;
use super::{BurstConfig, ChannelConfig, ChannelConfigError, DirectionConfig, PeriodConfig};
use crate::radio::Duplex;

/// The keys of one way stand twice, for both ways and for one: serde cannot
/// flatten a table and refuse unknown keys together.
macro_rules! tables {
    ($($key:ident: $type:ty,)*) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct RawDirection {
            $(#[serde(skip_serializing_if = "Option::is_none")] $key: Option<$type>,)*
        }

        /// The keys as they stand in the file.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub(super) struct RawChannel {
            #[serde(default)]
            seed: u64,
            #[serde(default)]
            duplex: Duplex,
            #[serde(default = "yes")]
            carrier_sense: bool,
            #[serde(default)]
            turnaround_ms: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            frames_in_flight_max: Option<usize>,
            $(#[serde(skip_serializing_if = "Option::is_none")] $key: Option<$type>,)*
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            contacts: Vec<Contact>,
            #[serde(skip_serializing_if = "Option::is_none")]
            period: Option<PeriodConfig>,
            #[serde(default)]
            transmit: RawDirection,
            #[serde(default)]
            receive: RawDirection,
        }

        impl RawChannel {
            /// One way: its own value where there is one, else that of both.
            fn direction(&self, own: &RawDirection) -> RawDirection {
                RawDirection {
                    $($key: own.$key.clone().or_else(|| self.$key.clone()),)*
                }
            }
        }
    };
}

tables! {
    bit_rate_bps: u64,
    tx_delay_ms: f64,
    tx_tail_ms: f64,
    delay_ms: f64,
    jitter_ms: f64,
    bit_error_rate: f64,
    burst: BurstConfig,
    frame_loss: f64,
    duplication: f64,
    reordering: f64,
    reordering_ms: f64,
}

fn yes() -> bool {
    true
}

fn time(key: &'static str, value: Option<f64>) -> Result<Duration, ChannelConfigError> {
    let value = value.unwrap_or_default();
    Duration::try_from_secs_f64(value / 1e3).map_err(|_| ChannelConfigError::NoTime { key, value })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl TryFrom<RawDirection> for DirectionConfig {
    type Error = ChannelConfigError;

    fn try_from(raw: RawDirection) -> Result<Self, ChannelConfigError> {
        Ok(Self {
            bit_rate_bps: raw.bit_rate_bps,
            tx_delay: time("tx-delay-ms", raw.tx_delay_ms)?,
            tx_tail: time("tx-tail-ms", raw.tx_tail_ms)?,
            delay: time("delay-ms", raw.delay_ms)?,
            jitter: time("jitter-ms", raw.jitter_ms)?,
            bit_error_rate: raw.bit_error_rate.unwrap_or_default(),
            burst: raw.burst,
            frame_loss: raw.frame_loss.unwrap_or_default(),
            duplication: raw.duplication.unwrap_or_default(),
            reordering: raw.reordering.unwrap_or_default(),
            reordering_delay: time("reordering-ms", raw.reordering_ms)?,
        })
    }
}

impl From<&DirectionConfig> for RawDirection {
    fn from(config: &DirectionConfig) -> Self {
        Self {
            bit_rate_bps: config.bit_rate_bps,
            tx_delay_ms: Some(milliseconds(config.tx_delay)),
            tx_tail_ms: Some(milliseconds(config.tx_tail)),
            delay_ms: Some(milliseconds(config.delay)),
            jitter_ms: Some(milliseconds(config.jitter)),
            bit_error_rate: Some(config.bit_error_rate),
            burst: config.burst,
            frame_loss: Some(config.frame_loss),
            duplication: Some(config.duplication),
            reordering: Some(config.reordering),
            reordering_ms: Some(milliseconds(config.reordering_delay)),
        }
    }
}

impl TryFrom<RawChannel> for ChannelConfig {
    type Error = ChannelConfigError;

    fn try_from(raw: RawChannel) -> Result<Self, ChannelConfigError> {
        let config = Self {
            transmit: raw.direction(&raw.transmit).try_into()?,
            receive: raw.direction(&raw.receive).try_into()?,
            seed: raw.seed,
            duplex: raw.duplex,
            carrier_sense: raw.carrier_sense,
            turnaround: time("turnaround-ms", Some(raw.turnaround_ms))?,
            frames_in_flight_max: raw.frames_in_flight_max,
            contacts: raw.contacts,
            period: raw.period,
        };
        config.validate()?;
        Ok(config)
    }
}

impl From<ChannelConfig> for RawChannel {
    fn from(config: ChannelConfig) -> Self {
        Self {
            seed: config.seed,
            duplex: config.duplex,
            carrier_sense: config.carrier_sense,
            turnaround_ms: milliseconds(config.turnaround),
            frames_in_flight_max: config.frames_in_flight_max,
            bit_rate_bps: None,
            tx_delay_ms: None,
            tx_tail_ms: None,
            delay_ms: None,
            jitter_ms: None,
            bit_error_rate: None,
            burst: None,
            frame_loss: None,
            duplication: None,
            reordering: None,
            reordering_ms: None,
            contacts: config.contacts,
            period: config.period,
            transmit: (&config.transmit).into(),
            receive: (&config.receive).into(),
        }
    }
}
