//! How far it is, for who waits: lines on standard error.

use std::fmt::Display;
use std::io::{Write, stderr};

/// A line that goes on when nobody reads it any more.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
