//! The queue before one `write` function.
//!
//! - Classes go in strict order of priority ([`QueueClass`]), packet by packet.
//!   Only a begun message that the other end would give up soon goes before the
//!   classes below response: a packet each third of the reassembly time-out.
//! - Inside a class the flows (a channel and a port) share the radio fairly, by
//!   octets.
//! - On one channel one message is on its way at a time, and those of one flow
//!   leave in order. A begun message that holds up one of a higher class on its
//!   channel takes over that class, until it has left; what is sent of it then is
//!   charged to the flow that waits, too.
//!
//! A sequence count is given when a packet is handed out, never before. Several
//! packets may be with `write` at once, but no two of one message: so one that fails
//! takes none with it but the rest of its own message, which has no counts yet. With
//! a [`Pace`], `write` gets no more than the radio can have sent but for its credits.

mod choosing;
mod class;
mod counts;
mod flows;
mod handed_out;
mod held;
mod leaving;
mod outgoing;
mod pacing;
mod stuffing;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub(crate) use choosing::Holds;
pub use class::{ByClass, ClassLimits, QueueClass, QueueLimits, WhenFull};
pub(crate) use outgoing::{Departure, Origin, Outgoing, SentAs};
pub use pacing::{ONE_CREDIT_BPS_MAX, Pace};

use choosing::Choice;
use counts::Counts;
use flows::{FlowKey, Flows, Waiting};
use handed_out::HandedOut;
use held::{ClassQueue, Held};
use pacing::Pacer;

use crate::accounting::{ClassAccount, DropReason};
use crate::budget::HeldBytes;
use crate::message::{Head, Message, SecurityHeader};
use crate::packet::{LinkPacket, PacketError};
use crate::security::NotProtected;

/// So many pauses of a begun message fit into the time for which the other end waits
/// for its next packet.
const PAUSES_PER_TIMEOUT: u32 = 3;

/// Protects a message on its APID, before its first packet is built.
pub(crate) type Protect<'a> =
    &'a mut dyn FnMut(u16, &mut Head, &mut HeldBytes) -> Result<(), NotProtected>;

/// Why no packet of a message could be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotBuilt {
    #[error("{0}")]
    Format(PacketError),
    #[error("{}", .0.as_str())]
    NotProtected(DropReason),
}

/// A message of which a packet was handed out, or is being built.
#[derive(Debug)]
struct Begun {
    outgoing: Outgoing,
    next: u32,
    flow: FlowKey,
    /// What it is held as.
    bytes: usize,
    arrival: u64,
    /// When its last packet was handed out; none before the first.
    served_at: Option<Instant>,
    is_protected: bool,
    /// Set when it goes no further than its packet that is with the radio.
    given_up: Option<DropReason>,
}

#[derive(Debug)]
pub(crate) struct TransmitQueue {
    classes: ByClass<ClassQueue>,
    begun: BTreeMap<u16, Begun>,
    counts: Counts,
    /// Packets handed out of each channel: the count, but for its going round.
    sent_packets: BTreeMap<u16, u64>,
    /// The packets that are with the radio, in the order in which it gets them.
    with_radio: VecDeque<HandedOut>,
    /// The channel whose packet the format is building; left behind by a format
    /// that panics.
    building: Option<u16>,
    pacer: Pacer,
    /// Longest pause between two packets of a message, as long as no response goes
    /// before it.
    pause_max: Duration,
    arrivals: u64,
    /// Of those that wait, how many have a time to live, and the earliest end of
    /// one: not later than it really is.
    mortals: usize,
    next_expiry: Option<Instant>,
}

