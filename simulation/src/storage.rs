//! Storage that survives a reboot, and what a power cut does to it.
//!
//! A write is seen at once by whoever reads, but is safe only after a
//! [`sync`](Storage::sync) that succeeded. At a [`crash`](Storage::crash) the writes
//! since then are gone, but for some of the first; the one after those may be torn,
//! so that a prefix of it is there. Now and then a whole file is lost, synced or not:
//! that is told, because no software can do anything against it but have a second
//! one.

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;

/// How the medium fails.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StorageFaults {
    /// How likely a sync fails, 0 to 1. What was written stays unsafe.
    pub sync_failure: f64,
    /// How likely a crash loses a file, 0 to 1.
    pub file_loss: f64,
}

/// Files by name.
#[derive(Debug, Clone)]
pub struct Storage {
    files: BTreeMap<String, File>,
    faults: StorageFaults,
    rng: Rng,
    log: Vec<Operation>,
}

#[derive(Debug, Clone, Default)]
struct File {
    /// What a crash leaves; none if it leaves no such file.
    safe: Option<Vec<u8>>,
    /// What was done to it since, in order.
    unsafe_writes: Vec<Write>,
}

#[derive(Debug, Clone)]
enum Write {
    /// The file is these octets.
    Replace(Vec<u8>),
    /// These octets come after it.
    Append(Vec<u8>),
    /// There is no such file.
    Remove,
}

/// Something that was done, or happened, to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// The whole file was written anew, with so many octets.
    Replaced {
        /// Its name.
        file: String,
        /// Octets.
        bytes: usize,
    },
    /// So many octets were appended.
    Appended {
        /// Its name.
        file: String,
        /// Octets.
        bytes: usize,
    },
    /// It was removed.
    Removed {
        /// Its name.
        file: String,
    },
    /// What was written is safe.
    Synced {
        /// Its name.
        file: String,
    },
    /// What was written is not safe.
    SyncFailed {
        /// Its name.
        file: String,
    },
    /// A crash took so many of the latest writes; the last that is left may be torn.
    Crashed {
        /// Its name.
        file: String,
        /// Writes of which nothing is left.
        writes_lost: usize,
        /// Whether one is there in part.
        torn: bool,
    },
    /// A crash took the whole file, synced or not.
    Lost {
        /// Its name.
        file: String,
    },
}

/// The medium did not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncFailed;

impl fmt::Display for SyncFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the medium did not take what was written")
    }
}

impl std::error::Error for SyncFailed {}

impl Storage {
    /// No files yet. The same seed fails alike.
    pub fn new(faults: StorageFaults, seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            faults,
            rng: Rng::with_seed(seed),
            log: Vec::new(),
        }
    }

    /// The medium fails no more.
    pub fn heal(&mut self) {
        self.faults = StorageFaults::default();
    }

    /// What is in `file`, safe or not; none if there is no such file.
    pub fn read(&self, file: &str) -> Option<Vec<u8>> {
        let file = self.files.get(file)?;
        file.after(file.unsafe_writes.len())
    }

    /// Makes `file` these octets.
    pub fn replace(&mut self, file: &str, octets: &[u8]) {
        self.write(file, Write::Replace(octets.to_vec()));
        self.log.push(Operation::Replaced {
            file: file.to_owned(),
            bytes: octets.len(),
        });
    }

    /// Puts these octets at the end of `file`.
    pub fn append(&mut self, file: &str, octets: &[u8]) {
        self.write(file, Write::Append(octets.to_vec()));
        self.log.push(Operation::Appended {
            file: file.to_owned(),
            bytes: octets.len(),
        });
    }

    /// Takes `file` away.
    pub fn remove(&mut self, file: &str) {
        self.write(file, Write::Remove);
        self.log.push(Operation::Removed {
            file: file.to_owned(),
        });
    }

    /// Makes safe what was written to `file`.
    ///
    /// # Errors
    /// [`SyncFailed`], after which a crash may still take it.
    pub fn sync(&mut self, file: &str) -> Result<(), SyncFailed> {
        let fails = self.rng.f64() < self.faults.sync_failure;
        let name = file.to_owned();
        if fails {
            self.log.push(Operation::SyncFailed { file: name });
            return Err(SyncFailed);
        }
        if let Some(file) = self.files.get_mut(file) {
            file.safe = file.after(file.unsafe_writes.len());
            file.unsafe_writes.clear();
        }
        self.log.push(Operation::Synced { file: name });
        Ok(())
    }

    /// The power is cut.
    pub fn crash(&mut self) {
        for (name, file) in &mut self.files {
            if self.rng.f64() < self.faults.file_loss {
                *file = File::default();
                self.log.push(Operation::Lost { file: name.clone() });
                continue;
            }
            let writes = std::mem::take(&mut file.unsafe_writes);
            if writes.is_empty() {
                continue;
            }
            let kept = self.rng.usize(0..=writes.len());
            file.unsafe_writes.extend_from_slice(&writes[..kept]);
            let torn = writes.get(kept).and_then(|write| write.torn(&mut self.rng));
            let is_torn = torn.is_some();
            file.unsafe_writes.extend(torn);
            file.safe = file.after(file.unsafe_writes.len());
            file.unsafe_writes.clear();
            self.log.push(Operation::Crashed {
                file: name.clone(),
                writes_lost: writes.len() - kept - usize::from(is_torn),
                torn: is_torn,
            });
        }
        self.files.retain(|_, file| file.safe.is_some());
    }

    /// All that was done and happened, the oldest first.
    pub fn log(&self) -> &[Operation] {
        &self.log
    }

    fn write(&mut self, file: &str, write: Write) {
        let file = self.files.entry(file.to_owned()).or_default();
        file.unsafe_writes.push(write);
    }
}

