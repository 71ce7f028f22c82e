//! Health checks of one app: what is a miss, and how many there are in a row.
//!
//! A check is missed when its call fails, is late or returns another number than 0, or when
//! the app says meanwhile that its state is not 0. The worst of the two counts; the second may
//! never come and is not waited for.

use std::time::Duration;

use payload_interface::CallOutcome;

use super::rules::HealthRules;
use super::time::Now;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// None is open: the last one was missed, or there was none.
    None,
    /// It is under way.
    Called,
    /// It returned 0. It may still turn out to be a miss until the next.
    Passed,
}

#[derive(Debug)]
pub(crate) struct Health {
    rules: HealthRules,
    next: Duration,
    check: Check,
    misses: u32,
    /// Of them, those at the end at which nobody was there at all.
    unreachable: u32,
}

/// A check was missed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) why: String,
    /// It was one too many.
    pub(crate) is_ill: bool,
    /// In all of them nobody was there.
    pub(crate) is_gone: bool,
}

impl Health {
    pub(crate) fn new(rules: HealthRules) -> Self {
        Health {
            rules,
            next: Duration::ZERO,
            check: Check::None,
            misses: 0,
            unreachable: 0,
        }
    }

    pub(crate) fn misses(&self) -> u32 {
        self.misses
    }

    /// A session begins: the first check is at that time.
    pub(crate) fn begin(&mut self, first: Duration) {
        *self = Health {
            next: first,
            ..Health::new(self.rules)
        };
    }

    pub(crate) fn every(&self) -> Duration {
        self.rules.every
    }

    pub(crate) fn call_deadline(&self) -> Duration {
        self.rules.deadline
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.next
    }

    /// Whether a check is to be made now. The one before has ended with that.
    pub(crate) fn due(&mut self, now: Now) -> bool {
        if now.monotonic < self.next {
            return false;
        }
        if self.check == Check::Passed {
            self.misses = 0;
            self.unreachable = 0;
        }
        self.check = Check::Called;
        let next = self.next.saturating_add(self.rules.every);
        // After a long pause there is one, and not all that were left out.
        self.next = match next > now.monotonic {
            true => next,
            false => now.after(self.rules.every),
        };
        true
    }

    /// A check's call ended.
    pub(crate) fn called(&mut self, outcome: &CallOutcome) -> Option<Miss> {
        if self.check != Check::Called {
            return None;
        }
        let why = match outcome {
            CallOutcome::Returned(code) if code.is_success() => {
                self.check = Check::Passed;
                return None;
            }
            CallOutcome::Returned(code) => format!("it returned {code}"),
            CallOutcome::TimedOut => "it did not return in time".to_owned(),
            CallOutcome::Refused(why) => format!("its gRPC refused the call: {why}"),
            CallOutcome::Unreachable(why) => format!("it is not there: {why}"),
            CallOutcome::Unimplemented => "it has no such call".to_owned(),
        };
        match outcome {
            CallOutcome::Unreachable(_) => self.unreachable += 1,
            _ => self.unreachable = 0,
        }
        Some(self.miss(why))
    }

    /// The app says how it is. None where it was not asked; else whether that is a miss.
    pub(crate) fn told(&mut self, state: i32) -> Option<Option<Miss>> {
        match self.check {
            Check::None => None,
            Check::Called | Check::Passed if state == 0 => Some(None),
            Check::Called | Check::Passed => {
                self.unreachable = 0;
                Some(Some(self.miss(format!("its state is {state}"))))
            }
        }
    }

    fn miss(&mut self, why: String) -> Miss {
        self.check = Check::None;
        self.misses = self.misses.saturating_add(1);
        Miss {
            why,
            is_ill: self.misses == self.rules.misses_max,
            is_gone: self.unreachable >= self.rules.misses_max,
        }
    }
}
