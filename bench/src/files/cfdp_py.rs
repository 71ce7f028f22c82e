//! The same file over the same link in continuous contact, by this entity and by
//! `cfdp-py`, both on virtual time.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use heliograph_simulation::files::{Delivery, Files};
use serde_json::{Value, json};

use super::passes::{LINKS, LOSSES, Link, loss_text};
use crate::figure::Figure;
use crate::progress::say;
use crate::section::Run;

/// Its file takes so long without loss.
const FILE_SECONDS: u64 = 60;
/// As our entity has it, and `cfdp-py` by default.
const TIMEOUT_S: f64 = 10.0;
const SEEDS: u64 = 5;

pub(super) fn run(run: &Run) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir().context("no folder")?;
    let file = folder.path().join("sent.bin");
    let seeds = run.choose(SEEDS, 1);
    let mut figures = Vec::new();
    for link in &LINKS {
        let bytes = link.bit_rate_bps / 8 * FILE_SECONDS;
        let mut octets = vec![0; usize::try_from(bytes)?];
        fastrand::Rng::with_seed(1).fill(&mut octets);
        fs::write(&file, octets)?;
        for loss in LOSSES {
            for immediate in [true, false] {
                let naks = if immediate { "immediate" } else { "deferred" };
                let lost = loss_text(loss);
                let name = format!(
                    "share of the air, {}, {lost}, beside cfdp-py with {naks} NAKs",
                    link.name
                );
                say(format_args!("  {name}"));
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                for seed in 1..=seeds {
                    let found = deliver(link, bytes, loss, seed)?;
                    theirs.push(cfdp_py(
                        &run.python,
                        &file,
                        &found,
                        link,
                        loss,
                        seed,
                        immediate,
                    )?);
                    ours.push(found.share());
                }
                figures.push(Figure::beside(name, "", &ours, &theirs));
            }
        }
    }
    Ok(figures)
}

fn deliver(link: &Link, bytes: u64, loss: f64, seed: u64) -> Result<Delivery> {
    let files = Files {
        seed,
        frame_loss: loss,
        gap: Duration::ZERO,
        ..Files::new(link.bit_rate_bps, link.n1, bytes)
    };
    files.deliver().map_err(Error::msg)
}

/// Of the best possible, as for ours: full File Data PDUs without any gap.
fn cfdp_py(
    python: &Path,
    file: &Path,
    ours: &Delivery,
    link: &Link,
    loss: f64,
    seed: u64,
    immediate: bool,
) -> Result<f64> {
    let wish = json!({
        "file": file,
        "pdu_bytes": ours.pdu_bytes,
        "overhead_bytes": ours.frame_bytes - ours.pdu_bytes as f64,
        "bit_rate_bps": link.bit_rate_bps,
        "delay_s": 0.005,
        "frame_loss": loss,
        "seed": seed,
        "immediate": immediate,
        "timeout_s": TIMEOUT_S,
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(python)
        .arg(root.join("tests/referees/cfdp_link.py"))
        .arg(wish.to_string())
        .stdin(Stdio::null())
        .output();
    let output = output.with_context(|| {
        let python = python.display();
        format!("cannot run {python}: `cargo xtask setup` installs it")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text.lines().last().unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    let errors = errors.lines().last().unwrap_or_default();
    let ended: Value =
        serde_json::from_str(said).with_context(|| format!("cfdp-py said `{said}`: {errors}"))?;
    ensure!(ended["file_status"] == "FILE_RETAINED", "cfdp-py: {said}");
    let number = |key: &str| {
        let number = ended[key].as_f64();
        number.with_context(|| format!("cfdp-py did not say {key}: {said}"))
    };
    let frames = number("seconds")? * link.bit_rate_bps as f64 / 8.0 / ours.frame_bytes;
    let bytes = fs::metadata(file)?.len() as f64;
    Ok(bytes / (frames * number("data_bytes_max")?))
}
