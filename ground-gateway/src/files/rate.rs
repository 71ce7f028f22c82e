//! Octets a second, over the last few seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over so long.
const WINDOW: Duration = Duration::from_secs(10);
/// Looks that are remembered.
const SAMPLES_MAX: usize = 64;
/// Less says nothing.
const SPAN_MIN: Duration = Duration::from_millis(200);

/// What a transaction moved lately.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// So many octets were there at `now`.
    pub(crate) fn look(&mut self, now: Instant, octets: u64) {
        // What was taken back, as after a restart of the other end, begins anew.
        if self.samples.back().is_some_and(|(_, last)| *last > octets) {
            self.samples.clear();
        }
        while let Some((at, _)) = self.samples.front()
            && (self.samples.len() >= SAMPLES_MAX || now.duration_since(*at) > WINDOW)
            && self.samples.len() > 1
        {
            self.samples.pop_front();
        }
        self.samples.push_back((now, octets));
    }

    /// Octets a second; none before it was looked at twice.
    pub(crate) fn octets_per_s(&self) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let span = last.0.duration_since(first.0);
        let octets = last.1.saturating_sub(first.1);
        (span >= SPAN_MIN).then(|| octets as f64 / span.as_secs_f64())
    }

    /// Whether something moved within the window.
    pub(crate) fn is_moving(&self) -> bool {
        self.octets_per_s().is_some_and(|rate| rate > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_lately() {
        let start = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.octets_per_s(), None);
        for second in 0..100 {
            rate.look(start + Duration::from_secs(second), second * 500);
        }
        assert_eq!(rate.octets_per_s(), Some(500.0));
        for second in 100..120 {
            rate.look(start + Duration::from_secs(second), 49_500);
        }
        assert!(!rate.is_moving());
    }

    #[test]
    fn what_is_taken_back_does_not_count() {
        let start = Instant::now();
        let mut rate = Rate::default();
        for (second, octets) in [(0, 1000), (1, 2000), (2, 100), (3, 200)] {
            rate.look(start + Duration::from_secs(second), octets);
        }
        assert_eq!(rate.octets_per_s(), Some(100.0));
    }
}
