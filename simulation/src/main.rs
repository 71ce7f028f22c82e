//! The command `simulate`: many seeds, or one.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use heliograph_simulation::{Failure, Run, Scenario, run, trace};

/// Plays whole links on virtual time, a scenario for each seed.
#[derive(Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// Play this seed alone, and show its scenario.
    #[arg(long)]
    seed: Option<u64>,
    /// Show everything that happens.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// How many seeds to play.
    #[arg(
        long,
        alias = "runs",
        default_value_t = 10_000,
        conflicts_with = "seed"
    )]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    first: u64,
}

/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(500);
/// So many of the last things that happened are shown of a seed that fails.
const LAST_EVENTS: usize = 40;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = match arguments.seed {
        Some(seed) => {
            say(format_args!("{:#?}", Scenario::of(seed)));
            seed..=seed
        }
        None => {
            let last = arguments.first.saturating_add(arguments.seeds.max(1) - 1);
            arguments.first..=last
        }
    };
    let count = seeds.end() - seeds.start() + 1;
    let mut progress = Progress::new(count);
    let mut sum = Sum::default();
    for seed in seeds {
        if arguments.trace {
            let (_, lines) = trace(&Scenario::of(seed));
            lines.iter().for_each(say);
        }
        match run(seed) {
            Ok(run) => sum.add(&run),
            Err(failure) => {
                progress.end();
                show(&failure, arguments.trace);
                return ExitCode::FAILURE;
            }
        }
        progress.show(&sum);
    }
    progress.end();
    let seconds = progress.began.elapsed().as_secs_f64();
    say(format_args!("{} in {seconds:.1} s", sum.line()));
    ExitCode::SUCCESS
}

/// What does not hold, and what happened before.
fn show(failure: &Failure, traced: bool) {
    if !traced {
        let (_, lines) = trace(&Scenario::of(failure.seed));
        let first = lines.len().saturating_sub(LAST_EVENTS);
        say(format_args!("the last of {} events:", lines.len()));
        lines.iter().skip(first).for_each(say);
    }
    let _ = writeln!(stderr(), "{failure}");
}

/// A line that goes on when nobody reads it any more.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(stdout(), "{line}");
}

#[derive(Default)]
struct Sum {
    runs: u64,
    frames: u64,
    lost: u64,
    reboots: u64,
    commands: u64,
    answered: u64,
    lasted: Duration,
}

impl Sum {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.frames += run.frames;
        self.lost += run.frames_lost;
        self.reboots += run.reboots;
        self.commands += run.outcomes.asked;
        self.answered += run.outcomes.answered;
        self.lasted += run.lasted;
    }

    fn line(&self) -> String {
        format!(
            "{} seeds hold: {} frames, {} of them lost; {} reboots; {} commands, {} of them answered; {:.1} hours",
            self.runs,
            self.frames,
            self.lost,
            self.reboots,
            self.commands,
            self.answered,
            self.lasted.as_secs_f64() / 3600.0
        )
    }
}

/// One line that renews itself, on a terminal.
struct Progress {
    began: Instant,
    shown: Option<Instant>,
    count: u64,
}

impl Progress {
    fn new(count: u64) -> Self {
        Self {
            began: Instant::now(),
            shown: None,
            count,
        }
    }

    fn show(&mut self, sum: &Sum) {
        let due = self.shown.unwrap_or(self.began).elapsed() >= PROGRESS;
        if due && stderr().is_terminal() {
            self.shown = Some(Instant::now());
            let percent = 100 * sum.runs / self.count;
            let _ = write!(stderr(), "\r\x1b[K{percent} %: {}", sum.line());
        }
    }

    fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
