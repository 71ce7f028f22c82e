//! When which service on board is given the plan of contacts: in contact, when what it has is
//! not what is planned any more, or runs short. No I/O; time is a parameter.
//!
//! Ask [`Giving::next`] what is to be given, give it, and say by [`Giving::given`],
//! [`Giving::no_answer`] or [`Giving::refused`] what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Window;

/// How far ahead a plan reaches.
pub(super) const PLAN_AHEAD: Duration = Duration::from_secs(3 * 86_400);
/// Windows of a plan that is given: it is to fit into one message.
pub(crate) const PLAN_WINDOWS_MAX: usize = 64;
/// What differs by more is another window. Elements that are renewed each day move passes by
/// about a second.
const SAME_WITHIN_S: u64 = 10;
/// Windows that begin later may still change before they matter.
const MATTERS_AHEAD_S: u64 = 86_400;
/// After a plan to which nobody answered, doubled each time.
const SILENCE_PAUSE_MIN: Duration = Duration::from_secs(15);
const SILENCE_PAUSE_MAX: Duration = Duration::from_secs(300);
/// After one that was refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(3600);

/// What the services of a link have, by their ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Known(pub(super) BTreeMap<u16, Vec<Window>>);

/// Decides for one link.
#[derive(Debug)]
pub(super) struct Giving {
    services: Vec<Service>,
}

#[derive(Debug)]
struct Service {
    port: u16,
    /// None where nobody knows.
    has: Option<Vec<Window>>,
    pause: Duration,
    next_try: Duration,
}

impl Giving {
    /// Services that have what is `known`.
    pub(super) fn new(ports: &[u16], mut known: Known) -> Self {
        let services = ports.iter().map(|port| Service {
            port: *port,
            has: known.0.remove(port),
            pause: SILENCE_PAUSE_MIN,
            next_try: Duration::ZERO,
        });
        Giving {
            services: services.collect(),
        }
    }

    /// The service that is to be given `plan` at `now`, while there is contact. `now` is UTC
    /// since 1970 and may go back.
    pub(super) fn next(&mut self, now: Duration, plan: &[Window]) -> Option<u16> {
        let wants = |service: &&mut Service| {
            // A clock that was set back makes nobody wait for ever.
            let rests = now < service.next_try && service.next_try <= now + REFUSED_PAUSE;
            !rests && service.wants(now.as_secs(), plan)
        };
        let service = self.services.iter_mut().find(wants)?;
        Some(service.port)
    }

    /// The service at `port` has `plan`.
    pub(super) fn given(&mut self, port: u16, plan: &[Window]) {
        if let Some(service) = self.service(port) {
            service.has = Some(plan.to_vec());
            service.pause = SILENCE_PAUSE_MIN;
            service.next_try = Duration::ZERO;
        }
    }

    /// Nobody answered: it may have the plan, or not.
    pub(super) fn no_answer(&mut self, now: Duration, port: u16) {
        if let Some(service) = self.service(port) {
            service.has = None;
            service.next_try = now + service.pause;
            service.pause = (service.pause * 2).min(SILENCE_PAUSE_MAX);
        }
    }

    /// It takes no such plan.
    pub(super) fn refused(&mut self, now: Duration, port: u16) {
        if let Some(service) = self.service(port) {
            service.next_try = now + REFUSED_PAUSE;
        }
    }

    /// What is known of all.
    pub(super) fn known(&self) -> Known {
        let known = self.services.iter();
        Known(
            known
                .filter_map(|service| Some((service.port, service.has.clone()?)))
                .collect(),
        )
    }

    fn service(&mut self, port: u16) -> Option<&mut Service> {
        let mut services = self.services.iter_mut();
        services.find(|service| service.port == port)
    }
}

impl Service {
    fn wants(&self, now_s: u64, plan: &[Window]) -> bool {
        let Some(has) = &self.has else {
            return !plan.is_empty();
        };
        differ(has, plan, now_s) || differ(plan, has, now_s) || is_short(has, plan, now_s)
    }
}

/// Whether a window of `one` that matters is none of `other`. One that is under way matters by
/// its end only.
fn differ(one: &[Window], other: &[Window], now_s: u64) -> bool {
    let matters = |window: &&Window| {
        window.end_s > now_s + SAME_WITHIN_S && window.start_s < now_s + MATTERS_AHEAD_S
    };
    let from_now = |window: &Window| Window {
        start_s: window.start_s.max(now_s),
        ..*window
    };
    let is_in_other = |window: &Window| {
        let window = from_now(window);
        let mut others = other.iter().map(from_now);
        others.any(|other| window.is_near(&other, SAME_WITHIN_S))
    };
    let mut all = one.iter().filter(matters);
    all.any(|window| !is_in_other(window))
}

/// Whether `plan` reaches twice as far as what the service has.
fn is_short(has: &[Window], plan: &[Window], now_s: u64) -> bool {
    let reach = |windows: &[Window]| {
        let end = windows.iter().map(|window| window.end_s).max();
        end.unwrap_or(0).saturating_sub(now_s)
    };
    let (has, planned) = (reach(has), reach(plan));
    planned > SAME_WITHIN_S && has * 2 < planned
}

