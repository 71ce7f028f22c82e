//! What is known of a radio beyond its host's side, and what a KISS TNC is told.

use std::time::Duration;

use super::{RadioConfigError, Transport};
use crate::framing::FramingConfig;
use crate::kiss::{self, Command, Port};
use crate::radio::{Duplex, Medium, RadioProperties};

/// The longest time that KISS can tell a TNC, in ms: 255 units of 10 ms.
const TNC_TIME_MS_MAX: u64 = 2550;
const TNC_TIME_UNIT_MS: u64 = 10;

/// What is known of a radio beyond its host's side. What is `None` is not known,
/// and a TNC keeps what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AirConfig {
    /// Bits per second on the air.
    pub bit_rate_bps: Option<u64>,
    /// Whether the radio hears while it sends.
    pub duplex: Option<Duplex>,
    /// TXDELAY: from keying up to the first bit of a frame.
    pub tx_delay_ms: Option<u64>,
    /// TXTAIL: from the last bit of a frame to keying down.
    pub tx_tail_ms: Option<u64>,
    /// KISS TNC: persistence p, as 256 · p − 1.
    pub persistence: Option<u8>,
    /// KISS TNC: how long it waits before it tries the channel again.
    pub slot_time_ms: Option<u64>,
}

impl AirConfig {
    pub(super) fn validate(
        &self,
        transport: &Transport,
        framing: &FramingConfig,
    ) -> Result<(), RadioConfigError> {
        let tnc = framing.framing.is_kiss() && transport.medium() == Medium::Stream;
        for (key, given) in [
            ("persistence", self.persistence.is_some()),
            ("slot-time-ms", self.slot_time_ms.is_some()),
        ] {
            if given && !tnc {
                return Err(RadioConfigError::NoTnc { key });
            }
        }
        let time_ms_max = if tnc { TNC_TIME_MS_MAX } else { 60_000 };
        for (key, value, min, max) in [
            ("bit-rate-bps", self.bit_rate_bps, 1, u64::from(u32::MAX)),
            ("tx-delay-ms", self.tx_delay_ms, 0, time_ms_max),
            ("tx-tail-ms", self.tx_tail_ms, 0, time_ms_max),
            ("slot-time-ms", self.slot_time_ms, 0, time_ms_max),
        ] {
            if let Some(value) = value.filter(|value| !(min..=max).contains(value)) {
                return Err(RadioConfigError::OutOfRange {
                    key,
                    value,
                    min,
                    max,
                });
            }
        }
        Ok(())
    }

    /// The KISS frames that tell a TNC what is configured; none where the framing
    /// is not KISS.
    pub(super) fn tnc_parameters(&self, framing: &FramingConfig) -> Vec<u8> {
        let mut octets = Vec::new();
        if !framing.framing.is_kiss() {
            return octets;
        }
        let in_units = |time_ms: Option<u64>| {
            let units = time_ms?.div_ceil(TNC_TIME_UNIT_MS);
            Some(u8::try_from(units).unwrap_or(u8::MAX))
        };
        let full_duplex = self.duplex.map(|duplex| u8::from(duplex == Duplex::Full));
        for (command, value) in [
            (Command::TxDelay, in_units(self.tx_delay_ms)),
            (Command::Persistence, self.persistence),
            (Command::SlotTime, in_units(self.slot_time_ms)),
            (Command::TxTail, in_units(self.tx_tail_ms)),
            (Command::FullDuplex, full_duplex),
        ] {
            if let Some(value) = value {
                kiss::encode(Port::ZERO, command, &[value], &mut octets);
            }
        }
        octets
    }

    /// Adds what is known to what the driver says.
    pub(super) fn describe(&self, properties: &mut RadioProperties) {
        properties.bit_rate_bps = self.bit_rate_bps.or(properties.bit_rate_bps);
        properties.duplex = self.duplex.unwrap_or(properties.duplex);
        if let Some(tx_delay_ms) = self.tx_delay_ms {
            properties.tx_delay = Duration::from_millis(tx_delay_ms);
        }
        if let Some(tx_tail_ms) = self.tx_tail_ms {
            properties.tx_tail = Duration::from_millis(tx_tail_ms);
        }
    }
}
