//! A call as on board, and what its end means.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::arguments::exec_arguments;
use super::super::running::{Ran, bare, run};
use super::finding::{Called, Finding, Level};
use crate::core::{SignalVersion, Step, WindowOrder};

/// Configure that takes so much of its time may take all of it on a slower machine.
const NEAR: Duration = Duration::from_secs(10);

pub(super) fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

pub(super) struct Caller<'a> {
    pub(super) executable: &'a Path,
    pub(super) order: &'a WindowOrder,
    pub(super) version: SignalVersion,
}

impl Caller<'_> {
    /// Makes the call, and kills it after its time.
    pub(super) fn make(&self, step: Step, time: Duration) -> Finding {
        let end_s = now_s().saturating_add(time.as_secs());
        let arguments = exec_arguments(self.order, self.version, step, end_s);
        let program = self.executable.display().to_string();
        let mut argv = vec![program.clone()];
        argv.extend_from_slice(&arguments);
        let ran = match run(&mut bare(&program, &arguments), None, time) {
            Ok(ran) => ran,
            Err(error) => {
                let text = format!("it cannot be begun: {error}");
                return Finding::new(Level::Failure, step.name(), text);
            }
        };
        let (level, text) = self.judged(step, &ran);
        Finding {
            call: Some(Called {
                argv,
                exit_code: ran.status.and_then(|status| status.code()),
                signal: ran.status.and_then(|status| status.signal()),
                took_ms: ms(ran.took),
                time_ms: ms(time),
                was_killed: ran.is_late,
                output: ran.output,
                errors: ran.errors,
            }),
            ..Finding::new(level, step.name(), text)
        }
    }

    fn judged(&self, step: Step, ran: &Ran) -> (Level, String) {
        let code = ran.status.and_then(|status| status.code());
        let is_configure = step == Step::Configure;
        match code {
            _ if ran.is_late && is_configure => (
                Level::Failure,
                "configure is waited for, and was killed after its 15 s: the window fails. What \
                 takes longer belongs into the start"
                    .to_owned(),
            ),
            _ if ran.is_late => (
                Level::Ok,
                "it is at work until the end of the window, where it is killed, and loses power \
                 after the post-buffer: end before `-t`, and hand files over before"
                    .to_owned(),
            ),
            Some(0) if is_configure && ran.took >= NEAR => (
                Level::Warning,
                "it went well, and took most of its 15 s: on board it may be killed".to_owned(),
            ),
            Some(0) => (Level::Ok, "it went well".to_owned()),
            Some(code) => {
                let consequence = match is_configure {
                    true => "the window fails, and is not started",
                    false => "the window fails, and ends at once",
                };
                let why = self.explained(step, ran).unwrap_or_default();
                (
                    Level::Failure,
                    format!("exit code {code}: {consequence}.{why}"),
                )
            }
            None => (
                Level::Failure,
                "it ended by a signal: the window fails".to_owned(),
            ),
        }
    }

    /// Why it may have ended so.
    fn explained(&self, step: Step, ran: &Ran) -> Option<&'static str> {
        let said = &ran.errors;
        let names = |words: &[&str]| words.iter().any(|words| said.contains(words));
        let is_of_argument = names(&["expected one argument", "requires an argument"]);
        match () {
            () if step == Step::Configure && is_of_argument && names(&["-e", "-- e", "'e'"]) => {
                Some(
                    " `-e` is a flag and has no argument: with Python's argparse, declare it by \
                     action=\"store_true\", not by type=bool",
                )
            }
            () if names(&["unrecognized arguments", "invalid option", "unknown option"]) => Some(
                " It does not know an argument that it is called with: `-u USER`, `-w WINDOW`, \
                 `-e` (configure), `-t END` (start; in version 2 configure too)",
            ),
            () if names(&["are required"]) && step == Step::Configure && names(&["-t"]) => {
                Some(" In version 1 configure has no `-t`: it must not be required")
            }
            () if names(&["Permission denied"]) => {
                Some(" Something it needs is not to be read or written by it")
            }
            () if names(&["ModuleNotFoundError", "ImportError"]) => Some(
                " A Python module is not there: no variable such as PYTHONPATH is set on board",
            ),
            () if names(&["No such file or directory", "FileNotFoundError"]) => Some(
                " A file is not there: it begins in `/`, and the configuration of the window is \
                 at the path that is said above",
            ),
            () => None,
        }
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
