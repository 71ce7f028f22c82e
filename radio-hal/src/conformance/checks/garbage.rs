//! Octets of every value, and octets that are no frames.

use super::Stop;
use crate::conformance::heard::{Octets, exactly, has, packet};
use crate::conformance::near::ARRIVAL;
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;

/// What every run begins with, so that each is like the other.
const SEED: u64 = 0x4865_6C69_6F67_7261;
/// How often random garbage is followed by a frame.
const RANDOM_ROUNDS: usize = 64;
/// Octets of one random piece, at most.
const RANDOM_BYTES_MAX: u64 = 80;
/// Octets that mean something to a framing or a terminal.
const SPECIAL_OCTETS: [u8; 16] = [
    0xC0, 0xDB, 0xDC, 0xDD, 0x7E, 0x7D, 0x5E, 0x00, 0xFF, 0x0D, 0x0A, 0x11, 0x13, 0x03, 0x04, 0x1A,
];

/// All values, and special ones in runs, both ways.
pub(super) fn every_octet(rig: &mut Rig) -> Result<(), Stop> {
    let bytes_max = rig.near.transmitting.packet_bytes_max();
    let part_bytes = bytes_max.unwrap_or(usize::MAX).min(128);
    let all: Vec<u8> = (0..=255).collect();
    let mut sent: Vec<Vec<u8>> = all.chunks(part_bytes).map(<[u8]>::to_vec).collect();
    sent.extend(SPECIAL_OCTETS.map(|octet| vec![octet; 12]));
    sent.push(SPECIAL_OCTETS.to_vec());

    let heard = rig.while_receiving(|_, far, listening| {
        for packet in &sent {
            far.send_packet(packet)?;
            if !listening.wait_for_packet(packet) {
                break;
            }
        }
        Ok(listening.take_packets(0))
    })?;
    exactly(&sent, &heard)?;
    let heard = rig.while_transmitting(sent.len(), |near| {
        sent.iter().try_for_each(|packet| near.send(packet))
    })?;
    Ok(exactly(&sent, &heard)?)
}

/// Garbage of known kinds and random garbage, each followed by a frame.
pub(super) fn recovers(rig: &mut Rig) -> Result<(), Stop> {
    let mut frame = rig.far.frame(&packet(99_999, 40))?;
    frame.truncate(frame.len() / 2);
    let mut garbage = vec![
        b"line noise".to_vec(),
        vec![0x00; 60],
        vec![0xFF; 60],
        vec![0xC0; 60],
        vec![0x7E; 60],
        vec![0xDB; 9],
        b"\xC0\x00wrong escape \xDB\x01 in it\xC0".to_vec(),
        b"\xC0\x16a KISS command\xC0".to_vec(),
        b"\xC0".to_vec(),
        b"\xC0\x00".to_vec(),
        frame,
    ];
    let mut random = Random(SEED);
    garbage.extend((0..RANDOM_ROUNDS).map(|_| random.garbage()));
    Ok(rig.while_receiving(|_, far, listening| {
        for (number, garbage) in garbage.iter().enumerate() {
            let good = packet(number, 24);
            far.send(garbage)?;
            far.send_packet(&good)?;
            listening.wait_for_packet(&good);
            let heard = listening.take();
            let error = heard.iter().find(|one| one.is_error());
            if error.is_some() || !has(&heard, &good) {
                return Err(Violation::here(
                    format!("a frame is given that comes after {}", Octets(garbage)),
                    match error {
                        Some(error) => format!("{error:?}"),
                        None => format!("not within {ARRIVAL:?}, only: {heard:?}"),
                    },
                ));
            }
        }
        Ok(())
    })?)
}

/// Xorshift: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    /// Random octets, with more special ones than chance would bring.
    fn garbage(&mut self) -> Vec<u8> {
        let bytes = 1 + self.below(RANDOM_BYTES_MAX);
        (0..bytes).map(|_| self.octet()).collect()
    }

    fn octet(&mut self) -> u8 {
        let number = self.below(256 + 128);
        u8::try_from(number).unwrap_or_else(|_| {
            let special = SPECIAL_OCTETS.iter().cycle().nth(number as usize % 16);
            special.copied().unwrap_or_default()
        })
    }
}
