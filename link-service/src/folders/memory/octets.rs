//! The octets of a file in memory, and what of them a cut of the power leaves.

#[derive(Debug)]
enum Change {
    Write { offset: usize, octets: Vec<u8> },
    Cut(usize),
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Octets {
    /// As it is read.
    live: Vec<u8>,
    /// As it is on the disk.
    durable: Vec<u8>,
    /// What was done since, in that order.
    not_synced: Vec<Change>,
}

impl Octets {
    pub(super) fn durable(octets: &[u8]) -> Self {
        Octets {
            live: octets.to_vec(),
            durable: octets.to_vec(),
            not_synced: Vec::new(),
        }
    }

    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    pub(super) fn write(&mut self, offset: usize, octets: &[u8]) {
        self.change(Change::Write {
            offset,
            octets: octets.to_vec(),
        });
    }

    pub(super) fn cut(&mut self, bytes: usize) {
        self.change(Change::Cut(bytes));
    }

    pub(super) fn sync(&mut self) {
        self.not_synced.clear();
        self.durable = self.live.clone();
    }

    /// A sync that fails: what was not on the disk is not, and is not tried again.
    pub(super) fn fail_sync(&mut self) {
        self.not_synced.clear();
    }

    /// A sync that succeeds, and writes something else.
    pub(super) fn corrupt_sync(&mut self) {
        self.sync();
        if let Some(octet) = self.durable.first_mut() {
            *octet ^= 1;
        }
    }

    /// What is not waiting to be written is read from the disk.
    pub(super) fn forget_cached(&mut self) {
        if self.not_synced.is_empty() {
            self.live = self.durable.clone();
        }
    }

    /// Of what was not synced, each change is there, or is not, or is there in part.
    pub(super) fn lose(&mut self, random: &mut fastrand::Rng) {
        for change in std::mem::take(&mut self.not_synced) {
            match (random.u8(0..3), change) {
                (0, _) => {}
                (1, Change::Write { offset, octets }) => {
                    let kept = octets.get(..random.usize(0..=octets.len()));
                    put(&mut self.durable, offset, kept.unwrap_or_default());
                }
                (_, change) => change.apply(&mut self.durable),
            }
        }
        self.live = self.durable.clone();
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.not_synced.push(change);
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, octets } => put(to, *offset, octets),
            Change::Cut(bytes) => to.truncate(*bytes),
        }
    }
}

fn put(to: &mut Vec<u8>, offset: usize, octets: &[u8]) {
    if octets.is_empty() {
        return;
    }
    let end = offset + octets.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    if let Some(place) = to.get_mut(offset..end) {
        place.copy_from_slice(octets);
    }
}
