//! A file of any size that takes no memory: its octets follow from their place in it.

use std::collections::BTreeMap;

use file_delivery::StoreName;
use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::{FileIdentity, FileStore, Staging, StoreError};

/// Octets that one number gives.
const WORD_BYTES: u64 = 8;

/// A store with that file at the one end, and at the other one that takes nothing else.
pub(super) struct PatternStore {
    seed: u64,
    bytes: u64,
    delivered: bool,
}

/// What was written of it: where each range begins, and where it ends.
#[derive(Default)]
pub(super) struct Written(BTreeMap<u64, u64>);

impl PatternStore {
    pub(super) fn new(seed: u64, bytes: u64) -> Self {
        PatternStore {
            seed,
            bytes,
            delivered: false,
        }
    }

    /// Whether the file is here, whole.
    pub(super) fn is_delivered(&self) -> bool {
        self.delivered
    }

    fn fill(&self, offset: u64, octets: &mut [u8]) -> Result<(), StoreError> {
        let end = offset.saturating_add(octets.len() as u64);
        if end > self.bytes {
            return Err(failed("a read beyond the end"));
        }
        let mut place = offset;
        let mut rest = octets;
        while !rest.is_empty() {
            let word = self.word(place / WORD_BYTES).to_le_bytes();
            let from = (place % WORD_BYTES) as usize;
            let count = (word.len() - from).min(rest.len());
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&word[from..from + count]);
            (place, rest) = (place + count as u64, later);
        }
        Ok(())
    }

    /// As splitmix64 does.
    fn word(&self, index: u64) -> u64 {
        let state = self.seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Written {
    fn insert(&mut self, mut start: u64, mut end: u64) {
        let touching = self.0.range(..=end).rev();
        let touching = touching.take_while(|(_, until)| **until >= start);
        let touching: Vec<u64> = touching.map(|(from, _)| *from).collect();
        for from in touching {
            let until = self.0.remove(&from).unwrap_or(from);
            (start, end) = (start.min(from), end.max(until));
        }
        self.0.insert(start, end);
    }

    fn has(&self, start: u64, end: u64) -> bool {
        let before = self.0.range(..=start).next_back();
        before.is_some_and(|(_, until)| *until >= end)
    }
}

impl FileStore for PatternStore {
    type Source = ();
    type Staged = Written;

    fn open(&mut self, _: &StoreName) -> Result<((), FileIdentity), StoreError> {
        let identity = FileIdentity {
            size: self.bytes,
            modified_ns: 0,
            number: 0,
        };
        Ok(((), identity))
    }

    fn read(&mut self, (): &mut (), offset: u64, octets: &mut [u8]) -> Result<(), StoreError> {
        self.fill(offset, octets)
    }

    fn stage(&mut self, _: &Staging, _: Option<u64>) -> Result<Written, StoreError> {
        Ok(Written::default())
    }

    fn write(
        &mut self,
        staged: &mut Written,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        let mut expected = vec![0; octets.len()];
        self.fill(offset, &mut expected)?;
        if expected != octets {
            return Err(failed("other octets than were sent"));
        }
        staged.insert(offset, offset + octets.len() as u64);
        Ok(())
    }

    fn read_staged(
        &mut self,
        staged: &mut Written,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        match staged.has(offset, offset + octets.len() as u64) {
            true => self.fill(offset, octets),
            false => Err(failed("a read of what was not written")),
        }
    }

    fn sync(&mut self, _: &mut Written) -> Result<(), StoreError> {
        Ok(())
    }

    fn deliver(&mut self, _: &Staging, size: u64, _: &StoreName) -> Result<(), StoreError> {
        if size != self.bytes {
            return Err(failed("a file of another size"));
        }
        self.delivered = true;
        Ok(())
    }

    fn discard(&mut self, _: &Staging) -> Result<(), StoreError> {
        Ok(())
    }

    fn perform(&mut self, _: &FilestoreRequest<'_>) -> FilestoreStatus {
        FilestoreStatus::NotPerformed
    }

    fn list(&mut self, _: Option<&StoreName>) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

fn failed(what: &str) -> StoreError {
    StoreError::Failed {
        what: what.to_owned(),
        error: "the simulation does not do that".to_owned(),
    }
}
