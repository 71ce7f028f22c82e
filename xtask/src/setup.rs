//! `cargo xtask setup`: what the tests need beside Rust and a C compiler.

use anyhow::Result;

use crate::step::Steps;
use crate::{debian, referees};

/// Installs what is missing; takes a moment when nothing is.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("setup", || {
        let mut packages = debian::missing();
        let referees = match referees::are_ready()? {
            true => None,
            false => Some(referees::begin(&mut packages)?),
        };
        if packages.is_empty() && referees.is_none() {
            return Ok("nothing was missing");
        }
        debian::install(&packages)?;
        referees.map_or(Ok(()), referees::finish)?;
        Ok("installed what was missing")
    })
}
