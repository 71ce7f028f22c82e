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
//!   like only look.
//!
//! The same seed, configuration and calls give the same fates. [`simulate`]
//! drives a channel by real time, around any radio.

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
use crate::radio::Duplex;
use direction::OneWay;

/// Octets that a channel holds each way, waiting or on the way; a further frame
/// is refused or dropped.
pub const CHANNEL_BYTES_MAX: usize = 16 << 20;

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

    /// The name in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transmit => "transmit",
            Self::Receive => "receive",
        }
    }
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
        if no_credit || way.bytes_held() + frame.len() > CHANNEL_BYTES_MAX {
            return Err(ChannelFull);
        }
        way.offer(now, frame.to_vec());
        self.advance(now);
        Ok(())
    }

    /// What became of the next frame in this direction, up to `now`.
    pub fn poll_fate(&mut self, now: Duration, direction: Direction) -> Option<Fate> {
        self.advance(now);
        let (duplex, turnaround) = (self.duplex, self.turnaround);
        let (way, other) = self.ways(direction);
        let arrival = way.next_arrival(now)?;
        let deaf =
            duplex == Duplex::Half && other.is_keyed_during(arrival.heard.clone(), turnaround);
        Some(way.settle(arrival, deaf))
    }

    /// When something happens next, if no frame is handed over before: a frame
    /// begins or ends, arrives, or a contact begins or ends.
    pub fn poll_timeout(&self, now: Duration) -> Option<Duration> {
        let starts = Direction::ALL.map(|direction| self.next_start(direction));
        let ways = [&self.transmit, &self.receive];
        let events = ways.map(|way| way.next_event(now));
        let contact = self.contacts.next_change(now);
        let all = starts.into_iter().chain(events).chain([contact]);
        all.flatten().min()
    }

    /// How many frames the transmitting station takes now.
    pub fn credits(&self, now: Duration) -> usize {
        let sending = self.transmit.frames_sending(now);
        self.frames_in_flight_max.saturating_sub(sending)
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

    /// Lets every transmission begin that begins up to `now`, in the order of
    /// their times.
    fn advance(&mut self, now: Duration) {
        loop {
            let starts = Direction::ALL.map(|way| self.next_start(way).map(|start| (start, way)));
            let next = starts.into_iter().flatten().min_by_key(|(start, _)| *start);
            let Some((start, direction)) = next.filter(|(start, _)| *start <= now) else {
                return;
            };
            let way = self.way_mut(direction);
            let Some(sending) = way.begin(start) else {
                return;
            };
            let (begins, ends) = sending.time_to_be_covered();
            let in_contact = self.contacts.covers(begins, ends);
            self.way_mut(direction).send(sending, in_contact);
        }
    }

    /// When the first frame that waits in this direction may begin.
    fn next_start(&self, direction: Direction) -> Option<Duration> {
        let (way, other) = match direction {
            Direction::Transmit => (&self.transmit, &self.receive),
            Direction::Receive => (&self.receive, &self.transmit),
        };
        let start = way.next_start()?;
        if self.duplex == Duplex::Full || !self.carrier_sense || way.continues_burst(start) {
            return Some(start);
        }
        let free = other
            .heard_keyed_until()
            .map(|until| until + self.turnaround);
        Some(free.map_or(start, |free| start.max(free)))
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
