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
//! A sequence count is given when a packet is handed out, never before, and one
//! packet at a time is with `write`. With a [`Pace`], `write` gets no more than
//! the radio can have sent but for its credits.

mod class;
mod counts;
mod flows;
mod outgoing;
mod pacing;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use class::{ByClass, ClassLimits, QueueClass, QueueLimits, WhenFull};
pub(crate) use outgoing::{Departure, Origin, Outgoing};
pub use pacing::{ONE_CREDIT_BPS_MAX, Pace};

use counts::Counts;
use flows::{FlowKey, Flows, Turn, Waiting};
use pacing::Pacer;

use crate::accounting::{ClassAccount, DropReason};
use crate::budget::HeldBytes;
use crate::message::{Head, Message, SecurityHeader};
use crate::packet::{LinkPacket, PacketError};
use crate::security::NotProtected;

/// So many pauses of a begun message fit into the time for which the other end waits
/// for its next packet.
const PAUSES_PER_TIMEOUT: u32 = 3;

/// Of which classes apps begin no message now, as there is no contact. An answer is
/// never held back: whoever asked is there.
pub(crate) type Holds<'a> = &'a dyn Fn(QueueClass) -> bool;

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
    /// Set when it goes no further than the packet that is with the radio.
    given_up: Option<DropReason>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    messages: usize,
    bytes: usize,
}

#[derive(Debug)]
struct ClassQueue {
    limits: ClassLimits,
    flows: Flows,
    /// What the link itself sends, begun or not.
    own: Held,
    /// What apps send, begun or not.
    apps: Held,
}

/// What to send next.
enum Choice {
    /// The next packet of the message that is begun on a channel; on behalf of a
    /// flow of a higher class that waits behind it.
    Continue(u16, Option<(QueueClass, FlowKey)>),
    /// The first packet of a flow's next message.
    Begin(QueueClass, FlowKey),
}

#[derive(Debug)]
pub(crate) struct TransmitQueue {
    classes: ByClass<ClassQueue>,
    begun: BTreeMap<u16, Begun>,
    counts: Counts,
    /// Packets handed out of each channel: the count, but for its going round.
    sent_packets: BTreeMap<u16, u64>,
    /// The channel whose packet is with the radio.
    with_radio: Option<u16>,
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
            with_radio: None,
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

    /// Goes over to another format. Gives the messages that are dropped: those
    /// begun in the old one, and those that the new one cannot carry. One whose
    /// packet is with the radio goes when that is back.
    pub(crate) fn reformat(&mut self, format: &dyn LinkPacket) -> Vec<Departure> {
        let reason = DropReason::Reconfigured;
        let mut gone = Vec::new();
        let mut ended = Vec::new();
        for (channel, begun) in &mut self.begun {
            if self.with_radio == Some(*channel) {
                begun.given_up.get_or_insert(reason);
            } else {
                gone.push(begun.outgoing.dropped(reason));
                ended.push(*channel);
            }
        }
        ended.into_iter().for_each(|channel| self.end(channel));
        let mut waiting = self.take_waiting(None, |_| true);
        waiting.sort_unstable_by_key(|one| one.arrival);
        for Waiting { mut outgoing, .. } in waiting {
            let Message { head, payload } = &mut outgoing.message;
            *head = format.classify(*head, payload.len());
            match format.packet_count(head, payload.len()) {
                Ok(packets) => self.push(
                    format,
                    Outgoing {
                        packets,
                        ..outgoing
                    },
                ),
                Err(_) => gone.push(outgoing.dropped(reason)),
            }
        }
        gone
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
        self.with_radio.is_none() && self.messages_held() > 0
    }

