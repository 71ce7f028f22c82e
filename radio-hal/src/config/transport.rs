//! What a radio is reached through.

use std::fmt;
use std::net::SocketAddr;

use crate::error::RadioError;
use crate::radio::{Medium, Radio};
use crate::serial_config::SerialConfig;
use crate::tcp::TcpRadio;
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
    /// A serial line.
    Serial(SerialConfig),
    /// A TCP connection that we make.
    TcpConnect {
        /// Whom we connect to.
        peer: SocketAddr,
    },
    /// A TCP connection that is made to us.
    TcpListen {
        /// The address we listen on.
        bind: SocketAddr,
    },
}

impl Transport {
    /// What the transport's octets are cut into.
    pub fn medium(&self) -> Medium {
        match self {
            Self::Udp { .. } => Medium::Datagrams,
            Self::Serial(_) | Self::TcpConnect { .. } | Self::TcpListen { .. } => Medium::Stream,
        }
    }

    /// Opens the transport; `greeting` goes first onto each stream that is opened.
    pub(super) fn open(&self, greeting: Vec<u8>) -> Result<Radio, RadioError> {
        match self {
            Self::Udp { bind, peer } => UdpRadio::open(*bind, *peer),
            Self::Serial(config) => open_serial(config, greeting),
            Self::TcpConnect { peer } => TcpRadio::connect_greeting(*peer, greeting),
            Self::TcpListen { bind } => Ok(TcpRadio::bind(*bind)?.listen_greeting(greeting)),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp { bind, peer } => write!(f, "on UDP {bind}, peer {peer}"),
            Self::Serial(line) => write!(f, "on {} at {} baud", line.device, line.baud),
            Self::TcpConnect { peer } => write!(f, "on TCP to {peer}"),
            Self::TcpListen { bind } => write!(f, "on TCP, listening on {bind}"),
        }
    }
}

#[cfg(feature = "serial")]
fn open_serial(config: &SerialConfig, greeting: Vec<u8>) -> Result<Radio, RadioError> {
    crate::serial::SerialRadio::open_greeting(config, greeting)
}

#[cfg(not(feature = "serial"))]
fn open_serial(config: &SerialConfig, _greeting: Vec<u8>) -> Result<Radio, RadioError> {
    Err(RadioError::new(
        crate::error::ErrorKind::InvalidConfig,
        format!(
            "serial device {:?} cannot be opened: this program was built \
             without the feature `serial` of radio-hal",
            config.device
        ),
    ))
}
