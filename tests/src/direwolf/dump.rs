//! Frames in what the programs print.
//!
//! ```text
//! [0L] SAT1-1>GND-2:text
//! ------
//! U frame UI: p/f=0, No layer 3 protocol implemented., length = 18
//!  dest    GND     2 c/r=1 res=3 last=0
//!  source  SAT1    1 c/r=0 res=3 last=1
//!   000:  8e 9c 88 40 40 40 e4 a6 82 a8 62 40 40 63 03 f0  ...@@@....b@@c..
//!   010:  74 65                                            te
//! ------
//! ```

/// Columns of a row's octets, three for each.
const ROW_COLUMNS: usize = 16 * 3;
const RULE: &str = "------";

/// A frame, without its FCS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dumped {
    pub(super) octets: Vec<u8>,
    /// The program sent it; else it received it.
    pub(super) sent: bool,
}

/// Every frame whose rows are all there.
pub(super) fn frames(printed: &[u8]) -> Vec<Dumped> {
    let text = String::from_utf8_lossy(printed);
    let mut frames = Vec::new();
    let mut octets = Vec::new();
    let mut sent = false;
    for line in text.lines() {
        // Received frames have the channel alone, those sent a queue's letter.
        if line.starts_with("[0H] ") || line.starts_with("[0L] ") {
            sent = true;
        } else if line == RULE && !octets.is_empty() {
            frames.push(Dumped {
                octets: std::mem::take(&mut octets),
                sent: std::mem::take(&mut sent),
            });
        } else if let Some((offset, row)) = line.split_once(":  ") {
            let offset = usize::from_str_radix(offset.trim_start(), 16);
            if offset.is_ok_and(|offset| offset == octets.len()) {
                octets.extend(row_octets(row));
            }
        }
    }
    frames
}

fn row_octets(row: &str) -> impl Iterator<Item = u8> {
    let columns = row.get(..ROW_COLUMNS).unwrap_or(row);
    let numbers = columns.split_ascii_whitespace();
    numbers.map_while(|number| u8::from_str_radix(number, 16).ok())
}
