//! Octets as hexadecimal digits.

use std::fmt::Write as _;

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // A string takes all that is written.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// None where it is not exactly `N` octets.
pub(crate) fn octets<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let mut pairs = digits.as_bytes().chunks_exact(2);
    for octet in &mut octets {
        let pair = pairs.next()?;
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
        *octet = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    let has_more = pairs.next().is_some() || !pairs.remainder().is_empty();
    (!has_more).then_some(octets)
}
