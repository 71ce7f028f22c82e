//! Section `graphql`: requests through a service to a payload's HTTP server, beside direct
//! ones.
//!
//! ```text
//! ours  generator ─ Space Packets ─▶ service ─ HTTP ─▶ server, and back
//! floor as many threads as requests are outstanding ─ HTTP ─▶ the same server, and back
//! ```

mod direct;
pub(crate) mod server;
mod through;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::alternate::alternate;
use crate::child::Child;
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use through::Operator;

const OUTSTANDING: [usize; 2] = [1, 50];

const QUERY: &[u8] = br#"{"query":"{ping}"}"#;
const ANSWER: &[u8] = br#"{"data":{"ping":"pong"}}"#;

/// Of a service for its answer, as the services have it by default.
const TIMEOUT: Duration = Duration::from_millis(1500);

/// What one round gave.
struct Round {
    /// Of all requests, from the question to the answer, in ascending order.
    latencies: Vec<Duration>,
    took: Duration,
    cpu: Duration,
}

impl Round {
    fn new(mut latencies: Vec<Duration>, took: Duration) -> Self {
        latencies.sort_unstable();
        Self {
            latencies,
            took,
            cpu: Duration::ZERO,
        }
    }

    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64().max(1e-9)
    }

    /// The latency that so many percent of the requests did not exceed, in µs.
    fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let latency = self.latencies.get(last * percent / 100);
        latency.map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }

    fn cpu_us_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.latencies.len().max(1) as f64
    }
}

/// Measures it.
///
/// # Errors
/// When a child cannot be started, a socket fails, or an answer is missing or wrong.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let server = Child::start("http-server", &[])?;
    let server_port = server.port()?;
    let mut operator = Operator::bind(server_port)?;
    let peer = operator.port()?.to_string();
    let arguments = ["--peer", &peer, "--driver", "radio"].map(str::to_owned);
    let service = Child::start("service", &arguments)?;
    operator.speak_to(service.port()?);
    let mut figures = Vec::new();
    for outstanding in OUTSTANDING {
        say(format_args!("  {outstanding} outstanding"));
        figures.extend(measure(
            run,
            outstanding,
            server_port,
            &service,
            &mut operator,
        )?);
    }
    Ok(figures)
}

fn measure(
    run: &Run,
    outstanding: usize,
    server_port: u16,
    service: &Child,
    operator: &mut Operator,
) -> Result<Vec<Figure>> {
    let time = Duration::from_millis(run.choose(1000, 100));
    let rounds = alternate(
        run.choose(7, 2),
        || {
            let before = cpu::time(service.id())?;
            let mut round = operator.ask(outstanding, time)?;
            round.cpu = cpu::time(service.id())?.saturating_sub(before);
            Ok(round)
        },
        || direct::ask(server_port, outstanding, time).context("the direct requests"),
    )?;
    let name = |what: &str| format!("{outstanding} outstanding{what}");
    let mut rate = rounds.figure(name(""), "requests/s", Round::rate);
    let mut median = rounds.figure(name(": p50"), "us", |round| round.percentile(50));
    match outstanding {
        1 => median = median.goal(Goal::AtMost(1.6)),
        _ => rate = rate.goal(Goal::AtLeast(0.7)),
    }
    let tail = rounds.figure(name(": p99"), "us", |round| round.percentile(99));
    let cpu: Vec<f64> = rounds.ours.iter().map(Round::cpu_us_per_request).collect();
    let cpu = Figure::alone(name(": CPU of the service"), "us/request", Spread::of(&cpu));
    Ok(vec![rate, median, tail, cpu])
}
