//! A capture, run through the code that a live link runs: what became of every
//! frame, and why.
//!
//! ```text
//! frame of the capture ─▶ air: link layer, station ─▶ end: packets, messages ─▶ its fate
//! ```
//!
//! A capture has both directions, so there are two ends: what comes down goes to
//! a ground end, what we sent to a satellite end with the mirrored settings. Time
//! is that of the capture. No I/O here.

mod air;
mod end;
mod fate;
mod json;
mod line;
mod pending;
mod summary;

use std::time::{Duration, Instant};

use comms_service::message::End as LinkEnd;
use radio_hal::pcap::{CapturedFrame, LinkType};

use crate::config::GroundLinkConfig;
use crate::direction::Direction;

pub(crate) use air::Unfit;
pub(crate) use json::{json_frame, json_summary};
pub(crate) use line::plain_line;
pub(crate) use pending::TooManyOpen;
pub(crate) use summary::{Summary, plain_summary};

use air::Air;
use end::End;
use fate::Fate;
use pending::Pending;

/// One capture on its way through the link.
pub(crate) struct Replay {
    air: Air,
    ground: End,
    satellite: End,
    pending: Pending,
    clock: Clock,
    summary: Summary,
}

/// A frame whose fate is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Replayed {
    /// From 1, as Wireshark counts.
    number: u64,
    since_epoch: Duration,
    /// After the capture's first frame.
    since_first: Duration,
    /// None for a frame of others.
    direction: Option<Direction>,
    octets: usize,
    /// Octets that it had on the air.
    original_bytes: usize,
    /// Destination and source, if it is AX.25.
    callsigns: Option<(radio_hal::Callsign, radio_hal::Callsign)>,
    fate: Fate,
}

impl Replay {
    /// Replays a capture of `link_type` as `link` would have heard it.
    ///
    /// # Errors
    /// [`Unfit`] if the link has no such frames.
    pub(crate) fn new(link: &GroundLinkConfig, link_type: LinkType) -> Result<Self, Unfit> {
        Ok(Replay {
            air: Air::new(link, link_type)?,
            ground: End::new(link, LinkEnd::Ground)?,
            satellite: End::new(link, LinkEnd::Satellite)?,
            pending: Pending::default(),
            clock: Clock::new(),
            summary: Summary::default(),
        })
    }

    /// The next frame of the capture; then take what is settled by
    /// [`next_settled`](Self::next_settled).
    ///
    /// # Errors
    /// [`TooManyOpen`], when the fate of too many frames is open.
    pub(crate) fn frame(&mut self, frame: &CapturedFrame<'_>) -> Result<(), TooManyOpen> {
        let now = self.clock.at(frame.since_epoch);
        for end in [&mut self.ground, &mut self.satellite] {
            end.pass_time(now, &mut self.pending);
        }
        let heard = self.air.hear(frame.octets);
        let number = self.pending.push(Replayed {
            number: 0,
            since_epoch: frame.since_epoch,
            since_first: self.clock.since_first(now),
            direction: heard.direction,
            octets: frame.octets.len(),
            original_bytes: frame.original_bytes as usize,
            callsigns: heard.callsigns,
            fate: Fate::Undecided,
        })?;
        match (heard.packet, heard.direction) {
            (Err(fate), _) => self.pending.settle(number, fate),
            (Ok(packet), Some(Direction::Up)) => {
                let asked = self.satellite.hear(now, number, packet, &mut self.pending);
                if let Some(head) = asked {
                    self.ground.expect_answer(now, head);
                }
            }
            (Ok(packet), _) => {
                self.ground.hear(now, number, packet, &mut self.pending);
            }
        }
        Ok(())
    }

    /// The capture is over: what is open stays so.
    pub(crate) fn finish(&mut self) {
        for end in [&mut self.ground, &mut self.satellite] {
            end.leave_open(&mut self.pending);
        }
    }

    /// The next frame whose fate is known, in the order of the capture.
    pub(crate) fn next_settled(&mut self) -> Option<Replayed> {
        let frame = self.pending.pop_settled()?;
        self.summary.count(&frame.fate);
        Some(frame)
    }

    /// What became of all frames so far, and what the two engines counted.
    pub(crate) fn summary(&self) -> Summary {
        self.summary
            .clone()
            .with_engines(self.ground.statistics(), self.satellite.statistics())
    }
}

/// The capture's time as the engine's, which never goes back.
struct Clock {
    start: Instant,
    first: Option<Duration>,
    now: Instant,
}

impl Clock {
    fn new() -> Self {
        let start = Instant::now();
        Clock {
            start,
            first: None,
            now: start,
        }
    }

    fn at(&mut self, since_epoch: Duration) -> Instant {
        let first = *self.first.get_or_insert(since_epoch);
        let after = since_epoch.saturating_sub(first);
        let at = self.start.checked_add(after).unwrap_or(self.now);
        self.now = self.now.max(at);
        self.now
    }

    fn since_first(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.start)
    }
}

#[cfg(test)]
mod tests;
