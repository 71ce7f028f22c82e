//! When a process began: another one with its number began at another time.

use std::fs;

/// The field of `stat` that says so, counted after the name.
const BEGAN: usize = 19;

/// When the process with that number began, in ticks since the machine did. None where there
/// is no such process, or it has ended and nobody took note.
#[must_use]
pub fn began(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have anything in it, even parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let has_ended = matches!(fields.next(), None | Some("Z" | "X"));
    let began = fields.nth(BEGAN - 1)?.parse().ok()?;
    (!has_ended).then_some(began)
}
