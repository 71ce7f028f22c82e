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

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Vec<Line>) -> Vec<String> {
        let text = |line| match line {
            Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
            Line::TooLong => "(too long)".to_string(),
            Line::NoMemory => "(no memory)".to_string(),
        };
        lines.into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_cut_wherever_the_octets_are() {
        let octets = b"one\ntwo\n\n \nthree\nfo";
        for cut in 0..octets.len() {
            let budget = ByteBudget::new(10_000);
            let mut lines = Lines::new(100, budget.clone());
            let (first, second) = octets.split_at(cut);
            let mut all = texts(lines.push(Instant::now(), first));
            all.extend(texts(lines.push(Instant::now(), second)));
            assert_eq!(all, ["one", "two", "three"]);
            assert!(lines.begun_at().is_some());
            assert_eq!(texts(lines.push(Instant::now(), b"ur\n")), ["four"]);
            assert!(lines.begun_at().is_none());
            assert_eq!(budget.bytes_used(), 0);
        }
    }

    #[test]
    fn a_line_that_is_too_long_or_finds_no_memory_is_passed_over() {
        let budget = ByteBudget::new(400);
        let mut lines = Lines::new(200, budget.clone());
        let now = Instant::now();
        lines.push(now, &[b'x'; 150]);
        let all = lines.push(now, &[&[b'x'; 150][..], b"\nnext\n"].concat());
        assert_eq!(texts(all), ["(too long)", "next"]);
        // Another holds most of the three quarters that are for apps.
        let other = HeldBytes::copy_of(&budget, &[0; 250]).unwrap();
        let all = lines.push(now, &[&[b'x'; 60][..], b"\n"].concat());
        assert_eq!(texts(all), ["(no memory)"]);
        drop(other);
        assert_eq!(budget.bytes_used(), 0);
    }

    #[test]
    fn the_time_of_a_line_runs_from_its_first_octet() {
        let mut lines = Lines::new(100, ByteBudget::new(1000));
        let began = Instant::now();
        lines.push(began, b"on");
        lines.push(began + std::time::Duration::from_secs(5), b"e");
        assert_eq!(lines.begun_at(), Some(began));
    }
}
