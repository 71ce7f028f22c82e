//! Octets as hexadecimal text, the form in which referees take and give them.

use std::fmt::Write;

/// Two lower-case digits an octet, nothing between.
pub fn from_octets(octets: &[u8]) -> String {
    octets.iter().fold(
        String::with_capacity(2 * octets.len()),
        |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        },
    )
}

/// The octets of `text`, in which white space and colons may separate them;
/// panics when it is anything but hexadecimal.
#[track_caller]
pub fn to_octets(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|digit| !digit.is_whitespace() && *digit != ':')
        .map(|digit| match digit.to_digit(16) {
            Some(value) => value as u8,
            None => panic!("not hexadecimal: {text:?}"),
        })
        .collect();
    let pairs = digits.chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "half an octet in {text:?}");
    pairs.map(|pair| pair[0] << 4 | pair[1]).collect()
}
