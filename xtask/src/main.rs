//! The project's own commands: `cargo xtask …`.
//!
//! Each command is a list of named steps run one after the other; the first
//! one that fails ends the run.

mod bench;
mod boards;
mod debian;
mod dist;
mod fuzz;
mod lint;
mod output;
mod referees;
mod setup;
mod simulate;
mod soak;
mod step;
mod target;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::{complain, say};
use step::Steps;

/// The project's own commands.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need: tshark, Dire Wolf and the Python referees.
    Setup,
    /// Check formatting, clippy and rustdoc; a warning is an error.
    Lint,
    /// Set up, lint, build everything and run every test.
    Test(test::Arguments),
    /// Play whole links on virtual time: 10 000 seeds, or one by --seed.
    Simulate(simulate::Arguments),
    /// Run a real service for --minutes, --frames hostile frames, or --files through passes.
    Soak(soak::Arguments),
    /// Measure, beside the least that the same sockets and octets allow.
    Bench(bench::Arguments),
    /// Build and pack programs, libraries and clients into target/dist.
    Dist(dist::Arguments),
    /// Search for input that breaks a codec, with libFuzzer.
    Fuzz(fuzz::Arguments),
}

fn main() -> ExitCode {
    let Some(command) = Arguments::parse().command else {
        say(Arguments::command().render_help().to_string().trim_end());
        return ExitCode::SUCCESS;
    };
    let mut steps = Steps::default();
    let result = match command {
        Command::Setup => setup::run(&mut steps),
        Command::Lint => lint::run(&mut steps),
        Command::Test(arguments) => test::run(&mut steps, &arguments),
        Command::Simulate(arguments) => simulate::run(&mut steps, &arguments),
        Command::Soak(arguments) => soak::run(&mut steps, &arguments),
        Command::Bench(arguments) => bench::run(&mut steps, &arguments),
        Command::Dist(arguments) => dist::run(&mut steps, &arguments),
        Command::Fuzz(arguments) => fuzz::run(&mut steps, &arguments),
    };
    say(steps.summary().trim_end());
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
