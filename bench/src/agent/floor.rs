//! The least: a record beside a file that changes its directory, all of it durable.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::FILE_BYTES;

/// As long as the agent's record of a file.
const RECORD_BYTES: usize = 500;

/// Where files come from, and where they go.
pub(super) fn directories(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let (from, to) = (folder.join("payload"), folder.join("transfers"));
    fs::create_dir(&from)?;
    fs::create_dir(&to)?;
    Ok((from, to))
}

/// The files of one who sends.
pub(super) fn names(number: usize, files: usize) -> impl Iterator<Item = String> {
    (0..files).map(move |file| format!("file-{number}-{file}"))
}

/// Writes the files of so many who send them; that they are durable is for later.
pub(super) fn write_all(to: &Path, senders: usize, files: usize) -> Result<()> {
    for name in (0..senders).flat_map(|number| names(number, files)) {
        fs::write(to.join(name), [7; FILE_BYTES])?;
    }
    Ok(())
}

/// Takes the files of one who sends, one after the other.
pub(super) fn take_all(
    from: &Path,
    to: &Path,
    number: usize,
    files: usize,
    sync: bool,
) -> Result<()> {
    for name in names(number, files) {
        let source = from.join(&name);
        let octets = fs::read(&source)?;
        let mut record = File::create(to.join(format!("{name}.meta")))?;
        record.write_all(&[octets.first().copied().unwrap_or(0); RECORD_BYTES])?;
        if sync {
            File::open(&source)?.sync_all()?;
            record.sync_all()?;
        }
        fs::rename(&source, to.join(&name))?;
        if sync {
            File::open(to)?.sync_all()?;
            File::open(from)?.sync_all()?;
        }
    }
    Ok(())
}
