//! A channel that behaves like space, without I/O, clock or thread: bit rate,
//! propagation delay, bit errors, loss, half duplex and contacts between two
//! radios.
//!
//! What is simulated is the frame on the air, whatever the host's side looks
//! like: flags, stuffed bits and FCS of HDLC around the AX.25 frame or the packet,
//! after TXDELAY and before TXTAIL. A frame that is hit by a bit error goes
//! through a real HDLC decoder and is dropped for its FCS there, as in a TNC.
//!
//! [`Channel`] has methods of three kinds. Time is the time since the channel
//! began, a parameter that never goes back:
//!
//! - [`handle_frame`](Channel::handle_frame): a station has a frame for the air.
//! - [`poll_fate`](Channel::poll_fate): what became of a frame, until `None`;
//!   [`poll_timeout`](Channel::poll_timeout): when to ask again, if nothing is
//!   handed over before.
//! - [`credits`](Channel::credits), [`statistics`](Channel::statistics) and the
//!   like decide nothing.
//!
//! The same seed, configuration and frames at the same times give the same fates,
//! however often or late somebody asks. [`simulate`] drives a channel by real
//! time, around any radio.

mod bit_errors;
mod config;
mod contacts;
mod direction;
mod raw;
mod simulation;
mod statistics;

pub use config::{BurstConfig, ChannelConfig, ChannelConfigError, DirectionConfig};
pub use contacts::{CONTACTS_MAX, Contact, Contacts, ContactsError, PeriodConfig};
pub use simulation::{ChannelMonitor, LINGER_MAX_MS, simulate};
pub use statistics::{ChannelStatistics, DirectionStatistics};

use std::time::Duration;

use crate::counters::FrameDrop;
use crate::framing::BARE_PACKET_BYTES_MAX;
use crate::radio::Duplex;
use config::FRAMES_IN_FLIGHT_MAX;
use direction::OneWay;

/// Octets that a channel holds each way, waiting or on the way; a further frame
/// is refused or dropped. Copies that it makes itself come on top.
pub const CHANNEL_BYTES_MAX: usize = FRAMES_IN_FLIGHT_MAX * LONGEST_FRAME_BYTES;
/// What each frame counts for besides its octets, for what is known of it.
const FRAME_BYTES: usize = 128;
const LONGEST_FRAME_BYTES: usize = BARE_PACKET_BYTES_MAX + FRAME_BYTES;

/// A way through the channel, as the radio at one end of it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From this end.
    Transmit,
    /// To this end.
    Receive,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Transmit, Self::Receive];

    fn other(self) -> Self {
        match self {
            Self::Transmit => Self::Receive,
            Self::Receive => Self::Transmit,
        }
    }

    /// The name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transmit => "transmit",
            Self::Receive => "receive",
        }
    }
}

/// What happens on the air, in this order where it happens at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The last bit of a frame is at the far end. Who keys up then was not deaf.
    Heard,
    /// A station's next frame follows at once. Who waits for it waits on.
    Continues,
    /// A station keys up.
    KeysUp,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is heard at the far end, as it is here. With a chance of 1 in 65 536 a
    /// frame with bit errors has a good FCS and is heard, altered.
    Delivered(Vec<u8>),
    /// It is not.
    Dropped {
        /// Octets of the frame.
        bytes: usize,
        /// Why.
        reason: FrameDrop,
    },
}

/// A station had no room for the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the channel has no room for another frame")]
pub struct ChannelFull;

/// The air between two stations. See the head of this module.
#[derive(Debug)]
pub struct Channel {
    duplex: Duplex,
    carrier_sense: bool,
    turnaround: Duration,
    frames_in_flight_max: usize,
    contacts: Contacts,
    transmit: OneWay,
    receive: OneWay,
}

impl Channel {
    /// A channel at the beginning of its time.
    ///
    /// # Errors
    /// [`ChannelConfigError`] names the first setting that cannot work.
    pub fn new(config: &ChannelConfig) -> Result<Self, ChannelConfigError> {
        config.validate()?;
        Ok(Self {
            duplex: config.duplex,
            carrier_sense: config.carrier_sense,
            turnaround: config.turnaround,
            frames_in_flight_max: config.frames_in_flight_max(),
            contacts: Contacts::new(&config.contacts, config.period)?,
            // Two rows of random numbers that have nothing to do with each other.
            transmit: OneWay::new(config.transmit.clone(), config.seed),
            receive: OneWay::new(config.receive.clone(), !config.seed),
        })
    }

    /// A station has `frame` (without borders and FCS) for the air.
    ///
    /// # Errors
    /// [`ChannelFull`] while the station has [`CHANNEL_BYTES_MAX`] octets to send
    /// or on the way, and while a transmitting one has no credit.
    pub fn handle_frame(
        &mut self,
        now: Duration,
        direction: Direction,
        frame: &[u8],
    ) -> Result<(), ChannelFull> {
        self.advance(now);
        let no_credit = direction == Direction::Transmit && self.credits(now) == 0;
        let way = self.way_mut(direction);
        if no_credit || way.bytes_held() + direction::bytes_held(frame) > CHANNEL_BYTES_MAX {
            return Err(ChannelFull);
        }
        way.offer(now, frame.to_vec());
        self.advance(now);
        Ok(())
    }

