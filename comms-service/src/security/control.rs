//! The three link-control messages of the security layer.
//!
//! | type | octets after it | sent |
//! |---|---|---|
//! | 4 challenge | challenge (16) | down, in the clear |
//! | 5 resync | station u8, key generation u8, nonce (16), proof (16) | up, in the clear |
//! | 6 resync done | broadcast salt (16), n × (station u8, key generation u8, number u64) | down, authenticated |
//!
//! A number is the first that the satellite will take from that station; for station
//! 0, everybody, the first that it has not used. The satellite sends the last one
//! after a resync, and after a start until it hears from its stations. The proof is HMAC-SHA-256, cut to 16 octets, over challenge ‖ nonce,
//! under HKDF-SHA-256 of the master key with no salt and the info
//! "heliograph resync 1" ‖ key generation ‖ station. All numbers are big-endian.

use byteorder::{BigEndian, ByteOrder as _};

/// Octets of a challenge, a nonce or a proof.
pub const CHALLENGE_BYTES: usize = 16;

/// 16 octets that the other end cannot foresee.
pub(crate) type Challenge = [u8; CHALLENGE_BYTES];

const CHALLENGE: u8 = 4;
const RESYNC: u8 = 5;
const RESYNC_DONE: u8 = 6;

const RESYNC_BYTES: usize = 1 + 1 + 1 + 16 + 16;
const DONE_HEADER_BYTES: usize = 1 + 16;
const BOUND_BYTES: usize = 1 + 1 + 8;
/// Most bounds in one message, so that it fits into the smallest packets: a
/// satellite with more stations sends several.
pub(crate) const BOUNDS_MAX: usize = 4;

/// A link-control message of the security layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecurityControl {
    Challenge(Challenge),
    Resync(Resync),
    ResyncDone(ResyncDone),
}

/// A station asks for new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resync {
    pub(crate) station: u8,
    pub(crate) generation: u8,
    pub(crate) nonce: Challenge,
    pub(crate) proof: Challenge,
}

/// The satellite tells what numbers it goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResyncDone {
    pub(crate) broadcast_salt: Challenge,
    pub(crate) bounds: Vec<Bound>,
}

/// From which number on a station's messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) station: u8,
    pub(crate) generation: u8,
    pub(crate) number: u64,
}

impl SecurityControl {
    /// None where it is none of ours, or not whole.
    pub(crate) fn decode(octets: &[u8]) -> Option<SecurityControl> {
        let (kind, rest) = octets.split_first()?;
        match *kind {
            CHALLENGE => rest.try_into().ok().map(SecurityControl::Challenge),
            RESYNC if octets.len() == RESYNC_BYTES => {
                let (who, rest) = rest.split_first_chunk::<2>()?;
                let (nonce, rest) = rest.split_first_chunk()?;
                let [station, generation] = *who;
                Some(SecurityControl::Resync(Resync {
                    station,
                    generation,
                    nonce: *nonce,
                    proof: rest.try_into().ok()?,
                }))
            }
            RESYNC_DONE => {
                let (salt, rest) = rest.split_first_chunk()?;
                let bounds = rest.chunks(BOUND_BYTES).map(Bound::decode);
                Some(SecurityControl::ResyncDone(ResyncDone {
                    broadcast_salt: *salt,
                    bounds: bounds.collect::<Option<_>>()?,
                }))
            }
            _ => None,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(DONE_HEADER_BYTES + BOUNDS_MAX * BOUND_BYTES);
        match self {
            SecurityControl::Challenge(challenge) => {
                octets.push(CHALLENGE);
                octets.extend_from_slice(challenge);
            }
            SecurityControl::Resync(resync) => {
                octets.extend_from_slice(&[RESYNC, resync.station, resync.generation]);
                octets.extend_from_slice(&resync.nonce);
                octets.extend_from_slice(&resync.proof);
            }
            SecurityControl::ResyncDone(done) => {
                octets.push(RESYNC_DONE);
                octets.extend_from_slice(&done.broadcast_salt);
                for bound in &done.bounds {
                    octets.extend_from_slice(&[bound.station, bound.generation]);
                    octets.extend_from_slice(&bound.number.to_be_bytes());
                }
            }
        }
        octets
    }
}

impl Bound {
    fn decode(octets: &[u8]) -> Option<Bound> {
        let (who, number) = octets.split_first_chunk::<2>()?;
        let [station, generation] = *who;
        let number = (number.len() == 8).then(|| BigEndian::read_u64(number))?;
        Some(Bound {
            station,
            generation,
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(octets in proptest::collection::vec(any::<u8>(), 0..80), kind in 3u8..8) {
            let octets = [&[kind][..], &octets].concat();
            if let Some(control) = SecurityControl::decode(&octets) {
                prop_assert_eq!(control.encode(), octets);
            }
        }
    }

    #[test]
    fn the_three_messages_stand_as_the_book_says() {
        let challenge = SecurityControl::Challenge([0xC1; 16]);
        assert_eq!(challenge.encode(), [&[4][..], &[0xC1; 16]].concat());
        let resync = SecurityControl::Resync(Resync {
            station: 2,
            generation: 3,
            nonce: [0x0A; 16],
            proof: [0x0B; 16],
        });
        assert_eq!(
            resync.encode(),
            [&[5, 2, 3][..], &[0x0A; 16], &[0x0B; 16]].concat()
        );
        let bound = Bound {
            station: 1,
            generation: 2,
            number: 0x0102,
        };
        let done = SecurityControl::ResyncDone(ResyncDone {
            broadcast_salt: [0x0C; 16],
            bounds: vec![bound],
        });
        let expected = [&[6][..], &[0x0C; 16], &[1, 2, 0, 0, 0, 0, 0, 0, 1, 2]];
        assert_eq!(done.encode(), expected.concat());
        for control in [challenge, resync, done] {
            let octets = control.encode();
            assert_eq!(SecurityControl::decode(&octets), Some(control));
            assert_eq!(SecurityControl::decode(&octets[..octets.len() - 1]), None);
            assert_eq!(SecurityControl::decode(&[&octets[..], &[0]].concat()), None);
        }
    }
}
