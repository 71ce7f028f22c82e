//! A file that goes down through passes of eight minutes, on virtual time: how much of the
//! air carries it.

use anyhow::{Error, Result};
use comms_service::security::Mode;
use heliograph_simulation::files::Files;

use crate::figure::{Figure, Goal};
use crate::progress::say;
use crate::section::Run;

/// A link, and a file that is longer than a pass.
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) bit_rate_bps: u64,
    /// N1, octets.
    pub(super) n1: usize,
    file_bytes: u64,
    /// In a quick run; of the fast links it is shorter than a pass.
    file_bytes_quick: u64,
}

pub(super) const LINKS: [Link; 3] = [
    Link {
        name: "9600 bit/s",
        bit_rate_bps: 9_600,
        n1: 256,
        file_bytes: 1_300_000,
        file_bytes_quick: 1_300_000,
    },
    Link {
        name: "1 Mbit/s",
        bit_rate_bps: 1_000_000,
        n1: 1024,
        file_bytes: 130_000_000,
        file_bytes_quick: 30_000_000,
    },
    Link {
        name: "10 Mbit/s",
        bit_rate_bps: 10_000_000,
        n1: 2048,
        file_bytes: 1_300_000_000,
        file_bytes_quick: 60_000_000,
    },
];

pub(super) const LOSSES: [f64; 4] = [0.0, 0.01, 0.05, 0.1];
/// Of the links with security.
const LOSS_PROTECTED: f64 = 0.05;
/// Of what the air allows, without loss; and of what is left of it, with loss.
const GOAL: f64 = 0.97;
const GOAL_WITH_LOSS: f64 = 0.95;

pub(super) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for link in &LINKS {
        for loss in LOSSES {
            figures.push(share(run, link, loss, None)?);
        }
        figures.push(share(run, link, LOSS_PROTECTED, Some(Mode::Encrypt))?);
    }
    Ok(figures)
}

pub(super) fn loss_text(loss: f64) -> String {
    format!("{:.0} % lost", loss * 100.0)
}

fn share(run: &Run, link: &Link, loss: f64, security: Option<Mode>) -> Result<Figure> {
    let protected = security.map_or("", |_| ", encrypted");
    let bytes = run.choose(link.file_bytes, link.file_bytes_quick);
    let lost = loss_text(loss);
    let name = format!("file through passes, {}, {lost}{protected}", link.name);
    say(format_args!("  {name}"));
    let files = Files {
        frame_loss: loss,
        security,
        ..Files::new(link.bit_rate_bps, link.n1, bytes)
    };
    let found = files.deliver().map_err(Error::msg)?;
    let seconds = found.contact.as_secs_f64();
    let (ours, best) = (bytes as f64 / seconds, found.best_bytes / seconds);
    let goal = match loss {
        0.0 => GOAL,
        loss => GOAL_WITH_LOSS * (1.0 - loss),
    };
    let figure = Figure::beside(name, "octet/s", &[ours], &[best]);
    Ok(figure.goal(Goal::AtLeast(goal)))
}
