//! One end while its computer is on: an engine, and the framing between it and its
//! radio. All of it is lost when the computer reboots.

use std::net::Ipv4Addr;
use std::time::Instant;

use comms_service::accounting::Statistics;
use comms_service::link::{Action, Command, Link, LinkConfig, Pace};
use comms_service::message::{End as Which, PayloadType, SecurityHeader};
use comms_service::options::Addresses;
use comms_service::packet::{Content, LinkPacket, Place};
use comms_service::security::{KeyRing, SEED_BYTES, Security, SecuritySetup, State};
use fastrand::Rng;
use radio_hal::{Deframer, Framer, FramingError};

use crate::scenario::Blueprint;

/// The master key of both ends.
const KEY: &[u8] = b"1 00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n";

/// The satellite's downlink endpoint.
pub(crate) const DOWNLINK_PORT: u16 = 13_011;

/// What went in and out of an engine, counted by the world: its accounts must say
/// the same.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) packets_written: u64,
    pub(crate) messages_delivered: u64,
    /// Packets of link control: not more messages are delivered beside the others.
    pub(crate) control_in: u64,
}

pub(crate) struct End {
    pub(crate) link: Link,
    pub(crate) seen: Seen,
    /// From packets to the host's side of the radio, and back.
    framer: Framer,
    deframer: Deframer,
    /// In the radio: from the host's side to frames, and back.
    radio_deframer: Deframer,
    radio_framer: Framer,
    /// How the other end reads what this end sends.
    reader: Box<dyn LinkPacket>,
    /// How this end reads what it hears.
    listener: Box<dyn LinkPacket>,
    splits: bool,
    rng: Rng,
    packet: Vec<u8>,
    octets: Vec<u8>,
}

/// A packet that the engine gave for its radio.
pub(crate) struct Outgoing {
    /// As frame for the air.
    pub(crate) frame: Vec<u8>,
    /// The security header that it begins a message with.
    pub(crate) security: Option<SecurityHeader>,
}

impl End {
    /// An engine that was just started, with what does not survive a reboot drawn of
    /// `seed`.
    pub(crate) fn new(
        which: Which,
        plan: &Blueprint,
        seed: u64,
        state: Option<State>,
    ) -> Result<Self, String> {
        Self::paced(which, plan, seed, state, None)
    }

    /// The same before a radio of which `pace` is known.
    pub(crate) fn paced(
        which: Which,
        plan: &Blueprint,
        seed: u64,
        state: Option<State>,
        pace: Option<Pace>,
    ) -> Result<Self, String> {
        let mut rng = Rng::with_seed(seed);
        let text = |error: FramingError| error.to_string();
        let framing = plan.framing(which);
        let framer = Framer::new(&framing, None).map_err(text)?;
        let addresses = Addresses {
            ground_ip: Ipv4Addr::LOCALHOST,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: None,
        };
        let format = |end| {
            let bytes_max = framer.packet_bytes_max();
            let format = plan.options.packet_format(end, bytes_max, addresses);
            format.map_err(|error| error.to_string())
        };
        let other = match which {
            Which::Satellite => Which::Ground,
            Which::Ground => Which::Satellite,
        };
        let defaults = LinkConfig {
            handlers_max: plan.handlers_max,
            commands_max: plan.commands_max,
            timeout: plan.service_timeout,
            pace,
            takes_pdus: plan.takes_pdus,
            ..LinkConfig::new(which)
        };
        let config = LinkConfig {
            downlink_ports: match which {
                Which::Satellite => vec![DOWNLINK_PORT],
                Which::Ground => Vec::new(),
            },
            records_commands: which == Which::Satellite && plan.journals,
            first_counts_seed: rng.u64(1..),
            ..plan.options.link_config(defaults)
        };
        let mut link = Link::new(config, format(which)?);
        if let Some(protection) = &plan.security {
            let mut seed = [0; SEED_BYTES];
            rng.fill(&mut seed);
            link = link.with_security(Security::new(SecuritySetup {
                end: which,
                mode: protection.mode,
                keys: KeyRing::parse(KEY)?,
                station: 1,
                state,
                seed,
                challenge_interval: protection.challenge_interval,
                silence: protection.silence,
            }));
        }
        let bare = framing.without_ax25();
        Ok(Self {
            link,
            seen: Seen::default(),
            deframer: Deframer::new(&framing).map_err(text)?,
            radio_deframer: Deframer::new(&bare).map_err(text)?,
            radio_framer: Framer::new(&bare, None).map_err(text)?,
            reader: format(other)?,
            listener: format(which)?,
            splits: framing.framing.has_borders(),
            framer,
            rng,
            packet: Vec::new(),
            octets: Vec::new(),
        })
    }

