//! From octets of a client to lines, each paid for by the memory budget.

use std::time::Instant;

use crate::budget::{ByteBudget, HeldBytes};

pub(super) enum Line {
    /// Without its end.
    Whole(HeldBytes),
    /// It was passed over: it has too many octets.
    TooLong,
    /// It was passed over: there is no memory for it now.
    NoMemory,
}

/// The line that a client is sending.
pub(super) struct Lines {
    bytes_max: usize,
    budget: ByteBudget,
    line: HeldBytes,
    begun_at: Option<Instant>,
    /// Why the rest of the line is passed over.
    problem: Option<Line>,
}

impl Lines {
    pub(super) fn new(bytes_max: usize, budget: ByteBudget) -> Self {
        Lines {
            bytes_max,
            line: HeldBytes::empty(&budget),
            budget,
            begun_at: None,
            problem: None,
        }
    }

    /// When the line began that is not yet whole.
    pub(super) fn begun_at(&self) -> Option<Instant> {
        self.begun_at
    }

    /// Takes octets; gives the lines that end in them. Empty ones are none.
    pub(super) fn push(&mut self, now: Instant, octets: &[u8]) -> Vec<Line> {
        let mut whole = Vec::new();
        for piece in octets.split_inclusive(|octet| *octet == b'\n') {
            self.begun_at.get_or_insert(now);
            match piece.split_last() {
                Some((b'\n', rest)) => {
                    self.extend(rest);
                    whole.extend(self.end());
                }
                _ => self.extend(piece),
            }
        }
        whole
    }

    fn extend(&mut self, octets: &[u8]) {
        if self.problem.is_some() || octets.is_empty() {
            return;
        }
        // As for datagrams: apps must not lock out commands.
        let room = self.budget.bytes_max() / 4 * 3;
        let used = self.budget.bytes_used().saturating_add(octets.len());
        self.problem = if self.line.len() + octets.len() > self.bytes_max {
            Some(Line::TooLong)
        } else if used > room || self.line.extend(octets).is_err() {
            Some(Line::NoMemory)
        } else {
            return;
        };
        self.line = HeldBytes::empty(&self.budget);
    }

    fn end(&mut self) -> Option<Line> {
        self.begun_at = None;
        let line = std::mem::replace(&mut self.line, HeldBytes::empty(&self.budget));
        if let Some(problem) = self.problem.take() {
            return Some(problem);
        }
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        (!is_blank).then_some(Line::Whole(line))
    }
}
