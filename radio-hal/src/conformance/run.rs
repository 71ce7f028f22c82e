//! Runs the checks, each on a freshly opened driver and under a watchdog.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::checks::{CHECKS, Check, Stop};
use super::report::{Outcome, Report};
use super::rig::Rig;
use super::rule::Rule;
use super::violation::Violation;

/// No check takes so long, whatever the driver does.
const CHECK_MAX: Duration = Duration::from_secs(90);
/// Between two looks of the watchdog.
const LOOK: Duration = Duration::from_millis(50);

/// How a check ended.
enum Ended {
    Passed,
    NotApplicable(&'static str),
    /// It was not run, because this rule is broken.
    NotReached(Rule),
    Broken(Violation),
    /// The driver did not return: nothing more can be asked of it.
    Hung(Violation),
}

/// Checks every rule against the driver on `bench`.
pub fn check(mut bench: impl Bench) -> Report {
    let mut report = Report::new();
    let mut hung = None;
    for check in &CHECKS {
        let failed = report.failed();
        let needed = failed.iter().find(|rule| check.needs.contains(rule));
        let ended = match hung.as_ref().or(needed) {
            Some(broken) => Ended::NotReached(*broken),
            None => run(check, &mut bench),
        };
        let main_rule = check.rules.first().copied().unwrap_or(Rule::NeverPanics);
        let broken = |violation: &Violation| violation.rule.unwrap_or(main_rule);
        let outcome = match &ended {
            Ended::Passed => continue,
            Ended::NotApplicable(why) => Outcome::NotApplicable((*why).to_owned()),
            Ended::NotReached(broken) => Outcome::NotReached(*broken),
            Ended::Broken(violation) | Ended::Hung(violation) => {
                Outcome::NotReached(broken(violation))
            }
        };
        for rule in check.rules {
            report.set(*rule, outcome.clone());
        }
        if let Ended::Broken(violation) | Ended::Hung(violation) = &ended {
            let failure = violation.failure.clone();
            report.set(broken(violation), Outcome::Failed(failure));
        }
        if let Ended::Hung(violation) = &ended {
            hung = Some(broken(violation));
        }
    }
    report
}

fn run(check: &Check, bench: &mut dyn Bench) -> Ended {
    let mut rig = match Rig::open(bench) {
        Ok(rig) => rig,
        Err(error) => {
            return Ended::Broken(Violation::here(
                "the driver can be opened",
                error.to_string(),
            ));
        }
    };
    let calls = Arc::clone(&rig.calls);
    let (done, ended) = mpsc::channel();
    let run = check.run;
    let started = Instant::now();
    // Left behind if the driver hangs.
    let _ = thread::spawn(move || {
        let outcome = run(&mut rig);
        // The device is free again before the next check opens it.
        let dropped = drop_all(rig);
        let _ = done.send(outcome.and(dropped.map_err(Stop::from)));
    });
    loop {
        match ended.recv_timeout(LOOK) {
            Ok(Ok(())) => return Ended::Passed,
            Ok(Err(Stop::NotApplicable(why))) => return Ended::NotApplicable(why),
            Ok(Err(Stop::Broken(violation))) => return Ended::Broken(violation),
            Err(RecvTimeoutError::Disconnected) => {
                return Ended::Broken(Violation::here("the bench does not panic", "it did"));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(violation) = calls.hung() {
            return Ended::Hung(violation);
        }
        if started.elapsed() > CHECK_MAX {
            return Ended::Hung(Violation::here(
                format!("the check ends within {CHECK_MAX:?}"),
                "it has not",
            ));
        }
    }
}

/// Drops all of it; the driver may hang or panic at that.
fn drop_all(rig: Rig) -> Result<(), Violation> {
    let calls = Arc::clone(&rig.calls);
    calls.call("drop", Rule::DroppedIsReleased, Duration::ZERO, || {
        drop(rig);
    })
}
