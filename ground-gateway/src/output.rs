//! What goes to standard output, and what to standard error.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::ops::RangeInclusive;

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

/// Lines of a table, with columns as wide as they need be. Those of `right` are numbers, which
/// end alike.
pub(crate) fn columns(rows: &[Vec<String>], right: RangeInclusive<usize>) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths = (0..count).map(|column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let widths: Vec<usize> = widths.collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match right.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
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
    fn columns_are_as_wide_as_they_need_be() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["NAME", "N", "WHERE"]), row(["a", "1000", "b"])];
        assert_eq!(
            columns(&rows, 1..=1),
            ["NAME     N  WHERE", "a     1000  b"]
        );
    }

    #[test]
    fn one_is_singular_and_others_are_plural() {
        assert_eq!(counted(0_u64, "message"), "0 messages");
        assert_eq!(counted(1_usize, "octet"), "1 octet");
        assert_eq!(counted(2_u64, "octet"), "2 octets");
    }
}
