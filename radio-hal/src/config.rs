//! A radio in a configuration file.
//!
//! ```toml
//! [radio]
//! kind = "udp"                 # or "serial"
//! bind = "127.0.0.1:13000"     # udp: where we listen
//! peer = "127.0.0.1:9001"      # udp: where the other end listens
//! # device = "/dev/ttyUSB0"    # serial
//! # baud = 9600                # serial
//! framing = "kiss-ax25"        # or "ax25", "kiss", "raw" (the default)
//! read-timeout-ms = 1000
//!
//! [radio.ax25]
//! callsign = "SAT1-1"
//! peer = "GND-2"
//! n1 = 256
//! broadcast = ["CQ"]
//! digipeaters = []
//! ```
//!
//! A key that is unknown, or belongs to the other kind, is refused.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::connection::{READ_TIMEOUT_MS, RadioConnection};
use crate::framing::{Ax25Config, Framing, FramingConfig, FramingError};
use crate::radio::{ErrorKind, Medium, Radio, RadioError};
use crate::udp::UdpRadio;

/// What a radio is reached through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// One frame for each UDP datagram.
    Udp {
        /// The address we listen on; port 0 lets the system choose.
        bind: SocketAddr,
        /// The only address we talk to.
        peer: SocketAddr,
    },
    /// A serial line, 8N1.
    Serial {
        /// The device, such as `/dev/ttyUSB0`.
        device: String,
        /// Bits per second.
        baud: u32,
    },
}

/// A radio with its framing, checked: everything but the device itself is known
/// to fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawRadioConfig", into = "RawRadioConfig")]
pub struct RadioConfig {
    transport: Transport,
    framing: FramingConfig,
    read_timeout: Duration,
}

impl RadioConfig {
    /// A radio over UDP that listens on `bind` and talks to `peer`, with the
    /// usual read timeout.
    ///
    /// # Errors
    /// [`RadioConfigError::Framing`] if the framing's settings do not fit each
    /// other.
    pub fn udp(
        bind: SocketAddr,
        peer: SocketAddr,
        framing: FramingConfig,
    ) -> Result<Self, RadioConfigError> {
        Self::new(
            Transport::Udp { bind, peer },
            framing,
            Duration::from_millis(READ_TIMEOUT_MS),
        )
    }

    /// A radio on a serial line, with the usual read timeout.
    ///
    /// # Errors
    /// [`RadioConfigError::Framing`] if the framing's settings do not fit each
    /// other or a stream; [`RadioConfigError::BaudZero`].
    pub fn serial(
        device: impl Into<String>,
        baud: u32,
        framing: FramingConfig,
    ) -> Result<Self, RadioConfigError> {
        let device = device.into();
        Self::new(
            Transport::Serial { device, baud },
            framing,
            Duration::from_millis(READ_TIMEOUT_MS),
        )
    }

    /// The same radio with another read timeout.
    ///
    /// # Errors
    /// [`RadioConfigError::ReadTimeoutZero`].
    pub fn with_read_timeout(self, read_timeout: Duration) -> Result<Self, RadioConfigError> {
        Self::new(self.transport, self.framing, read_timeout)
    }

    fn new(
        transport: Transport,
        framing: FramingConfig,
        read_timeout: Duration,
    ) -> Result<Self, RadioConfigError> {
        framing.validate()?;
        let medium = match transport {
            Transport::Udp { .. } => Medium::Datagrams,
            Transport::Serial { .. } => Medium::Stream,
        };
        framing.validate_on(medium)?;
        if matches!(transport, Transport::Serial { baud: 0, .. }) {
            return Err(RadioConfigError::BaudZero);
        }
        if read_timeout.is_zero() {
            return Err(RadioConfigError::ReadTimeoutZero);
        }
        Ok(Self {
            transport,
            framing,
            read_timeout,
        })
    }

    /// What the radio is reached through.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The radio's framing.
    pub fn framing(&self) -> &FramingConfig {
        &self.framing
    }

