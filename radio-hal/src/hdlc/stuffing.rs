//! Octets without a stuffed bit, which need not be looked at bit by bit: most of
//! any frame.

/// So many 1s in a frame are followed by a 0 that is not of it.
pub(super) const ONES_MAX: u32 = 5;

/// The 1s in a row at the end of `octet`, where it comes after `ones` of them and
/// no row of [`ONES_MAX`] is in it; the least significant bit comes first.
pub(super) fn ones_after_plain(ones: u32, octet: u8) -> Option<u32> {
    if ones >= ONES_MAX {
        return None;
    }
    // The 1s before it, in the four bits below it.
    let row = u32::from(octet) << 4 | (0xF0 >> ones) & 0x0F;
    let two = row & row >> 1;
    let four = two & two >> 2;
    let five = four & row >> 4;
    (five == 0).then(|| octet.leading_ones())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdlc::bits::bits_of;

    #[test]
    fn an_octet_is_plain_where_counting_bit_by_bit_says_so() {
        for ones_before in 0..=8 {
            for octet in 0..=255 {
                let mut ones = ones_before;
                let mut plain = ones_before < ONES_MAX;
                for bit in bits_of(octet) {
                    ones = if bit { ones + 1 } else { 0 };
                    plain &= ones < ONES_MAX;
                }
                assert_eq!(ones_after_plain(ones_before, octet), plain.then_some(ones));
            }
        }
    }
}
