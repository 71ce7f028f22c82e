//! What became of every frame: each drop has a reason, each reason a counter,
//! and the counters add up.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why a received frame was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameDrop {
    /// Octets before the first frame end of KISS or SLIP (one count for each
    /// run), or bits between two HDLC flags that are too few for a frame.
    Noise,
    /// A frame that was cut off, as the line was lost.
    Interrupted,
    /// A KISS or SLIP escape that does not exist.
    Escape,
    /// An HDLC frame that its sender gave up.
    Abort,
    /// An HDLC frame of no whole number of octets.
    NotOctets,
    /// An HDLC frame with another FCS than its own: bits are wrong. In a
    /// simulated channel also where the host's side is not HDLC.
    Fcs,
    /// A KISS frame for a port other than 0.
    KissPort,
    /// A KISS frame with another command than data.
    KissCommand,
    /// A frame longer than the frame limit.
    Oversize,
    /// A frame without a single octet of packet.
    Empty,
    /// A frame that ends before its information field.
    Truncated,
    /// An address field of the wrong length, or with too many digipeaters.
    Address,
    /// An address that is not a callsign.
    Callsign,
    /// An AX.25 frame of another type than UI.
    NotUi,
    /// A UI frame of another protocol than "no layer 3".
    Pid,
    /// An information field longer than N1.
    InfoTooLong,
    /// A frame that we sent ourselves.
    OwnEcho,
    /// A frame for neither our callsign nor a broadcast callsign of ours.
    NotAddressedToUs,
    /// A frame that a digipeater of its path has still to repeat.
    NotYetRepeated,
    /// A datagram from an address other than the peer's.
    ForeignSource,
    /// The simulated channel lost the frame, as it was told to lose some.
    ChannelLoss,
    /// The simulated channel was out of contact.
    NoContact,
    /// In the simulated channel the receiver was sending.
    HalfDuplex,
    /// The simulated channel had no room for another frame.
    ChannelFull,
}

impl FrameDrop {
    /// Every reason, in the order of the way of a byte.
    pub const ALL: &'static [Self] = &[
        Self::Noise,
        Self::Interrupted,
        Self::Escape,
        Self::Abort,
        Self::NotOctets,
        Self::Fcs,
        Self::KissPort,
        Self::KissCommand,
        Self::Oversize,
        Self::Empty,
        Self::Truncated,
        Self::Address,
        Self::Callsign,
        Self::NotUi,
        Self::Pid,
        Self::InfoTooLong,
        Self::OwnEcho,
        Self::NotAddressedToUs,
        Self::NotYetRepeated,
        Self::ForeignSource,
        Self::ChannelLoss,
        Self::NoContact,
        Self::HalfDuplex,
        Self::ChannelFull,
    ];

    /// The reason's name in logs and telemetry, in kebab-case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Interrupted => "interrupted",
            Self::Escape => "escape",
            Self::Abort => "abort",
            Self::NotOctets => "not-octets",
            Self::Fcs => "fcs",
            Self::KissPort => "kiss-port",
            Self::KissCommand => "kiss-command",
            Self::Oversize => "oversize",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Address => "address",
            Self::Callsign => "callsign",
            Self::NotUi => "not-ui",
            Self::Pid => "pid",
            Self::InfoTooLong => "info-too-long",
            Self::OwnEcho => "own-echo",
            Self::NotAddressedToUs => "not-addressed-to-us",
            Self::NotYetRepeated => "not-yet-repeated",
            Self::ForeignSource => "foreign-source",
            Self::ChannelLoss => "channel-loss",
            Self::NoContact => "no-contact",
            Self::HalfDuplex => "half-duplex",
            Self::ChannelFull => "channel-full",
        }
    }
}

impl fmt::Display for FrameDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const REASONS: usize = FrameDrop::ALL.len();

/// Counters of one radio, shared by `Arc` between its driver and its
/// connection.
///
/// A frame is counted once, when its fate is known; "received" is the sum of
/// the fates, so no snapshot can ever disagree with itself.
#[derive(Debug, Default)]
pub struct FrameCounters {
    delivered: AtomicU64,
    dropped: [AtomicU64; REASONS],
    transmitted: AtomicU64,
    transmit_failures: AtomicU64,
}

impl FrameCounters {
    /// Counts a frame whose packet was handed to the service.
    pub fn count_delivered(&self) {
        self.delivered.fetch_add(1, Relaxed);
    }

    /// Counts a frame that was dropped.
    pub fn count_dropped(&self, reason: FrameDrop) {
        if let Some(counter) = self.dropped.get(reason as usize) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Counts packets that the transmitter took.
    pub fn count_transmitted(&self, packets: u64) {
        self.transmitted.fetch_add(packets, Relaxed);
    }

    /// Counts a packet that was refused or could not be sent, and is not to be
    /// tried again.
    pub fn count_transmit_failure(&self) {
        self.transmit_failures.fetch_add(1, Relaxed);
    }

    /// The counters as they are now.
    pub fn snapshot(&self) -> FrameStatistics {
        let delivered = self.delivered.load(Relaxed);
        let mut dropped_by_reason = [0; REASONS];
        for (value, counter) in dropped_by_reason.iter_mut().zip(&self.dropped) {
            *value = counter.load(Relaxed);
        }
        let dropped = dropped_by_reason.iter().sum();
        FrameStatistics {
            received: delivered + dropped,
            delivered,
            dropped,
            dropped_by_reason,
            transmitted: self.transmitted.load(Relaxed),
            transmit_failures: self.transmit_failures.load(Relaxed),
        }
    }
}

/// A snapshot of [`FrameCounters`]. Always `received == delivered + dropped`,
/// and `dropped` is the sum over all reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FrameStatistics {
    /// Frames that came in, good or not.
    pub received: u64,
    /// Frames whose packet was handed to the service.
    pub delivered: u64,
    /// Frames that were dropped, for whatever reason.
    pub dropped: u64,
    dropped_by_reason: [u64; REASONS],
    /// Packets that the transmitter took.
    pub transmitted: u64,
    /// Packets that were refused or could not be sent. One that may be offered
    /// again ([`ErrorKind::may_be_tried_again`](crate::ErrorKind::may_be_tried_again))
    /// is not counted yet.
    pub transmit_failures: u64,
}

impl FrameStatistics {
    /// Frames dropped for one reason.
    pub fn dropped_for(&self, reason: FrameDrop) -> u64 {
        self.dropped_by_reason
            .get(reason as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Every reason with its count, zeros included.
    pub fn drops(&self) -> impl Iterator<Item = (FrameDrop, u64)> + '_ {
        FrameDrop::ALL
            .iter()
            .copied()
            .zip(self.dropped_by_reason.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        let counters = FrameCounters::default();
        for (index, reason) in FrameDrop::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
            for _ in 0..=index {
                counters.count_dropped(*reason);
            }
        }
        let statistics = counters.snapshot();
        for (index, (reason, count)) in statistics.drops().enumerate() {
            assert_eq!(count, index as u64 + 1);
            assert_eq!(statistics.dropped_for(reason), count);
        }
        let mut names: Vec<_> = FrameDrop::ALL.iter().map(|r| r.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FrameDrop::ALL.len());
    }

    #[test]
    fn the_counters_add_up() {
        let counters = FrameCounters::default();
        counters.count_delivered();
        counters.count_dropped(FrameDrop::Noise);
        counters.count_dropped(FrameDrop::Pid);
        let statistics = counters.snapshot();
        assert_eq!((statistics.received, statistics.dropped), (3, 2));
    }
}
