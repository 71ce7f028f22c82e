//! How long a small file takes from one app to the other, where nobody else is in the way:
//! on the disk, and in memory, where a sync is nothing and what is left is the service's own.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use super::{FILE_BYTES, floor, site::Site};
use crate::figure::{Figure, Spread};
use crate::progress::say;
use crate::section::Run;

/// A file system in memory, where the system has one.
const IN_MEMORY: &str = "/dev/shm";

/// Measures it.
pub(super) fn run(run: &Run) -> Result<Vec<Figure>> {
    let files = run.choose(1000, 50);
    say(format_args!(
        "  {files} files one by one, with syncs and without"
    ));
    let on_disk = tempfile::tempdir().context("no folder")?;
    let mut figures = vec![measure("with syncs", on_disk, files)?];
    match Path::new(IN_MEMORY).is_dir() {
        true => {
            let in_memory = tempfile::tempdir_in(IN_MEMORY).context("no folder")?;
            figures.push(measure("without", in_memory, files)?);
        }
        false => say(format_args!("  not measured without syncs: no {IN_MEMORY}")),
    }
    Ok(figures)
}

fn measure(which: &str, folder: tempfile::TempDir, files: usize) -> Result<Figure> {
    let site = Site::within(folder, 1)?;
    floor::write_all(&site.outbox(), 1, files, FILE_BYTES)?;
    let mut took_ms = Vec::with_capacity(files);
    for name in floor::names(0, files) {
        let began = Instant::now();
        site.send(&name)?;
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let name =
        format!("file of {FILE_BYTES} octets from app to app, until its sender hears it, {which}");
    Ok(Figure::alone(name, "ms", Spread::of(&took_ms)))
}
