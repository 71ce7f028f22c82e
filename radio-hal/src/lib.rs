//! Radios for satellites and ground stations.
//!
//! The way of a byte, up: a driver's [`RadioReceiver`] gives octets →
//! [`deframer`] finds frames ([`kiss`]), checks them ([`ax25`]) and whether
//! they are for us ([`station`]) → whole packets. Down: packet → [`framer`] →
//! octets → the driver's [`RadioTransmitter`]. A [`RadioConnection`] ties the
//! two together, and [`RadioConfig`] opens one from a configuration file.
//!
//! - Codecs, without I/O, clock or thread: [`callsign`], [`ax25`], [`typed`],
//!   [`slip`], [`kiss`], [`hdlc`], [`framing`], [`framer`], [`deframer`],
//!   [`station`].
//! - Drivers: [`udp`], [`tcp`], [`loopback`], and `serial` (feature `serial`, on
//!   by default). What a driver must do: [`radio`]; the kit that
//!   proves it: `conformance` (feature `conformance`).
//! - Wrappers of any radio, which compose: [`channel`], which behaves like space;
//!   [`host_line`], a fault injector; [`watch`], a tracer, and [`capture`], which
//!   writes for Wireshark.
//! - Accounting: [`counters`]; the capture file: [`pcap`]; several datagrams by one
//!   system call: [`datagrams`].
//!
//! ```
//! use std::time::Duration;
//! use radio_hal::{FramingConfig, LoopbackRadio, RadioConnection};
//!
//! let (flight, ground) = LoopbackRadio::pair();
//! let timeout = Duration::from_millis(100);
//! let flight = RadioConnection::new(flight, FramingConfig::kiss(), timeout)?;
//! let ground = RadioConnection::new(ground, FramingConfig::kiss(), timeout)?;
//!
//! ground.write(b"how are you?")?;
//! assert_eq!(flight.read()?, b"how are you?");
//! assert!(flight.read()?.is_empty()); // nothing yet
//! # Ok::<(), radio_hal::RadioError>(())
//! ```

#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod address;
pub mod ax25;
pub mod callsign;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connection;
pub mod counters;
pub mod datagrams;
pub mod deframer;
pub mod drivers;
mod error;
mod frame_buffer;
pub mod framer;
pub mod framing;
pub mod hdlc;
pub mod kiss;
pub mod pcap;
pub mod radio;
pub mod slip;
pub mod station;
mod transmission;
pub mod typed;
pub mod wrappers;

pub use callsign::Callsign;
pub use channel::{Channel, ChannelConfig};
pub use config::{RadioConfig, RadioConfigError};
pub use connection::{PACKETS_PER_READ_MAX, READ_TIMEOUT_MS, RadioConnection};
pub use counters::{FrameCounters, FrameDrop, FrameStatistics};
pub use datagrams::{DATAGRAMS_PER_CALL_MAX, DatagramReceiver};
pub use deframer::{Deframed, Deframer};
#[cfg(feature = "serial")]
pub use drivers::serial;
pub use drivers::{loopback, serial_config, stream, tcp, udp};
pub use error::{ErrorKind, RadioError};
pub use frame_buffer::{FrameBuffer, Frames};
pub use framer::Framer;
pub use framing::{Ax25Config, Framing, FramingConfig, FramingError};
pub use hdlc::HdlcConfig;
pub use host_line::HostLineConfig;
pub use loopback::LoopbackRadio;
pub use radio::{Duplex, Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};
#[cfg(feature = "serial")]
pub use serial::SerialRadio;
pub use serial_config::{FlowControl, Parity, SerialConfig};
pub use station::Station;
pub use tcp::TcpRadio;
pub use udp::UdpRadio;
pub use wrappers::{capture, channel, host_line, watch};
