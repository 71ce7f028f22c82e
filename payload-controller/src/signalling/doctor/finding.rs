//! What was found, for people and for programs.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Level {
    Ok,
    Warning,
    /// A window would fail.
    Failure,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) level: Level,
    /// What it means on board, and what to do.
    pub(super) text: String,
    /// The call, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Called>,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Called {
    pub(super) argv: Vec<String>,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) took_ms: u64,
    pub(super) time_ms: u64,
    pub(super) was_killed: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Finding {
    pub(super) fn new(level: Level, what: &'static str, text: impl Into<String>) -> Self {
        Finding {
            what,
            level,
            text: text.into(),
            call: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Config {
    path: String,
    content: String,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    executable: String,
    version: u8,
    pub(super) would_fail: bool,
    config: Option<Config>,
    findings: Vec<Finding>,
    verdict: String,
}

impl Report {
    pub(super) fn new(executable: &Path, version: u8) -> Self {
        Report {
            executable: executable.display().to_string(),
            version,
            would_fail: false,
            config: None,
            findings: Vec::new(),
            verdict: "a window would fail: what is wrong is said above".to_owned(),
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.would_fail |= finding.level == Level::Failure;
        self.findings.push(finding);
    }

    pub(super) fn configured(&mut self, path: &Path, content: String) {
        let path = path.display().to_string();
        let text = format!("{path} is there, as on board before configure");
        self.findings
            .push(Finding::new(Level::Ok, "configuration", text));
        self.config = Some(Config { path, content });
    }

    pub(super) fn close(&mut self, longest: Duration) {
        if !self.would_fail {
            self.verdict = format!(
                "a window would be executed; at its end the payload has {} s at most, then its \
                 power goes off",
                longest.as_secs()
            );
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            executable,
            version,
            ..
        } = self;
        writeln!(f, "{executable}, signalling version {version}")?;
        for finding in &self.findings {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Failure => "FAILURE",
            };
            writeln!(f, "{level:8} {}: {}", finding.what, finding.text)?;
            if let Some(call) = &finding.call {
                call.fmt(f)?;
            }
            if finding.what == "configuration"
                && let Some(config) = &self.config
            {
                write!(f, "         | {}", config.content)?;
            }
        }
        writeln!(f, "{}", self.verdict)
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms| Duration::from_millis(ms).as_secs_f64();
        writeln!(f, "         $ {}", self.argv.join(" "))?;
        let ended = match (self.exit_code, self.signal) {
            _ if self.was_killed => "was killed".to_owned(),
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit code".to_owned(),
        };
        writeln!(
            f,
            "         {ended} after {:.2} s of {:.0} s",
            seconds(self.took_ms),
            seconds(self.time_ms)
        )?;
        for (name, text) in [("stdout", &self.output), ("stderr", &self.errors)] {
            for line in text.lines() {
                writeln!(f, "         {name} | {}", line.escape_debug())?;
            }
        }
        Ok(())
    }
}
