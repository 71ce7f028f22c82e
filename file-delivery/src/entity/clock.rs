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

/// Runs out at some time of contact, and counts how often in a row it did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    due: Option<Duration>,
    expiries: u32,
}

impl Timer {
    /// Runs from now on.
    pub(super) fn start(&mut self, contact: Duration, timeout: Duration) {
        self.due = Some(contact + timeout);
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
        self.expiries += 1;
        true
    }

    /// How often in a row it ran out.
    pub(super) fn expiries(&self) -> u32 {
        self.expiries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

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