    /// What became of the next frame in this direction, up to `now`.
    pub fn poll_fate(&mut self, now: Duration, direction: Direction) -> Option<Fate> {
        self.advance(now);
        self.way_mut(direction).next_fate(now)
    }

    /// When something happens next, if no frame is handed over before: a frame
    /// begins or ends, arrives, or a contact begins or ends.
    pub fn poll_timeout(&self, now: Duration) -> Option<Duration> {
        let ways = [&self.transmit, &self.receive];
        let ends = ways.map(|way| way.sends_until(now));
        let fates = Direction::ALL.map(|direction| self.next_fate(direction));
        let contact = self.contacts.next_change(now);
        let all = ends.into_iter().chain(fates).chain([contact]);
        all.flatten().min()
    }

    /// When there may be a further fate in this direction. One that nobody has
    /// asked for in the other direction does not count.
    fn next_fate(&self, direction: Direction) -> Option<Duration> {
        let arrival = self.way(direction).next_arrival();
        [self.next_event_time(), arrival]
            .into_iter()
            .flatten()
            .min()
    }

    /// When there may be a further credit.
    fn next_credit(&self, now: Duration) -> Option<Duration> {
        let end = self.transmit.sends_until(now);
        [self.next_event_time(), end].into_iter().flatten().min()
    }

    fn next_event_time(&self) -> Option<Duration> {
        self.next_event().map(|(time, ..)| time)
    }

    /// How many frames the transmitting station takes now.
    pub fn credits(&mut self, now: Duration) -> usize {
        self.advance(now);
        let sending = self.transmit.frames_sending(now);
        let room = CHANNEL_BYTES_MAX.saturating_sub(self.transmit.bytes_held());
        let in_flight = self.frames_in_flight_max.saturating_sub(sending);
        in_flight.min(room / LONGEST_FRAME_BYTES)
    }

    /// Whether the stations see each other.
    pub fn is_in_contact(&self, now: Duration) -> bool {
        self.contacts.covers(now, now)
    }

    /// What became of every frame so far.
    pub fn statistics(&self) -> ChannelStatistics {
        ChannelStatistics {
            transmit: self.transmit.statistics(),
            receive: self.receive.statistics(),
        }
    }

    /// Lets everything happen on the air that happens up to `now`, in order.
    fn advance(&mut self, now: Duration) {
        while let Some((time, event, direction)) = self.next_event() {
            if time > now {
                return;
            }
            match event {
                Event::Heard => self.hear(direction),
                Event::Continues | Event::KeysUp => self.begin(time, direction),
            }
        }
    }

    fn next_event(&self) -> Option<(Duration, Event, Direction)> {
        let heard = Direction::ALL.map(|direction| {
            let time = self.way(direction).next_heard()?;
            Some((time, Event::Heard, direction))
        });
        let begun = Direction::ALL.map(|direction| {
            let time = self.next_start(direction)?;
            let event = match self.way(direction).continues_burst(time) {
                true => Event::Continues,
                false => Event::KeysUp,
            };
            Some((time, event, direction))
        });
        let all = heard.into_iter().chain(begun).flatten();
        all.min_by_key(|(time, event, _)| (*time, *event))
    }

    fn hear(&mut self, direction: Direction) {
        let half_duplex = self.duplex == Duplex::Half;
        let turnaround = self.turnaround;
        let (way, other) = self.ways(direction);
        way.hear(|time| half_duplex && other.was_keyed_during(time, turnaround));
    }

    fn begin(&mut self, start: Duration, direction: Direction) {
        if let Some(sending) = self.way_mut(direction).begin(start) {
            let (begins, ends) = sending.time_to_be_covered();
            let in_contact = self.contacts.covers(begins, ends);
            self.way_mut(direction).send(sending, in_contact);
        }
    }

    /// When the first frame that waits in this direction may begin.
    fn next_start(&self, direction: Direction) -> Option<Duration> {
        let (way, other) = (self.way(direction), self.way(direction.other()));
        let start = way.next_start()?;
        if self.duplex == Duplex::Full || !self.carrier_sense || way.continues_burst(start) {
            return Some(start);
        }
        let free = other
            .heard_keyed_until()
            .map(|until| until + self.turnaround);
        Some(free.map_or(start, |free| start.max(free)))
    }

    fn way(&self, direction: Direction) -> &OneWay {
        match direction {
            Direction::Transmit => &self.transmit,
            Direction::Receive => &self.receive,
        }
    }

    fn way_mut(&mut self, direction: Direction) -> &mut OneWay {
        self.ways(direction).0
    }

    fn ways(&mut self, direction: Direction) -> (&mut OneWay, &mut OneWay) {
        match direction {
            Direction::Transmit => (&mut self.transmit, &mut self.receive),
            Direction::Receive => (&mut self.receive, &mut self.transmit),
        }
    }
}
