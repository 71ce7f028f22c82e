//! How tests write octets and messages down.

use comms_service::message::{Class, Head, PayloadType};
use comms_service::packet::{Content, LinkPacket};

/// Octets written as hexadecimal digits; blanks do not count.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "odd number of digits");
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A head of class standard.
pub(crate) fn head(payload_type: PayloadType, command_id: u64, port: u16) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id,
        port,
    }
}

/// The only packet of a message.
pub(crate) fn build(format: &dyn LinkPacket, head: Head, payload: &[u8]) -> Vec<u8> {
    assert_eq!(format.packet_count(&head, payload.len()), Ok(1));
    build_segment(format, head, payload, 0, 0)
}

/// One packet of a message.
pub(crate) fn build_segment(
    format: &dyn LinkPacket,
    head: Head,
    payload: &[u8],
    index: u32,
    count: u16,
) -> Vec<u8> {
    // What stood in the buffer before must not matter.
    let mut packet = vec![0xEE; 7];
    format
        .build(&head, payload, index, count, &mut packet)
        .unwrap();
    packet
}

/// What a format without sequence counts reads: head, payload, surplus octets.
pub(crate) fn read_message(format: &dyn LinkPacket, octets: &[u8]) -> (Head, Vec<u8>, usize) {
    let parsed = format.parse(octets).unwrap();
    match parsed.content {
        Content::Message { head, payload } => {
            (head, octets[payload].to_vec(), parsed.surplus_bytes)
        }
        other => panic!("not a message: {other:?}"),
    }
}
