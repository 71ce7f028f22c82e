//! Pacing: how many frames the radio has, as far as its bit rate tells.
//!
//! Without it a radio with a deep buffer (a serial line of 9600 bit/s behind
//! 4 KiB of the system) takes packets long before they are sent, and an answer
//! waits behind all of them. The reckoning is on the early side: it leaves out
//! what it does not know, so that the air is never idle for its sake. The
//! radio's own back-pressure stays the last word.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::link::TIMEOUT_MAX;

/// Up to this bit rate, one frame is with the radio at a time.
pub const ONE_CREDIT_BPS_MAX: u64 = 100_000;

/// Frames with a radio above that, where it does not say how many it takes: one
/// on the air and one that follows it.
const CREDITS_UNKNOWN: usize = 2;

/// How fast a radio sends, and how much is handed to it ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bits per second on the air; not 0.
    pub bit_rate_bps: u64,
    /// Frames that may be with the radio; at least 1.
    pub credits: usize,
    /// Octets of a frame beside its packet, at least.
    pub frame_overhead_bytes: usize,
    /// From keying up to the first bit of a frame.
    pub tx_delay: Duration,
}

impl Pace {
    /// The pace of a radio of `bit_rate_bps` that takes `radio_credits` frames:
    /// one credit up to [`ONE_CREDIT_BPS_MAX`], else the radio's.
    pub fn new(bit_rate_bps: u64, radio_credits: Option<usize>) -> Self {
        let credits = match bit_rate_bps {
            ..=ONE_CREDIT_BPS_MAX => 1,
            _ => radio_credits.unwrap_or(CREDITS_UNKNOWN),
        };
        Pace {
            bit_rate_bps,
            credits: credits.max(1),
            frame_overhead_bytes: 0,
            tx_delay: Duration::ZERO,
        }
    }

    /// How long the frame of a packet of so many octets is on the air.
    fn air_time(&self, packet_bytes: usize) -> Duration {
        let bits = (packet_bytes + self.frame_overhead_bytes) as u128 * 8;
        let nanos = bits * 1_000_000_000 / u128::from(self.bit_rate_bps.max(1));
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos).min(TIMEOUT_MAX)
    }
}

#[derive(Debug)]
pub(super) struct Pacer {
    pace: Option<Pace>,
    /// When each frame with the radio has left it and how long it is on the air,
    /// oldest first.
    leaves: VecDeque<(Instant, Duration)>,
}

impl Pacer {
    pub(super) fn new(pace: Option<Pace>) -> Self {
        let leaves = VecDeque::new();
        Pacer { pace, leaves }
    }

    /// From now on another pace; the frames with the radio stay as reckoned.
    pub(super) fn set_pace(&mut self, pace: Option<Pace>) {
        self.pace = pace;
        if pace.is_none() {
            self.leaves.clear();
        }
    }

    /// It is `now`: frames have left.
    pub(super) fn pass(&mut self, now: Instant) {
        while self.leaves.front().is_some_and(|(at, _)| *at <= now) {
            self.leaves.pop_front();
        }
    }

    /// When the radio takes one more; none for at once.
    pub(super) fn free_at(&self) -> Option<Instant> {
        let credits = self.pace?.credits.max(1);
        let surplus = self.leaves.len().checked_sub(credits)?;
        self.leaves.get(surplus).map(|(at, _)| *at)
    }

    /// A packet is handed to the radio.
    pub(super) fn hand_over(&mut self, now: Instant, packet_bytes: usize) {
        let Some(pace) = &self.pace else {
            return;
        };
        let begins = match self.leaves.back() {
            Some((leaves, _)) if *leaves > now => *leaves,
            _ => now + pace.tx_delay.min(TIMEOUT_MAX),
        };
        let air_time = pace.air_time(packet_bytes);
        self.leaves.push_back((begins + air_time, air_time));
    }

    /// The radio did not take the packet after which it was handed so many more: these
    /// leave earlier.
    pub(super) fn take_back(&mut self, behind: usize) {
        let at = self.leaves.len().checked_sub(behind + 1);
        let Some((at, (_, air_time))) = at.and_then(|at| Some((at, self.leaves.remove(at)?)))
        else {
            return;
        };
        for (leaves, _) in self.leaves.iter_mut().skip(at) {
            *leaves = leaves.checked_sub(air_time).unwrap_or(*leaves);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_radio_has_one_credit_and_a_fast_one_its_own() {
        assert_eq!(Pace::new(9_600, Some(8)).credits, 1);
        assert_eq!(Pace::new(100_000, Some(8)).credits, 1);
        assert_eq!(Pace::new(100_001, Some(8)).credits, 8);
        assert_eq!(Pace::new(100_001, Some(0)).credits, 1);
        assert_eq!(Pace::new(1_000_000, None).credits, 2);
    }

    #[test]
    fn a_frame_that_the_radio_refused_takes_no_credit() {
        let mut pacer = Pacer::new(Some(Pace::new(8_000, None)));
        let now = Instant::now();
        pacer.hand_over(now, 100);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(100)));
        pacer.take_back(0);
        assert_eq!(pacer.free_at(), None);
    }

    #[test]
    fn frames_behind_one_that_the_radio_refused_leave_earlier() {
        let pace = Pace {
            credits: 3,
            ..Pace::new(8_000, None)
        };
        let mut pacer = Pacer::new(Some(pace));
        let now = Instant::now();
        [100, 50, 20]
            .iter()
            .for_each(|bytes| pacer.hand_over(now, *bytes));
        pacer.take_back(1);
        assert_eq!(pacer.free_at(), None);
        pacer.hand_over(now, 10);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(100)));
        pacer.pass(now + Duration::from_millis(120));
        pacer.hand_over(now, 10);
        pacer.hand_over(now, 10);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(130)));
    }

    #[test]
    fn only_a_frame_that_finds_the_radio_idle_waits_for_it_to_key_up() {
        let tx_delay = Duration::from_millis(50);
        let pace = Pace {
            credits: 2,
            frame_overhead_bytes: 20,
            tx_delay,
            ..Pace::new(8_000, None)
        };
        let mut pacer = Pacer::new(Some(pace));
        let now = Instant::now();
        pacer.hand_over(now, 80);
        pacer.hand_over(now, 80);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(150)));
        pacer.pass(now + Duration::from_millis(150));
        assert_eq!(pacer.free_at(), None);
        pacer.hand_over(now + Duration::from_millis(150), 80);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(250)));
    }
}
