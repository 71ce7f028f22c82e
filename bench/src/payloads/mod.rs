//! Section `payloads`: calls of a hundred payloads that are connected to the controller, beside
//! a bare tonic server that gives the same answer.
//!
//! Payloads of `payload-client` are registered, and health checks go on. The calls come by a
//! second connection of each, in plain text, as light as a client can be: `GetSession`, which
//! goes the whole way to what decides, and changes nothing.

pub(crate) mod controller;
pub(crate) mod echo;
mod load;
mod site;

use std::time::Duration;

use anyhow::{Context, Result};
use payload_client::{Channel, OnFailedHealth, Payload, Run as SequenceRun, Setup};

use crate::alternate::alternate;
use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::section::Run;
use site::Site;

/// Payloads that are connected.
const APPS: u16 = 100;
/// Calls of each that are under way.
const CALLS: usize = 2;

/// A payload that is well.
struct Well;

impl Payload for Well {
    fn sequence(&self, _: &Channel, _: &SequenceRun) -> Result<(), String> {
        Ok(())
    }
}

/// What one round gave.
#[derive(Debug, Clone, Copy)]
struct Rate {
    calls_per_s: f64,
    cpu_us_per_call: f64,
}

/// Measures it.
///
/// # Errors
/// When a server does not start, or answers otherwise than it is to.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let apps = run.choose(APPS, 5);
    let time = run.choose(Duration::from_secs(3), Duration::from_millis(200));
    let site = Site::new(apps)?;
    let config = site.file().display().to_string();
    let controller = Child::start("payload-controller", &[config])?;
    let alone = cpu::usage(controller.id())?.resident_kib;
    let mut channels = Vec::new();
    for files in site.apps() {
        let channel = Channel::open(Setup::read(files)?, Well)?;
        channel
            .register(OnFailedHealth::Restart)
            .context("a payload does not register")?;
        channels.push(channel);
    }
    let connected = cpu::usage(controller.id())?.resident_kib;
    let echo = Child::start("payload-echo", &[])?;
    let rounds = alternate(
        run.choose(5, 1),
        || measure(&controller, &site.cookies()?, time),
        || measure(&echo, &site.cookies()?, time),
    )?;
    let loaded = cpu::usage(controller.id())?.resident_kib;
    for channel in channels {
        channel.delete_channel();
    }
    let mib = |kib: u64| Spread::once(kib as f64 / 1024.0);
    Ok(vec![
        rounds
            .figure(format!("calls of {apps} payloads"), "/s", |rate| {
                rate.calls_per_s
            })
            .goal(Goal::AtLeast(0.7)),
        rounds.figure("processor time of a call", "µs", |rate| {
            rate.cpu_us_per_call
        }),
        Figure::alone("resident, no payload connected", "MiB", mib(alone)),
        Figure::alone(
            format!("resident, {apps} payloads registered"),
            "MiB",
            mib(connected),
        ),
        Figure::alone("resident, after the calls", "MiB", mib(loaded)),
    ])
}

fn measure(server: &Child, cookies: &[String], time: Duration) -> Result<Rate> {
    let before = cpu::time(server.id())?;
    let loaded = load::load(server.port()?, cookies, CALLS, time)?;
    let cpu = cpu::time(server.id())?.saturating_sub(before);
    Ok(Rate {
        calls_per_s: loaded.calls as f64 / loaded.time.as_secs_f64(),
        cpu_us_per_call: cpu.as_secs_f64() * 1e6 / loaded.calls as f64,
    })
}
