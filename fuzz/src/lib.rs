//! Fuzz targets: what must hold of a codec, or of the engine, whatever octets it is
//! given.
//!
//! No input may make a decoder panic, hold more than its bound, or lose the next
//! good frame. A target drives a codec with its input and asserts that; a panic
//! is a find. The tests replay the corpora in `corpus/` and go on from there at
//! random for a moment; `cargo xtask fuzz` lets libFuzzer search.
//!
//! Input of a stream codec: see [`pieces`](mod@pieces); of a packet format: twelve
//! octets of how to take the rest, which is both a packet to be read and a message to be
//! sent; of CFDP: a PDU; of the engine: one octet of limits, then what happens, one thing
//! after the other. A further target is one function here, a corpus, a program in `libfuzzer/`
//! and a name in `tests/`.

mod ax25;
mod cfdp_pdu;
mod deframer;
mod engine;
mod hdlc;
mod kiss;
mod packets;
pub mod pieces;
mod security;
mod slip;

pub use ax25::ax25;
pub use cfdp_pdu::cfdp_pdu;
pub use deframer::deframer;
pub use engine::engine;
pub use hdlc::hdlc;
pub use kiss::kiss;
pub use packets::{kubos, space_packet, udp};
pub use security::security;
pub use slip::slip;

/// A named target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name on the command line, and that of its corpus.
    pub name: &'static str,
    /// Runs it on one input; panics on a find.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 11] = [
    Target {
        name: "ax25",
        run: ax25,
    },
    Target {
        name: "cfdp_pdu",
        run: cfdp_pdu,
    },
    Target {
        name: "deframer",
        run: deframer,
    },
    Target {
        name: "engine",
        run: engine,
    },
    Target {
        name: "hdlc",
        run: hdlc,
    },
    Target {
        name: "kiss",
        run: kiss,
    },
    Target {
        name: "kubos",
        run: kubos,
    },
    Target {
        name: "security",
        run: security,
    },
    Target {
        name: "slip",
        run: slip,
    },
    Target {
        name: "space_packet",
        run: space_packet,
    },
    Target {
        name: "udp",
        run: udp,
    },
];
