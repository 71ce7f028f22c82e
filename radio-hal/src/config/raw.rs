//! The keys as they stand in the file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AirConfig, DevelopmentConfig, RadioConfig, RadioConfigError, Transport};
use crate::channel::ChannelConfig;
use crate::connection::READ_TIMEOUT_MS;
use crate::framing::{Ax25Config, Framing, FramingConfig};
use crate::hdlc::HdlcConfig;
use crate::host_line::HostLineConfig;
use crate::radio::Duplex;
use crate::serial_config::{FlowControl, Parity, SerialConfig};

/// One flat table with every key optional, because serde's tagged enums and
/// flattened structs cannot refuse unknown keys together.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct RawRadioConfig {
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baud: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parity: Option<Parity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_bits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_control: Option<FlowControl>,
    #[serde(skip_serializing_if = "Option::is_none")]
    framing: Option<Framing>,
    #[serde(alias = "read_timeout_ms", default = "read_timeout_ms_default")]
    read_timeout_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bit_rate_bps: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplex: Option<Duplex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_tail_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persistence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slot_time_ms: Option<u64>,
    #[serde(default)]
    trace: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<PathBuf>,
    // Last, as TOML writes tables after plain keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    ax25: Option<Ax25Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hdlc: Option<HdlcConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<ChannelConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_line: Option<HostLineConfig>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Udp,
    Serial,
    KissTcp,
    Tcp,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Serial => "serial",
            Self::KissTcp => "kiss-tcp",
            Self::Tcp => "tcp",
        }
    }
}

fn read_timeout_ms_default() -> u64 {
    READ_TIMEOUT_MS
}

impl RawRadioConfig {
    /// Refuses the keys of other kinds.
    fn check_keys(&self) -> Result<(), RadioConfigError> {
        const SERIAL: &[Kind] = &[Kind::Serial];
        for (key, given, kinds) in [
            ("bind", self.bind.is_some(), &[Kind::Udp, Kind::Tcp][..]),
            (
                "peer",
                self.peer.is_some(),
                &[Kind::Udp, Kind::Tcp, Kind::KissTcp],
            ),
            ("device", self.device.is_some(), SERIAL),
            ("baud", self.baud.is_some(), SERIAL),
            ("parity", self.parity.is_some(), SERIAL),
            ("stop-bits", self.stop_bits.is_some(), SERIAL),
            ("flow-control", self.flow_control.is_some(), SERIAL),
        ] {
            if given && !kinds.contains(&self.kind) {
                let kind = self.kind.as_str();
                return Err(RadioConfigError::KeyOfOtherKind { kind, key });
            }
        }
        Ok(())
    }

    fn transport(&mut self) -> Result<Transport, RadioConfigError> {
        let kind = self.kind.as_str();
        let missing = |key| RadioConfigError::KeyMissing { kind, key };
        Ok(match self.kind {
            Kind::Udp => Transport::Udp {
                bind: self.bind.ok_or_else(|| missing("bind"))?,
                peer: self.peer.ok_or_else(|| missing("peer"))?,
            },
            Kind::Serial => Transport::Serial(SerialConfig {
                device: self.device.take().ok_or_else(|| missing("device"))?,
                baud: self.baud.ok_or_else(|| missing("baud"))?,
                parity: self.parity.unwrap_or_default(),
                stop_bits: self.stop_bits.unwrap_or(1),
                flow_control: self.flow_control.unwrap_or_default(),
            }),
            Kind::KissTcp => Transport::TcpConnect {
                peer: self.peer.ok_or_else(|| missing("peer"))?,
            },
            Kind::Tcp => match (self.bind, self.peer) {
                (Some(bind), None) => Transport::TcpListen { bind },
                (None, Some(peer)) => Transport::TcpConnect { peer },
                _ => return Err(RadioConfigError::BindOrPeer),
            },
        })
    }

    fn framing(&self) -> Result<Framing, RadioConfigError> {
        match (self.kind, self.framing) {
            (Kind::KissTcp, None) => Ok(Framing::KissAx25),
            (Kind::KissTcp, Some(framing)) if !framing.is_kiss() => {
                Err(RadioConfigError::NotKiss { framing })
            }
            (_, framing) => Ok(framing.unwrap_or(Framing::Raw)),
        }
    }
}

impl TryFrom<RawRadioConfig> for RadioConfig {
    type Error = RadioConfigError;

    fn try_from(mut raw: RawRadioConfig) -> Result<Self, RadioConfigError> {
        raw.check_keys()?;
        RadioConfig {
            transport: raw.transport()?,
            framing: FramingConfig {
                framing: raw.framing()?,
                ax25: raw.ax25,
                hdlc: raw.hdlc,
            },
            air: AirConfig {
                bit_rate_bps: raw.bit_rate_bps,
                duplex: raw.duplex,
                tx_delay_ms: raw.tx_delay_ms,
                tx_tail_ms: raw.tx_tail_ms,
                persistence: raw.persistence,
                slot_time_ms: raw.slot_time_ms,
            },
            read_timeout: Duration::from_millis(raw.read_timeout_ms),
            development: DevelopmentConfig {
                channel: raw.channel,
                host_line: raw.host_line,
                trace: raw.trace,
                capture: raw.capture,
            },
        }
        .checked()
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
            parity: None,
            stop_bits: None,
            flow_control: None,
            framing: Some(config.framing.framing),
            read_timeout_ms,
            bit_rate_bps: config.air.bit_rate_bps,
            duplex: config.air.duplex,
            tx_delay_ms: config.air.tx_delay_ms,
            tx_tail_ms: config.air.tx_tail_ms,
            persistence: config.air.persistence,
            slot_time_ms: config.air.slot_time_ms,
            trace: config.development.trace,
            capture: config.development.capture,
            ax25: config.framing.ax25,
            hdlc: config.framing.hdlc,
            channel: config.development.channel,
            host_line: config.development.host_line,
        };
        match config.transport {
            Transport::Udp { bind, peer } => {
                raw.bind = Some(bind);
                raw.peer = Some(peer);
            }
            Transport::Serial(line) => {
                raw.kind = Kind::Serial;
                raw.device = Some(line.device);
                raw.baud = Some(line.baud);
                raw.parity = Some(line.parity);
                raw.stop_bits = Some(line.stop_bits);
                raw.flow_control = Some(line.flow_control);
            }
            // What "kiss-tcp" adds is checks of what is checked here.
            Transport::TcpConnect { peer } => {
                raw.kind = Kind::Tcp;
                raw.peer = Some(peer);
            }
            Transport::TcpListen { bind } => {
                raw.kind = Kind::Tcp;
                raw.bind = Some(bind);
            }
        }
        raw
    }
}