/// What of `windows` is given to a service: those that are not over, as many as fit.
pub(super) fn plan(mut windows: Vec<Window>, now: Duration) -> Vec<Window> {
    windows.retain(|window| window.end_s > now.as_secs());
    windows.truncate(PLAN_WINDOWS_MAX);
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const HOUR: u64 = 3600;

    /// Ten minutes long, `starts_s` from `NOW`.
    fn at(starts_s: &[i64]) -> Vec<Window> {
        let starts = starts_s.iter();
        let windows = starts.map(|start| {
            let start_s = NOW.as_secs().saturating_add_signed(*start);
            Window {
                start_s,
                end_s: start_s + 600,
            }
        });
        windows.collect()
    }

    fn every_six_hours(days: u64) -> Vec<Window> {
        let starts = (0..days * 4).map(|index| (index * 6 * HOUR) as i64);
        at(&starts.collect::<Vec<_>>())
    }

    fn later(hours: u64) -> Duration {
        NOW + Duration::from_secs(hours * HOUR)
    }

    #[test]
    fn each_service_is_given_the_plan_once() {
        let plan = every_six_hours(3);
        let mut giving = Giving::new(&[8151, 8152], Known::default());
        assert_eq!(giving.next(NOW, &plan), Some(8151));
        giving.given(8151, &plan);
        assert_eq!(giving.next(NOW, &plan), Some(8152));
        giving.given(8152, &plan);
        assert_eq!(giving.next(NOW, &plan), None);
        let known = giving.known();
        let mut next_process = Giving::new(&[8151, 8152], known);
        assert_eq!(next_process.next(NOW, &plan), None);
    }

    #[test]
    fn a_plan_that_has_changed_is_given_and_one_that_moved_by_seconds_is_not() {
        let mut giving = Giving::new(&[8151], Known::default());
        giving.given(8151, &at(&[-100, 6000, 12_000]));
        assert_eq!(giving.next(NOW, &at(&[-95, 6010, 11_991])), None);
        let others: [&[i64]; 4] = [
            &[-100, 6000, 12_011],
            &[-100, 6000],
            &[-100, 3000, 6000, 12_000],
            &[6000, 12_000],
        ];
        for other in others {
            assert_eq!(giving.next(NOW, &at(other)), Some(8151), "{other:?}");
        }
    }

    #[test]
    fn a_change_of_more_than_a_day_ahead_can_wait() {
        let mut giving = Giving::new(&[8151], Known::default());
        giving.given(8151, &at(&[0, 100_000]));
        assert_eq!(giving.next(NOW, &at(&[0, 101_000])), None);
        let then = NOW + Duration::from_secs(20_000);
        assert_eq!(giving.next(then, &at(&[101_000])), Some(8151));
    }

    #[test]
    fn a_plan_that_runs_short_is_given_anew_before_it_is_used_up() {
        let mut giving = Giving::new(&[8151], Known::default());
        let whole = every_six_hours(8);
        let of = |hours: u64| {
            let until = later(hours + 72).as_secs();
            let mut windows = plan(whole.clone(), later(hours));
            windows.retain(|window| window.start_s < until);
            windows
        };
        giving.given(8151, &of(0));
        let mut given_at = Vec::new();
        for hours in 0..120 {
            if giving.next(later(hours), &of(hours)).is_some() {
                giving.given(8151, &of(hours));
                given_at.push(hours);
            }
        }
        assert_eq!(given_at, [31, 67, 103]);
    }

    #[test]
    fn a_schedule_of_which_no_more_is_known_is_not_given_again() {
        let mut giving = Giving::new(&[8151], Known::default());
        let schedule = at(&[0, 6000]);
        giving.given(8151, &schedule);
        for second in [0, 700, 6100, 6599, 7000, 100_000] {
            let then = NOW + Duration::from_secs(second);
            assert_eq!(giving.next(then, &plan(schedule.clone(), then)), None);
        }
        let mut none = Giving::new(&[8151], Known::default());
        assert_eq!(none.next(NOW, &[]), None);
    }

    #[test]
    fn who_does_not_answer_is_asked_again_after_pauses_that_grow() {
        let mut giving = Giving::new(&[8151], Known::default());
        let plan = every_six_hours(3);
        let mut tries = Vec::new();
        for second in 0..1200 {
            let now = NOW + Duration::from_secs(second);
            if giving.next(now, &plan).is_some() {
                giving.no_answer(now, 8151);
                tries.push(second);
            }
        }
        assert_eq!(tries, [0, 15, 45, 105, 225, 465, 765, 1065]);
        giving.given(8151, &plan);
        giving.no_answer(NOW, 8151);
        let soon = NOW + Duration::from_secs(15);
        assert_eq!(giving.next(soon, &plan), Some(8151));
    }

    #[test]
    fn who_refuses_is_left_alone_for_an_hour_and_holds_up_no_other() {
        let mut giving = Giving::new(&[8151, 8152], Known::default());
        let plan = every_six_hours(3);
        giving.refused(NOW, 8151);
        assert_eq!(giving.next(NOW, &plan), Some(8152));
        giving.given(8152, &plan);
        assert_eq!(giving.next(later(0), &plan), None);
        assert_eq!(giving.next(later(1), &plan), Some(8151));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_ever() {
        let mut giving = Giving::new(&[8151], Known::default());
        giving.refused(later(24 * 365), 8151);
        assert_eq!(giving.next(NOW, &every_six_hours(3)), Some(8151));
    }

    #[test]
    fn a_plan_has_as_many_windows_as_fit_and_none_that_is_over() {
        let windows = plan(every_six_hours(100), later(7));
        assert_eq!(windows.len(), PLAN_WINDOWS_MAX);
        assert_eq!(windows[0].start_s, later(12).as_secs());
    }
}
