//! Known answers made by somebody else's implementation: what we put on the air
//! is what the field's other tools read, and what they write is what we read.

mod ax25;
mod captures;
mod cfdp;
mod cfdp_captures;
mod cfdp_peer;
mod kiss;
mod orbit;
mod passes;
mod security;
mod space_packets;
mod udp_format;

/// Payloads with everything that framing must not trip over.
fn payloads() -> Vec<Vec<u8>> {
    vec![
        b"hello".to_vec(),
        vec![0xC0],
        vec![0xC0, 0xDB, 0xDC, 0xDD, 0xDB, 0xC0],
        (0..=255).collect(),
        vec![0x7E; 200],
    ]
}
