//! How many times a machine has booted, kept through its own crashes as all state
//! that must not go back is kept: in two copies written in turn, each with a check
//! of its octets, the newer whole one being true.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::storage::{Operation, Storage};

const COPIES: [&str; 2] = ["boots-0", "boots-1"];

/// The highest count that a whole copy holds; 0 without any.
pub(crate) fn read(storage: &Storage) -> u64 {
    let copies = COPIES.iter().filter_map(|copy| storage.read(copy));
    copies
        .filter_map(|octets| whole(&octets))
        .max()
        .unwrap_or(0)
}

/// Writes `count` over the older copy; gives that copy's name, to be synced.
pub(crate) fn write(storage: &mut Storage, count: u64) -> &'static str {
    let copy = COPIES[(count % 2) as usize];
    let mut octets = count.to_be_bytes().to_vec();
    octets.extend(check(count).to_be_bytes());
    storage.replace(copy, &octets);
    copy
}

/// Whether a crash took one of the copies whole.
pub(crate) fn lost(storage: &Storage) -> bool {
    let is_copy = |name: &String| COPIES.contains(&name.as_str());
    let lost = |done: &Operation| matches!(done, Operation::Lost { file } if is_copy(file));
    storage.log().iter().any(lost)
}

fn whole(octets: &[u8]) -> Option<u64> {
    let (count, found) = octets.split_first_chunk()?;
    let count = u64::from_be_bytes(*count);
    (found == check(count).to_be_bytes()).then_some(count)
}

fn check(count: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    count.hash(&mut hasher);
    hasher.finish()
}
