//! Packet error control: CRC-16/IBM-3740 over the whole packet, in its last
//! two octets, big-endian (the frame error control of CCSDS 132.0-B-3 §4.1.6,
//! as ECSS-E-ST-70-41C puts it at the end of a packet).

use crc_fast::CrcAlgorithm::Crc16Ibm3740;

/// Octets that the error control takes.
pub(crate) const ERROR_CONTROL_BYTES: usize = 2;

pub(crate) fn checksum(octets: &[u8]) -> u16 {
    // It gives the checksums of all widths as 64 bits.
    crc_fast::checksum(Crc16Ibm3740, octets) as u16
}

#[cfg(test)]
mod tests {
    use crc::{CRC_16_IBM_3740, Crc};
    use proptest::prelude::*;

    const BY_TABLE: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

    #[test]
    fn the_check_value_of_the_catalogue_holds() {
        assert_eq!(super::checksum(b"123456789"), 0x29B1);
    }

    proptest! {
        /// Which instructions are used depends on the length.
        #[test]
        fn it_is_what_a_table_gives_of_any_length(
            octets in prop::collection::vec(any::<u8>(), 0..1_200),
        ) {
            prop_assert_eq!(super::checksum(&octets), BY_TABLE.checksum(&octets));
        }
    }
}
