//! What is to be done for a window, and what came of it.

use std::time::Duration;

use super::record::{Step, WindowOrder};

/// What is done for a window beside the calls of its payload. Each may be done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The payload's machine is reached.
    Reach,
    /// Its clock is set.
    Clock,
    /// The window's configuration is written.
    Config,
    /// Uploads are put in its inbox.
    Uploads,
    /// Whatever of the window runs on this machine ends.
    End,
}

impl Part {
    /// As people are told it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Part::Reach => "reaching the payload",
            Part::Clock => "setting the payload's clock",
            Part::Config => "writing the window's configuration",
            Part::Uploads => "delivering uploads",
            Part::End => "ending the window",
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// One of these.
    Part(Part),
    /// `payload_exec` is called, once.
    Begin {
        /// Which call.
        step: Step,
        /// When it is to end, as `-t` tells it: s since 1970.
        end_s: u64,
        /// It is killed after that.
        time: Duration,
    },
    /// A call that an earlier run of the controller recorded is looked after. One that surely
    /// never began does not begin any more.
    Attach(Step),
}

/// What is to be done for a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Which.
    pub order: WindowOrder,
    /// What.
    pub deed: Deed,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// Why.
    pub why: String,
    /// Whether it will not be otherwise if it is tried again.
    pub is_final: bool,
}

impl Setback {
    /// It may be otherwise later.
    #[must_use]
    pub fn for_now(why: impl Into<String>) -> Self {
        Setback {
            why: why.into(),
            is_final: false,
        }
    }

    /// It will not be.
    #[must_use]
    pub fn for_good(why: impl Into<String>) -> Self {
        Setback {
            why: why.into(),
            is_final: true,
        }
    }
}
