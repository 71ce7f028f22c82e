//! How many bits HDLC stuffs into a packet: a 0 after each five 1s in a row.

/// Rows of 1s that an octet may find before it: 0 to 4.
const ROWS: usize = 5;

/// For a row of 1s and an octet, which is sent with its least significant bit first:
/// the stuffed bits, and the row that is left.
const STEPS: [[(u8, u8); 256]; ROWS] = steps();

/// Stuffed bits in `octets`, if a 0 stands before them. The FCS and what stands around
/// the packet may have some more.
pub(super) fn stuffed_bits(octets: &[u8]) -> usize {
    let (mut stuffed, mut row) = (0, 0);
    for octet in octets {
        let steps = STEPS.get(usize::from(row));
        let step = steps.and_then(|steps| steps.get(usize::from(*octet)));
        let (bits, left) = step.copied().unwrap_or_default();
        stuffed += usize::from(bits);
        row = left;
    }
    stuffed
}

const fn steps() -> [[(u8, u8); 256]; ROWS] {
    let mut all = [[(0, 0); 256]; ROWS];
    let mut before = 0;
    while before < ROWS {
        let mut octet = 0;
        while octet < 256 {
            let (mut stuffed, mut row, mut place) = (0, before as u8, 0);
            while place < 8 {
                row = if octet >> place & 1 != 0 { row + 1 } else { 0 };
                if row as usize == ROWS {
                    stuffed += 1;
                    row = 0;
                }
                place += 1;
            }
            all[before][octet] = (stuffed, row);
            octet += 1;
        }
        before += 1;
    }
    all
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
