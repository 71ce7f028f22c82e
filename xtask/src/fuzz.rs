//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::step::Steps;
use crate::workspace::{cargo, root, run as start};

/// LLVM's coverage counters, which libFuzzer reads. They need neither a nightly
/// compiler nor a sanitizer.
const RUSTFLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // Else the linker may drop the counters' sections.
    "-Clink-dead-code",
    "--cfg",
    "fuzzing",
];
const INPUT_BYTES_MAX: usize = 4096;
const INPUT_TIMEOUT_S: u64 = 10;
const MEMORY_MB_MAX: u64 = 1024;
const ALLOCATION_MB_MAX: u64 = 16;

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A target of `fuzz/`; all of them one after the other without it.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// Builds the targets with libFuzzer and lets each search from its corpus. New
/// inputs stay in `target/fuzz`; a find ends the run.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    let mut targets = targets()?;
    if let Some(wanted) = &arguments.target {
        ensure!(
            targets.remove(wanted),
            "there is no target {wanted:?}: choose one of {targets:?}"
        );
        targets = BTreeSet::from([wanted.clone()]);
    }
    let host = host()?;
    steps.run("build", || build(&host).map(|()| ""))?;
    for target in &targets {
        steps.run(target, || search(&host, target, arguments.seconds))?;
    }
    Ok(())
}

/// The programs' names, which are the targets'.
fn targets() -> Result<BTreeSet<String>> {
    let programs = root().join("fuzz/libfuzzer/src/bin");
    let paths = files(&programs)?;
    let names = paths.iter().filter_map(|path| path.file_stem()?.to_str());
    Ok(names.map(str::to_owned).collect())
}

/// The triple of this machine. Named to cargo, it keeps [`RUSTFLAGS`] from build
/// scripts.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot start `rustc -vV`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

fn build_folder() -> PathBuf {
    root().join("target/fuzz/build")
}

fn build(host: &str) -> Result<()> {
    let mut command = cargo("build", &["--release", "--target", host]);
    command
        .arg("--manifest-path=fuzz/libfuzzer/Cargo.toml")
        .arg("--target-dir")
        .arg(build_folder())
        .env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f"));
    start(&mut command).context("libFuzzer needs a C++ compiler beside Rust, such as `g++`")
}

fn search(host: &str, target: &str, seconds: u64) -> Result<String> {
    let corpus = root().join("fuzz/corpus").join(target);
    let found = root().join("target/fuzz").join(target);
    let (inputs, crashes) = (found.join("inputs"), found.join("crashes"));
    for folder in [&inputs, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let crashes_before = files(&crashes)?;
    let mut command = Command::new(build_folder().join(host).join("release").join(target));
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={INPUT_BYTES_MAX}"))
        .arg(format!("-timeout={INPUT_TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB_MAX}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_MB_MAX}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg("-print_final_stats=1")
        // New inputs go into the first.
        .args([&inputs, &corpus]);
    let Err(error) = start(&mut command) else {
        return Ok(format!("no find in {seconds} s"));
    };
    let crashes_now = files(&crashes)?;
    match crashes_now.difference(&crashes_before).next() {
        Some(input) => bail!(
            "a find: {input}\n\
             replay it: cp {input} fuzz/corpus/{target}/ && cargo test -p heliograph-fuzz {target}",
            input = input.strip_prefix(root()).unwrap_or(input).display()
        ),
        None => Err(error),
    }
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let read = |entry: std::io::Result<fs::DirEntry>| entry.map(|entry| entry.path());
    fs::read_dir(folder)
        .and_then(|entries| entries.map(read).collect())
        .with_context(|| format!("cannot read {}", folder.display()))
}
