//! What a process takes of the machine, from `/proc` of Linux.

use std::fs;
use std::path::PathBuf;

/// What a process has now; 0 where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, in KiB.
    pub resident_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub descriptors: u64,
}

impl Usage {
    /// Of the process `id`.
    pub fn of(id: u32) -> Self {
        Self::in_folder(PathBuf::from(format!("/proc/{id}")))
    }

    /// Of this process.
    pub fn own() -> Self {
        Self::in_folder(PathBuf::from("/proc/self"))
    }

    /// The higher of both in each respect.
    pub fn max(self, other: Self) -> Self {
        Self {
            resident_kib: self.resident_kib.max(other.resident_kib),
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }

    fn in_folder(folder: PathBuf) -> Self {
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let word = line.and_then(|line| line.split_whitespace().nth(1));
            word.and_then(|word| word.parse().ok()).unwrap_or(0)
        };
        let descriptors = fs::read_dir(folder.join("fd")).map_or(0, Iterator::count);
        Self {
            resident_kib: number("VmRSS:"),
            threads: number("Threads:"),
            descriptors: descriptors as u64,
        }
    }
}
