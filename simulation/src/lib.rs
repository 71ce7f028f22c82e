//! Both ends of a link and the radio between them on virtual time, in one thread,
//! from one seed.
//!
//! A seed stands for a [`Scenario`]: framing, packet size, channel, what operators,
//! services and apps do, and what goes wrong: services that are slow, dead or fail,
//! queues and memory too small, writes that fail, storage that loses what was not
//! synced, and reboots of either end between any two calls of its engine.
//!
//! [`run`] plays it with the engines, framers and deframers that fly, and checks
//! after each step what must always hold (`invariants.rs`): accounts add up and say
//! what the world saw, no bound is exceeded, nothing is invented, each command has
//! one outcome. Then the trouble ends: a fresh command must be answered, and both
//! ends must become idle. On a channel that loses nothing, everything arrives once.
//! The same seed gives the same run, octet for octet.
//!
//! On half of the links there is security; some satellites keep a journal of commands.
//! Both are made durable on the [`Storage`] of their machine (`durable.rs`), whose syncs
//! fail and whose files are lost. No mutation may run twice in one boot of the
//! satellite; with a journal never, unless the storage lost the journal whole. No
//! number is used twice under one key, over reboots and resyncs too, and with security
//! nothing that went once arrives twice. What a scenario promises beyond what always
//! holds is one of its [`Demands`]. A satellite that lost all copies of its security
//! state is let in by the operator (`want_resync`), as on a real link.
//!
//! ```
//! let run = heliograph_simulation::run(1).expect("it holds");
//! assert_eq!(run, heliograph_simulation::run(1).expect("again"));
//! ```

mod boot_record;
mod durable;
mod end;
mod faults;
pub mod files;
mod invariants;
mod ledger;
mod machine;
mod operators;
pub mod saturation;
mod scenario;
mod services;
mod storage;
mod trace;
mod world;

pub use operators::Outcomes;
pub use scenario::{Blueprint, Crash, Deed, Demands, Protection, Query, Scenario};
pub use services::Manner;
pub use storage::{Operation, Storage, StorageFaults, SyncFailed};

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use trace::Trace;
use world::World;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How much virtual time it took.
    pub lasted: Duration,
    /// Frames that were on the air, both ways.
    pub frames: u64,
    /// Of them, frames that the channel lost.
    pub frames_lost: u64,
    /// Frames that came to a computer that was off.
    pub frames_unheard: u64,
    /// Times that a computer went down, and came back.
    pub reboots: u64,
    /// What came of the commands that were given to the ground's engine.
    pub outcomes: Outcomes,
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
    play_on(scenario, Trace::default()).0
}

/// Plays `scenario` and gives beside its result a line for each thing that
/// happened, the oldest first.
pub fn trace(scenario: &Scenario) -> (Result<Run, Box<Failure>>, Vec<String>) {
    play_on(scenario, Trace::with_lines())
}

fn play_on(scenario: &Scenario, trace: Trace) -> (Result<Run, Box<Failure>>, Vec<String>) {
    let mut world = World::new(scenario, trace);
    let played = catch_unwind(AssertUnwindSafe(|| world.play()));
    let what = match played {
        Ok(Ok(run)) => return (Ok(run), world.take_lines()),
        Ok(Err(what)) => what,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("a panic: {}", text.unwrap_or_default())
        }
    };
    let failure = Failure {
        seed: scenario.seed,
        at: world.now(),
        what,
    };
    (Err(Box::new(failure)), world.take_lines())
}
