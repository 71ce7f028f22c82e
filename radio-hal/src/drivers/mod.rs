//! Radios that are reached through something the host has: a socket, a serial line,
//! memory.

pub mod loopback;
#[cfg(feature = "serial")]
pub mod serial;
pub mod serial_config;
pub mod stream;
pub mod tcp;
pub mod udp;
