//! Section `memory`: what the binary `ethernet-service` takes of a machine: resident
//! memory, threads, file size, and the time until it serves its first frame.
//!
//! It runs with its default limits, but that the radio has a bit rate and services have
//! long for their answers: else no queue would stay full while it is looked at.

mod ground;
mod load;
mod services;
mod site;
mod start_up;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cpu::{self, Usage};
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use load::Load;
use site::Site;

const MIB: f64 = 1024.0;
const IDLE_MIB_MOST: f64 = 6.0;
const LOADED_MIB_MOST: f64 = 16.0;

/// From the first frame served until nothing of the start is left to do.
const SETTLES_AFTER: Duration = Duration::from_millis(500);

/// Measures it.
///
/// # Errors
/// When the binary is not there or does not serve.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let binary = run.binaries.join("ethernet-service");
    let size = fs::metadata(&binary);
    let size = size.with_context(|| format!("{} is not there", binary.display()))?;
    let cycles = run.choose(4, 1);

    let mut site = Site::start(&binary)?;
    site.wait_until_served()?;
    thread::sleep(SETTLES_AFTER);
    let idle = cpu::usage(site.id())?;

    let mut load = Load::new()?;
    let mut loaded = Vec::new();
    let mut after = Vec::new();
    for cycle in 1..=cycles {
        let full = load.apply(&mut site)?;
        loaded.push(full.usage);
        say(format_args!("  load {cycle} of {cycles}: {full}"));
        load.wait_until_over(&mut site)?;
        after.push(cpu::usage(site.id())?);
    }
    let peak = cpu::usage(site.id())?.resident_kib_peak;
    let held = site.memory_bytes()?;
    say(format_args!("  afterwards: {held}"));

    let mut figures = vec![
        Figure::alone("resident, idle", "MiB", resident(&[idle])).goal(Goal::AtMost(IDLE_MIB_MOST)),
        Figure::alone("resident, everything full", "MiB", resident(&loaded))
            .goal(Goal::AtMost(LOADED_MIB_MOST)),
        Figure::alone("resident, at most", "MiB", Spread::once(mib(peak)))
            .goal(Goal::AtMost(LOADED_MIB_MOST)),
        Figure::alone("resident, after each load", "MiB", resident(&after)),
        threads("threads, everything full", &loaded, idle),
        threads("threads, after each load", &after, idle),
        Figure::alone("file of the binary", "MiB", {
            Spread::once(size.len() as f64 / (MIB * MIB))
        }),
    ];
    figures.push(start_up::measure(&binary, run)?);
    Ok(figures)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / MIB
}

fn resident(usages: &[Usage]) -> Spread {
    let values: Vec<f64> = usages.iter().map(|usage| mib(usage.resident_kib)).collect();
    Spread::of(&values)
}

/// Beside those of the idle service, which they are not to exceed.
fn threads(name: &str, usages: &[Usage], idle: Usage) -> Figure {
    let ours: Vec<f64> = usages.iter().map(|usage| usage.threads as f64).collect();
    let idle = vec![idle.threads as f64; usages.len()];
    Figure::beside(name, "threads", &ours, &idle).goal(Goal::AtMost(1.0))
}
