//! From a frame of the capture to a packet: link layer and station check, by the
//! code that the live read path has.

use radio_hal::pcap::LinkType;
use radio_hal::{
    Ax25Config, Callsign, Deframer, FrameDrop, FramingConfig, FramingError, ax25, slip,
};

use comms_service::{CommsError, PacketFormat};

use super::fate::Fate;

use crate::config::GroundLinkConfig;
use crate::direction::Direction;
use crate::ip;

/// The frame level of both ends.
pub(super) struct Air {
    link: GroundLinkConfig,
    link_type: LinkType,
    /// Whether a frame of the capture gets borders, for the decoder of a stream.
    bordered: bool,
    ours: Option<Ax25Config>,
    ground: Deframer,
    satellite: Deframer,
}

/// What there is to know of a frame.
pub(super) struct Heard {
    pub(super) direction: Option<Direction>,
    /// Destination and source.
    pub(super) callsigns: Option<(Callsign, Callsign)>,
    pub(super) packet: Result<Vec<u8>, Fate>,
}

/// Why a capture cannot be of this link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// AX.25 frames, but no callsigns.
    #[error(
        "it holds AX.25 frames, but the link's framing \"{framing}\" has no table `ax25`: \
         choose another link by --link, or give it callsigns"
    )]
    NoCallsigns {
        /// The link's framing.
        framing: radio_hal::Framing,
    },
    /// IPv4 packets, but another packet format.
    #[error(
        "it holds IPv4 packets, which only a link of format \"udp\" has, and this one has \"{}\": \
         capture at the radio (link type 202, 3 or 147)",
        format.as_str()
    )]
    NoDatagrams {
        /// The link's packet format.
        format: PacketFormat,
    },
    /// A link type that came later than this code.
    #[error("its link type {value} is not replayed")]
    LinkType {
        /// The registry's number.
        value: u32,
    },
    /// The link's settings do not fit each other.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// The link's options do not fit each other.
    #[error(transparent)]
    Comms(#[from] CommsError),
}

/// The framing that reads frames of `link_type`, which have lost their own.
///
/// # Errors
/// [`Unfit`] if the link has no such frames.
fn framing_of(link: &GroundLinkConfig, link_type: LinkType) -> Result<FramingConfig, Unfit> {
    let configured = link.radio.framing();
    let no_callsigns = || Unfit::NoCallsigns {
        framing: configured.framing,
    };
    Ok(match link_type {
        LinkType::Ax25Kiss => match &configured.ax25 {
            Some(ax25) => FramingConfig::kiss_ax25(ax25.clone()),
            None if configured.framing.is_kiss() => FramingConfig::kiss(),
            None => return Err(no_callsigns()),
        },
        LinkType::Ax25 => FramingConfig::ax25(configured.ax25.clone().ok_or_else(no_callsigns)?),
        // A frame that finds its own borders is held to a length.
        LinkType::User0 if configured.framing.has_borders() => FramingConfig::slip(),
        LinkType::User0 => FramingConfig::raw(),
        LinkType::Ipv4 if link.comms.format == PacketFormat::Udp => FramingConfig::raw(),
        LinkType::Ipv4 => {
            return Err(Unfit::NoDatagrams {
                format: link.comms.format,
            });
        }
        other => {
            return Err(Unfit::LinkType {
                value: other.value(),
            });
        }
    })
}

impl Air {
    pub(super) fn new(link: &GroundLinkConfig, link_type: LinkType) -> Result<Self, Unfit> {
        let framing = framing_of(link, link_type)?;
        let mirrored = FramingConfig {
            ax25: framing.ax25.as_ref().map(mirrored),
            ..framing.clone()
        };
        Ok(Air {
            link: link.clone(),
            link_type,
            bordered: framing.framing.has_borders(),
            ground: Deframer::new(&framing)?,
            satellite: Deframer::new(&mirrored)?,
            ours: framing.ax25,
        })
    }

    pub(super) fn hear(&mut self, frame: &[u8]) -> Heard {
        if self.link_type == LinkType::Ipv4 {
            return self.hear_ip(frame);
        }
        let content = match self.link_type {
            // Behind the KISS octet.
            LinkType::Ax25Kiss => frame.get(1..).unwrap_or_default(),
            _ => frame,
        };
        let callsigns = match &self.ours {
            Some(_) => ax25::addresses(content).ok(),
            None => None,
        };
        let direction = match (&self.ours, callsigns) {
            (Some(ours), Some(callsigns)) => direction_between(ours, callsigns),
            (Some(_), None) => None,
            (None, _) => Some(Direction::of(&self.link, content)),
        };
        let deframer = match direction {
            Some(Direction::Up) => &mut self.satellite,
            _ => &mut self.ground,
        };
        if self.bordered {
            let mut octets = Vec::with_capacity(slip::encoded_bytes_max(frame.len()));
            slip::encode(frame, &mut octets);
            deframer.push(&octets);
        } else {
            deframer.push(frame);
        }
        // Between two borders with nothing in between there is no frame.
        let packet = deframer.next_packet().unwrap_or(Err(FrameDrop::Empty));
        Heard {
            direction,
            callsigns,
            packet: packet
                .map(<[u8]>::to_vec)
                .map_err(|reason| Fate::dropped_frame(reason, callsigns)),
        }
    }

    fn hear_ip(&self, packet: &[u8]) -> Heard {
        let Some(datagram) = ip::udp_datagram(packet) else {
            return Heard {
                direction: None,
                callsigns: None,
                packet: Err(Fate::no_datagram()),
            };
        };
        let addresses = &self.link.addresses;
        let between = (datagram.source, datagram.destination);
        let (ground, satellite) = (addresses.ground_ip, addresses.satellite_ip);
        let direction = if ground == satellite {
            Direction::of(&self.link, datagram.octets)
        } else if between == (ground, satellite) {
            Direction::Up
        } else {
            Direction::Down
        };
        Heard {
            direction: Some(direction),
            callsigns: None,
            packet: Ok(datagram.octets.to_vec()),
        }
    }
}

/// The other end's settings.
fn mirrored(ours: &Ax25Config) -> Ax25Config {
    Ax25Config {
        callsign: ours.peer,
        peer: ours.callsign,
        ..ours.clone()
    }
}

/// None for frames of others.
fn direction_between(
    ours: &Ax25Config,
    (destination, source): (Callsign, Callsign),
) -> Option<Direction> {
    let to_us = destination == ours.callsign || ours.broadcast.contains(&destination);
    if source == ours.callsign {
        (destination == ours.peer).then_some(Direction::Up)
    } else {
        to_us.then_some(Direction::Down)
    }
}