impl TransmitQueue {
    /// An empty queue. `messages_max` holds for each class without a limit of its own;
    /// `counts_seed` is 0 where counts begin at 0.
    pub(crate) fn new(
        messages_max: usize,
        limits: &QueueLimits,
        pace: Option<Pace>,
        reassembly_timeout: Duration,
        counts_seed: u64,
    ) -> Self {
        let class = |limits: &ClassLimits| ClassQueue {
            limits: limits.or_messages_max(messages_max),
            flows: Flows::default(),
            own: Held::default(),
            apps: Held::default(),
            pdus: Held::default(),
        };
        TransmitQueue {
            classes: ByClass {
                response: class(&limits.response),
                telemetry: class(&limits.telemetry),
                bulk: class(&limits.bulk),
            },
            begun: BTreeMap::new(),
            counts: Counts::new(counts_seed),
            sent_packets: BTreeMap::new(),
            with_radio: VecDeque::new(),
            building: None,
            pacer: Pacer::new(pace),
            pause_max: reassembly_timeout / PAUSES_PER_TIMEOUT,
            arrivals: 0,
            mortals: 0,
            next_expiry: None,
        }
    }

    /// Takes other limits; what is held stays.
    pub(crate) fn set_limits(
        &mut self,
        messages_max: usize,
        limits: &QueueLimits,
        pace: Option<Pace>,
        reassembly_timeout: Duration,
    ) {
        self.pause_max = reassembly_timeout / PAUSES_PER_TIMEOUT;
        for class in QueueClass::ALL {
            let limits = limits.of(class).or_messages_max(messages_max);
            self.classes.of_mut(class).limits = limits;
        }
        self.pacer.set_pace(pace);
    }

    /// Whether an answer to `question` has packets that the radio did not get yet.
    pub(crate) fn has_answer(&self, question: &Head) -> bool {
        let station = |head: &Head| head.security.map(SecurityHeader::station);
        let of = |head: &Head| (station(head), head.payload_type, head.port, head.command_id);
        let is_left = |begun: &&Begun| begun.next < begun.outgoing.packets;
        let begun = self.begun.values().filter(is_left);
        let begun = begun.map(|begun| &begun.outgoing);
        self.waiting().chain(begun).any(|outgoing| {
            outgoing.origin == Origin::Answer && of(&outgoing.message.head) == of(question)
        })
    }

