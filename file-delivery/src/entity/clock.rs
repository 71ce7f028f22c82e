//! Time that counts only while there is contact, and timers on it.

use std::time::{Duration, Instant};

/// How much time there has been in contact so far.
///
/// A timer that runs on it stands still from LOS to AOS: nothing times out because a
/// spacecraft set below the horizon.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContactClock {
    /// Contact before `since`.
    before: Duration,
    /// When this contact began; none while there is none.
    since: Option<Instant>,
}

impl ContactClock {
    pub(super) fn new(now: Instant, in_contact: bool) -> Self {
        ContactClock {
            before: Duration::ZERO,
            since: in_contact.then_some(now),
        }
    }

    pub(super) fn is_in_contact(&self) -> bool {
        self.since.is_some()
    }

    /// Contact begins or ends; true when it was not so before.
    pub(super) fn set(&mut self, now: Instant, in_contact: bool) -> bool {
        if in_contact == self.is_in_contact() {
            return false;
        }
        self.before = self.contact(now);
        self.since = in_contact.then_some(now);
        true
    }

    /// Time in contact until `now`.
    pub(super) fn contact(&self, now: Instant) -> Duration {
        let this = self.since.map(|since| now.saturating_duration_since(since));
        self.before + this.unwrap_or_default()
    }

    /// When so much time in contact will have passed, if contact lasts; none while there
    /// is no contact.
    pub(super) fn when(&self, contact: Duration) -> Option<Instant> {
        let since = self.since?;
        since.checked_add(contact.saturating_sub(self.before))
    }
}

/// More is longer than any timer.
const DOUBLINGS_MAX: u32 = 20;

/// Runs out at some time of contact, and counts how often in a row it did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    due: Option<Duration>,
    expiries: u32,
    /// How often in a row it ran out before the longest time that it may run for.
    early: u32,
    is_early: bool,
}

impl Timer {
    /// Runs from now on.
    pub(super) fn start(&mut self, contact: Duration, timeout: Duration) {
        self.due = Some(contact + timeout);
        self.early = 0;
        self.is_early = false;
    }

    /// Runs for `least`, and for twice as long each time in a row that it ran out, up to
    /// `most`. Only after `most` it counts as run out.
    pub(super) fn start_doubling(&mut self, contact: Duration, least: Duration, most: Duration) {
        let timeout = least.saturating_mul(1 << self.early.min(DOUBLINGS_MAX));
        self.due = Some(contact + timeout.min(most));
        self.is_early = timeout < most;
    }

    /// Stops, and forgets how often it ran out: the other end was heard.
    pub(super) fn reset(&mut self) {
        *self = Timer::default();
    }

    /// The other end was heard: it begins to count anew, and runs on.
    pub(super) fn forget_expiries(&mut self) {
        self.expiries = 0;
    }

    /// When it runs out.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// True once it has run out, which is counted; it does not run any more then.
    pub(super) fn has_run_out(&mut self, contact: Duration) -> bool {
        if self.due.is_none_or(|due| contact < due) {
            return false;
        }
        self.due = None;
        match self.is_early {
            true => self.early += 1,
            false => self.expiries += 1,
        }
        true
    }

    /// How often in a row it ran out, early ones aside.
    pub(super) fn expiries(&self) -> u32 {
        self.expiries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_timer_that_runs_out_early_runs_twice_as_long_and_counts_when_it_is_not_early() {
        let mut timer = Timer::default();
        let mut now = Duration::ZERO;
        for (lasts, expiries) in [(1, 0), (2, 0), (4, 0), (7, 1), (7, 2)] {
            timer.start_doubling(now, SECOND, 7 * SECOND);
            now += lasts * SECOND;
            assert!(!timer.has_run_out(now - SECOND / 2));
            assert!(timer.has_run_out(now));
            assert_eq!(timer.expiries(), expiries);
        }
        timer.reset();
        timer.start_doubling(now, SECOND, 7 * SECOND);
        assert_eq!(timer.due(), Some(now + SECOND));
    }

    #[test]
    fn a_timer_stands_still_while_there_is_no_contact() {
        let start = Instant::now();
        let mut clock = ContactClock::new(start, true);
        let mut timer = Timer::default();
        timer.start(clock.contact(start), 3 * SECOND);
        assert!(clock.set(start + SECOND, false));
        assert_eq!(clock.when(3 * SECOND), None);
        assert!(!timer.has_run_out(clock.contact(start + 100 * SECOND)));
        assert!(clock.set(start + 100 * SECOND, true));
        assert_eq!(clock.when(3 * SECOND), Some(start + 102 * SECOND));
        assert!(!timer.has_run_out(clock.contact(start + 101 * SECOND)));
        assert!(timer.has_run_out(clock.contact(start + 102 * SECOND)));
        assert_eq!(timer.expiries(), 1);
    }
}
