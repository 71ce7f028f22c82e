//! What a program of Linux says of itself: whether another loads it.

use anyhow::{Context, Result, bail, ensure};

/// Types of program headers: what is loaded, and who loads it.
const PT_LOAD: u64 = 1;
const PT_INTERP: u64 = 3;
/// Its octets are run.
const PF_X: u64 = 1;

/// What is said in its program headers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    /// The loader that it names; a static one names none.
    pub(super) interpreter: Option<String>,
    /// Octets that are loaded to be run.
    pub(super) code_bytes: u64,
}

/// Reads a program.
pub(super) fn read(octets: &[u8]) -> Result<Program> {
    ensure!(octets.starts_with(b"\x7fELF"), "it is no ELF file");
    ensure!(octets.get(5) == Some(&1), "it is not little-endian");
    // Of each field: where it is, and how many octets it has.
    let (table, entry_bytes, count) = match octets.get(4) {
        Some(1) => ((28, 4), (42, 2), (44, 2)),
        Some(2) => ((32, 8), (54, 2), (56, 2)),
        _ => bail!("it is of no known class"),
    };
    let (flags, offset, bytes) = match octets.get(4) {
        Some(1) => ((24, 4), (4, 4), (16, 4)),
        _ => ((4, 4), (8, 8), (32, 8)),
    };
    let start = field(octets, 0, table)?;
    let entry_bytes = field(octets, 0, entry_bytes)?;
    let mut program = Program::default();
    for number in 0..field(octets, 0, count)? {
        let header = start + number * entry_bytes;
        let bytes = field(octets, header, bytes)?;
        match field(octets, header, (0, 4))? {
            PT_LOAD if field(octets, header, flags)? & PF_X != 0 => program.code_bytes += bytes,
            PT_INTERP => {
                let from = usize::try_from(field(octets, header, offset)?)?;
                let name = octets.get(from..from.saturating_add(usize::try_from(bytes)?));
                let name = String::from_utf8_lossy(name.context("it is cut")?);
                program.interpreter = Some(name.trim_end_matches('\0').to_owned());
            }
            _ => {}
        }
    }
    Ok(program)
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
    use super::read;

    #[test]
    fn a_program_of_this_system_names_its_loader_and_what_is_none_says_so() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let program = read(&own).unwrap();
        let loader = program.interpreter.unwrap();
        assert!(loader.contains("/ld-"), "{loader}");
        assert!((1..own.len() as u64).contains(&program.code_bytes));
        assert!(read(&own[..100]).is_err());
        assert!(read(b"#!/bin/sh").is_err());
    }
}
