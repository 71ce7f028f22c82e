//! A downlink that always has something to send, on virtual time.

use anyhow::{Error, Result};
use comms_service::security::Mode;
use heliograph_simulation::saturation::{Bulk, Saturation};

use super::{N1, RATES_BPS, rate_text};
use crate::figure::{Figure, Goal, Spread};
use crate::section::Run;

const CREDITS: [usize; 3] = [1, 2, 8];
/// Packets of a short answer, and of one that is just no bulk.
const ANSWER_PACKETS: [usize; 2] = [1, 8];
/// Frames that a radio takes which knows no credits.
const BUFFER_FRAMES: usize = 256;

/// Octets of payload per second of air, beside the same frames without any gap, and
/// beside the formula for random bits.
pub(super) fn goodput(run: &Run) -> Result<Vec<Figure>> {
    let frames = run.choose(5_000, 500);
    let mut figures = Vec::new();
    for bit_rate_bps in RATES_BPS {
        for n1 in N1 {
            for (security, protected) in [(None, ""), (Some(Mode::Encrypt), ", encrypted")] {
                for (bulk, what) in [(Bulk::Datagrams, "datagrams"), (Bulk::Segments, "segments")] {
                    let link = Saturation {
                        bulk,
                        security,
                        ..Saturation::new(bit_rate_bps, n1)
                    };
                    let found = link.goodput(frames).map_err(Error::msg)?;
                    let rate = rate_text(bit_rate_bps);
                    let bytes = link.filling_bytes(link.bulk_packets());
                    let name =
                        format!("goodput, {rate}, N1 {n1}, {what} of {bytes} octets{protected}");
                    let ours = [found.bytes_per_second];
                    let beside = |best| Figure::beside(name.clone(), "octet/s", &ours, &[best]);
                    let exact = beside(found.best_bytes_per_second);
                    figures.push(exact.goal(Goal::AtLeast(0.99)));
                    let formula = beside(found.formula_bytes_per_second);
                    figures.push(Figure {
                        name: format!("{name}, by formula"),
                        ..formula
                    });
                }
            }
        }
    }
    Ok(figures)
}

/// How long an answer waits that comes at a random moment, in frame times, from the
/// service's last octet to its last bit: the worst of all bit rates.
pub(super) fn waits(run: &Run) -> Result<Vec<Figure>> {
    let answers = run.choose(200, 50);
    let mut figures = Vec::new();
    for n1 in N1 {
        for credits in CREDITS {
            for packets in ANSWER_PACKETS {
                let link = |rate| Saturation::new(rate, n1).with_credits(credits);
                let goal = Goal::AtMost((credits + packets) as f64);
                let name = format!("answer, frames: {packets}, N1 {n1}, credits: {credits}");
                let [median, max] = worst(answers, packets, link)?;
                figures.push(Figure::alone(
                    format!("{name}, median"),
                    "frame times",
                    median,
                ));
                figures.push(Figure::alone(name, "frame times", max).goal(goal));
            }
            let link = |rate| Saturation {
                radio_frames: BUFFER_FRAMES,
                frames_before: run.choose(3_000, 500),
                ..Saturation::new(rate, n1).with_credits(credits)
            };
            let [_, max] = worst(answers, 1, link)?;
            let name = format!(
                "answer, frames: 1, N1 {n1}, credits: {credits}, radio takes {BUFFER_FRAMES}"
            );
            figures.push(Figure::alone(name, "frame times", max));
        }
    }
    Ok(figures)
}

/// The largest median and the largest maximum.
fn worst(answers: usize, packets: usize, link: impl Fn(u64) -> Saturation) -> Result<[Spread; 2]> {
    let mut worst = [0.0_f64; 2];
    for bit_rate_bps in RATES_BPS {
        let waits = link(bit_rate_bps).waits(answers, packets);
        let waits = waits.map_err(Error::msg)?;
        worst = [worst[0].max(waits.median()), worst[1].max(waits.max())];
    }
    Ok(worst.map(Spread::once))
}
