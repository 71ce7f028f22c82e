//! What a program of Linux says of itself: whether another loads it.

use anyhow::{Context, Result, bail, ensure};

/// The type of a program header that names the loader.
const PT_INTERP: u64 = 3;

/// The loader that a program names; a static one names none.
pub(super) fn interpreter(octets: &[u8]) -> Result<Option<String>> {
    ensure!(octets.starts_with(b"\x7fELF"), "it is no ELF file");
    ensure!(octets.get(5) == Some(&1), "it is not little-endian");
    // Of each field: where it is, and how many octets it has.
    let (table, entry_bytes, count, offset, bytes) = match octets.get(4) {
        Some(1) => ((28, 4), (42, 2), (44, 2), (4, 4), (16, 4)),
        Some(2) => ((32, 8), (54, 2), (56, 2), (8, 8), (32, 8)),
        _ => bail!("it is of no known class"),
    };
    let start = field(octets, 0, table)?;
    let entry_bytes = field(octets, 0, entry_bytes)?;
    for number in 0..field(octets, 0, count)? {
        let header = start + number * entry_bytes;
        if field(octets, header, (0, 4))? == PT_INTERP {
            let from = usize::try_from(field(octets, header, offset)?)?;
            let bytes = usize::try_from(field(octets, header, bytes)?)?;
            let name = octets.get(from..from.saturating_add(bytes));
            let name = String::from_utf8_lossy(name.context("it is cut")?);
            return Ok(Some(name.trim_end_matches('\0').to_owned()));
        }
    }
    Ok(None)
}

fn field(octets: &[u8], of: u64, (at, bytes): (u64, usize)) -> Result<u64> {
    let from = usize::try_from(of.saturating_add(at))?;
    let field = octets.get(from..from.saturating_add(bytes));
    let mut value = [0; 8];
    value[..bytes].copy_from_slice(field.context("it is cut")?);
    Ok(u64::from_le_bytes(value))
}

#[cfg(test)]
mod tests {
    use super::interpreter;

    #[test]
    fn a_program_of_this_system_names_its_loader_and_what_is_none_says_so() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let loader = interpreter(&own).unwrap().unwrap();
        assert!(loader.contains("/ld-"), "{loader}");
        assert!(interpreter(&own[..100]).is_err());
        assert!(interpreter(b"#!/bin/sh").is_err());
    }
}
