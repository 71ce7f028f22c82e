//! Proves the contract of [`radio`](crate::radio) against a driver, in one call.
//!
//! It is behind the cargo feature `conformance`, which a driver's author needs in
//! the tests only:
//!
//! ```toml
//! [dev-dependencies]
//! radio-hal = { version = "…", features = ["conformance"] }
//! ```
//!
//! The author brings a [`Bench`]: a way to open the driver, and the far end of
//! its line. There are benches for a driver on a serial device ([`PtyBench`], a
//! pair of pseudo-terminals, no hardware needed), on TCP ([`TcpBench`]) and on
//! UDP ([`UdpBench`]), and for two radios that hear each other ([`PairBench`]).
//! [`Setup`] says which framing the driver is used with.
//!
//! ```no_run
//! # #[cfg(all(feature = "serial", unix))]
//! # fn main() {
//! use radio_hal::conformance::{self, PtyBench, Setup};
//! use radio_hal::{FramingConfig, SerialConfig, SerialRadio};
//!
//! let setup = Setup::stream(FramingConfig::kiss());
//! let bench = PtyBench::new(setup, |device| {
//!     SerialRadio::open(&SerialConfig::new(device, 9600))
//! });
//! let report = conformance::check(bench);
//! println!("{report}");
//! report.assert_passed();
//! # }
//! # #[cfg(not(all(feature = "serial", unix)))]
//! # fn main() {}
//! ```
//!
//! A driver of two functions, which frames and deframes itself, is checked with
//! the framing that it speaks on the line ([`Setup::functions`]):
//!
//! ```
//! use std::net::{SocketAddr, UdpSocket};
//! use std::time::Duration;
//! use radio_hal::conformance::{self, Setup, UdpBench};
//! use radio_hal::{ErrorKind, FramingConfig, Medium, Radio, RadioError};
//!
//! const WAIT: Duration = Duration::from_millis(200);
//!
//! // The driver: whole packets, one for each datagram.
//! fn open(bind: SocketAddr, peer: SocketAddr) -> std::io::Result<Radio> {
//!     let reader = UdpSocket::bind(bind)?;
//!     reader.connect(peer)?;
//!     reader.set_read_timeout(Some(WAIT))?;
//!     let writer = reader.try_clone()?;
//!     let read = move || {
//!         let mut packet = vec![0; 65_536];
//!         match reader.recv(&mut packet) {
//!             Ok(octets) => packet.truncate(octets),
//!             Err(_) => packet.clear(), // nothing yet
//!         }
//!         Ok(packet)
//!     };
//!     let write = move |packet: &[u8]| match writer.send(packet) {
//!         Ok(_) => Ok(()),
//!         Err(error) => Err(RadioError::new(ErrorKind::Io, error.to_string())),
//!     };
//!     Ok(Radio::from_functions(read, write))
//! }
//!
//! let setup = Setup::functions(Medium::Datagrams, FramingConfig::raw(), WAIT);
//! let bench = UdpBench::new(setup, |bind, peer| {
//!     open(bind, peer).map_err(|error| RadioError::new(ErrorKind::Io, error.to_string()))
//! });
//! conformance::check(bench).assert_passed();
//! ```
//!
//! A whole run takes ten to thirty seconds, for most of which it waits. Where the
//! contract gives no number, a busy machine has time: a call is late by 2 s and
//! hangs by 6 s; what was sent arrives within 3 s; a line that is back is open
//! again within 8 s. A driver that hangs breaks a rule and ends the run, and its
//! thread is left behind.
//!
//! [`Rule`] lists what is checked. A rule that does not concern a driver (a line
//! that cannot be cut, a radio without an MTU) is reported as such, with the
//! reason, and so is one that was not reached because another is broken.

mod bench;
mod calls;
mod checks;
mod far;
mod heard;
mod near;
mod pair_bench;
#[cfg(all(feature = "serial", unix))]
mod pty_bench;
mod report;
mod rig;
mod rule;
mod run;
mod tcp_bench;
mod udp_bench;
mod violation;

pub use bench::{Bench, Cutting, FarEnd, Link, Reopen, Setup};
pub use pair_bench::PairBench;
#[cfg(all(feature = "serial", unix))]
pub use pty_bench::PtyBench;
pub use report::{Failure, Outcome, Report};
pub use rule::Rule;
pub use run::check;
pub use tcp_bench::TcpBench;
pub use udp_bench::UdpBench;
