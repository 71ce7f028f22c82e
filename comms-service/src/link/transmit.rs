//! The queue before one `write` function.
//!
//! Messages of one channel leave in order; the channels take turns packet by
//! packet, so that a short answer passes between two segments of a long one.
//! A sequence count is given when a packet is handed out, never before, and
//! one packet at a time is with the radio.

use std::collections::{BTreeMap, VecDeque};

use crate::accounting::{DropReason, Flow};
use crate::budget::HeldBytes;
use crate::message::{Head, Message};
use crate::packet::{LinkPacket, PacketError};
use crate::security::NotProtected;

/// Who gave a message to the queue, and is told what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An answer to the ground.
    Answer,
    /// A datagram of an app.
    Datagram,
    /// A command of the ground, by its id.
    Command(u64),
    /// A command that was taken back while the radio had a packet of it: it goes
    /// no further, and its id may be somebody else's by now.
    Withdrawn,
}

/// The end of a message: `write` took all of it, or it was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) origin: Origin,
    pub(crate) result: Result<(), DropReason>,
}

/// Protects a message on its APID.
pub(crate) type Protect<'a> =
    dyn FnMut(u16, &mut Head, &mut HeldBytes) -> Result<(), NotProtected> + 'a;

/// Why no packet of a message could be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBuilt {
    #[error("{0}")]
    Format(PacketError),
    #[error("{}", .0.as_str())]
    NotProtected(DropReason),
}

#[derive(Debug)]
struct Outgoing {
    message: Message,
    packets: u32,
    next: u32,
    origin: Origin,
    protected: bool,
}

#[derive(Debug)]
pub(crate) struct TransmitQueue {
    channels: BTreeMap<u16, VecDeque<Outgoing>>,
    counts: BTreeMap<u16, u16>,
    /// The channel whose packet is with the radio.
    with_radio: Option<u16>,
    /// The channel whose packet the format is building; left behind by a format
    /// that panics.
    building: Option<u16>,
    last_channel: u16,
    messages_held: usize,
    /// Of them, datagrams of apps: these have a limit of their own, so that they
    /// never take the place of an answer.
    datagrams_held: usize,
    messages_max: usize,
}

impl TransmitQueue {
    pub(crate) fn new(messages_max: usize) -> Self {
        TransmitQueue {
            channels: BTreeMap::new(),
            counts: BTreeMap::new(),
            with_radio: None,
            building: None,
            last_channel: u16::MAX,
            messages_held: 0,
            datagrams_held: 0,
            messages_max,
        }
    }

    /// Whether there is no room for one more of this origin.
    pub(crate) fn is_full(&self, origin: Origin) -> bool {
        let held = match origin {
            Origin::Datagram => self.datagrams_held,
            _ => self.messages_held - self.datagrams_held,
        };
        held >= self.messages_max
    }

    /// Whether a packet could go to the radio now.
    pub(crate) fn has_packet(&self) -> bool {
        self.with_radio.is_none() && self.messages_held > 0
    }

    /// Queues a message that `format` carries in `packets` packets.
    pub(crate) fn push(
        &mut self,
        format: &dyn LinkPacket,
        message: Message,
        packets: u32,
        origin: Origin,
    ) {
        let channel = format.channel_of(&message.head);
        self.messages_held += 1;
        self.datagrams_held += usize::from(origin == Origin::Datagram);
        self.channels
            .entry(channel)
            .or_default()
            .push_back(Outgoing {
                message,
                packets,
                next: 0,
                origin,
                protected: false,
            });
    }

