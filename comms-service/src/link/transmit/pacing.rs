//! Pacing: how many frames the radio has, as far as its bit rate tells.
//!
//! Without it a radio with a deep buffer (a serial line of 9600 bit/s behind
//! 4 KiB of the system) takes packets long before they are sent, and an answer
//! waits behind all of them. The reckoning is on the early side: it leaves out
//! what it does not know, so that the air is never idle for its sake. What it
//! leaves out adds up in a deep buffer from frame to frame, so stuffed bits are
//! counted. The radio's own back-pressure stays the last word.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::stuffing::stuffed_bits;
use crate::link::TIMEOUT_MAX;

/// Up to this bit rate, one frame is with the radio at a time.
pub const ONE_CREDIT_BPS_MAX: u64 = 100_000;

/// Frames with a radio above that, where it does not say how many it takes: one
/// on the air and one that follows it.
const CREDITS_UNKNOWN: usize = 2;

/// Of the FCS nothing is known here: its 16 bits have a stuffed one in every fourth
/// frame, on average. In quarters of a bit.
const FCS_STUFFED_QUARTERS: usize = 1;

/// A radio of one credit whose air times are known to the bit gets its next frame
/// this part of a frame time before it has sent the one before: a radio that is idle
/// for a moment keys down. The time it takes to wake the thread that writes must fit.
const LEAD_PART: u32 = 64;

/// How fast a radio sends, and how much is handed to it ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bits per second on the air; not 0.
    pub bit_rate_bps: u64,
    /// Frames that may be with the radio; at least 1.
    pub credits: usize,
    /// Octets of a frame beside its packet, at least.
    pub frame_overhead_bytes: usize,
    /// Whether HDLC on the air stuffs bits into the packet.
    pub is_bit_stuffed: bool,
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
            is_bit_stuffed: false,
            tx_delay: Duration::ZERO,
        }
    }

    /// How long the frame of a packet is on the air, as far as that is known.
    fn air_time(&self, packet: &[u8]) -> Duration {
        let quarters = match self.is_bit_stuffed {
            true => stuffed_bits(packet) * 4 + FCS_STUFFED_QUARTERS,
            false => 0,
        };
        let quarters = (packet.len() + self.frame_overhead_bytes) * 32 + quarters;
        let nanos = quarters as u128 * 250_000_000 / u128::from(self.bit_rate_bps.max(1));
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        Duration::from_nanos(nanos).min(TIMEOUT_MAX)
    }

    /// How long before a frame has left the next one may be handed over.
    fn lead(&self, air_time: Duration) -> Duration {
        match self.is_bit_stuffed && self.credits <= 1 {
            true => air_time / LEAD_PART,
            // The frames between bridge a delay, or bits that are not counted do.
            false => Duration::ZERO,
        }
    }
}

/// A frame with the radio.
#[derive(Debug)]
struct Leaving {
    /// When it takes up no credit any more.
    frees: Instant,
    air_time: Duration,
}

#[derive(Debug)]
pub(super) struct Pacer {
    pace: Option<Pace>,
    /// Oldest first.
    leaving: VecDeque<Leaving>,
    /// When the last of all frames has left the radio.
    all_left: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(pace: Option<Pace>) -> Self {
        Pacer {
            pace,
            leaving: VecDeque::new(),
            all_left: None,
        }
    }

    /// From now on another pace; the frames with the radio stay as reckoned.
    pub(super) fn set_pace(&mut self, pace: Option<Pace>) {
        self.pace = pace;
        if pace.is_none() {
            self.leaving.clear();
            self.all_left = None;
        }
    }

    /// It is `now`: frames have left.
    pub(super) fn pass(&mut self, now: Instant) {
        while self.leaving.front().is_some_and(|one| one.frees <= now) {
            self.leaving.pop_front();
        }
    }

    /// When the radio takes one more; none for at once.
    pub(super) fn free_at(&self) -> Option<Instant> {
        let credits = self.pace?.credits.max(1);
        let surplus = self.leaving.len().checked_sub(credits)?;
        self.leaving.get(surplus).map(|one| one.frees)
    }

    /// A packet is handed to the radio.
    pub(super) fn hand_over(&mut self, now: Instant, packet: &[u8]) {
        let Some(pace) = &self.pace else {
            return;
        };
        let begins = match self.all_left {
            Some(left) if left > now => left,
            _ => now + pace.tx_delay.min(TIMEOUT_MAX),
        };
        let air_time = pace.air_time(packet);
        self.leaving.push_back(Leaving {
            frees: begins + (air_time - pace.lead(air_time)),
            air_time,
        });
        self.all_left = Some(begins + air_time);
    }

    /// The radio did not take the packet after which it was handed so many more: these
    /// leave earlier.
    pub(super) fn take_back(&mut self, behind: usize) {
        let at = self.leaving.len().checked_sub(behind + 1);
        let Some((at, refused)) = at.and_then(|at| Some((at, self.leaving.remove(at)?))) else {
            return;
        };
        let earlier = |at: Instant| at.checked_sub(refused.air_time).unwrap_or(at);
        for later in self.leaving.iter_mut().skip(at) {
            later.frees = earlier(later.frees);
        }
        self.all_left = self.all_left.map(earlier);
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
        pacer.hand_over(now, &[0; 100]);
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
        for bytes in [100, 50, 20] {
            pacer.hand_over(now, &vec![0; bytes]);
        }
        pacer.take_back(1);
        assert_eq!(pacer.free_at(), None);
        pacer.hand_over(now, &[0; 10]);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(100)));
        pacer.pass(now + Duration::from_millis(120));
        pacer.hand_over(now, &[0; 10]);
        pacer.hand_over(now, &[0; 10]);
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
        pacer.hand_over(now, &[0; 80]);
        pacer.hand_over(now, &[0; 80]);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(150)));
        pacer.pass(now + Duration::from_millis(150));
        assert_eq!(pacer.free_at(), None);
        pacer.hand_over(now + Duration::from_millis(150), &[0; 80]);
        assert_eq!(pacer.free_at(), Some(now + Duration::from_millis(250)));
    }

    #[test]
    fn stuffed_bits_take_time_and_one_credit_comes_back_before_the_frame_has_left() {
        let pace = |credits| Pace {
            credits,
            is_bit_stuffed: true,
            ..Pace::new(8_000, None)
        };
        let now = Instant::now();
        // 100 octets, 160 stuffed bits, and a quarter of one.
        let ones = [0xFF; 100];
        let air_time = Duration::from_nanos(120_031_250);
        let mut one = Pacer::new(Some(pace(1)));
        one.hand_over(now, &ones);
        let free_at = now + air_time - air_time / LEAD_PART;
        assert_eq!(one.free_at(), Some(free_at));
        // The time that it comes early is not gained again by the next.
        one.pass(free_at);
        one.hand_over(free_at, &ones);
        assert_eq!(one.free_at(), Some(free_at + air_time));
        let mut two = Pacer::new(Some(pace(2)));
        two.hand_over(now, &ones);
        two.hand_over(now, &ones);
        assert_eq!(two.free_at(), Some(now + air_time));
    }
}
