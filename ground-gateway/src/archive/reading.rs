//! What a frame is of. A further segment of a message does not say so itself: it is of the
//! command whose first segment came before it on its channel.

use std::collections::BTreeMap;

use comms_service::PacketFormat;
use comms_service::message::Head;
use comms_service::packet::{Content, LinkPacket, Place};

use super::ArchivedFrame;

/// Sequence counts are modulo this (CCSDS 133.0-B-2 §4.1.3.4.3).
const COUNT_MODULUS: u16 = 1 << 14;
const APID_MASK: u16 = 0x07FF;

/// What is known of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    /// In formats that have one.
    pub(super) apid: Option<u16>,
    /// None for what is nobody's command.
    pub(super) command_id: Option<u64>,
    /// Of the service that answered, or the downlink port.
    pub(super) port: Option<u16>,
    /// Why nothing came of it.
    pub(super) refused: Option<&'static str>,
}

/// Reads the frames of one link in the order in which they came.
pub(super) struct Reading {
    format: Box<dyn LinkPacket>,
    has_apids: bool,
    /// By channel.
    open: BTreeMap<u16, Open>,
}

/// A message of which more segments are to come.
struct Open {
    head: Head,
    next_count: u16,
}

impl Reading {
    /// Of packets as the ground hears them in `format`.
    pub(super) fn new(kind: PacketFormat, format: Box<dyn LinkPacket>) -> Self {
        Reading {
            format,
            has_apids: kind != PacketFormat::Udp,
            open: BTreeMap::new(),
        }
    }

    pub(super) fn describe(&mut self, frame: &ArchivedFrame) -> Described {
        if frame.refused.is_some() {
            return Described {
                refused: frame.refused,
                ..Described::default()
            };
        }
        let parsed = match self.format.parse(&frame.octets) {
            Ok(parsed) => parsed,
            Err(error) => {
                return Described {
                    refused: Some(error.drop_reason().as_str()),
                    ..Described::default()
                };
            }
        };
        let head = match parsed.content {
            Content::Idle => None,
            Content::Message { head, .. } => Some(head),
            Content::Segment(segment) => {
                let next_count = (segment.count + 1) % COUNT_MODULUS;
                match segment.place {
                    Place::Unsegmented(head) => Some(head),
                    Place::First(head) => {
                        let open = Open { head, next_count };
                        self.open.insert(segment.channel, open);
                        Some(head)
                    }
                    place => {
                        let open = self.open.get_mut(&segment.channel);
                        let known = open.filter(|open| open.next_count == segment.count);
                        let head = known.map(|open| {
                            open.next_count = next_count;
                            open.head
                        });
                        if place == Place::Last || head.is_none() {
                            self.open.remove(&segment.channel);
                        }
                        head
                    }
                }
            }
        };
        let head = head.filter(|head| head.payload_type.has_command_header());
        Described {
            apid: self.apid(&frame.octets),
            command_id: head.map(|head| head.command_id).filter(|id| *id != 0),
            port: head.map(|head| head.port).filter(|port| *port != 0),
            refused: None,
        }
    }

    fn apid(&self, packet: &[u8]) -> Option<u16> {
        match packet {
            [high, low, ..] if self.has_apids => {
                Some(u16::from_be_bytes([*high, *low]) & APID_MASK)
            }
            _ => None,
        }
    }
}