    /// All that wait and are not begun.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Outgoing> {
        let waiting = self.classes.iter();
        let waiting = waiting.flat_map(|(_, class)| class.flows.waiting());
        waiting.map(|one| &one.outgoing)
    }

    /// Whether there is something to send that is not with the radio.
    pub(crate) fn has_something(&self) -> bool {
        self.with_radio.is_empty() && self.messages_held() > 0
    }

    /// When the radio takes the next packet; none while there is no packet, or when
    /// it takes one at once.
    pub(crate) fn paced_until(&self) -> Option<Instant> {
        self.pacer.free_at().filter(|_| self.has_something())
    }

    /// When something is to be done, if nothing happens before.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.paced_until(), self.next_expiry];
        deadlines.into_iter().flatten().min()
    }

    /// Queues a message, for which room was made.
    pub(crate) fn push(&mut self, format: &dyn LinkPacket, outgoing: Outgoing) {
        let head = &outgoing.message.head;
        let key = FlowKey {
            channel: format.channel_of(head),
            port: head.port,
        };
        if let Some(expires) = outgoing.expires {
            self.mortals += 1;
            self.next_expiry = Some(self.next_expiry.map_or(expires, |at| at.min(expires)));
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        let queue = self.classes.of_mut(outgoing.class);
        let held = queue.held_mut(outgoing.origin.sender());
        held.messages += 1;
        held.bytes += outgoing.bytes();
        queue.flows.push(key, Waiting { outgoing, arrival });
    }

    /// Writes the next packet to `out`; false when there is none but of messages that
    /// `holds` does not let begin or that have a packet with the radio, when the radio
    /// takes none now, or when `protect` has to wait.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        format: &dyn LinkPacket,
        packet_bytes_max: Option<usize>,
        holds: Holds,
        protect: Protect,
        out: &mut Vec<u8>,
    ) -> Result<bool, (NotBuilt, Departure)> {
        self.pacer.pass(now);
        if self.pacer.free_at().is_some() {
            return Ok(false);
        }
        let (channel, on_behalf) = match self.choose(now, holds) {
            None => return Ok(false),
            Some(Choice::Continue(channel, _)) if self.has_begun_with_radio(channel) => {
                return Ok(false);
            }
            Some(Choice::Continue(channel, on_behalf)) => (channel, on_behalf),
            Some(Choice::Begin(class, key)) => {
                self.begin(class, key);
                (key.channel, None)
            }
        };
        let Some(begun) = self.begun.get_mut(&channel) else {
            return Ok(false);
        };
        if !begun.is_protected {
            let Outgoing {
                message, packets, ..
            } = &mut begun.outgoing;
            let bytes = message.payload.len();
            match protect(channel, &mut message.head, &mut message.payload) {
                Ok(()) => begun.is_protected = true,
                Err(NotProtected::Wait) => return Ok(false),
                Err(NotProtected::Dropped(reason)) => {
                    let departure = begun.outgoing.dropped(reason);
                    self.end(channel);
                    return Err((NotBuilt::NotProtected(reason), departure));
                }
            }
            if message.payload.len() != bytes {
                let counted = format.packet_count(&message.head, message.payload.len());
                *packets = counted.unwrap_or(*packets);
            }
        }
        let count = self.counts.next(channel);
        let Message { head, payload } = &begun.outgoing.message;
        self.building = Some(channel);
        let built = format.build(head, payload, begun.next, count, out);
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
            let departure = begun.outgoing.dropped(error.drop_reason());
            self.end(channel);
            return Err((NotBuilt::Format(error), departure));
        }
        self.counts.advance(channel);
        let sent_packets = self.sent_packets.entry(channel).or_insert(0);
        *sent_packets += 1;
        begun.next += 1;
        begun.served_at = Some(now);
        let own = (begun.outgoing.class, begun.flow);
        for (class, flow) in [Some(own), on_behalf].into_iter().flatten() {
            self.classes.of_mut(class).flows.charge(flow, out.len());
        }
        self.pacer.hand_over(now, out);
        let is_last = begun.next >= begun.outgoing.packets;
        let handed_out = HandedOut {
            sent_as: SentAs {
                channel,
                count,
                sent_packets: *sent_packets,
            },
            // Its channel is free for the next.
            ends: is_last.then(|| self.begun.remove(&channel)).flatten(),
        };
        self.with_radio.push_back(handed_out);
        Ok(true)
    }

    fn begin(&mut self, class: QueueClass, key: FlowKey) {
        let Some(waiting) = self.classes.of_mut(class).flows.begin(key) else {
            return;
        };
        let Waiting { outgoing, arrival } = waiting;
        self.forget_expiry(&outgoing);
        let begun = Begun {
            next: 0,
            flow: key,
            bytes: outgoing.bytes(),
            outgoing,
            arrival,
            served_at: None,
            is_protected: false,
            given_up: None,
        };
        self.begun.insert(key.channel, begun);
    }

    /// Adds what is held to the accounts of the classes.
    pub(crate) fn count_held(&self, accounts: &mut ByClass<ClassAccount>) {
        for (class, queue) in self.classes.iter() {
            let account = accounts.of_mut(class);
            let ended = self.with_radio.iter();
            let ended = ended.filter_map(|handed_out| handed_out.ends.as_ref());
            let begun = self.begun.values().chain(ended);
            let begun = begun.filter(|begun| begun.outgoing.class == class).count();
            account.messages.in_flight += begun as u64;
            account.messages.queued += (queue.messages_held() - begun) as u64;
            account.bytes_held += queue.bytes_held() as u64;
        }
    }

    /// Packets of a channel that were handed out so far.
    pub(crate) fn sent_packets(&self, channel: u16) -> u64 {
        self.sent_packets.get(&channel).copied().unwrap_or(0)
    }

    fn messages_held(&self) -> usize {
        self.classes
            .iter()
            .map(|(_, class)| class.messages_held())
            .sum()
    }

    /// The begun message of a channel is gone.
    fn end(&mut self, channel: u16) {
        if let Some(begun) = self.begun.remove(&channel) {
            self.release(&begun);
        }
    }

    /// A message that was begun is held no longer.
    fn release(&mut self, begun: &Begun) {
        let queue = self.classes.of_mut(begun.outgoing.class);
        let sender = begun.outgoing.origin.sender();
        queue.held_mut(sender).release(begun.bytes);
        queue.flows.end(begun.flow);
    }
}
