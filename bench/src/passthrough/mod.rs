//! Section `passthrough`: datagrams through a service over UDP, both ways, beside a
//! bare forwarder.
//!
//! ```text
//! up    generator ─ Space Packets ─▶ service ─ datagrams ─▶ generator
//! down  generator ─ datagrams ─▶ service ─ Space Packets ─▶ generator
//! floor generator ─ the same octets ─▶ forwarder ─ the same octets ─▶ generator
//! ```

pub(crate) mod course;
pub(crate) mod forwarder;
mod generator;
pub(crate) mod service;
pub(crate) mod socket;

use std::net::UdpSocket;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::alternate::{Rounds, alternate};
use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use course::{Course, Way};
use generator::{Flow, Generator};
use service::Driver;

const PAYLOAD_BYTES: [usize; 3] = [64, 256, 1024];
/// The size that goals are for, and that the open loop is run with.
const PAYLOAD_BYTES_USUAL: usize = 256;
const WARM_UP: u32 = 2_000;

/// The first rate of the open loop, as a share of the forwarder's in the closed loop,
/// and by how much each next one is higher.
const RATE_FIRST: f64 = 0.2;
const RATE_STEP: f64 = 1.1;
const RATE_STEPS_MAX: usize = 40;

/// One way through one kind of service.
#[derive(Debug, Clone, Copy)]
struct Case {
    way: Way,
    driver: Driver,
    payload_bytes: usize,
}

/// Measures it.
///
/// # Errors
/// When a child cannot be started, or the sockets fail.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for way in [Way::Up, Way::Down] {
        for driver in Driver::value_variants() {
            for payload_bytes in PAYLOAD_BYTES {
                let case = Case {
                    way,
                    driver: *driver,
                    payload_bytes,
                };
                say(format_args!("  {}", case.name()));
                figures.extend(case.measure(run)?);
            }
        }
    }
    Ok(figures)
}

/// What one round of the closed loop gave.
struct Round {
    flow: Flow,
    cpu_us_per_packet: f64,
}

impl Case {
    fn name(&self) -> String {
        let way = match self.way {
            Way::Up => "up",
            Way::Down => "down",
        };
        let driver = match self.driver {
            Driver::Radio => "radio",
            Driver::Functions => "functions",
        };
        format!("{way}, {driver}, {} octets", self.payload_bytes)
    }

    /// The least packets per second, and the most CPU time, beside the forwarder's.
    fn goals(&self) -> Option<(f64, f64)> {
        match (self.way, self.driver) {
            (Way::Up, Driver::Radio) => Some((0.8, 1.5)),
            (Way::Up, Driver::Functions) => None,
            (Way::Down, Driver::Radio) => Some((1.0, 1.1)),
            (Way::Down, Driver::Functions) => Some((0.8, 1.4)),
        }
    }

    fn measure(&self, run: &Run) -> Result<Vec<Figure>> {
        let radio = socket::bind()?;
        let other = socket::bind()?;
        let port_of = |socket: &UdpSocket| socket.local_addr().map(|address| address.port());
        let datagrams = course::datagrams(self.way, self.payload_bytes, &[port_of(&other)?])?;
        let sockets = match self.way {
            Way::Up => (&radio, &other),
            Way::Down => (&other, &radio),
        };

        let driver = self.driver.to_possible_value();
        let driver = driver.context("the driver has no name")?;
        let arguments = ["--peer", &port_of(&radio)?.to_string(), "--driver"];
        let mut arguments = arguments.map(str::to_owned).to_vec();
        arguments.push(driver.get_name().to_owned());
        let service = Child::start("service", &arguments)?;
        let port = match self.way {
            Way::Up => service.port()?,
            Way::Down => *service.ports()?.get(1).context("no downlink endpoint")?,
        };
        let ours = Course::through_a_service(self.way, sockets, port, &datagrams);

        let back = port_of(sockets.1)?.to_string();
        let forwarder = Child::start("forwarder", &["--to".to_owned(), back])?;
        let port = forwarder.port()?;
        let floor = Course::through_a_forwarder(self.way, sockets, port, &datagrams);

        let (mut generator, mut beside) = (Generator::new(), Generator::new());
        let count = run.choose(40_000, 2_000);
        let rounds = alternate(
            run.choose(7, 2),
            || closed(&mut generator, &ours, &service, count),
            || closed(&mut beside, &floor, &forwarder, count),
        )?;
        let mut figures = self.closed_figures(&rounds);
        if self.payload_bytes == PAYLOAD_BYTES_USUAL {
            let rates: Vec<f64> = rounds.floor.iter().map(|round| round.flow.rate()).collect();
            let first = Spread::of(&rates).median * RATE_FIRST;
            let time = Duration::from_millis(run.choose(250, 50));
            let rounds = alternate(
                run.choose(5, 1),
                || highest_without_loss(&mut generator, &ours, first, time),
                || highest_without_loss(&mut beside, &floor, first, time),
            )?;
            let name = format!("{}: open loop without loss", self.name());
            figures.push(rounds.figure(name, "packets/s", |rate| *rate));
        }
        Ok(figures)
    }

    fn closed_figures(&self, rounds: &Rounds<Round>) -> Vec<Figure> {
        let name = self.name();
        let mut rate = rounds.figure(&name, "packets/s", |round| round.flow.rate());
        let mut cpu = rounds.figure(format!("{name}: CPU"), "us/packet", |round| {
            round.cpu_us_per_packet
        });
        if let Some((rate_least, cpu_most)) = self.goals() {
            rate = rate.goal(Goal::AtLeast(rate_least));
            cpu = cpu.goal(Goal::AtMost(cpu_most));
        }
        let count = |what: &str, count: fn(&Flow) -> u32| {
            let counts: Vec<f64> = rounds.ours.iter().map(|r| count(&r.flow).into()).collect();
            let all = Spread::once(counts.iter().sum());
            Figure::alone(format!("{name}: {what}"), "packets", all).goal(Goal::AtMost(0.0))
        };
        let reordered = count("reordered", |flow| flow.reordered);
        vec![rate, cpu, reordered, count("lost", Flow::lost)]
    }
}

fn closed(
    generator: &mut Generator,
    course: &Course<'_>,
    child: &Child,
    count: u32,
) -> Result<Round> {
    generator.closed_loop(course, WARM_UP)?;
    let before = cpu::time(child.id())?;
    let flow = generator.closed_loop(course, count)?;
    let took = cpu::time(child.id())?.saturating_sub(before);
    let cpu_us_per_packet = took.as_secs_f64() * 1e6 / f64::from(flow.received.max(1));
    Ok(Round {
        flow,
        cpu_us_per_packet,
    })
}

/// Raises the rate until something is lost or the generator does not keep up; 0 where
/// something is lost at once.
fn highest_without_loss(
    generator: &mut Generator,
    course: &Course<'_>,
    first: f64,
    time: Duration,
) -> Result<f64> {
    generator.closed_loop(course, WARM_UP)?;
    let mut rate = first;
    let mut best = 0.0;
    for _ in 0..RATE_STEPS_MAX {
        let flow = generator.open_loop(course, rate, time)?;
        if flow.lost() > 0 {
            break;
        }
        let reached = f64::from(flow.sent) / flow.took.as_secs_f64().max(1e-9);
        best = reached.max(best);
        if reached < 0.95 * rate {
            break;
        }
        rate *= RATE_STEP;
    }
    Ok(best)
}
