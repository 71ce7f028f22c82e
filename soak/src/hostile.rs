//! Hostile frames: random, altered, cut, too long, replayed, spliced, and such whose
//! checks are right although nothing else is, through the framing of each end into
//! its engine; and good traffic in between, which must be served.
//!
//! Everything is in this process and on virtual time, so a million take seconds.

mod ends;
mod frames;

use std::time::Duration;

use comms_service::PacketFormat;
use comms_service::accounting::{DropCounts, Statistics};
use fastrand::Rng;

use crate::process::Usage;
use crate::table::{Line, flat, line};
use ends::Ends;
use frames::Workshop;

pub use frames::Kind;

/// Between two good exchanges.
const FRAMES_PER_EXCHANGE: u64 = 50;
/// Between two looks at the memory.
const FRAMES_PER_LOOK: u64 = 10_000;
/// From each tenth on, nothing that is only there once is allocated any more.
const WARM_UP: u64 = 10;
/// A leak of 2 octets a frame is more, with ten million.
const GROWTH_KIB_MAX: u64 = 16 << 10;
/// An exchange is tried so often at most: a forged segment may cost a message.
const TRIES_MAX: u32 = 4;

/// A run of hostile frames.
#[derive(Debug, Clone, Copy)]
pub struct Hostile {
    /// How many.
    pub frames: u64,
    /// The same seed makes the same frames.
    pub seed: u64,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Hostile frames so far.
    pub frames: u64,
    /// Of so many.
    pub of: u64,
    /// Good exchanges that were served.
    pub served: u64,
    /// Resident memory, in KiB.
    pub resident_kib: u64,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Hostile frames, by kind.
    pub frames: Vec<(Kind, u64)>,
    /// Good exchanges.
    pub asked: u64,
    /// Of them, those that were served.
    pub served: u64,
    /// Tries that they took together.
    pub tries: u64,
    /// Resident memory after the warm-up, at most, and at the end, in KiB.
    pub resident_kib: [u64; 3],
    /// What both ends of each format counted, when everything had ended.
    pub accounts: Vec<(String, Statistics)>,
}

impl Hostile {
    /// Runs, and tells `progress` now and then how far it is.
    ///
    /// # Errors
    /// What does not hold, in words. A panic of an engine is a panic here.
    pub fn run(&self, mut progress: impl FnMut(Progress)) -> Result<Report, String> {
        let formats = [
            (PacketFormat::SpacePacket, true, 5),
            (PacketFormat::SpacePacket, false, 2),
            (PacketFormat::Kubos, false, 2),
            (PacketFormat::Udp, false, 1),
        ];
        let parts: u64 = formats.iter().map(|(.., part)| part).sum();
        let mut report = Report {
            frames: Kind::ALL.map(|kind| (kind, 0)).to_vec(),
            asked: 0,
            served: 0,
            tries: 0,
            resident_kib: [0; 3],
            accounts: Vec::new(),
        };
        let mut rng = Rng::with_seed(self.seed);
        let mut done = 0;
        for (format, error_control, part) in formats {
            let mut ends = Ends::new(format, error_control)?;
            let mut workshop = Workshop::new(format, error_control, rng.fork());
            let frames = self.frames * part / parts;
            for number in 0..frames {
                if number % FRAMES_PER_EXCHANGE == 0 {
                    exchange(&mut ends, &mut workshop, &mut report)?;
                }
                let (kind, up, stream) = workshop.hostile();
                report.count(kind);
                ends.hear(up, stream);
                done += 1;
                if done % FRAMES_PER_LOOK == 0 {
                    let now_kib = Usage::own().resident_kib;
                    report.look(now_kib, done, self.frames);
                    progress(Progress {
                        frames: done,
                        of: self.frames,
                        served: report.served,
                        resident_kib: now_kib,
                    });
                }
            }
            let control = if error_control {
                " with error control"
            } else {
                ""
            };
            let name = format!("{}{control}", format.as_str());
            for (end, statistics) in ends.finish()? {
                report.accounts.push((format!("{name}, {end}"), statistics));
            }
        }
        report.look(Usage::own().resident_kib, done, self.frames);
        Ok(report)
    }
}

/// One good question and its answer; now and then a datagram each way instead.
fn exchange(ends: &mut Ends, workshop: &mut Workshop, report: &mut Report) -> Result<(), String> {
    report.asked += 1;
    for _ in 0..TRIES_MAX {
        report.tries += 1;
        if ends.exchange(workshop)? {
            report.served += 1;
            return Ok(());
        }
        ends.pass(Duration::from_secs(60));
    }
    Ok(())
}

impl Report {
    fn count(&mut self, kind: Kind) {
        let found = self.frames.iter_mut().find(|(known, _)| *known == kind);
        if let Some((_, count)) = found {
            *count += 1;
        }
    }

    fn look(&mut self, now_kib: u64, done: u64, of: u64) {
        let [start, highest, end] = &mut self.resident_kib;
        if *start == 0 && done >= of / WARM_UP {
            *start = now_kib;
        }
        *highest = now_kib.max(*highest);
        *end = now_kib;
    }

    /// What was dropped at all, by reason, over both ends and all formats.
    pub fn dropped(&self) -> Vec<(&'static str, u64)> {
        let mut all = std::collections::BTreeMap::new();
        for (_, statistics) in &self.accounts {
            let flows = [
                &statistics.packets_in,
                &statistics.messages_in,
                &statistics.messages_out,
                &statistics.packets_out,
            ];
            for (reason, count) in flows
                .iter()
                .flat_map(|flow| DropCounts::iter(&flow.dropped))
            {
                *all.entry(reason.as_str()).or_insert(0) += count;
            }
        }
        all.into_iter().collect()
    }

    /// What must be, and whether it is.
    pub fn lines(&self) -> Vec<Line> {
        let frames: u64 = self.frames.iter().map(|(_, count)| count).sum();
        let kinds = self.frames.iter().filter(|(_, count)| *count > 0).count();
        let held = |all: &Statistics| all.memory_bytes_used - all.answer_bytes_remembered;
        let held: u64 = self.accounts.iter().map(|(_, all)| held(all)).sum();
        let balanced = self.accounts.iter().all(|(_, all)| all.balances());
        let [start, highest, end] = self.resident_kib;
        vec![
            line(
                "hostile frames",
                kinds == Kind::ALL.len(),
                format!("{frames} of {kinds} kinds, none made an engine panic"),
            ),
            line(
                "good traffic in between",
                self.served == self.asked,
                format!(
                    "{} of {} exchanges served, in {} tries",
                    self.served, self.asked, self.tries
                ),
            ),
            line(
                "accounts",
                balanced,
                format!(
                    "all four of both ends add up, in {} pairs",
                    self.accounts.len() / 2
                ),
            ),
            line(
                "octets held at the end",
                held == 0,
                format!("{held}; must be 0"),
            ),
            flat("resident memory, KiB", start, end, highest, GROWTH_KIB_MAX),
        ]
    }
}
