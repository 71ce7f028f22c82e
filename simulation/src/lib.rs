//! Both ends of a link and the radio between them on virtual time, in one thread,
//! from one seed.
//!
//! A seed stands for a [`Scenario`]: framing, packet size, channel, and what
//! operators, services and apps do. [`run`] plays it with the engines, framers and
//! deframers that fly, and checks after each step what must always hold: accounts
//! add up, nothing is invented, each command has one outcome; on a channel that
//! loses nothing, everything arrives once. The same seed gives the same run, octet
//! for octet.
//!
//! ```
//! let run = heliograph_simulation::run(1).expect("it holds");
//! assert_eq!(run, heliograph_simulation::run(1).expect("again"));
//! ```

mod end;
mod ledger;
mod scenario;
mod world;

pub use scenario::Scenario;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use world::World;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How much virtual time it took.
    pub lasted: Duration,
    /// Frames that were on the air, both ways.
    pub frames: u64,
    /// Of them, frames that were not heard.
    pub frames_lost: u64,
    /// A hash over everything that happened, and when.
    pub trace: u64,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The run's seed.
    pub seed: u64,
    /// The virtual time.
    pub at: Duration,
    /// What does not hold.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, at, what } = self;
        writeln!(f, "seed {seed}, after {:.6} s: {what}", at.as_secs_f64())?;
        write!(f, "to see it again: cargo xtask simulate --seed {seed}")
    }
}

impl std::error::Error for Failure {}

/// Plays the scenario of `seed`.
///
/// # Errors
/// [`Failure`] says what does not hold, and when.
pub fn run(seed: u64) -> Result<Run, Box<Failure>> {
    play(&Scenario::of(seed))
}

/// Plays `scenario`.
///
/// # Errors
/// As [`run`].
pub fn play(scenario: &Scenario) -> Result<Run, Box<Failure>> {
    let mut world = World::new(scenario);
    let played = catch_unwind(AssertUnwindSafe(|| world.play()));
    let what = match played {
        Ok(Ok(run)) => return Ok(run),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("a panic: {}", text.unwrap_or_default())
        }
    };
    Err(Box::new(Failure {
        seed: scenario.seed,
        at: world.now(),
        what,
    }))
}
