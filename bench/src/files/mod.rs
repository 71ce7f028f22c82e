//! Section `files`: a large file, and many transactions at once, from one entity to
//! another on a disk, without a radio between them, beside a plain copy; and files over
//! a link on virtual time, beside what the air allows and beside another implementation.

mod cfdp_py;
mod pair;
mod passes;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use pair::Pair;

const MIB: u64 = 1 << 20;
const LARGE_BYTES: u64 = 10_000_000_000;
const LARGE_BYTES_QUICK: u64 = 100_000_000;
/// Of the large file: with the default a disk is waited for all the time.
const LARGE_SYNC_BYTES: u64 = 8 * MIB;
const PENDING: u32 = 1_000;
const PENDING_QUICK: u32 = 50;
const SMALL_BYTES: usize = 10_000;
/// Both ends together, with this program.
const RESIDENT_MIB_MOST: f64 = 64.0;

/// Measures it.
///
/// # Errors
/// When the disk fails, or a file does not arrive.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = large(run.choose(LARGE_BYTES, LARGE_BYTES_QUICK))?;
    figures.extend(pending(run.choose(PENDING, PENDING_QUICK))?);
    figures.extend(passes::run(run)?);
    figures.extend(cfdp_py::run(run)?);
    Ok(figures)
}

fn large(bytes: u64) -> Result<Vec<Figure>> {
    let megabytes = bytes / 1_000_000;
    say(format_args!("  a file of {megabytes} MB"));
    let folder = tempfile::tempdir().context("no folder")?;
    let mut pair = Pair::open(folder.path(), LARGE_SYNC_BYTES)?;
    let source = pair.sent("large.bin");
    File::create(&source)?.set_len(bytes)?;
    let began = Instant::now();
    pair.put("large.bin")?;
    pair.run()?;
    let took = began.elapsed().as_secs_f64();
    let arrived = pair.arrived("large.bin");
    ensure!(fs::metadata(&arrived)?.len() == bytes, "half a file");
    fs::remove_file(&arrived)?;
    let began = Instant::now();
    copy(&source, &arrived)?;
    let copied = began.elapsed().as_secs_f64();

    let name = format!("file of {megabytes} MB");
    let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
    let syncs = pair.receiver_syncs();
    Ok(vec![
        Figure::beside(&name, "MB/s", &[rate(took)], &[rate(copied)]),
        Figure::alone(format!("{name}: syncs and commits"), "", once(syncs)),
        resident(&name, pair.resident_mib_most),
    ])
}

fn pending(count: u32) -> Result<Vec<Figure>> {
    say(format_args!("  {count} transactions at once"));
    let folder = tempfile::tempdir().context("no folder")?;
    let mut pair = Pair::open(folder.path(), 64 * 1024)?;
    for number in 0..count {
        let name = format!("small-{number}.bin");
        fs::write(pair.sent(&name), vec![0x5A; SMALL_BYTES])?;
        pair.put(&name)?;
    }
    let began = Instant::now();
    pair.run()?;
    let each = began.elapsed().as_secs_f64() * 1e3 / f64::from(count);
    let name = format!("{count} transactions at once");
    let per_file = |number: f64| once(number / f64::from(count));
    let (syncs, commits) = (pair.receiver_syncs(), pair.sender_commits());
    Ok(vec![
        Figure::alone(format!("{name}: time of each"), "ms", once(each)),
        Figure::alone(
            format!("{name}: syncs and commits of each"),
            "",
            per_file(syncs),
        ),
        Figure::alone(
            format!("{name}: commits of its sender"),
            "",
            per_file(commits),
        ),
        resident(&name, pair.resident_mib_most),
    ])
}

fn once(value: f64) -> Spread {
    Spread::once(value)
}

fn resident(name: &str, mib: f64) -> Figure {
    let name = format!("{name}: resident at most, both ends");
    Figure::alone(name, "MiB", once(mib)).goal(Goal::AtMost(RESIDENT_MIB_MOST))
}

/// The least that a file takes from one place to another.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut octets = vec![0; 64 * 1024];
    loop {
        match from.read(&mut octets)? {
            0 => break,
            bytes => to.write_all(octets.get(..bytes).unwrap_or_default())?,
        }
    }
    to.sync_all()?;
    Ok(())
}