    /// How long a read waits.
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// Opens the radio.
    ///
    /// # Errors
    /// [`RadioError`] if the socket or the device cannot be opened.
    pub fn open(&self) -> Result<RadioConnection, RadioError> {
        let radio = match &self.transport {
            Transport::Udp { bind, peer } => UdpRadio::open(*bind, *peer)?,
            Transport::Serial { device, baud } => open_serial(device, *baud)?,
        };
        RadioConnection::new(radio, self.framing.clone(), self.read_timeout)
    }
}

/// One line for the log: what the radio is reached through, its framing, and who
/// speaks with whom.
impl fmt::Display for RadioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.transport {
            Transport::Udp { bind, peer } => write!(f, "on UDP {bind}, peer {peer}")?,
            Transport::Serial { device, baud } => write!(f, "on {device} at {baud} bit/s")?,
        }
        write!(f, ", {}", self.framing.framing)?;
        match &self.framing.ax25 {
            Some(ax25) => write!(f, ", {} to {}", ax25.callsign, ax25.peer),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "serial")]
fn open_serial(device: &str, baud: u32) -> Result<Radio, RadioError> {
    crate::serial::SerialRadio::open(device, baud)
}

#[cfg(not(feature = "serial"))]
fn open_serial(device: &str, _baud: u32) -> Result<Radio, RadioError> {
    Err(RadioError::new(
        ErrorKind::InvalidConfig,
        format!(
            "serial device {device:?} cannot be opened: this program was built \
             without the feature `serial` of radio-hal"
        ),
    ))
}

/// The keys as they stand in the file. One flat table with every key optional,
/// because serde's tagged enums and flattened structs cannot refuse unknown
/// keys together.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRadioConfig {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baud: Option<u32>,
    #[serde(default = "framing_default")]
    framing: Framing,
    #[serde(alias = "read_timeout_ms", default = "read_timeout_ms_default")]
    read_timeout_ms: u64,
    // Last, as TOML writes tables after plain keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    ax25: Option<Ax25Config>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Udp,
    Serial,
}

fn framing_default() -> Framing {
    Framing::Raw
}

fn read_timeout_ms_default() -> u64 {
    READ_TIMEOUT_MS
}

impl TryFrom<RawRadioConfig> for RadioConfig {
    type Error = RadioConfigError;

    fn try_from(raw: RawRadioConfig) -> Result<Self, RadioConfigError> {
        let missing = |kind, key| RadioConfigError::KeyMissing { kind, key };
        let refuse = |kind, key, given| match given {
            true => Err(RadioConfigError::KeyOfOtherKind { kind, key }),
            false => Ok(()),
        };
        let transport = match raw.kind {
            Kind::Udp => {
                refuse("udp", "device", raw.device.is_some())?;
                refuse("udp", "baud", raw.baud.is_some())?;
                Transport::Udp {
                    bind: raw.bind.ok_or_else(|| missing("udp", "bind"))?,
                    peer: raw.peer.ok_or_else(|| missing("udp", "peer"))?,
                }
            }
            Kind::Serial => {
                refuse("serial", "bind", raw.bind.is_some())?;
                refuse("serial", "peer", raw.peer.is_some())?;
                Transport::Serial {
                    device: raw.device.ok_or_else(|| missing("serial", "device"))?,
                    baud: raw.baud.ok_or_else(|| missing("serial", "baud"))?,
                }
            }
        };
        let framing = FramingConfig {
            framing: raw.framing,
            ax25: raw.ax25,
        };
        Self::new(
            transport,
            framing,
            Duration::from_millis(raw.read_timeout_ms),
        )
    }
}

impl From<RadioConfig> for RawRadioConfig {
    fn from(config: RadioConfig) -> Self {
        let read_timeout_ms =
            u64::try_from(config.read_timeout.as_millis().max(1)).unwrap_or(u64::MAX);
        let mut raw = Self {
            kind: Kind::Udp,
            bind: None,
            peer: None,
            device: None,
            baud: None,
            framing: config.framing.framing,
            read_timeout_ms,
            ax25: config.framing.ax25,
        };
        match config.transport {
            Transport::Udp { bind, peer } => {
                raw.bind = Some(bind);
                raw.peer = Some(peer);
            }
            Transport::Serial { device, baud } => {
                raw.kind = Kind::Serial;
                raw.device = Some(device);
                raw.baud = Some(baud);
            }
        }
        raw
    }
}

