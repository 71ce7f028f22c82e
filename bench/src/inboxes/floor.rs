//! The least: files that are durable in one directory are so in another, and no more.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Result;

/// The files of a flight.
pub(super) fn names(flight: usize, files: usize) -> impl Iterator<Item = String> {
    (0..files).map(move |number| format!("file-{flight}-{number}"))
}

/// Writes the files of so many flights, and makes them durable, as who sends them does.
pub(super) fn write_all(to: &Path, flights: usize, files: usize, bytes: usize) -> Result<()> {
    let octets = vec![0x5A; bytes];
    for name in (0..flights).flat_map(|flight| names(flight, files)) {
        fs::write(to.join(name), &octets)?;
    }
    rustix::fs::syncfs(File::open(to)?)?;
    Ok(())
}

/// Takes the files of a flight over, one after the other.
pub(super) fn copy_all(from: &Path, to: &Path, flight: usize, files: usize) -> Result<()> {
    for name in names(flight, files) {
        let (source, part) = (from.join(&name), to.join(format!(".{name}.part")));
        copy(&source, &part)?;
        fs::rename(&part, to.join(&name))?;
        File::open(to)?.sync_all()?;
        fs::remove_file(&source)?;
    }
    Ok(())
}

/// Copies a file, and waits until it is on the disk.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut octets = vec![0; 1 << 20];
    loop {
        match from.read(&mut octets)? {
            0 => break,
            bytes => to.write_all(octets.get(..bytes).unwrap_or_default())?,
        }
    }
    to.sync_all()?;
    Ok(())
}