impl File {
    /// The file with so many of its unsafe writes.
    fn after(&self, writes: usize) -> Option<Vec<u8>> {
        let mut octets = self.safe.clone();
        for write in self.unsafe_writes.iter().take(writes) {
            match write {
                Write::Replace(whole) => octets = Some(whole.clone()),
                Write::Append(more) => octets.get_or_insert_default().extend(more),
                Write::Remove => octets = None,
            }
        }
        octets
    }
}

impl Write {
    /// Part of it; none if nothing of it happened.
    fn torn(&self, rng: &mut Rng) -> Option<Write> {
        let part = |octets: &[u8], rng: &mut Rng| octets[..rng.usize(0..=octets.len())].to_vec();
        match self {
            _ if rng.bool() => None,
            Write::Replace(octets) => Some(Write::Replace(part(octets, rng))),
            Write::Append(octets) => Some(Write::Append(part(octets, rng))),
            Write::Remove => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(seed: u64) -> Storage {
        Storage::new(StorageFaults::default(), seed)
    }

    #[test]
    fn what_was_synced_survives_every_crash() {
        for seed in 0..200 {
            let mut storage = sound(seed);
            storage.append("journal", b"safe");
            storage.sync("journal").unwrap();
            storage.append("journal", b" not safe");
            storage.crash();
            let left = storage.read("journal").unwrap();
            assert!(left.starts_with(b"safe"), "seed {seed}");
            assert!(b"safe not safe".starts_with(&left[..]), "seed {seed}");
        }
    }

    #[test]
    fn what_was_not_synced_is_whole_torn_or_gone_after_a_crash() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..500 {
            let mut storage = sound(seed);
            storage.replace("state", b"12345");
            storage.crash();
            lengths.insert(storage.read("state").map(|octets| octets.len()));
        }
        let all = [None, Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)];
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), all);
    }

    #[test]
    fn a_sync_that_fails_makes_nothing_safe_and_says_so() {
        let faults = StorageFaults {
            sync_failure: 1.0,
            file_loss: 0.0,
        };
        let mut storage = Storage::new(faults, 1);
        storage.replace("state", b"1");
        assert_eq!(storage.sync("state"), Err(SyncFailed));
        assert_eq!(storage.read("state").unwrap(), b"1");
        storage.heal();
        assert_eq!(storage.sync("state"), Ok(()));
    }

    #[test]
    fn a_lost_file_is_told() {
        let faults = StorageFaults {
            sync_failure: 0.0,
            file_loss: 1.0,
        };
        let mut storage = Storage::new(faults, 1);
        storage.replace("state", b"1");
        storage.sync("state").unwrap();
        storage.crash();
        assert_eq!(storage.read("state"), None);
        let lost = Operation::Lost {
            file: "state".to_owned(),
        };
        assert_eq!(storage.log().last(), Some(&lost));
    }
}
