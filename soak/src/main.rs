//! The command `soak`: hostile frames, or a real service for many minutes.

mod progress;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use heliograph_soak::flight::Flight;
use heliograph_soak::hostile::Hostile;
use heliograph_soak::table::Line;

use progress::Progress;

/// Looks for what grows, gets stuck or does not add up.
#[derive(Parser)]
#[command(name = "soak")]
struct Arguments {
    /// Run a real service over real sockets for so many minutes.
    #[arg(long, required_unless_present = "frames")]
    minutes: Option<f64>,
    /// Or send so many hostile frames through the engines of both ends.
    #[arg(long, conflicts_with = "minutes")]
    frames: Option<u64>,
    /// The same seed makes the same frames, and loads alike.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder with the service's binary.
    #[arg(long, default_value = "target/release")]
    binaries: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed;
    let lines = match (arguments.minutes, arguments.frames) {
        (Some(minutes), _) => {
            let time = Duration::from_secs_f64((minutes * 60.0).clamp(1.0, 1e7));
            fly(time, seed, arguments.binaries)
        }
        (None, frames) => attack(frames.unwrap_or(0), seed),
    };
    match lines {
        Ok(lines) => {
            lines.iter().for_each(say);
            match lines.iter().all(|line| line.passes) {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
        Err(problem) => {
            say(format_args!("FAIL  {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// A line that goes on when nobody reads it any more.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(stdout(), "{line}");
}

fn attack(frames: u64, seed: u64) -> Result<Vec<Line>, String> {
    let mut progress = Progress::new();
    let hostile = Hostile { frames, seed };
    let report = hostile.run(|at| {
        let share = at.frames as f64 / at.of as f64;
        let (served, kib) = (at.served, at.resident_kib);
        progress.show(share, || {
            format!(
                "{} of {} frames, {served} exchanges served, {kib} KiB",
                at.frames, at.of
            )
        });
    });
    progress.end();
    let report = report?;
    say("hostile frames, by kind:");
    for (kind, count) in &report.frames {
        say(format_args!("  {count:>10}  {kind:?}"));
    }
    say("dropped by the engines, by reason:");
    for (reason, count) in report.dropped() {
        say(format_args!("  {count:>10}  {reason}"));
    }
    Ok(report.lines())
}

fn fly(time: Duration, seed: u64, binaries: PathBuf) -> Result<Vec<Line>, String> {
    let mut progress = Progress::new();
    let flight = Flight {
        time,
        seed,
        binaries,
    };
    let report = flight.run(|at| {
        progress.show(at.share, || at.text.clone());
    });
    progress.end();
    let report = report.map_err(|error| format!("{error:#}"))?;
    report.accounts.iter().for_each(say);
    Ok(report.lines)
}
