//! One end: an engine, and the framing between it and its radio.

use std::net::Ipv4Addr;
use std::time::Instant;

use comms_service::LinkOptions;
use comms_service::link::{Link, LinkConfig};
use comms_service::message::End as Which;
use comms_service::options::Addresses;
use fastrand::Rng;
use radio_hal::{Deframer, Framer, FramingConfig, FramingError};

/// The satellite's downlink endpoint.
pub(crate) const DOWNLINK_PORT: u16 = 13_011;

pub(crate) struct End {
    pub(crate) link: Link,
    /// From packets to the host's side of the radio, and back.
    framer: Framer,
    deframer: Deframer,
    /// In the radio: from the host's side to frames, and back.
    radio_deframer: Deframer,
    radio_framer: Framer,
    splits: bool,
    rng: Rng,
    packet: Vec<u8>,
    octets: Vec<u8>,
}

impl End {
    pub(crate) fn new(
        which: Which,
        framing: &FramingConfig,
        options: &LinkOptions,
        seed: u64,
    ) -> Result<Self, String> {
        let text = |error: FramingError| error.to_string();
        let framer = Framer::new(framing, None).map_err(text)?;
        let addresses = Addresses {
            ground_ip: Ipv4Addr::LOCALHOST,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: None,
        };
        let format = options
            .packet_format(which, framer.packet_bytes_max(), addresses)
            .map_err(|error| error.to_string())?;
        let config = LinkConfig {
            downlink_ports: match which {
                Which::Satellite => vec![DOWNLINK_PORT],
                Which::Ground => Vec::new(),
            },
            ..options.link_config(LinkConfig::new(which))
        };
        let bare = framing.without_ax25();
        Ok(Self {
            link: Link::new(config, format),
            deframer: Deframer::new(framing).map_err(text)?,
            radio_deframer: Deframer::new(&bare).map_err(text)?,
            radio_framer: Framer::new(&bare, None).map_err(text)?,
            splits: framing.framing.has_borders(),
            framer,
            rng: Rng::with_seed(seed),
            packet: Vec::new(),
            octets: Vec::new(),
        })
    }

    /// The frames for the air of the next packet; none if there is no packet.
    pub(crate) fn next_frames(&mut self, now: Instant) -> Result<Vec<Vec<u8>>, String> {
        if !self.link.poll_packet(now, 0, &mut self.packet) {
            return Ok(Vec::new());
        }
        self.octets.clear();
        let framed = self.framer.frame(&self.packet, &mut self.octets);
        framed.map_err(|error| format!("a packet cannot be framed: {error}"))?;
        self.link.handle_written(now, 0, Ok(()));
        self.radio_deframer.push(&self.octets);
        let mut frames = Vec::new();
        while let Some(deframed) = self.radio_deframer.next_frame() {
            let frame = deframed.packet;
            frames.push(
                frame
                    .map_err(|reason| format!("our own frame: {reason}"))?
                    .to_vec(),
            );
        }
        match frames.len() {
            1 => Ok(frames),
            count => Err(format!("one packet became {count} frames")),
        }
    }

    /// A frame is heard; the host gets it in pieces.
    pub(crate) fn hear(&mut self, now: Instant, frame: &[u8]) -> Result<(), String> {
        self.octets.clear();
        let framed = self.radio_framer.frame(frame, &mut self.octets);
        framed.map_err(|error| format!("a frame cannot be handed over: {error}"))?;
        let mut rest = self.octets.as_slice();
        while !rest.is_empty() {
            let cut = match self.splits {
                true => self.rng.usize(1..=rest.len()),
                false => rest.len(),
            };
            let (piece, after) = rest.split_at(cut);
            self.deframer.push(piece);
            rest = after;
            while let Some(packet) = self.deframer.next_packet() {
                if let Ok(packet) = packet {
                    self.link.handle_packet(now, packet.to_vec());
                }
            }
        }
        Ok(())
    }
}