    /// Whether a packet could go to the radio now, when `holds` says which classes do
    /// not begin a message.
    pub(crate) fn has_packet(&self, now: Instant, holds: Holds) -> bool {
        let may_go = |(class, queue): (QueueClass, &ClassQueue)| {
            let is_held = holds(class);
            let next = queue.flows.next(|_, first| !(is_held && first.is_of_app()));
            next.is_some()
        };
        self.has_something()
            && self.pacer.free_at().is_none_or(|at| at <= now)
            && (!self.begun.is_empty() || self.classes.iter().any(may_go))
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

    /// Makes room for a message, by the policy of its class; gives those that made
    /// room for it.
    ///
    /// # Errors
    /// The limits that do not allow it.
    pub(crate) fn make_room(
        &mut self,
        class: QueueClass,
        origin: Origin,
        bytes: usize,
    ) -> Result<Vec<Departure>, ClassLimits> {
        let app = origin.is_app();
        let queue = self.classes.of(class);
        let limits = queue.limits;
        let held = *queue.held(app);
        let fits = |held: Held| {
            limits.messages_max.is_none_or(|max| held.messages < max)
                && limits
                    .bytes_max
                    .is_none_or(|max| held.bytes.saturating_add(bytes) <= max)
        };
        if fits(held) {
            return Ok(Vec::new());
        }
        if limits.when_full != WhenFull::Oldest {
            return Err(limits);
        }
        let waiting = queue.flows.waiting();
        let mut older: Vec<_> = waiting
            .filter(|one| one.is_of_app() == app)
            .map(|one| (one.arrival, one.outgoing.bytes()))
            .collect();
        older.sort_unstable();
        let mut left = held;
        let newest_to_go = older.into_iter().find_map(|(arrival, bytes)| {
            left.messages -= 1;
            left.bytes -= bytes;
            fits(left).then_some(arrival)
        });
        let Some(newest_to_go) = newest_to_go else {
            return Err(limits);
        };
        let meant = |one: &Waiting| one.is_of_app() == app && one.arrival <= newest_to_go;
        Ok(self.drop_waiting(Some(class), DropReason::Displaced, meant))
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
        let held = queue.held_mut(outgoing.origin.is_app());
        held.messages += 1;
        held.bytes += outgoing.bytes();
        queue.flows.push(key, Waiting { outgoing, arrival });
    }

    /// Writes the next packet to `out`; false when there is none but of messages that
    /// `holds` does not let begin, when the radio takes none now, or when `protect`
    /// has to wait.
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
        if self.with_radio.is_some() || self.pacer.free_at().is_some() {
            return Ok(false);
        }
        let (channel, on_behalf) = match self.choose(now, holds) {
            None => return Ok(false),
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
        *self.sent_packets.entry(channel).or_insert(0) += 1;
        begun.next += 1;
        begun.served_at = Some(now);
        let own = (begun.outgoing.class, begun.flow);
        for (class, flow) in [Some(own), on_behalf].into_iter().flatten() {
            self.classes.of_mut(class).flows.charge(flow, out.len());
        }
        self.pacer.hand_over(now, out.len());
        self.with_radio = Some(channel);
        Ok(true)
    }

    /// Whose turn it is: the most urgent class that has something, and in it the
    /// flow that was served least. A begun message that the other end would soon
    /// give up goes before everything but responses.
    fn choose(&self, now: Instant, holds: Holds) -> Option<Choice> {
        self.choose_in(QueueClass::Response, holds)
            .or_else(|| self.choose_starving(now))
            .or_else(|| self.choose_in(QueueClass::Telemetry, holds))
            .or_else(|| self.choose_in(QueueClass::Bulk, holds))
    }

    /// The begun message that was served longest ago, if that is too long ago.
    fn choose_starving(&self, now: Instant) -> Option<Choice> {
        let served = |begun: &Begun| begun.served_at.map(|at| at + self.pause_max);
        let starving = self.begun.iter().filter_map(|(channel, begun)| {
            let due = served(begun).filter(|due| *due <= now)?;
            Some((due, *channel))
        });
        let longest = starving.min();
        longest.map(|(_, channel)| Choice::Continue(channel, None))
    }

    fn choose_in(&self, class: QueueClass, holds: Holds) -> Option<Choice> {
        let flows = &self.classes.of(class).flows;
        let own = self.begun.iter().filter_map(|(channel, begun)| {
            let mine = begun.outgoing.class == class;
            let turn: Turn = (flows.served_bytes(begun.flow), begun.arrival);
            mine.then_some((turn, Choice::Continue(*channel, None)))
        });
        let is_held = holds(class);
        let may_go = |channel: u16, first: &Waiting| {
            let behind_lower = |begun: &Begun| begun.outgoing.class > class;
            self.begun.get(&channel).is_none_or(behind_lower) && !(is_held && first.is_of_app())
        };
        let waiting = flows.next(may_go).map(|(turn, key)| {
            let choice = match self.begun.contains_key(&key.channel) {
                true => Choice::Continue(key.channel, Some((class, key))),
                false => Choice::Begin(class, key),
            };
            (turn, choice)
        });
        let first = own.chain(waiting).min_by_key(|(turn, _)| *turn);
        first.map(|(_, choice)| choice)
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

    /// The radio is done with the packet. Gives the message that ended with it.
    pub(crate) fn written(&mut self, success: bool) -> Option<Departure> {
        let channel = self.with_radio.take()?;
        if !success {
            self.pacer.take_back();
        }
        let begun = self.begun.get(&channel)?;
        let origin = begun.outgoing.origin;
        let result = match (success, begun.given_up) {
            (true, _) if begun.next >= begun.outgoing.packets => Ok(()),
            (_, Some(reason)) => Err(reason),
            (true, None) => return None,
            // The other end cannot use the rest without this packet.
            (false, None) => Err(DropReason::WriteFailed),
        };
        let class = begun.outgoing.class;
        let last_count = self.counts.last(channel);
        self.end(channel);
        Some(Departure {
            origin,
            class,
            sent_as: result.is_ok().then_some((channel, last_count)),
            result,
        })
    }

    /// Whether the packet with the radio is of a message that was taken back.
    pub(crate) fn is_withdrawn(&self) -> bool {
        let channel = self.with_radio;
        let begun = channel.and_then(|channel| self.begun.get(&channel));
        begun.is_some_and(|begun| begun.outgoing.origin == Origin::Withdrawn)
    }

    /// It is `now`: frames have left the radio, and messages their time to live.
    pub(crate) fn pass(&mut self, now: Instant) -> Vec<Departure> {
        self.pacer.pass(now);
        if self.next_expiry.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let overdue = |one: &Waiting| one.outgoing.expires.is_some_and(|at| at <= now);
        let expired = self.drop_waiting(None, DropReason::Expired, overdue);
        let waiting = self
            .classes
            .iter()
            .flat_map(|(_, class)| class.flows.waiting());
        self.next_expiry = waiting.filter_map(|one| one.outgoing.expires).min();
        expired
    }

    /// Gives up the message at whose packet the format panicked: it would do so
    /// again.
    pub(crate) fn discard_unbuilt(&mut self) -> Option<Departure> {
        let channel = self.building.take()?;
        let begun = self.begun.get(&channel)?;
        let departure = begun.outgoing.dropped(DropReason::InternalFault);
        self.end(channel);
        Some(departure)
    }

    /// Takes back the messages of a command; gives those that are gone at once. One
    /// whose packet is with the radio goes when that is back.
    pub(crate) fn withdraw(&mut self, command_id: u64) -> Vec<Departure> {
        let command = Origin::Command(command_id);
        let reason = DropReason::Withdrawn;
        let mut gone = self.drop_waiting(None, reason, |one| one.outgoing.origin == command);
        let mut ended = Vec::new();
        for (channel, begun) in &mut self.begun {
            if begun.outgoing.origin != command {
                continue;
            }
            if self.with_radio == Some(*channel) {
                begun.outgoing.origin = Origin::Withdrawn;
                begun.given_up = Some(reason);
            } else {
                gone.push(begun.outgoing.dropped(reason));
                ended.push(*channel);
            }
        }
        ended.into_iter().for_each(|channel| self.end(channel));
        gone
    }

    /// Drops everything; gives what that was.
    pub(crate) fn clear(&mut self) -> Vec<Departure> {
        let reason = DropReason::Shutdown;
        let mut gone = self.drop_waiting(None, reason, |_| true);
        let channels: Vec<u16> = self.begun.keys().copied().collect();
        for channel in channels {
            if let Some(begun) = self.begun.get(&channel) {
                gone.push(begun.outgoing.dropped(reason));
            }
            self.end(channel);
        }
        gone
    }

    pub(crate) fn packets_with_radio(&self) -> u64 {
        u64::from(self.with_radio.is_some())
    }

    /// Adds what is held to the accounts of the classes.
    pub(crate) fn count_held(&self, accounts: &mut ByClass<ClassAccount>) {
        for (class, queue) in self.classes.iter() {
            let account = accounts.of_mut(class);
            let begun = self.begun.values();
            let begun = begun.filter(|begun| begun.outgoing.class == class).count();
            account.messages.in_flight += begun as u64;
            account.messages.queued += (queue.messages_held() - begun) as u64;
            account.bytes_held += (queue.own.bytes + queue.apps.bytes) as u64;
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

    /// Drops those that wait, of one class or of all, and are `meant`.
    fn drop_waiting(
        &mut self,
        only: Option<QueueClass>,
        reason: DropReason,
        meant: impl Fn(&Waiting) -> bool,
    ) -> Vec<Departure> {
        let taken = self.take_waiting(only, meant).into_iter();
        taken.map(|one| one.outgoing.dropped(reason)).collect()
    }

    /// Takes out those that wait, of one class or of all, and are `meant`.
    fn take_waiting(
        &mut self,
        only: Option<QueueClass>,
        meant: impl Fn(&Waiting) -> bool,
    ) -> Vec<Waiting> {
        let mut taken = Vec::new();
        for class in QueueClass::ALL {
            if only.is_some_and(|only| only != class) {
                continue;
            }
            for waiting in self.classes.of_mut(class).flows.take_out(&meant) {
                self.forget_expiry(&waiting.outgoing);
                let app = waiting.outgoing.origin.is_app();
                let queue = self.classes.of_mut(class);
                queue.held_mut(app).release(waiting.outgoing.bytes());
                taken.push(waiting);
            }
        }
        taken
    }

    /// The begun message of a channel is gone.
    fn end(&mut self, channel: u16) {
        if let Some(begun) = self.begun.remove(&channel) {
            let queue = self.classes.of_mut(begun.outgoing.class);
            let app = begun.outgoing.origin.is_app();
            queue.held_mut(app).release(begun.bytes);
            queue.flows.end(begun.flow);
        }
    }

    /// A message with a time to live waits no longer.
    fn forget_expiry(&mut self, outgoing: &Outgoing) {
        if outgoing.expires.is_some() {
            self.mortals = self.mortals.saturating_sub(1);
            if self.mortals == 0 {
                self.next_expiry = None;
            }
        }
    }
}

impl ClassQueue {
    fn held(&self, app: bool) -> &Held {
        match app {
            true => &self.apps,
            false => &self.own,
        }
    }

    fn held_mut(&mut self, app: bool) -> &mut Held {
        match app {
            true => &mut self.apps,
            false => &mut self.own,
        }
    }

    fn messages_held(&self) -> usize {
        self.own.messages + self.apps.messages
    }
}

impl Held {
    fn release(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
