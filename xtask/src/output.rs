//! Lines for who started the command. They go on when nobody reads them any
//! more: `cargo xtask test | head` still tests everything.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// A line on standard output.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// A line on standard error.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}
