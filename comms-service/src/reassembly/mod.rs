//! From segments back to messages (CCSDS 133.0-B-2 §4.2.2.2), bounded in
//! octets, messages and time: one open message per channel.
//!
//! A missing count drops the open message; the packet that shows the gap is
//! kept when it begins a message. A packet that comes twice is dropped without
//! harm, also when others came in between (a digipeater, or a ground station
//! that repeats). A sender that begins anew at count 0 is no gap.
//!
//! An answer that somebody waits for is not dropped for what it misses: its
//! segments are kept as a [`Part`] and given out when no more of them can come.

mod part;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::accounting::DropReason;
use crate::budget::{ByteBudget, HeldBytes};
use crate::message::{Head, Message, PayloadType};
use crate::packet::{Place, Segment};

pub(crate) use part::Part;

/// How many packets back a repeated one is recognised.
const RECENT_PACKETS: usize = 8;
/// Sequence counts are modulo this.
const COUNT_MODULO: u16 = 0x4000;

#[derive(Debug)]
pub(crate) struct Reassembly {
    channels: BTreeMap<u16, ChannelState>,
    budget: ByteBudget,
    message_bytes_max: usize,
    timeout: Duration,
}

#[derive(Debug, Default)]
struct ChannelState {
    last_count: Option<u16>,
    last_packet_at: Option<Instant>,
    /// The packets that came last, to know them if they come again.
    recent: VecDeque<(u16, u64)>,
    open: Option<OpenMessage>,
    /// What misses something, instead of `open`.
    part: Option<Part>,
}

/// Which answers are kept although they miss something.
pub(crate) struct Wanted<'a> {
    /// Whether somebody waits for this one.
    pub(crate) is_answer: &'a dyn Fn(&Head) -> bool,
    /// Whether a message without its first segment can only be one answer.
    pub(crate) without_first: bool,
}

/// What was overdue.
#[derive(Debug, Default)]
pub(crate) struct Expired {
    /// Packets that were dropped.
    pub(crate) packets: u64,
    /// Answers that arrived in part.
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug)]
struct OpenMessage {
    message: Message,
    packets: u64,
    last_packet_at: Instant,
}

impl OpenMessage {
    /// Of which the segment with count `next` misses.
    fn into_part(self, next: u16) -> Part {
        let Message { head, payload } = self.message;
        Part::after(head, payload, self.packets, next, self.last_packet_at)
    }
}

/// What became of a packet, and of the open message it met.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The message that this packet made whole, of so many packets.
    pub(crate) whole: Option<(Message, u64)>,
    /// Dropped packets: those of an open message, this one, or both.
    pub(crate) dropped: Vec<Dropped>,
    /// An answer of which no more segments come.
    pub(crate) part: Option<Part>,
    /// The message that it belongs to is one of several packets: its head, where it
    /// is known.
    pub(crate) belongs_to: Option<Option<Head>>,
    /// Counts were missing.
    pub(crate) gap: bool,
    /// The sender began anew.
    pub(crate) restart: bool,
}

/// Packets that were dropped together.
#[derive(Debug)]
pub(crate) struct Dropped {
    pub(crate) reason: DropReason,
    pub(crate) packets: u64,
    /// Of the message that they belong to, where it is known.
    pub(crate) head: Option<Head>,
}

impl Outcome {
    fn drop_open(&mut self, state: &mut ChannelState, reason: DropReason) {
        if let Some(open) = state.open.take() {
            self.drop_message(reason, open);
        }
    }

    fn drop_message(&mut self, reason: DropReason, open: OpenMessage) {
        self.dropped.push(Dropped {
            reason,
            packets: open.packets,
            head: Some(open.message.head),
        });
    }

    fn drop_packet(&mut self, reason: DropReason, head: Option<Head>) {
        self.dropped.push(Dropped {
            reason,
            packets: 1,
            head,
        });
    }
}

impl Reassembly {
    pub(crate) fn new(budget: ByteBudget, message_bytes_max: usize, timeout: Duration) -> Self {
        Reassembly {
            channels: BTreeMap::new(),
            budget,
            message_bytes_max,
            timeout,
        }
    }

    /// Takes other limits; open messages go on under them.
    pub(crate) fn set_limits(&mut self, message_bytes_max: usize, timeout: Duration) {
        self.message_bytes_max = message_bytes_max;
        self.timeout = timeout;
    }

