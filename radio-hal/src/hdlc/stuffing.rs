//! Stuffed bits, put in and taken out of an octet at a time by tables: bit by bit
//! a processor would wait for most of its guesses.

/// So many 1s in a frame are followed by a 0 that is not of it.
const ONES_MAX: u8 = 5;

/// Numbers of 1s that may stand before an octet to be stuffed, and before one to
/// be taken apart.
const STUFFED_ROWS: usize = ONES_MAX as usize;
const UNSTUFFED_ROWS: usize = ONES_MAX as usize + 1;

/// What becomes of an octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// The first bit in the least significant place.
    pub(super) bits: u16,
    pub(super) count: u8,
    /// 1s in a row at its end, with those before it.
    pub(super) ones: u8,
}

/// `octet` and its stuffed bits, after `ones` 1s in a row: up to four.
pub(super) fn stuff(octet: u8, ones: u8) -> Option<Part> {
    static TABLE: [[Option<Part>; 256]; STUFFED_ROWS] = table(true);
    *TABLE.get(usize::from(ones))?.get(usize::from(octet))?
}

/// `octet` without its stuffed bits, after `ones` 1s in a row. None where they and
/// it are part of a flag or an abort, or may be.
pub(super) fn unstuff(octet: u8, ones: u8) -> Option<Part> {
    static TABLE: [[Option<Part>; 256]; UNSTUFFED_ROWS] = table(false);
    *TABLE.get(usize::from(ones))?.get(usize::from(octet))?
}

// Done by the compiler, which says so if an index is wrong.
#[allow(clippy::indexing_slicing)]
const fn table<const ROWS: usize>(is_stuffed: bool) -> [[Option<Part>; 256]; ROWS] {
    let mut table = [[None; 256]; ROWS];
    let mut ones = 0;
    while ones < ROWS {
        let mut octet = 0;
        while octet < 256 {
            table[ones][octet] = match is_stuffed {
                true => Some(stuffed(octet as u8, ones as u8)),
                false => unstuffed(octet as u8, ones as u8),
            };
            octet += 1;
        }
        ones += 1;
    }
    table
}

const fn stuffed(octet: u8, ones: u8) -> Part {
    let mut part = Part::after(ones);
    let mut place = 0;
    while place < 8 {
        let bit = octet >> place & 1 != 0;
        part.put(bit);
        part.ones = if bit { part.ones + 1 } else { 0 };
        if part.ones == ONES_MAX {
            part.put(false);
            part.ones = 0;
        }
        place += 1;
    }
    part
}

const fn unstuffed(octet: u8, ones: u8) -> Option<Part> {
    let mut part = Part::after(ones);
    let mut place = 0;
    while place < 8 {
        let bit = octet >> place & 1 != 0;
        if bit && part.ones == ONES_MAX {
            return None;
        }
        if part.ones < ONES_MAX {
            part.put(bit);
        }
        part.ones = if bit { part.ones + 1 } else { 0 };
        place += 1;
    }
    Some(part)
}

impl Part {
    const fn after(ones: u8) -> Self {
        Self {
            bits: 0,
            count: 0,
            ones,
        }
    }

    const fn put(&mut self, bit: bool) {
        self.bits |= (bit as u16) << self.count;
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stuffed_comes_back() {
        for octet in 0..=255 {
            for ones in 0..ONES_MAX {
                let there = stuff(octet, ones).unwrap();
                // A stuffed bit may be the first of the next octet.
                let mut bits = 0;
                let mut count = 0;
                let mut ones = ones;
                for place in 0..there.count {
                    let bit = there.bits >> place & 1;
                    if ones < ONES_MAX {
                        bits |= bit << count;
                        count += 1;
                    }
                    ones = if bit == 1 { ones + 1 } else { 0 };
                    assert!(ones <= ONES_MAX);
                }
                assert_eq!((bits, count, ones), (u16::from(octet), 8, there.ones));
            }
        }
    }

    #[test]
    fn a_stuffed_bit_is_left_out_and_six_ones_are_no_data() {
        assert_eq!(
            unstuff(0b0101_1111, 0),
            Some(Part {
                bits: 0b011_1111,
                count: 7,
                ones: 0
            })
        );
        assert_eq!(unstuff(0x7E, 0), None);
        assert_eq!(unstuff(0b0000_0001, 5), None);
        assert_eq!(unstuff(0b1111_1000, 0).unwrap().ones, 5);
        assert_eq!(unstuff(0b0000_0000, 5).unwrap().count, 7);
        assert_eq!(unstuff(0, 6), None);
    }
}
