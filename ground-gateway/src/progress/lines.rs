//! How far a file is, in words.

use std::time::{Duration, Instant};

use crate::error::one_line;
use crate::files::transfer::{State, Transfer};

/// Between two plain lines, at least.
const LINE_PAUSE: Duration = Duration::from_secs(5);
/// A plain line for each so many percent.
const LINE_PERCENT: u64 = 10;

/// Which plain lines are worth it: when the state changes, at each tenth, and now and then
/// while something moves.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Option<(Instant, State, u64, u64)>,
}

impl Lines {
    pub(super) fn next(&mut self, now: Instant, transfer: &Transfer) -> Option<String> {
        if transfer.is_over() {
            return None;
        }
        let tenth = tenth(transfer);
        let octets = transfer.octets;
        let is_new = self
            .last
            .is_none_or(|(at, state, tenth_before, octets_before)| {
                state != transfer.state
                    || tenth_before != tenth
                    || (octets_before != octets && now.duration_since(at) >= LINE_PAUSE)
            });
        is_new.then(|| {
            self.last = Some((now, transfer.state, tenth, octets));
            one_line(&format!("{}: {}", transfer.remote, text(transfer)))
        })
    }
}

fn tenth(transfer: &Transfer) -> u64 {
    let percent = u128::from(transfer.octets) * 100;
    let percent = percent.checked_div(u128::from(transfer.size.unwrap_or(0)));
    u64::try_from(percent.unwrap_or(0)).unwrap_or(0) / LINE_PERCENT
}

/// `12.0 kB of 2.1 MB, 1%, 850 B/s, 42 min left, 3 holes, moving`.
pub(super) fn text(transfer: &Transfer) -> String {
    let mut parts = Vec::new();
    match transfer.size {
        Some(size) if size > 0 => {
            let percent = u128::from(transfer.octets) * 100 / u128::from(size);
            let (octets, size) = (
                octets_text(transfer.octets as f64),
                octets_text(size as f64),
            );
            parts.push(format!("{octets} of {size}, {percent}%"));
        }
        _ if transfer.octets > 0 => parts.push(octets_text(transfer.octets as f64)),
        _ => {}
    }
    if transfer.state == State::Moving
        && let Some(rate) = transfer.octets_per_s.filter(|rate| *rate > 0.0)
    {
        parts.push(format!("{}/s", octets_text(rate)));
        if let Some(left) = transfer.octets_left() {
            parts.push(format!("{} left", time_text(left as f64 / rate)));
        }
    }
    match transfer.holes {
        0 => {}
        1 => parts.push("1 hole".to_owned()),
        holes => parts.push(format!("{holes} holes")),
    }
    parts.push(transfer.state.to_string());
    parts.join(", ")
}

/// `12 B`, `1.5 kB`, `2.0 MB`: in powers of 1000.
pub(crate) fn octets_text(octets: f64) -> String {
    match octets {
        octets if octets < 1e3 => format!("{octets:.0} B"),
        octets if octets < 1e6 => format!("{:.1} kB", octets / 1e3),
        octets if octets < 1e9 => format!("{:.1} MB", octets / 1e6),
        octets => format!("{:.1} GB", octets / 1e9),
    }
}

fn time_text(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::transfer::Direction;

    fn transfer(octets: u64, state: State) -> Transfer {
        Transfer {
            id: "2-17".to_owned(),
            direction: Direction::Up,
            remote: "plan.bin".to_owned(),
            local: "/plan.bin".to_owned(),
            state,
            octets,
            size: Some(2_000_000),
            holes: 1,
            octets_to_repeat: 0,
            octets_per_s: Some(1000.0),
            octets_per_pass: None,
            passes_left: None,
            end: None,
            failure: None,
        }
    }

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_takes() {
        let text = text(&transfer(500_000, State::Moving));
        let expected = "500.0 kB of 2.0 MB, 25%, 1.0 kB/s, 25 min left, 1 hole, moving";
        assert_eq!(text, expected);
    }

    #[test]
    fn plain_lines_come_at_each_tenth_and_at_most_every_few_seconds() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut next = |ms, octets| {
            let now = start + Duration::from_millis(ms);
            lines.next(now, &transfer(octets, State::Moving)).is_some()
        };
        assert!(next(0, 0));
        assert!(!next(100, 1_000));
        assert!(next(200, 200_000));
        assert!(!next(5_100, 200_100));
        assert!(next(5_300, 200_200));
        assert!(!next(60_000, 200_200));
    }
}