    /// The next packet; none if there is none now. Then [`written`](Self::written).
    pub(crate) fn next_packet(&mut self, now: Instant) -> Result<Option<Outgoing>, String> {
        if !self.link.poll_packet(now, 0, &mut self.packet) {
            return Ok(None);
        }
        self.seen.packets_out += 1;
        self.octets.clear();
        let framed = self.framer.frame(&self.packet, &mut self.octets);
        framed.map_err(|error| format!("a packet cannot be framed: {error}"))?;
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
        let count = frames.len();
        match frames.pop() {
            Some(frame) if count == 1 => Ok(Some(Outgoing {
                frame,
                security: self.security()?,
            })),
            _ => Err(format!("one packet became {count} frames")),
        }
    }

    /// The security header of the packet that goes out, read as the other end does.
    fn security(&self) -> Result<Option<SecurityHeader>, String> {
        let parsed = self.reader.parse(&self.packet);
        let parsed = parsed.map_err(|error| format!("our own packet: {error}"))?;
        Ok(match parsed.content {
            Content::Message { head, .. } => head.security,
            Content::Segment(segment) => match segment.place {
                Place::Unsegmented(head) | Place::First(head) => head.security,
                _ => None,
            },
            Content::Idle => None,
        })
    }

    /// The radio took the packet, or did not.
    pub(crate) fn written(&mut self, now: Instant, result: Result<(), String>) {
        self.seen.packets_written += u64::from(result.is_ok());
        self.link.handle_written(now, 0, result);
    }

    /// A frame is heard: the pieces in which the host gets it.
    pub(crate) fn pieces(&mut self, frame: &[u8]) -> Result<Vec<Vec<u8>>, String> {
        self.octets.clear();
        let framed = self.radio_framer.frame(frame, &mut self.octets);
        framed.map_err(|error| format!("a frame cannot be handed over: {error}"))?;
        let mut pieces = Vec::new();
        let mut rest = self.octets.as_slice();
        while !rest.is_empty() {
            let cut = match self.splits {
                true => self.rng.usize(1..=rest.len()),
                false => rest.len(),
            };
            let (piece, after) = rest.split_at(cut);
            pieces.push(piece.to_vec());
            rest = after;
        }
        Ok(pieces)
    }

    /// The host gets a piece of what was heard.
    pub(crate) fn hear(&mut self, now: Instant, piece: &[u8]) {
        self.deframer.push(piece);
        while let Some(packet) = self.deframer.next_packet() {
            if let Ok(packet) = packet {
                self.seen.packets_in += 1;
                self.seen.control_in += u64::from(is_control(&*self.listener, packet));
                self.link.handle_packet(now, packet);
            }
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.link.command(command);
    }

    /// What the engine decided next.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        let action = self.link.poll_action()?;
        let delivers = matches!(action, Action::Answered { .. } | Action::Heard(_));
        self.seen.messages_delivered += u64::from(delivers);
        Some(action)
    }

    /// The accounts, when all that was decided has been taken from the engine.
    pub(crate) fn statistics(&self) -> Statistics {
        self.link.statistics()
    }
}

fn is_control(format: &dyn LinkPacket, packet: &[u8]) -> bool {
    let parsed = format.parse(packet).map(|parsed| parsed.content);
    let head = match parsed {
        Ok(Content::Message { head, .. }) => head,
        Ok(Content::Segment(segment)) => match segment.place {
            Place::Unsegmented(head) | Place::First(head) => head,
            _ => return false,
        },
        _ => return false,
    };
    head.payload_type == PayloadType::LinkControl
}
