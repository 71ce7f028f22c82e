//! The sequence counts of each channel (CCSDS 133.0-B-2 §4.1.3.4).
//!
//! Where a sender that begins anew counted from 0 each time, its count 1 could go on
//! a message of which the receiver has count 0 from before. So the first count of each
//! channel is drawn, unless the seed is 0.

use std::collections::BTreeMap;

const COUNTS: u16 = 0x4000;

#[derive(Debug)]
pub(super) struct Counts {
    /// Random bits of this start; 0: each channel begins at 0.
    seed: u64,
    next: BTreeMap<u16, u16>,
}

impl Counts {
    pub(super) fn new(seed: u64) -> Self {
        Counts {
            seed,
            next: BTreeMap::new(),
        }
    }

    /// The count of the next packet of a channel.
    pub(super) fn next(&self, channel: u16) -> u16 {
        let next = self.next.get(&channel).copied();
        next.unwrap_or_else(|| self.first(channel))
    }

    /// The next packet was handed out.
    pub(super) fn advance(&mut self, channel: u16) {
        let next = (self.next(channel) + 1) % COUNTS;
        self.next.insert(channel, next);
    }

    fn first(&self, channel: u16) -> u16 {
        if self.seed == 0 {
            return 0;
        }
        // SplitMix64: seeds that differ little give counts that differ much.
        let mut bits = self.seed ^ u64::from(channel) << 48;
        bits = (bits ^ bits >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ bits >> 31) % u64::from(COUNTS)) as u16
    }
}
