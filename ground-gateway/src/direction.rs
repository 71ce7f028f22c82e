//! Which way a packet goes, where no callsigns tell.

use std::fmt;

use comms_service::PacketFormat;

use crate::config::GroundLinkConfig;

/// Up to the satellite, or down to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Up => "↑",
            Direction::Down => "↓",
        })
    }
}

/// The type bit of a Space Packet: 1 for telecommands (CCSDS 133.0-B-2 §4.1.3.3.2).
const TYPE_BIT: u8 = 0x10;
/// Where the port of a KubOS packet stands, which is 0 in everything going down.
const KUBOS_PORT_AT: usize = 14;
/// First of the ports that nobody's service has (RFC 6335 §6).
const DYNAMIC_PORT_MIN: u16 = 49_152;

impl Direction {
    /// The way of `packet` on `link`.
    pub(crate) fn of(link: &GroundLinkConfig, packet: &[u8]) -> Self {
        let field = |at: usize| match packet.get(at..) {
            Some([high, low, ..]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let up = match link.comms.format {
            PacketFormat::SpacePacket => packet.first().is_some_and(|octet| octet & TYPE_BIT != 0),
            PacketFormat::Kubos => field(KUBOS_PORT_AT) != 0,
            PacketFormat::Udp => {
                let (source, destination) = (field(0), field(2));
                let to_ground = link.addresses.ground_port == Some(destination)
                    || link.comms.http_ports.contains(&source)
                    || (destination >= DYNAMIC_PORT_MIN && source < DYNAMIC_PORT_MIN);
                !to_ground
            }
        };
        if up { Direction::Up } else { Direction::Down }
    }
}
