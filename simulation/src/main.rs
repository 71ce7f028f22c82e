//! The command `simulate`: many seeds, or one.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use heliograph_simulation::{Scenario, run};

/// Plays whole links on virtual time, a scenario for each seed.
#[derive(Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// Play this seed alone, and show its scenario.
    #[arg(long)]
    seed: Option<u64>,
    /// How many seeds to play.
    #[arg(long, default_value_t = 10_000, conflicts_with = "seed")]
    runs: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    first: u64,
}

/// Seeds between two lines of progress.
const SEEDS_PER_LINE: u64 = 1000;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = match arguments.seed {
        Some(seed) => {
            println!("{:#?}", Scenario::of(seed));
            seed..=seed
        }
        None => {
            let last = arguments.first.saturating_add(arguments.runs.max(1) - 1);
            arguments.first..=last
        }
    };
    let began = Instant::now();
    let (mut runs, mut frames, mut lost, mut virtual_s) = (0u64, 0, 0, 0.0);
    for seed in seeds {
        match run(seed) {
            Ok(run) => {
                runs += 1;
                frames += run.frames;
                lost += run.frames_lost;
                virtual_s += run.lasted.as_secs_f64();
            }
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
        if runs.is_multiple_of(SEEDS_PER_LINE) && std::io::stderr().is_terminal() {
            eprintln!("{runs} seeds, {frames} frames");
        }
    }
    println!(
        "{runs} seeds hold: {frames} frames, {lost} of them lost, {:.1} hours in {:.1} s",
        virtual_s / 3600.0,
        began.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