/// Why a radio's configuration cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RadioConfigError {
    /// A key that the kind needs is not there.
    #[error("a radio of kind \"{kind}\" needs the key `{key}`")]
    KeyMissing {
        /// The kind given.
        kind: &'static str,
        /// The key that is missing.
        key: &'static str,
    },
    /// A key that only the other kind has.
    #[error("a radio of kind \"{kind}\" has no key `{key}`: remove it, or change `kind`")]
    KeyOfOtherKind {
        /// The kind given.
        kind: &'static str,
        /// The key that does not belong there.
        key: &'static str,
    },
    /// The framing's settings do not fit each other or the kind of radio.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// No line runs at 0 bits per second.
    #[error("`baud` is 0: give the line's bits per second")]
    BaudZero,
    /// A read that never waits would spin.
    #[error("`read-timeout-ms` is 0: choose at least 1 (usual: {READ_TIMEOUT_MS})")]
    ReadTimeoutZero,
}

impl From<RadioConfigError> for RadioError {
    fn from(error: RadioConfigError) -> Self {
        Self::new(ErrorKind::InvalidConfig, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDP: &str = "kind = 'udp'\nbind = '127.0.0.1:0'\npeer = '127.0.0.1:9001'\n";
    const SERIAL: &str = "kind = 'serial'\ndevice = '/dev/ttyUSB0'\nbaud = 9600\n";

    fn parse(text: &str) -> Result<RadioConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    fn error(base: &str, more: &str) -> String {
        parse(&format!("{base}{more}")).unwrap_err()
    }

    #[test]
    fn a_short_udp_configuration_takes_the_defaults() {
        let config = parse(UDP).unwrap();
        assert_eq!(config.framing(), &FramingConfig::raw());
        assert_eq!(config.read_timeout(), Duration::from_millis(1000));
        assert!(config.open().is_ok());
    }

    #[test]
    fn a_full_configuration_survives_being_written_and_read() {
        let text = format!(
            "{SERIAL}framing = 'kiss-ax25'\nread-timeout-ms = 250\n[ax25]\ncallsign = 'SAT1-1'\n\
             peer = 'GND-2'\nn1 = 512\nbroadcast = ['CQ']\ndigipeaters = ['RPT-3', 'RPT-4']\n"
        );
        let config = parse(&text).unwrap();
        assert_eq!(config.read_timeout(), Duration::from_millis(250));
        let ax25 = config.framing().ax25.as_ref().unwrap();
        assert_eq!((ax25.n1, ax25.digipeaters.len()), (512, 2));
        assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_are_refused_by_name_at_every_level() {
        assert!(error(UDP, "read-timeout = 5").contains("read-timeout"));
        assert!(error(UDP, "flaming = 'kiss'").contains("flaming"));
        let ax25 = "framing = 'ax25'\n[ax25]\ncallsign = 'A'\npeer = 'B'\nbrodcast = []";
        assert!(error(UDP, ax25).contains("brodcast"));
    }

    #[test]
    fn keys_of_the_other_kind_are_refused_by_name() {
        assert!(error(UDP, "baud = 9600").contains("baud"));
        assert!(error(SERIAL, "framing = 'kiss'\nbind = '127.0.0.1:1'").contains("bind"));
    }

    #[test]
    fn missing_keys_are_named() {
        assert!(error("kind = 'udp'\nbind = '127.0.0.1:0'", "").contains("peer"));
        assert!(error("kind = 'serial'\ndevice = 'x'", "\nframing = 'kiss'").contains("baud"));
        assert!(error("bind = '127.0.0.1:0'", "").contains("kind"));
    }

    #[test]
    fn values_that_cannot_work_are_refused_before_anything_opens() {
        assert!(error(SERIAL, "").contains("kiss"));
        assert!(error(UDP, "framing = 'kiss-ax25'").contains("ax25"));
        assert!(error(UDP, "read-timeout-ms = 0").contains("read-timeout-ms"));
        let ax25 = "framing = 'ax25'\n[ax25]\ncallsign = 'sat'\npeer = 'B'";
        assert!(error(UDP, ax25).contains("sat"));
    }
}
