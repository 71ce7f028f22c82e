//! A place of staging in memory, and what of it a cut of the power leaves.

/// What was written last, until it is synced.
#[derive(Debug)]
struct Write {
    offset: usize,
    octets: Vec<u8>,
    /// What was there before; shorter where the file ended before.
    before: Vec<u8>,
    /// Octets of the file before.
    bytes_before: usize,
}

/// A file that is put together.
#[derive(Debug, Default)]
pub(super) struct StagedFile {
    octets: Vec<u8>,
    expected_bytes: Option<u64>,
    /// In the order of writing.
    not_synced: Vec<Write>,
    /// Whether it was ever synced; until then it may be gone as a whole.
    is_durable: bool,
}

impl StagedFile {
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    pub(super) fn expect(&mut self, bytes: u64) {
        self.expected_bytes = Some(bytes);
    }

    pub(super) fn expected_bytes(&self) -> Option<u64> {
        self.expected_bytes
    }

    /// Octets that it takes, or will.
    pub(super) fn reserved_bytes(&self) -> u64 {
        let bytes = self.octets.len() as u64;
        self.expected_bytes.unwrap_or(0).max(bytes)
    }

    pub(super) fn write(&mut self, offset: usize, octets: &[u8]) {
        let before = self.octets.get(offset..).unwrap_or_default();
        let before = before.get(..octets.len()).unwrap_or(before);
        let write = Write {
            offset,
            octets: octets.to_vec(),
            before: before.to_vec(),
            bytes_before: self.octets.len(),
        };
        self.put(offset, octets);
        self.not_synced.push(write);
    }

    pub(super) fn sync(&mut self) {
        self.not_synced.clear();
        self.is_durable = true;
    }

    /// Loses what was not synced, all or in part; false where the place itself is gone.
    pub(super) fn lose(&mut self, random: &mut fastrand::Rng) -> bool {
        let not_synced = std::mem::take(&mut self.not_synced);
        for write in not_synced.iter().rev() {
            self.put(write.offset, &write.before);
            self.octets.truncate(write.bytes_before);
        }
        if !self.is_durable && random.bool() {
            return false;
        }
        for write in &not_synced {
            let kept = match random.u8(0..3) {
                0 => 0,
                1 => random.usize(0..=write.octets.len()),
                _ => write.octets.len(),
            };
            let kept = write.octets.get(..kept).unwrap_or_default();
            if !kept.is_empty() {
                self.put(write.offset, kept);
            }
        }
        // What is there now is what is there.
        self.is_durable = true;
        true
    }

    fn put(&mut self, offset: usize, octets: &[u8]) {
        let end = offset + octets.len();
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        if let Some(place) = self.octets.get_mut(offset..end) {
            place.copy_from_slice(octets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StagedFile;

    #[test]
    fn what_was_synced_is_there_after_any_cut_and_of_the_rest_what_was_written() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut file = StagedFile::default();
            file.write(0, &[1; 100]);
            file.sync();
            file.write(50, &[2; 100]);
            file.write(200, &[3; 100]);
            assert!(file.lose(&mut random));
            let octets = file.octets();
            assert!(octets[..50].iter().all(|octet| *octet == 1));
            assert!(octets[50..100].iter().all(|octet| [1, 2].contains(octet)));
            assert!(octets[100..].iter().all(|octet| [0, 2, 3].contains(octet)));
            lengths.insert(octets.len());
        }
        assert!(lengths.contains(&100) && lengths.contains(&300));
    }

    #[test]
    fn a_place_that_was_never_synced_is_gone_or_there() {
        let there = (0..100).filter(|seed| {
            let mut file = StagedFile::default();
            file.write(0, &[1; 10]);
            file.lose(&mut fastrand::Rng::with_seed(*seed))
        });
        assert!((1..100).contains(&there.count()));
    }
}
