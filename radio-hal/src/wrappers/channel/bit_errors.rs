//! Which bits of a transmission are wrong: independent errors, and bursts by the
//! two-state model of Gilbert and Elliott.

use std::time::Duration;

use fastrand::Rng;
// In Rust, for the same errors on every machine; and no library of C is loaded for it.
use libm::{log, log1p};

use super::config::BurstConfig;

/// Mean cycles of good and bad after which the old state says nothing of the new.
const CYCLES_REMEMBERED: f64 = 32.0;

/// Where bit errors fall in one direction.
#[derive(Debug)]
pub(super) struct BitErrors {
    rate: f64,
    burst: Option<Burst>,
}

#[derive(Debug)]
struct Burst {
    config: BurstConfig,
    bad: bool,
    /// When the state changes; its time only goes on.
    until: Duration,
}

impl BitErrors {
    pub(super) fn new(rate: f64, burst: Option<BurstConfig>) -> Self {
        Self {
            rate,
            burst: burst.map(|config| Burst {
                config,
                // So that the first step makes a good state of the right length.
                bad: true,
                until: Duration::ZERO,
            }),
        }
    }

    /// The places of wrong bits among the `bits` that are on the air from `start`
    /// to `end`, in order.
    pub(super) fn places(
        &mut self,
        rng: &mut Rng,
        start: Duration,
        end: Duration,
        bits: usize,
    ) -> Vec<usize> {
        let mut places = Vec::new();
        let Some(burst) = &mut self.burst else {
            add_errors(rng, self.rate, 0..bits, &mut places);
            return places;
        };
        let air_time = end.saturating_sub(start).as_secs_f64();
        let mut first = 0;
        burst.advance(rng, start);
        loop {
            let rate = match burst.bad {
                true => burst.config.bit_error_rate,
                false => self.rate,
            };
            if burst.until >= end {
                add_errors(rng, rate, first..bits, &mut places);
                return places;
            }
            let share = (burst.until - start).as_secs_f64() / air_time;
            // A share of the bits: at most all of them.
            let next = ((bits as f64 * share) as usize).min(bits);
            add_errors(rng, rate, first..next, &mut places);
            first = next;
            burst.change(rng);
        }
    }
}

impl Burst {
    /// Goes on to the state at `time`.
    fn advance(&mut self, rng: &mut Rng, time: Duration) {
        let mean_ms = self.config.mean_good_ms + self.config.mean_bad_ms;
        let forgotten = Duration::from_secs_f64(mean_ms / 1e3 * CYCLES_REMEMBERED);
        if time.saturating_sub(self.until) > forgotten {
            // After so long a pause either state is as likely as its share.
            self.bad = rng.f64() * mean_ms >= self.config.mean_bad_ms;
            self.until = time;
        }
        while self.until <= time {
            self.change(rng);
        }
    }

    fn change(&mut self, rng: &mut Rng) {
        self.bad = !self.bad;
        let mean_ms = match self.bad {
            true => self.config.mean_bad_ms,
            false => self.config.mean_good_ms,
        };
        let lasts_ms = -mean_ms * log(unit(rng));
        self.until += Duration::from_secs_f64((lasts_ms / 1e3).max(1e-9));
    }
}

/// Independent errors: the gap to the next one is geometric.
fn add_errors(rng: &mut Rng, rate: f64, bits: std::ops::Range<usize>, places: &mut Vec<usize>) {
    if rate <= 0.0 {
        return;
    }
    let per_bit = log1p(-rate);
    let mut place = bits.start;
    loop {
        let gap = log(unit(rng)) / per_bit;
        // Beyond the last bit, however far.
        if gap >= bits.end.saturating_sub(place) as f64 {
            return;
        }
        place += gap as usize;
        places.push(place);
        place += 1;
    }
}

/// Above 0, at most 1.
fn unit(rng: &mut Rng) -> f64 {
    1.0 - rng.f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn independent_errors_come_at_their_rate() {
        let mut rng = Rng::with_seed(1);
        let mut errors = BitErrors::new(1e-3, None);
        let bits = 1_000_000;
        let places = errors.places(&mut rng, Duration::ZERO, Duration::ZERO, bits);
        assert!(places.iter().all(|place| *place < bits));
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
        // Five standard deviations of a binomial around 1000.
        assert!((840..=1160).contains(&places.len()), "{}", places.len());
    }

    #[test]
    fn bursts_hold_their_share_of_time_and_come_in_clusters() {
        let mut rng = Rng::with_seed(2);
        let burst = BurstConfig {
            bit_error_rate: 0.5,
            mean_good_ms: 900.0,
            mean_bad_ms: 100.0,
        };
        let mut errors = BitErrors::new(0.0, Some(burst));
        let (mut hit_frames, mut wrong) = (0, 0);
        let frames = 20_000;
        for frame in 0..frames {
            // Frames of 1000 bits in 1 ms, one each 10 ms.
            let start = Duration::from_millis(10 * frame);
            let end = start + Duration::from_millis(1);
            let places = errors.places(&mut rng, start, end, 1000);
            wrong += places.len();
            hit_frames += u64::from(!places.is_empty());
        }
        // A tenth of the time is bad, and half the bits are wrong then.
        let share = wrong as f64 / (frames as f64 * 1000.0);
        assert!((0.04..0.06).contains(&share), "{share}");
        // Not spread over the frames: all of a bad frame is bad.
        let hit = hit_frames as f64 / frames as f64;
        assert!((0.08..0.12).contains(&hit), "{hit}");
    }

    #[test]
    fn every_bit_may_be_wrong_at_the_worst_rate() {
        let mut rng = Rng::with_seed(3);
        let places = BitErrors::new(0.5, None).places(&mut rng, Duration::ZERO, Duration::ZERO, 64);
        assert!(places.len() > 10 && places.iter().all(|place| *place < 64));
    }
}
