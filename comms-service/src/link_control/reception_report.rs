//! Type 3, reception report: which messages the ground got whole.
//!
//! ```text
//! octet 0      3
//! then n times 12 octets:
//!   0–1        APID, big-endian, 0..=2047
//!   2–3        newest: a sequence count, big-endian, 0..=16383
//!   4–11       map, 64 bits, big-endian: bit i (bit 0 is the least significant) is
//!              1 when a message whose last packet had the count newest − i
//!              (modulo 16384) was heard whole
//! ```
//!
//! An APID may stand in several entries. A bit that is 0 says nothing.

use super::{Body, LinkControlError, TYPE_RECEPTION_REPORT};

const ENTRY_BYTES: usize = 12;
const APID_MAX: u16 = 0x7FF;
/// Sequence counts of Space Packets are modulo this.
const COUNTS: u16 = 0x4000;
/// Counts that one entry tells of.
const SPAN: u16 = 64;

/// Messages heard whole on one APID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The APID.
    pub apid: u16,
    /// The sequence count that bit 0 of the map stands for.
    pub newest: u16,
    /// Bit `i`: a message that ended at count `newest` − `i` was heard.
    pub map: u64,
}

impl Heard {
    /// The counts that the map names, newest first.
    pub fn counts(&self) -> impl Iterator<Item = u16> + '_ {
        let heard = (0..SPAN).filter(|back| self.map >> back & 1 == 1);
        heard.map(|back| (self.newest + COUNTS - back) % COUNTS)
    }

    /// Whether the map names `count`.
    pub fn names(&self, count: u16) -> bool {
        let back = (self.newest + COUNTS - count % COUNTS) % COUNTS;
        back < SPAN && self.map >> back & 1 == 1
    }

    /// As few entries as possible for `counts` of one APID, given oldest first and
    /// spanning less than half of the counts.
    pub fn of_counts(apid: u16, counts: impl DoubleEndedIterator<Item = u16>) -> Vec<Heard> {
        let mut entries: Vec<Heard> = Vec::new();
        for count in counts.rev() {
            let back = entries
                .last()
                .map(|entry| (entry.newest + COUNTS - count) % COUNTS);
            match (entries.last_mut(), back) {
                (Some(entry), Some(back)) if back < SPAN => entry.map |= 1 << back,
                _ => entries.push(Heard {
                    apid,
                    newest: count,
                    map: 1,
                }),
            }
        }
        entries
    }
}

/// A reception report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceptionReport {
    /// What was heard.
    pub heard: Vec<Heard>,
}

impl ReceptionReport {
    /// Octets of a report of so many entries.
    pub fn bytes_of(entries: usize) -> usize {
        1 + entries * ENTRY_BYTES
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut octets = vec![TYPE_RECEPTION_REPORT];
        for heard in &self.heard {
            octets.extend(heard.apid.to_be_bytes());
            octets.extend(heard.newest.to_be_bytes());
            octets.extend(heard.map.to_be_bytes());
        }
        octets
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, LinkControlError> {
        let mut body = Body {
            kind: TYPE_RECEPTION_REPORT,
            octets: body,
        };
        let mut heard = Vec::new();
        while !body.octets.is_empty() {
            let (apid, newest, map) = (body.u16()?, body.u16()?, body.u64()?);
            if apid > APID_MAX {
                return Err(body.field("APID"));
            }
            if newest >= COUNTS {
                return Err(body.field("sequence count"));
            }
            heard.push(Heard { apid, newest, map });
        }
        Ok(ReceptionReport { heard })
    }
}
