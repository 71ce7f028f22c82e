//! Section `payloads`: calls of a hundred payloads to their controller, over TLS with a cookie,
//! beside a bare server of `tonic` on one thread that looks at nothing and says yes.
//!
//! Each payload has a connection and one call at a time under way. The call is one that is
//! answered by what decides, and has no effect.

pub(crate) mod bare;
pub(crate) mod controller;
mod load;
mod site;

use std::time::Duration;

use anyhow::Result;

use crate::alternate::alternate;
use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use load::Load;
use site::Site;

const PAYLOADS: u16 = 100;
const RATE_GOAL: f64 = 0.7;
const KIB: f64 = 1024.0;

/// One round.
struct Round {
    calls_per_s: f64,
    /// Processor time of the server.
    each: Duration,
    resident_kib: u64,
}

/// Measures it.
///
/// # Errors
/// When a server does not start, or a call is refused.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let site = Site::new(PAYLOADS)?;
    let time = Duration::from_millis(run.choose(5_000, 300));
    let measure = |child: &Child| -> Result<Round> {
        let load = Load::connect(&site, child.port()?)?;
        let before = cpu::time(child.id())?;
        let made = load.run(time)?;
        let took = cpu::time(child.id())?.saturating_sub(before);
        let round = Round {
            calls_per_s: made.calls as f64 / made.time.as_secs_f64(),
            each: took.div_f64(made.calls.max(1) as f64),
            resident_kib: cpu::usage(child.id())?.resident_kib,
        };
        say(format_args!(
            "  {:.0} calls/s, {:.1} us each of the server's processor time",
            round.calls_per_s,
            round.each.as_secs_f64() * 1e6
        ));
        Ok(round)
    };
    let idle = cpu::usage(site.controller()?.id())?.resident_kib;
    let rounds = alternate(
        run.choose(5, 1),
        || measure(&site.controller()?),
        || measure(&site.bare()?),
    )?;
    let name = format!("calls of {PAYLOADS} payloads");
    let resident = rounds
        .ours
        .iter()
        .map(|round| round.resident_kib as f64 / KIB);
    let resident: Vec<f64> = resident.collect();
    Ok(vec![
        rounds
            .figure(&name, "1/s", |round| round.calls_per_s)
            .goal(Goal::AtLeast(RATE_GOAL)),
        rounds.figure(format!("{name}: processor time of each"), "us", |round| {
            round.each.as_secs_f64() * 1e6
        }),
        Figure::alone(
            format!("resident, {PAYLOADS} payloads connected"),
            "MiB",
            Spread::of(&resident),
        ),
        Figure::alone(
            "resident, none connected",
            "MiB",
            Spread::once(idle as f64 / KIB),
        ),
    ])
}
