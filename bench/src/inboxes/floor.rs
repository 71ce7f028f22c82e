//! The least: a file is durable in another directory, and no more.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::Result;

/// Writes files, and takes each over.
pub(super) fn copy_all(
    from: &Path,
    to: &Path,
    flight: usize,
    files: usize,
    bytes: usize,
) -> Result<()> {
    let octets = vec![0x5A; bytes];
    for number in 0..files {
        let name = format!("file-{flight}-{number}");
        let (source, part) = (from.join(&name), to.join(format!(".{name}.part")));
        fs::write(&source, &octets)?;
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
