//! A radio in a configuration file.
//!
//! ```toml
//! [radio]
//! kind = "serial"              # or "kiss-tcp", "tcp", "udp"
//! device = "/dev/ttyUSB0"      # serial
//! baud = 9600                  # serial; also parity, stop-bits, flow-control
//! # peer = "127.0.0.1:8001"    # kiss-tcp, tcp, udp: where the other end listens
//! # bind = "127.0.0.1:13000"   # tcp, udp: where we listen
//! framing = "kiss-ax25"        # or "ax25", "kiss", "hdlc", "slip", "raw"
//! read-timeout-ms = 1000
//!
//! bit-rate-bps = 9600          # what the radio is like; the next three are told
//! duplex = "half"              # to a KISS TNC
//! tx-delay-ms = 300
//! tx-tail-ms = 100
//! persistence = 63             # KISS TNC only, as the next one
//! slot-time-ms = 100
//!
//! [radio.ax25]
//! callsign = "SAT1-1"
//! peer = "GND-2"
//! n1 = 256
//! broadcast = ["CQ"]
//! digipeaters = []
//!
//! [radio.hdlc]                 # framing hdlc only
//! nrzi = true
//! g3ruh = true
//! ```
//!
//! For development, each to be left out on a spacecraft:
//!
//! ```toml
//! [radio]
//! trace = true                 # a line in the log for each frame
//! capture = "radio.pcap"       # all frames, for Wireshark
//!
//! [radio.channel]              # see radio_hal::channel
//! bit-rate-bps = 9600
//! bit-error-rate = 1e-5
//!
//! [radio.host-line]            # see radio_hal::host_line
//! split-reads = true
//! ```
//!
//! A key that is unknown, or belongs to another kind, is refused.

mod air;
mod development;
mod raw;
mod transport;

pub use air::AirConfig;
pub use development::DevelopmentConfig;
pub use transport::Transport;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channel::ChannelConfigError;
use crate::connection::{READ_TIMEOUT_MAX, READ_TIMEOUT_MS, RadioConnection};
use crate::error::{ErrorKind, RadioError};
use crate::framing::{FramingConfig, FramingError};
use crate::host_line::HostLineConfigError;
use crate::radio::Radio;
use crate::serial_config::SerialConfig;
use crate::watch::{Observer, watch};

/// A radio with its framing, checked: everything but the device itself is known
/// to fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "raw::RawRadioConfig", into = "raw::RawRadioConfig")]
pub struct RadioConfig {
    transport: Transport,
    framing: FramingConfig,
    air: AirConfig,
    read_timeout: Duration,
    development: DevelopmentConfig,
}

impl RadioConfig {
    /// A radio behind `transport`, of which nothing else is known, with the usual
    /// read timeout.
    ///
    /// # Errors
    /// [`RadioConfigError`] if the settings do not fit each other.
    pub fn new(transport: Transport, framing: FramingConfig) -> Result<Self, RadioConfigError> {
        Self {
            transport,
            framing,
            air: AirConfig::default(),
            read_timeout: Duration::from_millis(READ_TIMEOUT_MS),
            development: DevelopmentConfig::default(),
        }
        .checked()
    }