    /// Forgets everything, counts too: another packet format begins. Gives the
    /// packets of open messages.
    pub(crate) fn restart(&mut self) -> u64 {
        let packets = self.clear();
        self.channels.clear();
        packets
    }

    /// Takes the next packet of a channel: `octets` whole, `segment` what the
    /// format read in it.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        segment: Segment,
        octets: &[u8],
        wanted: &Wanted,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        // The channels are bounded by the APID map, which knows each of them.
        let state = self.channels.entry(segment.channel).or_default();

        // After a long silence the same packet is no repetition: a sender began
        // anew, or asks once more.
        let silence = state
            .last_packet_at
            .map(|at| now.saturating_duration_since(at));
        if silence.is_some_and(|silence| silence >= self.timeout) {
            state.recent.clear();
        }
        // A repetition ends the silence, too, else a steady one would count in time.
        state.last_packet_at = Some(now);
        let covered = octets.get(..segment.data.end).unwrap_or(octets);
        let packet = (segment.count, fingerprint(covered));
        if state.recent.contains(&packet) {
            outcome.drop_packet(DropReason::Duplicate, None);
            return outcome;
        }
        let expected = state.last_count.map(|last| (last + 1) % COUNT_MODULO);
        if expected.is_some_and(|expected| expected != segment.count) {
            outcome.restart = segment.count == 0;
            outcome.gap = !outcome.restart;
            match state
                .open
                .take_if(|open| (wanted.is_answer)(&open.message.head))
            {
                Some(open) => state.part = expected.map(|next| open.into_part(next)),
                None => outcome.drop_open(state, DropReason::SequenceGap),
            }
        }
        if state.recent.len() == RECENT_PACKETS {
            state.recent.pop_front();
        }
        state.recent.push_back(packet);
        state.last_count = Some(segment.count);

