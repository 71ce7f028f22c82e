//! Section `inboxes`: files from app to app through the link service's desk and mover on a
//! real disk, beside loops of the least that makes a file durable in another directory:
//! copy, sync, rename, sync of the directory, removal.

mod floor;
mod latency;
mod policies;
mod service;
mod site;

use std::fs;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::alternate::alternate;
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use site::Site;

/// Requests in flight.
const FLIGHTS: usize = 16;
const FILE_BYTES: usize = 1024;
/// Of 16 in flight, beside 16 loops.
const RATE_GOAL: f64 = 0.6;
/// What a disk is to have left beside the large files.
const ROOM_LEFT_BYTES: u64 = 1_000_000_000;
const LARGE_BYTES: u64 = 20_000_000_000;
const LARGE_BYTES_QUICK: u64 = 200_000_000;

/// Measures it.
///
/// # Errors
/// When the disk fails, or a file does not arrive.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for flights in [FLIGHTS, 1] {
        figures.extend(rate(run, flights)?);
    }
    figures.extend(latency::run(run)?);
    figures.extend(policies::run(run)?);
    figures.extend(service::run(run)?);
    let bytes = run.choose(LARGE_BYTES, LARGE_BYTES_QUICK);
    figures.extend(large(run.large_bytes.unwrap_or(bytes))?);
    Ok(figures)
}

/// How many files arrive in a second, and how long each takes.
fn rate(run: &Run, flights: usize) -> Result<Vec<Figure>> {
    let files = run.choose(10_000, 400) / if flights == 1 { 10 } else { 1 };
    say(format_args!("  {files} files, {flights} in flight"));
    let each = files / flights;
    let rounds = alternate(
        run.choose(3, 1),
        || {
            let site = Site::open(flights)?;
            floor::write_all(&site.outbox(), flights, each, FILE_BYTES)?;
            in_flight(flights, |flight| site.send_all(flight, each))
        },
        || {
            let folder = tempfile::tempdir().context("no folder")?;
            let (from, to) = (folder.path().join("outbox"), folder.path().join("inbox"));
            fs::create_dir(&from)?;
            fs::create_dir(&to)?;
            floor::write_all(&from, flights, each, FILE_BYTES)?;
            in_flight(flights, |flight| floor::copy_all(&from, &to, flight, each))
        },
    )?;
    let name = format!("files of {FILE_BYTES} octets from app to app, in flight: {flights}");
    let rate = rounds.figure(&name, "1/s", |seconds| (each * flights) as f64 / seconds);
    let each_ms = rounds.figure(format!("{name}: time of each"), "ms", |seconds| {
        seconds * 1e3 / each as f64
    });
    Ok(match flights {
        FLIGHTS => vec![rate.goal(Goal::AtLeast(RATE_GOAL)), each_ms],
        _ => vec![rate, each_ms],
    })
}

/// Lets so many threads do something at once: how many seconds until all have.
fn in_flight(flights: usize, does: impl Fn(usize) -> Result<()> + Sync) -> Result<f64> {
    let began = Instant::now();
    let done: Result<Vec<()>> = thread::scope(|scope| {
        let does = &does;
        let threads = (0..flights).map(|flight| scope.spawn(move || does(flight)));
        let threads: Vec<_> = threads.collect();
        let joined = threads.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| Err(anyhow::anyhow!("a thread panicked")))
        });
        joined.collect()
    });
    done.map(|_| began.elapsed().as_secs_f64())
}

/// One file, beside a plain copy with one sync; nothing where the disk has no room for it.
fn large(bytes: u64) -> Result<Option<Figure>> {
    let megabytes = bytes / 1_000_000;
    let site = Site::open(1)?;
    // Of both copies are all octets on the disk, the source has none.
    let needed = bytes.saturating_mul(2).saturating_add(ROOM_LEFT_BYTES);
    let free = site.free_bytes()?;
    if free < needed {
        say(format_args!(
            "  not measured: a file of {megabytes} MB takes {} MB, and {} MB are free; \
             --large-bytes sets another size",
            needed / 1_000_000,
            free / 1_000_000
        ));
        return Ok(None);
    }
    say(format_args!("  a file of {megabytes} MB"));
    let name = "large.bin";
    fs::File::create(site.outbox().join(name))?.set_len(bytes)?;
    let began = Instant::now();
    site.send(name)?;
    let took = began.elapsed().as_secs_f64();
    let arrived = site.inbox().join(name);
    ensure!(fs::metadata(&arrived)?.len() == bytes, "half a file");
    let began = Instant::now();
    floor::copy(&arrived, &site.outbox().join(name))?;
    let copied = began.elapsed().as_secs_f64();
    let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
    let name = format!("file of {megabytes} MB from app to app");
    let (ours, floor) = (Spread::once(rate(took)), Spread::once(rate(copied)));
    Ok(Some(Figure {
        floor: Some(floor),
        ratio: Some(copied / took),
        ..Figure::alone(name, "MB/s", ours)
    }))
}
