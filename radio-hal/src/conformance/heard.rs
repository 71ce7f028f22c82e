//! What one end of a line got from the other, and what it should have got.

use std::fmt;

use super::violation::Violation;
use crate::counters::FrameDrop;
use crate::deframer::Deframer;
use crate::error::RadioError;

/// What one end of a line got.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    Packet(Vec<u8>),
    /// Octets that gave no packet.
    Dropped(FrameDrop),
    /// Only from the driver.
    Error(RadioError),
}

impl Heard {
    pub(super) fn packet(&self) -> Option<&[u8]> {
        match self {
            Self::Packet(packet) => Some(packet),
            _ => None,
        }
    }

    pub(super) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    pub(super) fn is_dropped(&self) -> bool {
        matches!(self, Self::Dropped(_))
    }
}

/// Takes what `octets` bring; parameters for a TNC are passed over.
pub(super) fn deframe(deframer: &mut Deframer, octets: &[u8], heard: &mut Vec<Heard>) {
    deframer.push(octets);
    while let Some(outcome) = deframer.next_packet() {
        match outcome {
            Ok(packet) => heard.push(Heard::Packet(packet.to_vec())),
            Err(FrameDrop::KissCommand) => {}
            Err(reason) => heard.push(Heard::Dropped(reason)),
        }
    }
}

pub(super) fn packets(heard: &[Heard]) -> usize {
    heard.iter().filter_map(Heard::packet).count()
}

pub(super) fn has(heard: &[Heard], packet: &[u8]) -> bool {
    heard.iter().any(|one| one.packet() == Some(packet))
}

/// A packet to be known again: its number, then letters up to `bytes` octets.
pub(super) fn packet(number: usize, bytes: usize) -> Vec<u8> {
    let mut packet = format!("#{number:05} ").into_bytes();
    packet.extend((b'a'..=b'z').cycle().take(bytes));
    packet.truncate(bytes);
    packet
}

/// Exactly the packets of `expected` in order, and nothing else.
pub(super) fn exactly(expected: &[Vec<u8>], heard: &[Heard]) -> Result<(), Violation> {
    let count = expected.len();
    for (index, packet) in expected.iter().enumerate() {
        let found = heard.get(index);
        if found.and_then(Heard::packet) == Some(packet) {
            continue;
        }
        let number = index + 1;
        return Err(Violation::here(
            format!("frame {number} of {count}: {}", Octets(packet)),
            describe(expected, index, found),
        ));
    }
    match heard.get(count) {
        None => Ok(()),
        more => Err(Violation::here(
            format!("{count} frames and nothing more"),
            describe(expected, count, more),
        )),
    }
}

/// What `found` is, where frame `index` of `expected` was to come.
fn describe(expected: &[Vec<u8>], index: usize, found: Option<&Heard>) -> String {
    match found {
        None => "nothing came in time".to_owned(),
        Some(Heard::Dropped(reason)) => {
            format!("octets that are no frame, dropped for the reason: {reason}")
        }
        Some(Heard::Error(error)) => format!("an error: {error}"),
        Some(Heard::Packet(packet)) => {
            let number = expected.iter().position(|one| one == packet);
            match number {
                Some(earlier) if earlier < index => format!("frame {} came again", earlier + 1),
                Some(later) => format!("frame {} came, and frame {} not", later + 1, index + 1),
                None => format!("what was never sent: {}", Octets(packet)),
            }
        }
    }
}

/// Octets to be read by people: the first ones in hexadecimal and as text.
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} octets", self.0.len())?;
        let shown = self.0.get(..24).unwrap_or(self.0);
        write!(f, " (\"{}", shown.escape_ascii())?;
        f.write_str(if shown.len() < self.0.len() {
            "…\")"
        } else {
            "\")"
        })
    }
}