    /// A radio over UDP that listens on `bind` and talks to `peer`.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn udp(
        bind: SocketAddr,
        peer: SocketAddr,
        framing: FramingConfig,
    ) -> Result<Self, RadioConfigError> {
        Self::new(Transport::Udp { bind, peer }, framing)
    }

    /// A radio on a serial line of 8N1 without flow control.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn serial(
        device: impl Into<String>,
        baud: u32,
        framing: FramingConfig,
    ) -> Result<Self, RadioConfigError> {
        Self::new(Transport::Serial(SerialConfig::new(device, baud)), framing)
    }

    /// The same radio with another read timeout.
    ///
    /// # Errors
    /// [`RadioConfigError::OutOfRange`] for 0 and above a day.
    pub fn with_read_timeout(self, read_timeout: Duration) -> Result<Self, RadioConfigError> {
        Self {
            read_timeout,
            ..self
        }
        .checked()
    }

    /// The same radio with more known of it.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with_air(self, air: AirConfig) -> Result<Self, RadioConfigError> {
        Self { air, ..self }.checked()
    }

    /// The same radio with what stands around it while one develops.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with_development(
        self,
        development: DevelopmentConfig,
    ) -> Result<Self, RadioConfigError> {
        Self {
            development,
            ..self
        }
        .checked()
    }

    fn checked(self) -> Result<Self, RadioConfigError> {
        self.framing.validate()?;
        self.framing.validate_on(self.transport.medium())?;
        self.development.validate(&self.framing)?;
        if self.development.channel.is_some() && self.air != AirConfig::default() {
            return Err(RadioConfigError::AirAndChannel);
        }
        if let Transport::Serial(line) = &self.transport {
            if line.baud == 0 {
                return Err(RadioConfigError::BaudZero);
            }
            if !(1..=2).contains(&line.stop_bits) {
                return Err(RadioConfigError::StopBits {
                    stop_bits: line.stop_bits,
                });
            }
        }
        if self.read_timeout.is_zero() || self.read_timeout > READ_TIMEOUT_MAX {
            let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            return Err(RadioConfigError::OutOfRange {
                key: "read-timeout-ms",
                value: milliseconds(self.read_timeout),
                min: 1,
                max: milliseconds(READ_TIMEOUT_MAX),
            });
        }
        self.air.validate(&self.transport, &self.framing)?;
        Ok(self)
    }

    /// What the radio is reached through.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The radio's framing.
    pub fn framing(&self) -> &FramingConfig {
        &self.framing
    }

    /// What is known of the radio.
    pub fn air(&self) -> &AirConfig {
        &self.air
    }

    /// How long a read waits.
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// What stands around the radio while one develops.
    pub fn development(&self) -> &DevelopmentConfig {
        &self.development
    }

    /// Opens the radio.
    ///
    /// # Errors
    /// [`RadioError`] if the socket or the device cannot be opened, or the capture
    /// not be written.
    pub fn open(&self) -> Result<RadioConnection, RadioError> {
        let radio = self.open_radio()?;
        let (radio, channel) = self.development.around(radio, &self.framing)?;
        let connection = RadioConnection::new(radio, self.framing.clone(), self.read_timeout)?;
        Ok(connection.with_channel(channel))
    }

    /// The same, with every frame of the radio shown to `observer`, both ways; see
    /// [`watch`](crate::watch).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_watched(&self, observer: impl Observer) -> Result<RadioConnection, RadioError> {
        let radio = self.open_radio()?;
        let (radio, channel) = self.development.around(radio, &self.framing)?;
        let radio = watch(radio, &self.framing, observer)?;
        let connection = RadioConnection::new(radio, self.framing.clone(), self.read_timeout)?;
        Ok(connection.with_channel(channel))
    }

    /// Opens the socket or device alone: without framing, and nothing around it. A
    /// KISS TNC is told what is configured for it.
    ///
    /// # Errors
    /// [`RadioError`] if it cannot be opened.
    pub fn open_radio(&self) -> Result<Radio, RadioError> {
        let greeting = self.air.tnc_parameters(&self.framing);
        let mut radio = self.transport.open(greeting)?;
        self.air.describe(&mut radio.properties);
        Ok(radio)
    }
}

/// One line for the log: what the radio is reached through, its framing, and who
/// speaks with whom.
impl fmt::Display for RadioConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.transport, self.framing.framing)?;
        if let Some(ax25) = &self.framing.ax25 {
            write!(f, ", {} to {}", ax25.callsign, ax25.peer)?;
        }
        if let Some(bit_rate_bps) = self.air.bit_rate_bps {
            write!(f, ", {bit_rate_bps} bit/s")?;
        }
        match &self.development.channel {
            Some(channel) => write!(f, ", through a simulated channel ({channel})"),
            None => Ok(()),
        }
    }
}

