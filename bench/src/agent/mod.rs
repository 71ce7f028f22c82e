//! Section `agent`: files that are handed to the OORT-style agent over loopback, with and
//! without waiting for the disk, beside a loop of the least of the same work, and beside what
//! the original was seen to do; and what a query costs by the octets of the files.

mod client;
mod floor;
mod query;
mod site;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::alternate::alternate;
use crate::figure::{Figure, Goal};
use crate::progress::say;
use crate::section::Run;
use site::Site;

const FILE_BYTES: usize = 1000;
/// Connections, and the sends a second of the original by so many: version 1.4.1 on two cores.
const ORIGINAL: [(usize, f64); 2] = [(8, 2_130.0), (1, 316.0)];
/// Resident memory of the original after 2 000 sends.
const ORIGINAL_MIB: f64 = 6.9;
const MIB: f64 = 1024.0;
const MEMORY: &str = "in memory";

/// A place that files are in.
struct Place {
    name: &'static str,
    folder: PathBuf,
}

/// Measures it.
///
/// # Errors
/// When there is no agent, or it refuses.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let agent = run.binaries.join("oort-agent");
    if !agent.is_file() {
        say(format_args!(
            "  not measured: the agent, as there is no {}",
            agent.display()
        ));
        return Ok(Vec::new());
    }
    let mut figures = Vec::new();
    for place in places() {
        for (connections, original) in ORIGINAL {
            for sync in [true, false] {
                figures.extend(sends(run, &agent, &place, connections, sync, original)?);
            }
        }
    }
    figures.push(query::run(run, &agent)?);
    Ok(figures)
}

fn places() -> Vec<Place> {
    let disk = Place {
        name: "on the disk",
        folder: std::env::temp_dir(),
    };
    let memory = Place {
        name: MEMORY,
        folder: PathBuf::from("/dev/shm"),
    };
    let places = [disk, memory].into_iter();
    places.filter(|place| place.folder.is_dir()).collect()
}

fn sends(
    run: &Run,
    agent: &Path,
    place: &Place,
    connections: usize,
    sync: bool,
    original: f64,
) -> Result<Vec<Figure>> {
    let each = run.choose(500, 10);
    let how = if sync { "synced" } else { "not synced" };
    let name = format!("sends {}, {how}, by {connections}", place.name);
    say(format_args!("  {name}: {} files", each * connections));
    let mut resident = Vec::new();
    let rounds = alternate(
        run.choose(3, 1),
        || {
            let site = Site::start(agent, &place.folder, sync)?;
            floor::write_all(&site.payload(), connections, each)?;
            let seconds = at_once(connections, |number| site.send_all(number, each))?;
            resident.push(site.resident_kib()? as f64 / MIB);
            Ok(seconds)
        },
        || {
            let folder = tempfile::tempdir_in(&place.folder)?;
            let (from, to) = floor::directories(folder.path())?;
            floor::write_all(&from, connections, each)?;
            at_once(connections, |number| {
                floor::take_all(&from, &to, number, each, sync)
            })
        },
    )?;
    let rate = |seconds: &f64| (connections * each) as f64 / seconds;
    let ours: Vec<f64> = rounds.ours.iter().map(rate).collect();
    let beside = Figure::beside(
        format!("{name}, beside the original"),
        "1/s",
        &ours,
        &vec![original; ours.len()],
    );
    let rate = rounds.figure(&name, "1/s", rate);
    if place.name != MEMORY {
        // On which disk the original was, is not known.
        return Ok(vec![rate, beside]);
    }
    let mut figures = vec![rate, beside.goal(Goal::AtLeast(1.0))];
    if sync && connections > 1 {
        let files = connections * each;
        let name = format!("oort-agent after {files} sends: resident, beside the original");
        let original = vec![ORIGINAL_MIB; resident.len()];
        figures.push(Figure::beside(name, "MiB", &resident, &original));
    }
    Ok(figures)
}

/// Lets so many threads do something at once: how many seconds until all have.
fn at_once(threads: usize, does: impl Fn(usize) -> Result<()> + Sync) -> Result<f64> {
    let began = Instant::now();
    let done: Result<Vec<()>> = thread::scope(|scope| {
        let does = &does;
        let started = (0..threads).map(|number| scope.spawn(move || does(number)));
        let started: Vec<_> = started.collect();
        let joined = started.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| Err(anyhow!("a thread panicked")))
        });
        joined.collect()
    });
    done.map(|_| began.elapsed().as_secs_f64())
}
