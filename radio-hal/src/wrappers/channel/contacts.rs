//! When the two stations see each other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most contacts of a list.
pub const CONTACTS_MAX: usize = 1024;

/// One contact, in seconds since the channel began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contact {
    /// Acquisition of signal.
    pub aos_s: f64,
    /// Loss of signal.
    pub los_s: f64,
}

/// A contact that repeats, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PeriodConfig {
    /// When the first contact begins.
    #[serde(default)]
    pub first_aos_s: f64,
    /// How long each contact lasts: 0.001 or more.
    pub duration_s: f64,
    /// From one contact to the next.
    pub period_s: f64,
}

/// Why contacts make no sense, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contacts: {0}")]
pub struct ContactsError(String);

/// All contacts; without a list and a period the stations always see each other.
#[derive(Debug, Clone)]
pub struct Contacts {
    /// In order, without overlap.
    list: Vec<(Duration, Duration)>,
    period: Option<Period>,
}

#[derive(Debug, Clone, Copy)]
struct Period {
    first_aos: Duration,
    duration: Duration,
    period: Duration,
}

impl Contacts {
    /// The contacts of a list, or those of a period.
    ///
    /// # Errors
    /// [`ContactsError`] for contacts that end before they begin, overlap or are
    /// too many, and for a list and a period at once.
    pub fn new(contacts: &[Contact], period: Option<PeriodConfig>) -> Result<Self, ContactsError> {
        let impossible = ContactsError;
        if contacts.len() > CONTACTS_MAX {
            let count = contacts.len();
            return Err(impossible(format!("{count} are more than {CONTACTS_MAX}")));
        }
        let mut list: Vec<(Duration, Duration)> = Vec::new();
        for Contact { aos_s, los_s } in contacts {
            let window = (seconds(*aos_s), seconds(*los_s));
            let (Some(aos), Some(los)) = window else {
                return Err(impossible(format!("{aos_s} to {los_s} s are no times")));
            };
            let in_order = list.last().is_none_or(|(_, before)| *before <= aos);
            if aos >= los || !in_order {
                return Err(impossible(format!(
                    "{aos_s} to {los_s} s: give them in order, each with `aos-s` before `los-s`"
                )));
            }
            list.push((aos, los));
        }
        let period = period.map(|period| {
            let PeriodConfig {
                first_aos_s,
                duration_s,
                period_s,
            } = period;
            let times = (seconds(first_aos_s), seconds(duration_s), seconds(period_s));
            match times {
                (Some(first_aos), Some(duration), Some(period))
                    if duration >= CONTACT_MIN && duration <= period =>
                {
                    Ok(Period {
                        first_aos,
                        duration,
                        period,
                    })
                }
                _ => Err(impossible(format!(
                    "a contact of {duration_s} s in each {period_s} s: \
                     `duration-s` must be at least {} and at most `period-s`",
                    CONTACT_MIN.as_secs_f64()
                ))),
            }
        });
        if period.is_some() && !list.is_empty() {
            return Err(impossible("give either `contacts` or `period`".to_owned()));
        }
        Ok(Self {
            list,
            period: period.transpose()?,
        })
    }

    /// Whether one contact covers all of the time `from` to `until`.
    pub fn covers(&self, from: Duration, until: Duration) -> bool {
        match self.period {
            Some(period) => {
                let Some(since) = from.checked_sub(period.first_aos) else {
                    return false;
                };
                if period.duration == period.period {
                    return true;
                }
                let into = remainder(since, period.period);
                into + (until - from.min(until)) <= period.duration && into < period.duration
            }
            None if self.list.is_empty() => true,
            None => {
                let mut windows = self.list.iter();
                windows.any(|(aos, los)| *aos <= from && from < *los && until <= *los)
            }
        }
    }

    /// The next AOS or LOS after `now`.
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        match self.period {
            Some(period) => {
                let Some(since) = now.checked_sub(period.first_aos) else {
                    return Some(period.first_aos);
                };
                let into = remainder(since, period.period);
                let next = if into < period.duration {
                    period.duration
                } else {
                    period.period
                };
                Some(now - into + next)
            }
            None => {
                let mut changes = self.list.iter().flat_map(|(aos, los)| [*aos, *los]);
                changes.find(|change| *change > now)
            }
        }
    }
}

/// The shortest contact that repeats: who waits for its ends must not spin.
const CONTACT_MIN: Duration = Duration::from_millis(1);

/// Longer than any simulation; so that times can be added up.
const SECONDS_MAX: f64 = 1e9;

fn seconds(value: f64) -> Option<Duration> {
    let fits = (0.0..=SECONDS_MAX).contains(&value);
    fits.then(|| Duration::from_secs_f64(value))
}

fn remainder(time: Duration, period: Duration) -> Duration {
    let rest = time.as_nanos() % period.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn listed(windows: &[(f64, f64)]) -> Result<Contacts, ContactsError> {
        let window = |(aos_s, los_s): &(f64, f64)| Contact {
            aos_s: *aos_s,
            los_s: *los_s,
        };
        Contacts::new(&windows.iter().map(window).collect::<Vec<_>>(), None)
    }

    #[test]
    fn without_a_plan_there_is_always_contact() {
        let always = listed(&[]).unwrap();
        assert!(always.covers(s(0), s(1_000_000)));
        assert_eq!(always.next_change(s(0)), None);
    }

    #[test]
    fn a_listed_contact_covers_what_lies_in_it_whole() {
        let plan = listed(&[(10.0, 20.0), (30.0, 40.0)]).unwrap();
        for (from, until, covered) in [
            (9, 11, false),
            (10, 20, true),
            (19, 21, false),
            (20, 20, false),
            (30, 31, true),
            (12, 35, false),
            (50, 51, false),
        ] {
            assert_eq!(plan.covers(s(from), s(until)), covered, "{from} to {until}");
        }
        let changes = [0, 10, 20, 30].map(|now| plan.next_change(s(now)));
        assert_eq!(changes, [10, 20, 30, 40].map(|next| Some(s(next))));
        assert_eq!(plan.next_change(s(40)), None);
    }

    #[test]
    fn a_period_repeats_its_contact() {
        let period = PeriodConfig {
            first_aos_s: 5.0,
            duration_s: 10.0,
            period_s: 100.0,
        };
        let plan = Contacts::new(&[], Some(period)).unwrap();
        assert!(!plan.covers(s(4), s(6)));
        assert!(plan.covers(s(5), s(15)) && plan.covers(s(205), s(215)));
        assert!(!plan.covers(s(206), s(216)) && !plan.covers(s(15), s(15)));
        let changes = [0, 5, 14, 15, 105].map(|now| plan.next_change(s(now)));
        assert_eq!(changes, [5, 15, 15, 105, 115].map(|next| Some(s(next))));
    }

    #[test]
    fn contacts_that_leave_no_pause_are_one() {
        let period = PeriodConfig {
            first_aos_s: 5.0,
            duration_s: 10.0,
            period_s: 10.0,
        };
        let plan = Contacts::new(&[], Some(period)).unwrap();
        assert!(plan.covers(s(14), s(16)) && !plan.covers(s(4), s(6)));
    }

    #[test]
    fn contacts_that_cannot_be_are_refused() {
        for windows in [
            &[(5.0, 5.0)][..],
            &[(-1.0, 5.0)],
            &[(f64::NAN, 5.0)],
            &[(0.0, 10.0), (5.0, 20.0)],
        ] {
            assert!(listed(windows).is_err(), "{windows:?}");
        }
    }
}
