//! What the journal holds of a transaction.
//!
//! The first octet is the version, the rest `postcard` of [`Record`]. PDUs that were
//! received or built are kept as they go over the link.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::StoreName;
use crate::extents::Extents;
use crate::pdu::{
    EntityId, Header, TransactionId, TransactionSeq, TransmissionMode, Width, Widths,
};
use crate::store::FileIdentity;

const VERSION: u8 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    Sending(SendingRecord),
    Receiving(ReceivingRecord),
    Ended(EndedRecord),
}

/// The fixed header of the transaction's PDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HeaderRecord {
    acknowledged: bool,
    crc: bool,
    large_file: bool,
    entity_id_bytes: u8,
    number_bytes: u8,
    source: u64,
    number: u64,
    destination: u64,
}

impl HeaderRecord {
    pub(super) fn of(header: &Header) -> Self {
        HeaderRecord {
            acknowledged: header.mode == TransmissionMode::Acknowledged,
            crc: header.crc,
            large_file: header.large_file,
            entity_id_bytes: header.widths.entity_id.bytes(),
            number_bytes: header.widths.transaction_seq.bytes(),
            source: header.transaction.source.0,
            number: header.transaction.number.0,
            destination: header.destination.0,
        }
    }

    pub(super) fn header(&self) -> Header {
        let width = |bytes| Width::of_bytes(bytes).unwrap_or(Width::EIGHT);
        Header {
            mode: match self.acknowledged {
                true => TransmissionMode::Acknowledged,
                false => TransmissionMode::Unacknowledged,
            },
            crc: self.crc,
            large_file: self.large_file,
            widths: Widths {
                entity_id: width(self.entity_id_bytes),
                transaction_seq: width(self.number_bytes),
            },
            transaction: TransactionId {
                source: EntityId(self.source),
                number: TransactionSeq(self.number),
            },
            destination: EntityId(self.destination),
        }
    }
}

/// A file that is being sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SendingRecord {
    pub(super) header: HeaderRecord,
    /// The Metadata PDU.
    pub(super) metadata: Vec<u8>,
    /// The file here.
    pub(super) file: Option<(String, FileIdentity)>,
    pub(super) priority: u8,
    /// Of transactions of one priority, the lower goes first.
    pub(super) arrival: u64,
    /// Octets that were sent once, from the start on.
    pub(super) position: u64,
    /// The checksum of those.
    pub(super) checksum: u32,
    /// A condition code: why it is cancelled.
    pub(super) cancelled: Option<u8>,
    pub(super) suspended: bool,
    /// The transaction that asked for this one, and waits for a Proxy Put Response:
    /// source and number.
    pub(super) on_behalf: Option<(u64, u64)>,
    /// The file was made for this transaction, and goes with it.
    pub(super) is_temporary: bool,
}

/// A file that is being received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReceivingRecord {
    pub(super) header: HeaderRecord,
    /// The Metadata PDU that came.
    pub(super) metadata: Option<Vec<u8>>,
    /// The EOF PDU that came.
    pub(super) eof: Option<Vec<u8>>,
    /// Which octets are there: octets missing, then octets there, alternating.
    pub(super) ranges: Vec<u64>,
    /// Checksum, and over how many octets.
    pub(super) checksum: Option<(u32, u64)>,
    /// Beside which file it is put together; in the root without.
    pub(super) beside: Option<String>,
    /// The file is whole, and gets its name or has it.
    pub(super) delivering: bool,
    /// Status of each filestore request that was begun; the last may not be over.
    pub(super) performed: Vec<Option<u8>>,
    /// The Finished PDU that is sent.
    pub(super) finished: Option<Vec<u8>>,
    pub(super) suspended: bool,
}

/// A transaction that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndedRecord {
    /// Of transactions that ended, the lower is forgotten first.
    pub(super) order: u64,
    /// A [`Verdict`].
    pub(super) verdict: u8,
}

/// What a sender knows of a file that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was not noted, as by a receiver.
    NotNoted = 0,
    /// Its receiver has it.
    Arrived = 1,
    /// Its receiver has it not, or nobody knows.
    NotArrived = 2,
}

impl Record {
    pub(super) fn encode(&self) -> Result<Vec<u8>, String> {
        let octets = postcard::to_extend(self, vec![VERSION]);
        octets.map_err(|error| error.to_string())
    }

    pub(super) fn decode(octets: &[u8]) -> Result<Self, String> {
        match octets.split_first() {
            Some((&VERSION, octets)) => {
                postcard::from_bytes(octets).map_err(|error| error.to_string())
            }
            Some((version, _)) => Err(format!("a record of version {version}")),
            None => Err("an empty record".to_owned()),
        }
    }
}

/// Ranges as numbers that are small: octets missing, octets there, and so on.
pub(super) fn ranges_of(extents: &Extents) -> Vec<u64> {
    let mut end = 0;
    let mut lengths = Vec::new();
    for range in extents.ranges() {
        lengths.extend([range.start - end, range.end - range.start]);
        end = range.end;
    }
    lengths
}

pub(super) fn extents_of(lengths: &[u64], ranges_max: usize) -> Result<Extents, String> {
    let mut extents = Extents::new(ranges_max);
    let mut end = 0_u64;
    for pair in lengths.chunks(2) {
        let [gap, length] = *pair else {
            return Err("half a range".to_owned());
        };
        let start = end.checked_add(gap).ok_or("a range beyond any file")?;
        end = start.checked_add(length).ok_or("a range beyond any file")?;
        let range = Range { start, end };
        extents.insert(range).map_err(|error| error.to_string())?;
    }
    Ok(extents)
}

pub(super) fn name_of(name: &str) -> Result<StoreName, String> {
    name.parse().map_err(|error| format!("{name}: {error}"))
}
