//! What a query costs: of large files, beside small ones.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::client::Client;
use super::site::Site;
use crate::alternate::alternate;
use crate::figure::{Figure, Goal};
use crate::progress::say;
use crate::section::Run;

const FILES: usize = 10;
const SMALL_BYTES: u64 = 1 << 10;
const LARGE_BYTES: u64 = 64 << 20;
/// The octets do not matter; what the machine does meanwhile does.
const RATIO_MOST: f64 = 1.2;
const PATH: &str = "/sdk/v1/query_available_files/bench";

pub(super) fn run(run: &Run, agent: &Path) -> Result<Figure> {
    let queries = run.choose(1_000, 20);
    say(format_args!(
        "  {queries} queries of {FILES} files of {LARGE_BYTES} octets, and of {SMALL_BYTES}"
    ));
    let (_large_site, mut large) = uploads(agent, LARGE_BYTES)?;
    let (_small_site, mut small) = uploads(agent, SMALL_BYTES)?;
    let rounds = alternate(
        run.choose(5, 1),
        || time(&mut large, queries),
        || time(&mut small, queries),
    )?;
    let name = "a query of ten files of 64 MiB, beside ten of 1 KiB";
    let figure = rounds.figure(name, "ms", |seconds| seconds * 1e3 / queries as f64);
    Ok(figure.goal(Goal::AtMost(RATIO_MOST)))
}

/// An agent with files that came up, and whose sums it has checked: the first query does.
fn uploads(agent: &Path, bytes: u64) -> Result<(Site, Client)> {
    let site = Site::start(agent, &std::env::temp_dir(), false)?;
    let mut client = site.client()?;
    for number in 0..FILES {
        let path = site.payload().join(number.to_string());
        // It has all these octets, and none of them on the disk.
        File::create(&path)?.set_len(bytes)?;
        let id = Site::send(&mut client, &path)?;
        site.bring_back(&id)?;
    }
    let answer = client.ask("GET", PATH, "")?;
    let found = answer.matches("\"crc32\"").count();
    ensure!(found == FILES, "a query names {found} files: {answer}");
    Ok((site, client))
}

/// How many seconds so many queries take.
fn time(client: &mut Client, queries: usize) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..queries {
        client.ask("GET", PATH, "")?;
    }
    Ok(began.elapsed().as_secs_f64())
}