/// Why a radio's configuration cannot work.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// A key that only other kinds have.
    #[error("a radio of kind \"{kind}\" has no key `{key}`: remove it, or change `kind`")]
    KeyOfOtherKind {
        /// The kind given.
        kind: &'static str,
        /// The key that does not belong there.
        key: &'static str,
    },
    /// A TCP radio that neither connects nor listens, or does both.
    #[error("a radio of kind \"tcp\" needs either `peer`, to connect, or `bind`, to listen")]
    BindOrPeer,
    /// A TNC that is to be spoken with by something other than KISS.
    #[error(
        "a radio of kind \"kiss-tcp\" speaks \"kiss-ax25\" or \"kiss\", not \"{framing}\": \
         change `framing`, or choose the kind \"tcp\""
    )]
    NotKiss {
        /// The framing asked for.
        framing: crate::framing::Framing,
    },
    /// A key for a TNC that is spoken with by KISS on a stream.
    #[error("`{key}` is for a KISS TNC on a serial line or TCP: remove it")]
    NoTnc {
        /// The key.
        key: &'static str,
    },
    /// A value out of its range.
    #[error("`{key}` is {value}: choose {min} to {max}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The value given.
        value: u64,
        /// The smallest value possible.
        min: u64,
        /// The largest value possible.
        max: u64,
    },
    /// The simulated channel's radio is described twice.
    #[error(
        "the simulated channel says itself what its radio is like: move bit-rate-bps, duplex, \
         tx-delay-ms and tx-tail-ms into the table `channel`, and remove what only a TNC has"
    )]
    AirAndChannel,
    /// The channel's settings cannot work.
    #[error("channel: {0}")]
    Channel(#[from] ChannelConfigError),
    /// The host line's settings cannot work.
    #[error("host-line: {0}")]
    HostLine(#[from] HostLineConfigError),
    /// The framing's settings do not fit each other or the kind of radio.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// No line runs at 0 bits per second.
    #[error("`baud` is 0: give the line's bits per second")]
    BaudZero,
    /// A serial line has one stop bit or two.
    #[error("`stop-bits` is {stop_bits}: choose 1 or 2")]
    StopBits {
        /// The stop bits asked for.
        stop_bits: u8,
    },
}

impl From<RadioConfigError> for RadioError {
    fn from(error: RadioConfigError) -> Self {
        Self::new(ErrorKind::InvalidConfig, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::Framing;

    const UDP: &str = "kind = 'udp'\nbind = '127.0.0.1:0'\npeer = '127.0.0.1:9001'\n";
    const TCP: &str = "kind = 'tcp'\npeer = '127.0.0.1:8001'\n";
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
    fn every_kind_and_framing_survives_being_written_and_read() {
        for text in [
            format!("{TCP}framing = 'slip'"),
            "kind = 'tcp'\nbind = '127.0.0.1:0'\nframing = 'kiss'".to_owned(),
            format!(
                "{SERIAL}parity = 'even'\nstop-bits = 2\nflow-control = 'hardware'\n\
                 framing = 'hdlc'\nbit-rate-bps = 9600\nduplex = 'half'\ntx-delay-ms = 300\n\
                 tx-tail-ms = 100\n[hdlc]\nnrzi = true\ng3ruh = true\nbit-order = 'msb-first'\n\
                 flags-before = 8"
            ),
            format!("{SERIAL}framing = 'kiss'\npersistence = 63\nslot-time-ms = 100"),
        ] {
            let config = parse(&text).unwrap();
            assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn a_tnc_behind_tcp_speaks_kiss_and_nothing_else() {
        let tnc = "kind = 'kiss-tcp'\npeer = '127.0.0.1:8001'\n";
        let ax25 = "[ax25]\ncallsign = 'A'\npeer = 'B'";
        let config = parse(&format!("{tnc}{ax25}")).unwrap();
        assert_eq!(config.framing().framing, Framing::KissAx25);
        assert!(error(tnc, "framing = 'slip'").contains("\"kiss-tcp\""));
        assert!(error(tnc, "bind = '127.0.0.1:1'").contains("bind"));
    }

    #[test]
    fn a_tcp_radio_either_connects_or_listens() {
        assert!(error("kind = 'tcp'\nframing = 'kiss'", "").contains("either"));
        assert!(error(TCP, "bind = '127.0.0.1:1'\nframing = 'kiss'").contains("either"));
    }

    #[test]
    fn what_only_a_tnc_understands_is_refused_elsewhere() {
        for text in [UDP.to_owned(), format!("{SERIAL}framing = 'slip'\n")] {
            assert!(error(&text, "persistence = 63").contains("persistence"));
        }
        let late = error(SERIAL, "framing = 'kiss'\ntx-delay-ms = 2551");
        assert!(
            late.contains("tx-delay-ms") && late.contains("2550"),
            "{late}"
        );
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
        assert!(error(TCP, "framing = 'kiss'\nparity = 'even'").contains("parity"));
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
        for timeout in ["0", "86400001", "9223372036854775807"] {
            let error = error(UDP, &format!("read-timeout-ms = {timeout}"));
            assert!(error.contains("read-timeout-ms"), "{error}");
        }
        let ax25 = "framing = 'ax25'\n[ax25]\ncallsign = 'sat'\npeer = 'B'";
        assert!(error(UDP, ax25).contains("sat"));
    }
}
