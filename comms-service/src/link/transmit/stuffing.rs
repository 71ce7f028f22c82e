//! How many bits HDLC stuffs into a packet: a 0 after each five 1s in a row.

use std::array::from_fn;
use std::sync::LazyLock;

/// Rows of 1s that an octet may find before it: 0 to 4.
const ROWS: usize = 5;

/// For a row of 1s and an octet, which is sent with its least significant bit first:
/// the stuffed bits, and the row that is left.
static STEPS: LazyLock<[[(u8, u8); 256]; ROWS]> =
    LazyLock::new(|| from_fn(|before| from_fn(|octet| step(before, octet))));

/// Stuffed bits in `octets`, if a 0 stands before them. The FCS and what stands around
/// the packet may have some more.
pub(super) fn stuffed_bits(octets: &[u8]) -> usize {
    let table = &*STEPS;
    let (mut stuffed, mut row) = (0, 0);
    for octet in octets {
        let steps = table.get(usize::from(row));
        let step = steps.and_then(|steps| steps.get(usize::from(*octet)));
        let (bits, left) = step.copied().unwrap_or_default();
        stuffed += usize::from(bits);
        row = left;
    }
    stuffed
}

fn step(before: usize, octet: usize) -> (u8, u8) {
    let (mut stuffed, mut row) = (0, before);
    for place in 0..8 {
        row = if octet >> place & 1 != 0 { row + 1 } else { 0 };
        if row == ROWS {
            stuffed += 1;
            row = 0;
        }
    }
    // At most 4.
    (stuffed, row as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_bits_are_counted_as_hdlc_stuffs() {
        assert_eq!(stuffed_bits(&[0xFF; 5]), 8);
        assert_eq!(stuffed_bits(&[0x1F, 0xF8]), 2);
        for bytes in 0..300_usize {
            // Rows of 1s of every length, at every place.
            let octet = |at: usize| (at * at * 167 + bytes * 89) as u8 | 0xF8u8 >> (at % 8);
            let octets: Vec<u8> = (0..bytes).map(octet).collect();
            let fcs = radio_hal::hdlc::fcs(&octets).to_le_bytes();
            let whole = [&octets[..], &fcs].concat();
            let bits = radio_hal::hdlc::frame_bits(&octets);
            assert_eq!(whole.len() * 8 + stuffed_bits(&whole), bits);
        }
    }
}
