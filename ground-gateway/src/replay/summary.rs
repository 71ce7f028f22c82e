//! What became of all frames, and what the engines counted.

use std::collections::BTreeMap;

use comms_service::accounting::{Flow, Statistics};

use super::fate::Fate;
use crate::output::counted;

/// `frames` is the sum of the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(super) delivered: u64,
    /// By the name of the reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
    pub(super) open: u64,
    pub(super) ground: Statistics,
    pub(super) satellite: Statistics,
}

impl Summary {
    pub(super) fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Delivered(_) => self.delivered += 1,
            Fate::Dropped { reason, .. } => *self.dropped.entry(reason).or_default() += 1,
            Fate::Open(_) | Fate::Undecided => self.open += 1,
        }
    }

    pub(super) fn with_engines(self, ground: Statistics, satellite: Statistics) -> Self {
        Summary {
            ground,
            satellite,
            ..self
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.delivered + self.dropped_in_all() + self.open
    }

    pub(super) fn dropped_in_all(&self) -> u64 {
        self.dropped.values().sum()
    }
}

/// The summary in a few lines for people.
pub(crate) fn plain_summary(summary: &Summary) -> Vec<String> {
    let mut lines = vec![format!(
        "{} = {} delivered + {} dropped + {} open at the end",
        counted(summary.frames(), "frame"),
        summary.delivered,
        summary.dropped_in_all(),
        summary.open
    )];
    for (reason, count) in &summary.dropped {
        lines.push(format!("  {count:>5} {reason}"));
    }
    for (end, statistics) in [
        ("ground", &summary.ground),
        ("satellite", &summary.satellite),
    ] {
        if statistics.packets_in.offered == 0 {
            continue;
        }
        lines.push(format!("engine of the {end} end:"));
        lines.push(format!("  {}", flow("packet", &statistics.packets_in)));
        lines.push(format!("  {}", flow("message", &statistics.messages_in)));
        for (what, count) in others(statistics) {
            lines.push(format!("  {what} {count}"));
        }
    }
    lines
}

/// What an engine counts beside its accounts, where it is not 0.
fn others(statistics: &Statistics) -> impl Iterator<Item = (&'static str, u64)> {
    let all = [
        ("sequence gaps", statistics.sequence_gaps),
        ("sender restarts", statistics.sender_restarts),
        ("surplus octets", statistics.surplus_bytes),
    ];
    all.into_iter().filter(|(_, count)| *count > 0)
}

fn flow(thing: &str, flow: &Flow) -> String {
    let mut line = format!(
        "{} = {} delivered + {} held + {} dropped",
        counted(flow.offered, thing),
        flow.delivered,
        flow.queued + flow.in_flight,
        flow.dropped.total()
    );
    let reasons: Vec<_> = flow
        .dropped
        .iter()
        .map(|(reason, count)| format!("{} {count}", reason.as_str()))
        .collect();
    if !reasons.is_empty() {
        line.push_str(&format!(" ({})", reasons.join(", ")));
    }
    line
}
