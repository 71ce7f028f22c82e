//! The steps in which files go down and up, through passes and over a radio that loses
//! frames.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::parties::Flatsat;
use crate::show::Show;

/// How the radio of the file service is: a pass of three seconds in every five.
pub(crate) const CHANNEL: &str = "\
frame-loss = 0.05
period = { duration-s = 3, period-s = 5 }";

/// Of that radio, either way.
pub(crate) const BIT_RATE_BPS: u32 = 600_000;

/// Many times what a file takes.
const PATIENCE: &str = "1m";

const IMAGE: &str = "image.raw";
/// Longer than a pass.
const IMAGE_BYTES: usize = 250_000;
const PLAN: &str = "plan.txt";
const PLAN_LINES: usize = 6_000;

/// The satellite's folder has an image.
pub(crate) fn take_image(root: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(root)?;
    // A ramp, so that each octet has its place.
    let octets = (0..IMAGE_BYTES).map(|at| ((at / 256) ^ at) as u8);
    fs::write(root.join(IMAGE), octets.collect::<Vec<u8>>())?;
    Ok(())
}

pub(crate) fn down(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let here = PathBuf::from(flatsat.file(IMAGE));
    show.up(&format!("ground get {IMAGE}"));
    show.note("every twentieth frame is lost, and a pass of 3 s is over before the file is down");
    let to = here.display().to_string();
    flatsat.ground_watched(&["--link", "files", "get", "--for", PATIENCE, IMAGE, &to])?;
    same(&flatsat.satellite_file(IMAGE), &here)?;
    show.down(&format!("{IMAGE}: {IMAGE_BYTES} octets, whole"));
    Ok(())
}

pub(crate) fn up(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let here = PathBuf::from(flatsat.file(PLAN));
    let lines = (0..PLAN_LINES).map(|line| format!("{line:05} look at the sun\n"));
    fs::write(&here, lines.collect::<String>())?;
    show.up(&format!("ground put {PLAN} plans/{PLAN}"));
    let (from, to) = (here.display().to_string(), format!("plans/{PLAN}"));
    flatsat.ground_watched(&["--link", "files", "put", "--for", PATIENCE, &from, &to])?;
    let there = flatsat.satellite_file(&to);
    same(&here, &there)?;
    show.note(&format!("plans/{PLAN} is on the satellite's disk, whole"));
    Ok(())
}

fn same(sent: &Path, arrived: &Path) -> anyhow::Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("no {}", path.display()));
    ensure!(
        read(sent)? == read(arrived)?,
        "{} is another file",
        arrived.display()
    );
    Ok(())
}
