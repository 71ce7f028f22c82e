//! What a process takes of the machine, from `/proc` of Linux.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Processor time of all threads the process `id` has now.
///
/// # Errors
/// When the system does not tell it.
pub(crate) fn time(id: u32) -> Result<Duration> {
    let folder = format!("/proc/{id}/task");
    let threads = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
    let mut nanoseconds = 0;
    for thread in threads {
        let file = thread?.path().join("schedstat");
        // A thread that has ended since took what it took; it is not told any more.
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let first = text.split_whitespace().next();
        let first = first.and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.with_context(|| format!("{} is not a number", file.display()))?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Processor time of this thread: what others do meanwhile is not in it.
pub(crate) fn own_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Memory and threads of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Resident memory now.
    pub(crate) resident_kib: u64,
    /// The most that was resident.
    pub(crate) resident_kib_peak: u64,
    pub(crate) threads: u64,
}

/// Memory and threads of the process `id` now.
///
/// # Errors
/// When the system does not tell it.
pub(crate) fn usage(id: u32) -> Result<Usage> {
    let file = format!("/proc/{id}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        let number = word.and_then(|word| word.parse().ok());
        number.with_context(|| format!("{file} has no {name}"))
    };
    Ok(Usage {
        resident_kib: number("VmRSS:")?,
        resident_kib_peak: number("VmHWM:")?,
        threads: number("Threads:")?,
    })
}
