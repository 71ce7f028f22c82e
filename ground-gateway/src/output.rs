//! What goes to standard output, and what to standard error.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes one line to standard output, at once.
pub(crate) fn print_line(line: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(line)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Writes octets to standard output as they are, at once.
pub(crate) fn print_octets(octets: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(octets)?;
    output.flush()
}

/// Writes one line to standard error. Whoever closed it wants no notes.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `1 octet`, `2 octets`.
pub(crate) fn counted<Number>(number: Number, thing: &str) -> String
where
    Number: Copy + Display + PartialEq + From<u8>,
{
    let plural = if number == Number::from(1) { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_others_are_plural() {
        assert_eq!(counted(0_u64, "message"), "0 messages");
        assert_eq!(counted(1_usize, "octet"), "1 octet");
        assert_eq!(counted(2_u64, "octet"), "2 octets");
    }
}
