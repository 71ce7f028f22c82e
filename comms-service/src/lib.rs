//! The communications service framework: from packets on a radio to services on
//! a spacecraft, and back.
//!
//! A radio-driver author brings a `read` and a `write` function, fills a
//! [`CommsControlBlock`], and has a link:
//!
//! ```
//! # use std::net::Ipv4Addr;
//! # use std::str::FromStr;
//! # use std::sync::{Arc, Mutex};
//! # use comms_service::{
//! #     CommsConfig, CommsControlBlock, CommsError, CommsResult, CommsService, CommsTelemetry,
//! # };
//! # #[derive(Clone)]
//! # struct Radio;
//! # fn read(_radio: &Radio) -> CommsResult<Vec<u8>> {
//! #     std::thread::sleep(std::time::Duration::from_millis(10));
//! #     Err(CommsError::NoData)
//! # }
//! # fn write(_radio: &Radio, _packet: &[u8]) -> CommsResult<()> {
//! #     Ok(())
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (read_conn, write_conn) = (Radio, Radio);
//! # let config = CommsConfig {
//! #     handler_port_min: 0,
//! #     handler_port_max: 0,
//! #     ..CommsConfig::default()
//! # };
//! let controls = CommsControlBlock {
//!     read: Some(Arc::new(read)),
//!     write: vec![Arc::new(write)],
//!     read_conn,
//!     write_conn,
//!     handler_port_min: config.handler_port_min,
//!     handler_port_max: config.handler_port_max,
//!     max_num_handlers: config.max_num_handlers,
//!     timeout: config.timeout,
//!     ground_ip: Ipv4Addr::from_str(&config.ground_ip)?,
//!     satellite_ip: Ipv4Addr::from_str(&config.satellite_ip)?,
//!     downlink_ports: config.downlink_ports,
//!     ground_port: config.ground_port,
//! };
//! let telem = Arc::new(Mutex::new(CommsTelemetry::default()));
//! CommsService::start(controls, telem)?;
//! # Ok(())
//! # }
//! ```
//!
//! The way of a byte, up and down:
//!
//! ```text
//! radio ─ read ─▶ packet ─▶ reassembly ─▶ message ─▶ handler ─▶ HTTP POST to a service
//!                                                ├────────────▶ UDP datagram to a service
//!                                                └────────────▶ PDU to a file entity
//! radio ◀ write ─ packets ◀─ transmit queue ◀─ message ◀─ answer of a service
//!                                                    ◀─ UDP datagram on a downlink port
//!                                                    ◀─ PDU of a file entity
//! ```
//!
//! | room | what stands there |
//! |---|---|
//! | [`packet`] | what the radio carries: Space Packets, and two other formats |
//! | [`message`], [`budget`] | whole messages, and the memory they may take |
//! | [`security`] | who may speak, and that nobody spoke before in their name |
//! | [`link`] | the engine: every decision, no I/O |
//! | [`link_control`] | what the two ends tell each other |
//! | [`accounting`], [`telemetry`] | what became of everything |
//! | [`CommsService`] | the satellite's threads and sockets around the engine |
//! | [`ground`] | the ground's |
//! | [`durable_file`] | a file that is replaced as a whole |
//! | [`pdus`] | between the link and a file entity |
//! | [`submit`] | for apps: messages whose fate they are told |
//! | [`radio`] | ready-made `read` and `write` for the radios of `radio-hal` |
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod accounting;
pub mod budget;
mod config;
mod control;
pub mod durable_file;
mod error;
pub mod graphql_error;
mod graphql_operation;
pub mod ground;
mod journal;
pub mod link;
pub mod link_control;
pub mod message;
pub mod options;
pub mod packet;
pub mod pdu_link;
pub mod pdus;
pub mod radio;
mod reassembly;
pub mod security;
mod service;
mod shell;
pub mod submit;
pub mod telemetry;

pub use config::CommsConfig;
pub use control::{CommsControlBlock, ReadFn, ReadManyFn, WriteFn, WriteManyFn};
pub use error::{CommsError, CommsResult};
pub use options::{LinkOptions, PacketFormat};
pub use radio_hal::FrameBuffer;
pub use service::{CommsHandle, CommsReconfigure, CommsService, CommsServiceBuilder};
pub use shell::ShutdownReport;
pub use telemetry::CommsTelemetry;
