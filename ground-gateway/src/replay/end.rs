//! One end of the link: the engine, and to which frames its verdicts belong.
//!
//! The engine decides and counts. It does not know of frames; so each verdict is
//! read off its accounts, and given to the frames that it can only be about: the
//! packet that just came, and the open message of that packet's channel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use comms_service::CommsResult;
use comms_service::accounting::{DropReason, Flow, Statistics};
use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, Link, LinkConfig, TIMEOUT_MAX};
use comms_service::message::{End as LinkEnd, Head, PayloadType};
use comms_service::packet::{Content, LinkPacket, Parsed, Place};

use super::fate::{Fate, Part, message_in_words};
use super::pending::Pending;
use crate::config::GroundLinkConfig;

/// Commands of the capture that wait for their answer, at most. Those beyond are
/// forgotten, and their answers count as not asked for.
const COMMANDS_OPEN_MAX: usize = 65_536;

/// An engine, and the frames of its open messages.
pub(super) struct End {
    end: LinkEnd,
    link: Link,
    /// The engine's format once more, to see which channel a packet is on.
    format: Box<dyn LinkPacket>,
    reassembly_timeout: Duration,
    /// By channel, as in the engine.
    open: BTreeMap<u16, OpenMessage>,
}

struct OpenMessage {
    head: Head,
    frames: Vec<u64>,
    bytes: usize,
    last_packet_at: Instant,
}

/// What a packet is, as far as its frame's fate depends on it.
struct Seen {
    /// None for a packet that is a message, in a format without channels.
    channel: Option<u16>,
    /// Of a packet that begins a message.
    head: Option<Head>,
    bytes: usize,
    /// Why the format refuses it; else empty.
    refusal: String,
}

impl End {
    pub(super) fn new(link: &GroundLinkConfig, end: LinkEnd) -> CommsResult<Self> {
        let format = || link.comms.packet_format(end, None, link.addresses);
        let config = LinkConfig {
            // Each is answered at once, so one is enough.
            exchange_sockets: 1,
            commands_max: COMMANDS_OPEN_MAX,
            // Each frame has its fate at once.
            keeps_answers_in_part: false,
            ..link.comms.link_config(LinkConfig::new(end))
        };
        Ok(End {
            end,
            reassembly_timeout: config.reassembly_timeout.min(TIMEOUT_MAX),
            link: Link::new(config, format()?),
            format: format()?,
            open: BTreeMap::new(),
        })
    }

    pub(super) fn statistics(&self) -> Statistics {
        self.link.statistics()
    }

    /// Wakes the engine as often as it asked for until `now`.
    pub(super) fn pass_time(&mut self, now: Instant, pending: &mut Pending) {
        while let Some(due) = self.link.poll_timeout().filter(|due| *due <= now) {
            self.link.handle_timeout(due);
            self.perform(due);
            let timeout = self.reassembly_timeout;
            let overdue = |open: &OpenMessage| open.last_packet_at + timeout <= due;
            let channels = self.open.iter().filter(|(_, open)| overdue(open));
            for channel in channels.map(|(channel, _)| *channel).collect::<Vec<_>>() {
                self.drop_open(channel, DropReason::ReassemblyTimeout, pending);
            }
        }
    }

    /// Frame `number` holds `packet`. Gives the head of the command that is whole
    /// with it (satellite).
    pub(super) fn hear(
        &mut self,
        now: Instant,
        number: u64,
        packet: Vec<u8>,
        pending: &mut Pending,
    ) -> Option<Head> {
        let seen = see(&*self.format, &packet);
        let before = self.link.statistics();
        self.link.handle_packet(now, packet);
        let after = self.link.statistics();
        self.perform(now);

        let mut reasons = newly_dropped(&before.packets_in, &after.packets_in);
        // These two are about the packets before.
        for reason in [DropReason::SequenceGap, DropReason::Unfinished] {
            if let Some(at) = reasons.iter().position(|found| *found == reason) {
                reasons.remove(at);
                if let Some(channel) = seen.channel {
                    self.drop_open(channel, reason, pending);
                }
            }
        }
        if after.packets_in.delivered > before.packets_in.delivered {
            let refused = newly_dropped(&before.messages_in, &after.messages_in);
            return self.message_whole(number, &seen, refused.first().copied(), pending);
        }
        match (reasons.first().copied(), seen.channel, seen.head) {
            (Some(reason), Some(channel), None) if is_for_all(reason) => {
                self.drop_open(channel, reason, pending);
                pending.settle(number, Fate::dropped(reason, ""));
            }
            (Some(reason), ..) => {
                let detail = match (&seen.head, seen.channel) {
                    (Some(head), _) => message_in_words(self.end, head, None),
                    (None, Some(apid)) => format!("on APID {apid}"),
                    (None, None) => seen.refusal,
                };
                pending.settle(number, Fate::dropped(reason, detail));
            }
            (None, Some(channel), _) => self.hold(now, number, channel, &seen),
            // Nothing that the engine could do.
            (None, None, _) => pending.settle(number, Fate::dropped(DropReason::InternalFault, "")),
        }
        None
    }

