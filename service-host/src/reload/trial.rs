//! What came over the link is on trial: the ground has to be heard under it, or
//! it is taken back.
//!
//! Pure: time and contact are parameters.

use std::time::{Duration, Instant};

use comms_service::link::ContactReason;

/// A configuration that is not confirmed yet.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    window: Duration,
    /// Time of the window that is over.
    counted: Duration,
    counted_until: Instant,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Neither is known yet.
    Open,
    /// The ground was heard under it: it stays.
    Confirmed,
    /// The window is over: back to the one before.
    RollBack,
}

impl Trial {
    pub(super) fn begin(since: Instant, window: Duration) -> Self {
        Trial {
            window,
            counted: Duration::ZERO,
            counted_until: since,
        }
    }

    /// It is `now`; the ground was heard under the configuration if `is_proven`,
    /// and `contact` is as it is for this reason. Of the time since the last look, none
    /// counts between two windows of a plan that holds: the ground could not be
    /// heard. The window is never shorter than `longest_pass` of the plan.
    pub(super) fn look(
        &mut self,
        now: Instant,
        is_proven: bool,
        contact: ContactReason,
        longest_pass: Option<Duration>,
    ) -> Verdict {
        if is_proven {
            return Verdict::Confirmed;
        }
        if contact != ContactReason::BetweenWindows {
            self.counted += now.saturating_duration_since(self.counted_until);
        }
        self.counted_until = self.counted_until.max(now);
        self.window = self.window.max(longest_pass.unwrap_or_default());
        match self.counted >= self.window {
            true => Verdict::RollBack,
            false => Verdict::Open,
        }
    }

    /// Contact that is left to confirm it.
    pub(super) fn left(&self) -> Duration {
        self.window.saturating_sub(self.counted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    #[test]
    fn the_window_is_never_shorter_than_a_planned_pass() {
        let since = Instant::now();
        let mut trial = Trial::begin(since, WINDOW);
        let planned = ContactReason::Planned;
        let pass = Some(WINDOW * 2);
        assert_eq!(
            trial.look(since + WINDOW, false, planned, pass),
            Verdict::Open
        );
        assert_eq!(trial.left(), WINDOW);
        // Once known, it is not forgotten.
        assert_eq!(
            trial.look(since + WINDOW * 2, false, planned, None),
            Verdict::RollBack
        );
    }

    #[derive(Clone, Debug)]
    struct Span {
        ms: u64,
        reason: ContactReason,
        hears: bool,
    }

    fn span() -> impl Strategy<Value = Span> {
        let reason = prop_oneof![
            Just(ContactReason::NoPlan),
            Just(ContactReason::ClockNotSet),
            Just(ContactReason::PlanUsedUp),
            Just(ContactReason::Silence),
            Just(ContactReason::Planned),
            Just(ContactReason::BetweenWindows),
        ];
        (1_u64..300_000, reason, prop::bool::weighted(0.05)).prop_map(|(ms, reason, hears)| Span {
            ms,
            reason,
            hears,
        })
    }

    proptest! {
        /// Exactly the time in which the ground could be heard counts; a frame
        /// heard before the window is over confirms, whatever the plan says.
        #[test]
        fn only_time_in_which_the_ground_could_be_heard_counts(
            spans in proptest::collection::vec(span(), 1..60),
        ) {
            let since = Instant::now();
            let mut trial = Trial::begin(since, WINDOW);
            let mut now = since;
            let mut could_be_heard = Duration::ZERO;
            for span in spans {
                let passed = Duration::from_millis(span.ms);
                now += passed;
                if span.hears {
                    let verdict = trial.look(now, true, span.reason, None);
                    prop_assert_eq!(verdict, Verdict::Confirmed);
                    return Ok(());
                }
                if span.reason != ContactReason::BetweenWindows {
                    could_be_heard += passed;
                }
                let verdict = trial.look(now, false, span.reason, None);
                let over = could_be_heard >= WINDOW;
                prop_assert_eq!(verdict == Verdict::RollBack, over);
                if over {
                    return Ok(());
                }
                prop_assert_eq!(verdict, Verdict::Open);
            }
        }
    }
}