    /// Writes the next packet to `out`; false when there is none, when the radio
    /// still has one, or when `protect` has to wait. That is called with APID, head
    /// and payload before the first packet of a message is built.
    pub(crate) fn poll(
        &mut self,
        format: &dyn LinkPacket,
        packet_bytes_max: Option<usize>,
        protect: &mut Protect<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, (NotBuilt, Departure)> {
        if self.with_radio.is_some() {
            return Ok(false);
        }
        let Some(channel) = self.next_channel() else {
            return Ok(false);
        };
        let queue = self.channels.entry(channel).or_default();
        let Some(outgoing) = queue.front_mut() else {
            return Ok(false);
        };
        let count = self.counts.entry(channel).or_insert(0);
        let Message { head, payload } = &mut outgoing.message;
        if !std::mem::replace(&mut outgoing.protected, true) {
            let bytes = payload.len();
            match protect(channel, head, payload) {
                Ok(()) if payload.len() == bytes => {}
                Ok(()) => {
                    let packets = format.packet_count(head, payload.len());
                    outgoing.packets = packets.unwrap_or(outgoing.packets);
                }
                Err(NotProtected::Wait) => {
                    outgoing.protected = false;
                    return Ok(false);
                }
                Err(NotProtected::Dropped(reason)) => {
                    let origin = outgoing.origin;
                    self.remove_front(channel);
                    let result = Err(reason);
                    return Err((NotBuilt::NotProtected(reason), Departure { origin, result }));
                }
            }
        }
        self.building = Some(channel);
        let built = format.build(head, payload, outgoing.next, *count, out);
        self.building = None;
        let too_large = packet_bytes_max.filter(|bytes_max| out.len() > *bytes_max);
        let built = match too_large {
            Some(bytes_max) if built.is_ok() => Err(PacketError::TooLarge {
                bytes: out.len(),
                bytes_max,
                format: format.name(),
            }),
            _ => built,
        };
        if let Err(error) = built {
            let reason = error.drop_reason();
            let origin = outgoing.origin;
            self.remove_front(channel);
            let result = Err(reason);
            return Err((NotBuilt::Format(error), Departure { origin, result }));
        }
        *count = (*count + 1) % 0x4000;
        outgoing.next += 1;
        self.with_radio = Some(channel);
        self.last_channel = channel;
        Ok(true)
    }

    /// The radio is done with the packet. Gives the message that ended with it.
    pub(crate) fn written(&mut self, success: bool) -> Option<Departure> {
        let channel = self.with_radio.take()?;
        let outgoing = self.channels.get(&channel)?.front()?;
        let origin = outgoing.origin;
        let result = match success {
            true if outgoing.next >= outgoing.packets => Ok(()),
            true if origin == Origin::Withdrawn => Err(DropReason::Withdrawn),
            true => return None,
            false if origin == Origin::Withdrawn => Err(DropReason::Withdrawn),
            // The other end cannot use the rest without this packet.
            false => Err(DropReason::WriteFailed),
        };
        self.remove_front(channel);
        Some(Departure { origin, result })
    }

    /// Whether the packet with the radio is of a message that was taken back.
    pub(crate) fn is_withdrawn(&self) -> bool {
        let queue = self
            .with_radio
            .and_then(|channel| self.channels.get(&channel));
        let outgoing = queue.and_then(VecDeque::front);
        outgoing.is_some_and(|outgoing| outgoing.origin == Origin::Withdrawn)
    }

    /// Gives up the message at whose packet the format panicked: it would do so
    /// again.
    pub(crate) fn discard_unbuilt(&mut self) {
        if let Some(channel) = self.building.take() {
            self.remove_front(channel);
        }
    }

    /// Takes back the messages of a command; gives how many are gone at once. One
    /// whose packet is with the radio goes when that is back.
    pub(crate) fn withdraw(&mut self, command_id: u64) -> u64 {
        let before = self.messages_held;
        for (channel, queue) in &mut self.channels {
            let mut with_radio = self.with_radio == Some(*channel);
            let queued = queue.len();
            queue.retain_mut(|outgoing| {
                // Only the first of the channel can be with the radio.
                let stays = std::mem::take(&mut with_radio);
                let meant = outgoing.origin == Origin::Command(command_id);
                if meant && stays {
                    outgoing.origin = Origin::Withdrawn;
                }
                stays || !meant
            });
            self.messages_held -= queued - queue.len();
        }
        (before - self.messages_held) as u64
    }

    /// Drops everything; gives how many messages that were.
    pub(crate) fn clear(&mut self) -> u64 {
        let messages = self.messages_held as u64;
        self.channels.clear();
        self.messages_held = 0;
        self.datagrams_held = 0;
        messages
    }

    pub(crate) fn packets_with_radio(&self) -> u64 {
        u64::from(self.with_radio.is_some())
    }

    /// Adds what is held to the account of messages.
    pub(crate) fn count_held(&self, flow: &mut Flow) {
        let all = self.channels.values().flatten();
        let begun = all.filter(|outgoing| outgoing.next > 0).count();
        flow.in_flight += begun as u64;
        flow.queued += (self.messages_held - begun) as u64;
    }

    fn remove_front(&mut self, channel: u16) {
        let queue = self.channels.get_mut(&channel);
        if let Some(outgoing) = queue.and_then(VecDeque::pop_front) {
            self.messages_held -= 1;
            self.datagrams_held -= usize::from(outgoing.origin == Origin::Datagram);
        }
    }

    /// The channels take turns: the next one after the last that has something.
    fn next_channel(&self) -> Option<u16> {
        let ready =
            |(channel, queue): (&u16, &VecDeque<_>)| Some(*channel).filter(|_| !queue.is_empty());
        let after = self.last_channel.checked_add(1).map(|first| first..);
        let after = after.and_then(|range| self.channels.range(range).find_map(ready));
        after.or_else(|| self.channels.iter().find_map(ready))
    }
}
