//! `cargo xtask test`: everything that must hold before a change lands.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::output::say;
use crate::step::Steps;
use crate::workspace::{cargo, run as start, shown, succeeded};
use crate::{boards, dist, lint, setup};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on to `cargo test --workspace`, such as a filter, or `-- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Sets up, lints, builds and tests the whole workspace.
///
/// Binaries and examples are built before the tests start, since end-to-end
/// tests run them.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    setup::run(steps)?;
    lint::run(steps)?;
    boards::run(steps)?;
    dist::check(steps)?;
    steps.run("build", || {
        start(&mut cargo("build", &["--workspace", "--all-targets"])).map(|()| "")
    })?;
    steps.run("test", || {
        // clap takes away a `--` that comes first, which `cargo test` needs.
        let separator = env::args().nth(2).filter(|first| first == "--");
        let tally = run_tests(separator.iter().chain(&arguments.passed_on))?;
        ensure!(
            tally.passed > 0 || !arguments.passed_on.is_empty(),
            "no test ran"
        );
        Ok(tally.to_string())
    })
}

fn run_tests<'a>(passed_on: impl Iterator<Item = &'a String>) -> Result<Tally> {
    let mut command = cargo("test", &["--workspace"]);
    command.args(passed_on).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(&command)))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("cannot read the tests' output")?;
            let line = String::from_utf8_lossy(&line);
            say(&line);
            tally.add(&line);
        }
    }
    say(format_args!("tests: {tally}"));
    succeeded(&command, child.wait()?)?;
    Ok(tally)
}

/// The sum of what the test harnesses said at their ends.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Counts a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                Some((number, "ignored")) => self.ignored += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally {
            passed,
            failed,
            ignored,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tally_adds_up_several_harnesses_and_ignores_other_lines() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.add("test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.add("test some::thing ... ok");
        assert_eq!(tally.to_string(), "7 passed, 3 failed, 1 skipped");
    }
}
