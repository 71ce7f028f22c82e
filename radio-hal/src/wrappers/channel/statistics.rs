//! What became of every frame in a channel.

use crate::counters::FrameDrop;

/// Why a channel drops frames.
const REASONS: [FrameDrop; 4] = [
    FrameDrop::Fcs,
    FrameDrop::ChannelLoss,
    FrameDrop::NoContact,
    FrameDrop::HalfDuplex,
];

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
    pub(super) dropped: [u64; REASONS.len()],
}

impl DirectionStatistics {
    /// Frames that were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Frames that were dropped for one reason.
    pub fn dropped_for(&self, reason: FrameDrop) -> u64 {
        let mut drops = self.drops();
        drops
            .find_map(|(known, count)| (known == reason).then_some(count))
            .unwrap_or(0)
    }

    /// Every reason for which a channel drops frames with its count, zeros
    /// included.
    pub fn drops(&self) -> impl Iterator<Item = (FrameDrop, u64)> {
        REASONS.into_iter().zip(self.dropped)
    }

    pub(super) fn drop_for(&mut self, reason: FrameDrop) {
        let mut counts = REASONS.iter().zip(&mut self.dropped);
        if let Some((_, count)) = counts.find(|(known, _)| **known == reason) {
            *count += 1;
        }
    }
}
