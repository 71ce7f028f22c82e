//! Runs the checks, each on a freshly opened driver and under a watchdog.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::Bench;
use super::checks::{BASIC_CHECKS, CHECKS, Check, Stop};
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
    Broken(Violation),
    /// The driver did not return: nothing more can be asked of it.
    Hung(Violation),
}

/// Checks every rule against the driver on `bench`.
pub fn check(mut bench: impl Bench) -> Report {
    let mut report = Report::new();
    let mut checks = CHECKS.iter().enumerate();
    for (index, check) in &mut checks {
        let main_rule = check.rules.first().copied().unwrap_or(Rule::NeverPanics);
        let t0 = Instant::now();
        let ended = run(check, &mut bench);
        eprintln!("TIME {main_rule} {:?}", t0.elapsed());
        let (violation, is_over) = match ended {
            Ended::Passed => continue,
            Ended::NotApplicable(why) => {
                for rule in check.rules {
                    report.set(*rule, Outcome::NotApplicable(why.to_owned()));
                }
                continue;
            }
            Ended::Broken(violation) => (violation, false),
            Ended::Hung(violation) => (violation, true),
        };
        let broken = violation.rule.unwrap_or(main_rule);
        for rule in check.rules {
            report.set(*rule, Outcome::NotReached(broken));
        }
        report.set(broken, Outcome::Failed(violation.failure));
        // What does not carry frames at all need not be asked for more.
        let is_last_basic = index + 1 == BASIC_CHECKS && !report.failed().is_empty();
        if is_over || is_last_basic {
            break;
        }
    }
    let broken = report.failed().first().copied();
    for (_, check) in checks {
        for rule in check.rules {
            if let Some(broken) = broken {
                report.set(*rule, Outcome::NotReached(broken));
            }
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
