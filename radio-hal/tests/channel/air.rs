//! A channel with somebody who asks it whenever something happens.

use std::time::Duration;

use radio_hal::FrameDrop;
use radio_hal::channel::{Channel, ChannelConfig, Direction, Fate};

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What became of a frame, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: Duration,
    pub(crate) direction: Direction,
    pub(crate) fate: Fate,
}

pub(crate) struct Air {
    pub(crate) channel: Channel,
    pub(crate) now: Duration,
    pub(crate) events: Vec<Event>,
}

impl Air {
    pub(crate) fn new(config: &ChannelConfig) -> Self {
        Self {
            channel: Channel::new(config).unwrap(),
            now: Duration::ZERO,
            events: Vec::new(),
        }
    }

    /// Offers a frame now; it must be taken.
    #[track_caller]
    pub(crate) fn offer(&mut self, direction: Direction, frame: &[u8]) {
        self.channel
            .handle_frame(self.now, direction, frame)
            .unwrap();
        self.look();
    }

    /// Offers a frame as soon as there is a credit.
    pub(crate) fn transmit(&mut self, frame: &[u8]) {
        while self.channel.credits(self.now) == 0 {
            self.step();
        }
        self.offer(Direction::Transmit, frame);
    }

    /// Lets time pass until `until`.
    pub(crate) fn run_until(&mut self, until: Duration) {
        while self.next().is_some_and(|next| next <= until) {
            self.step();
        }
        self.now = self.now.max(until);
        self.look();
    }

    /// Lets time pass until no frame waits or is on its way.
    pub(crate) fn run(&mut self) {
        loop {
            let statistics = self.channel.statistics();
            if statistics.transmit.in_flight + statistics.receive.in_flight == 0 {
                return;
            }
            self.step();
        }
    }

    fn next(&self) -> Option<Duration> {
        self.channel.poll_timeout(self.now)
    }

    #[track_caller]
    fn step(&mut self) {
        let next = self.next().expect("something happens");
        self.now = self.now.max(next);
        self.look();
    }

    fn look(&mut self) {
        for direction in Direction::ALL {
            while let Some(fate) = self.channel.poll_fate(self.now, direction) {
                self.events.push(Event {
                    at: self.now,
                    direction,
                    fate,
                });
            }
        }
    }

    /// What was heard in one direction, with its time.
    pub(crate) fn heard(&self, direction: Direction) -> Vec<(Duration, Vec<u8>)> {
        let ours = self
            .events
            .iter()
            .filter(|event| event.direction == direction);
        ours.filter_map(|event| match &event.fate {
            Fate::Delivered(frame) => Some((event.at, frame.clone())),
            Fate::Dropped { .. } => None,
        })
        .collect()
    }

    /// Why frames were dropped, in order.
    pub(crate) fn dropped(&self) -> Vec<(Direction, FrameDrop)> {
        let reasons = self.events.iter().filter_map(|event| match event.fate {
            Fate::Dropped { reason, .. } => Some((event.direction, reason)),
            Fate::Delivered(_) => None,
        });
        reasons.collect()
    }
}
