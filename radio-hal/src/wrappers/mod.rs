//! Radios around radios: what lies between two antennas, what goes wrong on a
//! host's line, and who looks on. They compose, and the contract of
//! [`radio`](crate::radio) holds for each.

pub mod capture;
pub mod channel;
pub mod host_line;
pub mod watch;