        match segment.place {
            Place::Unsegmented(head) | Place::First(head) => {
                let next = segment.count;
                let wanted = |open: &mut OpenMessage| (wanted.is_answer)(&open.message.head);
                outcome.part = state.part.take();
                if let Some(open) = state.open.take_if(wanted) {
                    outcome.part = Some(open.into_part(next));
                }
                outcome.drop_open(state, DropReason::Unfinished);
                let begun = begin(
                    &self.budget,
                    self.message_bytes_max,
                    head,
                    octets,
                    segment.data,
                );
                match begun {
                    Err(reason) => outcome.drop_packet(reason, Some(head)),
                    Ok(message) if matches!(segment.place, Place::Unsegmented(_)) => {
                        outcome.whole = Some((message, 1));
                    }
                    Ok(message) => {
                        outcome.belongs_to = Some(Some(head));
                        state.open = Some(OpenMessage {
                            message,
                            packets: 1,
                            last_packet_at: now,
                        });
                    }
                }
            }
            Place::Continuation | Place::Last => {
                if state.open.is_none() {
                    if state.part.is_none() && wanted.without_first {
                        state.part = Some(Part::without_first(expected, now));
                    }
                    self.add_to_part(now, &segment, octets, &mut outcome);
                    return outcome;
                }
                let data = octets.get(segment.data).unwrap_or_default();
                let Some(mut open) = state.open.take() else {
                    return outcome;
                };
                outcome.belongs_to = Some(Some(open.message.head));
                open.packets += 1;
                open.last_packet_at = now;
                let payload = &mut open.message.payload;
                if payload.len() + data.len() > self.message_bytes_max {
                    outcome.drop_message(DropReason::TooLarge, open);
                } else if payload.extend(data).is_err() {
                    outcome.drop_message(DropReason::MemorySpent, open);
                } else if segment.place == Place::Last {
                    outcome.whole = Some((open.message, open.packets));
                } else {
                    state.open = Some(open);
                }
            }
        }
        outcome
    }

    /// Adds a further segment to what its channel holds in part.
    fn add_to_part(
        &mut self,
        now: Instant,
        segment: &Segment,
        octets: &[u8],
        outcome: &mut Outcome,
    ) {
        let state = self.channels.entry(segment.channel).or_default();
        let Some(part) = &mut state.part else {
            outcome.drop_packet(DropReason::NoFirstSegment, None);
            return;
        };
        outcome.belongs_to = Some(part.head);
        let is_last = segment.place == Place::Last;
        let data = octets.get(segment.data.clone()).unwrap_or_default();
        let held = HeldBytes::copy_of(&self.budget, data);
        let added = match held {
            Err(_) => Err(DropReason::MemorySpent),
            Ok(held) if part.bytes() + held.len() > self.message_bytes_max => {
                Err(DropReason::TooLarge)
            }
            Ok(held) => part.add(now, segment.count, is_last, held),
        };
        match added {
            Ok(()) if is_last => outcome.part = state.part.take(),
            Ok(()) => {}
            Err(DropReason::Duplicate) => outcome.drop_packet(DropReason::Duplicate, None),
            Err(reason) => {
                let packets = part.packets + 1;
                state.part = None;
                let head = None;
                outcome.dropped.push(Dropped {
                    reason,
                    packets,
                    head,
                });
            }
        }
    }

    /// Takes out what has arrived of the answer to a command; with `without_first`,
    /// also what can be of no other.
    pub(crate) fn take_part(&mut self, command_id: u64, without_first: bool) -> Option<Part> {
        let is_meant = |head: &Head| {
            head.payload_type == PayloadType::GraphQl && head.command_id == command_id
        };
        for state in self.channels.values_mut() {
            let open = state.open.take_if(|open| is_meant(&open.message.head));
            if let (Some(open), Some(last)) = (open, state.last_count) {
                return Some(open.into_part((last + 1) % COUNT_MODULO));
            }
            let is_meant =
                |part: &mut Part| part.head.map_or(without_first, |head| is_meant(&head));
            if let Some(part) = state.part.take_if(is_meant) {
                return Some(part);
            }
        }
        None
    }

    /// A message of one packet, from a format with or without counts.
    pub(crate) fn begin(
        &self,
        head: Head,
        octets: &[u8],
        payload: std::ops::Range<usize>,
    ) -> Result<Message, DropReason> {
        begin(&self.budget, self.message_bytes_max, head, octets, payload)
    }

    /// Drops the open messages whose next segment is overdue, or gives out what
    /// arrived of them.
    pub(crate) fn expire(&mut self, now: Instant, wanted: &Wanted) -> Expired {
        let timeout = self.timeout;
        let mut expired = Expired::default();
        for state in self.channels.values_mut() {
            let overdue = |open: &mut OpenMessage| open.last_packet_at + timeout <= now;
            if let Some(open) = state.open.take_if(overdue) {
                let next = state.last_count.map(|last| (last + 1) % COUNT_MODULO);
                match next.filter(|_| (wanted.is_answer)(&open.message.head)) {
                    Some(next) => expired.parts.push(open.into_part(next)),
                    None => expired.packets += open.packets,
                }
            }
            let overdue = |part: &mut Part| part.last_packet_at + timeout <= now;
            expired.parts.extend(state.part.take_if(overdue));
        }
        expired
    }

    /// When [`expire`](Self::expire) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let open = self.open().map(|open| open.last_packet_at);
        let parts = self.parts().map(|part| part.last_packet_at);
        open.chain(parts).map(|at| at + self.timeout).min()
    }

    /// Packets held in open messages.
    pub(crate) fn packets_held(&self) -> u64 {
        let open: u64 = self.open().map(|open| open.packets).sum();
        open + self.parts().map(|part| part.packets).sum::<u64>()
    }

    /// Forgets everything; gives how many packets that were.
    pub(crate) fn clear(&mut self) -> u64 {
        let packets = self.packets_held();
        self.channels.clear();
        packets
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.channels
            .values()
            .filter_map(|state| state.part.as_ref())
    }

    fn open(&self) -> impl Iterator<Item = &OpenMessage> {
        self.channels
            .values()
            .filter_map(|state| state.open.as_ref())
    }
}

fn begin(
    budget: &ByteBudget,
    message_bytes_max: usize,
    head: Head,
    octets: &[u8],
    payload: std::ops::Range<usize>,
) -> Result<Message, DropReason> {
    if payload.len() > message_bytes_max {
        return Err(DropReason::TooLarge);
    }
    let payload = octets.get(payload).unwrap_or_default();
    let payload = HeldBytes::copy_of(budget, payload).map_err(|_| DropReason::MemorySpent)?;
    Ok(Message { head, payload })
}

/// 64 bits that tell packets apart. They need not withstand a forger: one that puts
/// packets before ours can spoil the channel anyway.
fn fingerprint(octets: &[u8]) -> u64 {
    let (words, rest) = octets.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let all = words.chain([u64::from_le_bytes(last), octets.len() as u64]);
    all.fold(0, |hash: u64, word| {
        // FNV-1a by words, and the upper bits brought down.
        let mixed = (hash ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ mixed >> 32
    })
}
