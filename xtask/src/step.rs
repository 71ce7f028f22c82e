//! Named steps, their times, and the table at the end.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::output::say;

/// The steps run so far.
#[derive(Default)]
pub(crate) struct Steps {
    finished: Vec<Finished>,
}

struct Finished {
    name: String,
    passed: bool,
    took: Duration,
    remark: String,
}

impl Steps {
    /// Runs one step, prints that it starts and how it ended, and keeps that
    /// for the summary. What `work` gives is the remark beside its result.
    pub(crate) fn run<R: Into<String>>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<R>,
    ) -> Result<()> {
        say(format_args!("==> {name}"));
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        let passed = result.is_ok();
        let (remark, result) = match result {
            Ok(remark) => (remark.into(), Ok(())),
            Err(error) => (String::new(), Err(error)),
        };
        let verdict = verdict(passed);
        say(format_args!("<== {name}: {verdict} in {}", seconds(took)));
        self.finished.push(Finished {
            name: name.to_owned(),
            passed,
            took,
            remark,
        });
        result.with_context(|| format!("step `{name}` failed"))
    }

    /// One row a step and one for the whole.
    pub(crate) fn summary(&self) -> String {
        let mut table = String::from("\n");
        for step in &self.finished {
            let row = format!(
                "{:<8} {:<6} {:>9}  {}",
                step.name,
                verdict(step.passed),
                seconds(step.took),
                step.remark
            );
            let _ = writeln!(table, "{}", row.trim_end());
        }
        let passed = self.finished.iter().all(|step| step.passed);
        let total = self.finished.iter().map(|step| step.took).sum();
        let _ = writeln!(
            table,
            "{:<8} {:<6} {:>9}",
            "total",
            verdict(passed),
            seconds(total)
        );
        table
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
