//! Dire Wolf, a TNC in software by others: the program itself on sound that a
//! test plays to it, and the two tools that make sound of frames and frames of
//! sound.
//!
//! All of them print frames as rows of hexadecimal numbers, and from there they
//! are read: as text they would not be whole.

mod dump;
mod tnc;
mod tools;

pub use tnc::Direwolf;
pub use tools::{decode, generate};

/// How bits are sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modem {
    /// 1200 bit/s, tones of 1200 and 2200 Hz (Bell 202).
    Afsk1200,
    /// 9600 bit/s, scrambled levels (G3RUH).
    G3ruh9600,
}

impl Modem {
    /// Bits each second, which is also what the programs call the modem.
    pub fn bit_rate_bps(self) -> u32 {
        match self {
            Self::Afsk1200 => 1200,
            Self::G3ruh9600 => 9600,
        }
    }
}

/// What to do when a program cannot be started.
fn not_started(program: &str, error: &std::io::Error) -> String {
    format!("cannot start {program}: {error}; run `cargo xtask setup` if it is not installed")
}
