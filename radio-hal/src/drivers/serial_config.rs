//! A serial line's settings.

use serde::{Deserialize, Serialize};

/// A serial line's parity bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parity {
    /// None.
    #[default]
    None,
    /// An even number of 1s.
    Even,
    /// An odd number of 1s.
    Odd,
}

/// How a serial line's two ends stop each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowControl {
    /// Not at all.
    #[default]
    None,
    /// RTS and CTS.
    Hardware,
    /// XON and XOFF (octets 11 and 13). KISS and HDLC do not escape these, so
    /// use it only for a radio that asks for it.
    Software,
}

/// A serial line's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialConfig {
    /// The device, such as `/dev/ttyUSB0`.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
    /// The parity bit.
    pub parity: Parity,
    /// Stop bits, 1 or 2.
    pub stop_bits: u8,
    /// How the two ends stop each other.
    pub flow_control: FlowControl,
}

impl SerialConfig {
    /// A line of 8N1 without flow control.
    pub fn new(device: impl Into<String>, baud: u32) -> Self {
        Self {
            device: device.into(),
            baud,
            parity: Parity::None,
            stop_bits: 1,
            flow_control: FlowControl::None,
        }
    }
}
