//! `cargo xtask setup`: what the tests need beside Rust and a C compiler.

use anyhow::Result;

use crate::step::Steps;
use crate::{debian, referees};

/// Installs what is missing; takes a moment when nothing is.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || {
        let installed = debian::install_missing()?;
        let created = referees::install()?;
        Ok(if installed || created {
            "installed what was missing"
        } else {
            "nothing was missing"
        })
    })
}
