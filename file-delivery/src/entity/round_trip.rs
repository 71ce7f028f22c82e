//! How long the other end takes, as measured: a timer that runs for ten seconds at any bit
//! rate leaves a fast link idle for each PDU that is lost.

use std::time::Duration;

/// So many intervals between PDUs with file data pass before that is silence: a few in a
/// row may be lost, and a few wait with the radio.
const INTERVALS: u32 = 8;

/// Threads and radios take some time, however fast a link is.
const SILENCE_MIN: Duration = Duration::from_millis(200);

/// From a PDU that leaves the radio to the first that answers it, and between PDUs with
/// file data. All times are of contact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoundTrip {
    /// Smoothed, and how far it varies (RFC 6298 §2).
    measured: Option<(Duration, Duration)>,
    /// When the last PDU with file data left or came.
    data_at: Option<Duration>,
    /// Smoothed.
    interval: Option<Duration>,
}

impl RoundTrip {
    /// For another transaction with the same end: that one is as far away.
    pub(super) fn of_same_end(self) -> Self {
        RoundTrip {
            measured: self.measured,
            ..RoundTrip::default()
        }
    }

    /// An answer took so long. It must be clear to what it is one.
    pub(super) fn measure(&mut self, took: Duration) {
        self.measured = Some(match self.measured {
            None => (took, took / 2),
            Some((smoothed, varies)) => (
                (smoothed * 7 + took) / 8,
                (varies * 3 + smoothed.abs_diff(took)) / 4,
            ),
        });
    }

    /// A PDU with file data left, or came.
    pub(super) fn pass_data(&mut self, contact: Duration) {
        if let Some(before) = self.data_at.replace(contact) {
            let interval = contact.saturating_sub(before);
            self.interval = Some(match self.interval {
                None => interval,
                // A pause is none.
                Some(smoothed) => (smoothed * 7 + interval.min(smoothed * 4)) / 8,
            });
        }
    }

    pub(super) fn is_measured(&self) -> bool {
        self.measured.is_some()
    }

    /// After so long there will be no answer any more. Until one was measured, a round trip
    /// takes `guess`.
    pub(super) fn timeout(&self, guess: Duration) -> Duration {
        let measured = self.measured;
        let measured = measured.map(|(smoothed, varies)| smoothed + varies * 4);
        self.silence().max(measured.unwrap_or(guess))
    }

    /// After so long without file data the last of it is over.
    pub(super) fn silence(&self) -> Duration {
        let intervals = self.interval.map(|interval| interval * INTERVALS);
        intervals.unwrap_or_default().max(SILENCE_MIN)
    }
}

/// When a PDU left that is answered. Of one that went twice nobody knows which is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstLeft {
    at: Option<Duration>,
    is_again: bool,
}

impl FirstLeft {
    /// It left.
    pub(super) fn leave(&mut self, contact: Duration) {
        self.at = (!self.is_again).then_some(contact);
        self.is_again = true;
    }

    /// It was answered: when it left, where that is clear. The next is another one.
    pub(super) fn take(&mut self) -> Option<Duration> {
        std::mem::take(self).at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nothing_is_waited_for_longer_than_it_may_take() {
        let mut round_trip = RoundTrip::default();
        assert_eq!(round_trip.timeout(1_000 * MS), 1_000 * MS);
        round_trip.measure(500 * MS);
        assert_eq!(round_trip.timeout(1_000 * MS), 1_500 * MS);
        for _ in 0..100 {
            round_trip.measure(500 * MS);
        }
        let timeout = round_trip.timeout(1_000 * MS);
        assert!(500 * MS <= timeout && timeout < 510 * MS, "{timeout:?}");
    }

    #[test]
    fn a_slow_radio_is_given_the_time_of_some_frames_and_a_pause_makes_it_no_slower() {
        let mut round_trip = RoundTrip::default();
        let frames = (0..100).map(|frame| frame * 200 * MS);
        frames.for_each(|at| round_trip.pass_data(at));
        assert_eq!(round_trip.silence(), 1_600 * MS);
        round_trip.pass_data(1_000_000 * MS);
        assert!(round_trip.silence() < 2_500 * MS);
    }
}
