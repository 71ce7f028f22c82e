//! The thread that owns the core: it takes what happens one after the other, puts on the disk
//! what follows, and only then does it and answers.
//!
//! What happens meanwhile waits and goes into the same commit, so that many requests at once
//! cost one.

mod clock;
mod door;
mod thread;

pub use clock::{Clock, SystemClock};
pub use door::{Busy, Door, REQUESTS_MAX};
pub use thread::{Outlets, Shell, Store};

/// A door, and what comes in by it: for [`Shell::start`].
#[must_use]
pub fn door() -> (Door, Inputs) {
    door::new()
}

pub use door::Inputs;
