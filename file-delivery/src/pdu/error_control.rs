//! The PDU CRC: CRC-16/IBM-3740, big-endian (CCSDS 727.0-B-5 §4.1.3).

use crc::{CRC_16_IBM_3740, Crc, Table};

use super::PduError;

/// Octets that it takes at the end of the data field.
pub(crate) const CRC_BYTES: usize = 2;

const CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);

/// Appends the CRC of what is there.
pub(crate) fn append(out: &mut Vec<u8>) {
    let crc = CRC.checksum(out);
    out.extend_from_slice(&crc.to_be_bytes());
}

/// Checks the CRC at the end of a PDU.
pub(crate) fn check(octets: &[u8]) -> Result<(), PduError> {
    let (covered, found) = octets
        .split_last_chunk::<CRC_BYTES>()
        .ok_or(PduError::TooShort {
            bytes: octets.len(),
            bytes_min: CRC_BYTES,
        })?;
    let (found, computed) = (u16::from_be_bytes(*found), CRC.checksum(covered));
    match found == computed {
        true => Ok(()),
        false => Err(PduError::Crc { found, computed }),
    }
}
