//! What was sent and what came of it, and what must hold of both.

use std::collections::BTreeMap;

/// What was sent by one way, by a number that its octets carry.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    sent: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    octets: Vec<u8>,
    arrived: u64,
}

/// Octets of the number at the head of what is sent.
const NUMBER_BYTES: usize = 8;

impl Ledger {
    /// Octets to be sent: a number and a pattern of it, at least `bytes`.
    pub(crate) fn make(&mut self, number: u64, bytes: usize) -> Vec<u8> {
        let mut octets = number.to_be_bytes().to_vec();
        let pattern = (NUMBER_BYTES..bytes).map(|at| (at as u64 * 31 + number * 7) as u8);
        octets.extend(pattern);
        self.sent.entry(number).or_insert_with(|| Entry {
            octets: octets.clone(),
            arrived: 0,
        });
        octets
    }

    /// Notes that `octets` arrived; gives their number. An error if nobody sent
    /// them.
    pub(crate) fn arrived(&mut self, what: &str, octets: &[u8]) -> Result<u64, String> {
        let number = octets
            .first_chunk()
            .map(|number| u64::from_be_bytes(*number));
        let entry = number.and_then(|number| Some((number, self.sent.get_mut(&number)?)));
        match entry {
            Some((number, entry)) if entry.octets == octets => {
                entry.arrived += 1;
                Ok(number)
            }
            _ => Err(format!("{what} of {} octets was never sent", octets.len())),
        }
    }

    /// An error if anything arrived twice.
    pub(crate) fn nothing_arrived_twice(&self, what: &str) -> Result<(), String> {
        match self.sent.iter().find(|(_, entry)| entry.arrived > 1) {
            None => Ok(()),
            Some((number, entry)) => Err(format!(
                "{what} number {number} arrived {} times",
                entry.arrived
            )),
        }
    }

    /// An error unless everything arrived exactly once.
    pub(crate) fn all_arrived_once(&self, what: &str) -> Result<(), String> {
        match self.sent.iter().find(|(_, entry)| entry.arrived != 1) {
            None => Ok(()),
            Some((number, entry)) => Err(format!(
                "{what} number {number} of {} octets arrived {} times",
                entry.octets.len(),
                entry.arrived
            )),
        }
    }
}
