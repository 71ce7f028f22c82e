//! Packet error control: CRC-16/IBM-3740 over the whole packet, in its last
//! two octets, big-endian (the frame error control of CCSDS 132.0-B-3 §4.1.6,
//! as ECSS-E-ST-70-41C puts it at the end of a packet).

use crc::{CRC_16_IBM_3740, Crc, Table};

/// Octets that the error control takes.
pub(crate) const ERROR_CONTROL_BYTES: usize = 2;

const CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);

pub(crate) fn checksum(octets: &[u8]) -> u16 {
    CRC.checksum(octets)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_value_of_the_catalogue_holds() {
        assert_eq!(super::checksum(b"123456789"), 0x29B1);
    }
}