    /// The frame is a part of a message that is not whole yet.
    fn hold(&mut self, now: Instant, number: u64, channel: u16, seen: &Seen) {
        if let Some(head) = seen.head {
            let (frames, bytes) = (Vec::new(), 0);
            let begun = OpenMessage {
                head,
                frames,
                bytes,
                last_packet_at: now,
            };
            self.open.insert(channel, begun);
        }
        if let Some(open) = self.open.get_mut(&channel) {
            open.frames.push(number);
            open.bytes += seen.bytes;
            open.last_packet_at = now;
        }
    }

    fn message_whole(
        &mut self,
        number: u64,
        seen: &Seen,
        refused: Option<DropReason>,
        pending: &mut Pending,
    ) -> Option<Head> {
        let open = match seen.head {
            // It is one packet, whatever else is open.
            Some(_) => None,
            None => seen.channel.and_then(|channel| self.open.remove(&channel)),
        };
        let head = seen.head.or(open.as_ref().map(|open| open.head))?;
        let bytes = seen.bytes + open.as_ref().map_or(0, |open| open.bytes);
        let mut frames = open.map_or_else(Vec::new, |open| open.frames);
        frames.push(number);
        let message = message_in_words(self.end, &head, Some(bytes));
        let segments = Some(frames.len());
        for (segment, frame) in (1..).zip(frames) {
            let part = Part {
                segment,
                segments,
                message: message.clone(),
            };
            let fate = match refused {
                None => Fate::Delivered(part),
                Some(reason) => Fate::dropped(reason, part.to_string()),
            };
            pending.settle(frame, fate);
        }
        let asks = matches!(
            head.payload_type,
            PayloadType::GraphQl | PayloadType::UdpExchange
        );
        (asks && self.end == LinkEnd::Satellite).then_some(head)
    }

    /// A command went up: the ground waits for its answer.
    pub(super) fn expect_answer(&mut self, now: Instant, head: Head) {
        // One that is repeated is refused, since it is open already.
        self.link.command(Command {
            command_id: head.command_id,
            payload_type: head.payload_type,
            port: head.port,
            payload: Vec::new(),
            timeout: TIMEOUT_MAX,
            retries: 0,
        });
        self.perform(now);
    }

    /// The capture is over.
    pub(super) fn leave_open(&mut self, pending: &mut Pending) {
        for open in std::mem::take(&mut self.open).into_values() {
            open.settle(self.end, pending, Fate::Open);
        }
    }

    fn drop_open(&mut self, channel: u16, reason: DropReason, pending: &mut Pending) {
        if let Some(open) = self.open.remove(&channel) {
            let fate = |part: Part| Fate::dropped(reason, part.to_string());
            open.settle(self.end, pending, fate);
        }
    }

    /// What lies behind the engine takes everything at once: a service answers
    /// with nothing, the radio takes every packet.
    fn perform(&mut self, now: Instant) {
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Post { handler, body, .. } => {
                    drop(body);
                    let nothing = HeldBytes::empty(self.link.budget());
                    self.link.handle_answer(handler, Ok(nothing));
                }
                Action::SendDatagram { .. } => self.link.handle_datagram_sent(Ok(())),
                Action::Exchange { socket, port, .. } => {
                    self.link.handle_reply(now, socket, port, &[]);
                }
                _ => {}
            }
        }
        let mut packet = Vec::new();
        while self.link.poll_packet(now, 0, &mut packet) {
            self.link.handle_written(now, 0, Ok(()));
        }
    }
}

impl OpenMessage {
    /// Gives its frames their fate without its being whole.
    fn settle(self, end: LinkEnd, pending: &mut Pending, fate: impl Fn(Part) -> Fate) {
        let message = message_in_words(end, &self.head, None);
        for (segment, frame) in (1..).zip(self.frames) {
            let part = Part {
                segment,
                segments: None,
                message: message.clone(),
            };
            pending.settle(frame, fate(part));
        }
    }
}

/// Whether a further segment that is dropped so takes its whole message along.
fn is_for_all(reason: DropReason) -> bool {
    matches!(reason, DropReason::TooLarge | DropReason::MemorySpent)
}

fn newly_dropped(before: &Flow, after: &Flow) -> Vec<DropReason> {
    let grown =
        |(reason, count): (DropReason, u64)| (count > before.dropped.of(reason)).then_some(reason);
    after.dropped.iter().filter_map(grown).collect()
}

fn see(format: &dyn LinkPacket, packet: &[u8]) -> Seen {
    let (channel, head, bytes, refusal) = match format.parse(packet) {
        Err(error) => (None, None, 0, error.to_string()),
        Ok(Parsed { content, .. }) => match content {
            Content::Idle => (None, None, 0, String::new()),
            Content::Message { head, payload } => (None, Some(head), payload.len(), String::new()),
            Content::Segment(segment) => {
                let head = match segment.place {
                    Place::Unsegmented(head) | Place::First(head) => Some(head),
                    Place::Continuation | Place::Last => None,
                };
                let bytes = segment.data.len();
                (Some(segment.channel), head, bytes, String::new())
            }
        },
    };
    Seen {
        channel,
        head,
        bytes,
        refusal,
    }
}
