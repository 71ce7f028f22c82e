//! What became of every frame in a channel.

use crate::counters::FrameDrop;

/// The accounts of both directions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ChannelStatistics {
    /// From this end.
    pub transmit: DirectionStatistics,
    /// To this end.
    pub receive: DirectionStatistics,
}

/// The account of one direction: `offered + duplicated` is always `delivered +
/// dropped + in_flight`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DirectionStatistics {
    /// Frames that a station had for the air.
    pub offered: u64,
    /// Copies that the channel made.
    pub duplicated: u64,
    /// Frames that were heard.
    pub delivered: u64,
    /// Of these, frames with bit errors that the FCS did not show.
    pub altered: u64,
    /// Frames waiting or on the way.
    pub in_flight: u64,
    /// Bits on the air, of frames with their flags.
    pub bits: u64,
    pub(super) dropped: Vec<(FrameDrop, u64)>,
}

impl DirectionStatistics {
    /// Frames that were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().map(|(_, count)| count).sum()
    }

    /// Frames that were dropped for one reason.
    pub fn dropped_for(&self, reason: FrameDrop) -> u64 {
        let mut drops = self.drops();
        drops
            .find_map(|(known, count)| (known == reason).then_some(count))
            .unwrap_or(0)
    }

    /// Every reason for which frames were dropped, with its count.
    pub fn drops(&self) -> impl Iterator<Item = (FrameDrop, u64)> {
        self.dropped.iter().copied()
    }

    pub(super) fn drop_for(&mut self, reason: FrameDrop) {
        match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.dropped.push((reason, 1)),
        }
    }
}
