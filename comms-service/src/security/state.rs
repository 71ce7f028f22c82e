//! What the security layer must not forget, as octets.
//!
//! ```text
//! "HGSS"  4   magic
//!         1   version, 1
//!         3   zeros
//!         8   serial number: the higher is the newer
//!         1   flags: bit 0 a challenge follows, bit 1 a broadcast salt
//!         16  challenge                     } where the flag is set
//!         16  broadcast salt                }
//!         1   stations, each: number, key generation, salt (32), proof (16)
//!         1   open resyncs, each: challenge (16), nonce (16)
//!         2   associations, each: SPI u16, first number not used yet u64
//!         4   CRC-32 of all before it
//! ```
//! All numbers are big-endian. There is no secret in it: salts went over the air.
//! Two copies are kept; the newer one that is whole counts.

use std::collections::BTreeMap;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

use super::control::{CHALLENGE_BYTES, Challenge};
use super::spi::STATIONS_MAX;

/// Octets of the largest state that is read.
pub const STATE_BYTES_MAX: usize = 1 << 20;

const MAGIC: &[u8] = b"HGSS\x01\0\0\0";
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// Octets of a salt that a resync gives: challenge ‖ nonce.
pub(crate) const SALT_BYTES: usize = 2 * CHALLENGE_BYTES;

/// Everything durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Grows with each store.
    pub(crate) serial: u64,
    /// On a satellite: what it offers.
    pub(crate) challenge: Option<Challenge>,
    /// Salt of the association to everybody.
    pub(crate) broadcast_salt: Option<Challenge>,
    /// The stations that are in sync; on the ground, us.
    pub(crate) stations: BTreeMap<u8, StationState>,
    /// On the ground: resyncs whose success is not known, oldest first.
    pub(crate) pending: Vec<Pending>,
    /// By SPI: the first number that may not have been used yet.
    pub(crate) numbers: BTreeMap<u16, u64>,
}

/// A station in sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StationState {
    /// Under which it was last heard, validly.
    pub(crate) generation: u8,
    pub(crate) salt: [u8; SALT_BYTES],
    /// Of its resync, to know it if it comes again.
    pub(crate) proof: Challenge,
}

/// A resync that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) challenge: Challenge,
    pub(crate) nonce: Challenge,
}

/// Most resyncs whose success is open.
pub(crate) const PENDING_MAX: usize = 8;

impl Pending {
    pub(crate) fn salt(&self) -> [u8; SALT_BYTES] {
        salt(&self.challenge, &self.nonce)
    }
}

/// challenge ‖ nonce.
pub(crate) fn salt(challenge: &Challenge, nonce: &Challenge) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    let (front, back) = salt.split_at_mut(CHALLENGE_BYTES);
    front.copy_from_slice(challenge);
    back.copy_from_slice(nonce);
    salt
}

impl State {
    /// The octets of one copy.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = MAGIC.to_vec();
        octets.extend_from_slice(&self.serial.to_be_bytes());
        let flags =
            u8::from(self.challenge.is_some()) | u8::from(self.broadcast_salt.is_some()) << 1;
        octets.push(flags);
        for part in [self.challenge, self.broadcast_salt].iter().flatten() {
            octets.extend_from_slice(part);
        }
        octets.push(self.stations.len().try_into().unwrap_or(u8::MAX));
        for (number, station) in self.stations.iter().take(u8::MAX.into()) {
            octets.extend_from_slice(&[*number, station.generation]);
            octets.extend_from_slice(&station.salt);
            octets.extend_from_slice(&station.proof);
        }
        octets.push(self.pending.len().try_into().unwrap_or(u8::MAX));
        for pending in self.pending.iter().take(u8::MAX.into()) {
            octets.extend_from_slice(&pending.challenge);
            octets.extend_from_slice(&pending.nonce);
        }
        // Fewer than 65 535: an index has 16 bits, and two name nothing.
        let count = u16::try_from(self.numbers.len()).unwrap_or(u16::MAX);
        octets.extend_from_slice(&count.to_be_bytes());
        for (spi, number) in &self.numbers {
            octets.extend_from_slice(&spi.to_be_bytes());
            octets.extend_from_slice(&number.to_be_bytes());
        }
        let crc = CRC.checksum(&octets);
        octets.extend_from_slice(&crc.to_be_bytes());
        octets
    }

    /// None where a copy is not whole.
    pub fn decode(octets: &[u8]) -> Option<State> {
        let (covered, crc) = octets.split_last_chunk::<4>()?;
        if CRC.checksum(covered) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut reader = Reader(covered.strip_prefix(MAGIC)?);
        let serial = u64::from_be_bytes(reader.take()?);
        let [flags] = reader.take()?;
        let mut state = State {
            serial,
            ..State::default()
        };
        if flags & 1 != 0 {
            state.challenge = Some(reader.take()?);
        }
        if flags & 2 != 0 {
            state.broadcast_salt = Some(reader.take()?);
        }
        let [stations] = reader.take()?;
        for _ in 0..stations {
            let [number, generation] = reader.take()?;
            let station = StationState {
                generation,
                salt: reader.take()?,
                proof: reader.take()?,
            };
            if number > STATIONS_MAX || state.stations.insert(number, station).is_some() {
                return None;
            }
        }
        let [pending] = reader.take()?;
        for _ in 0..pending {
            state.pending.push(Pending {
                challenge: reader.take()?,
                nonce: reader.take()?,
            });
        }
        let count = u16::from_be_bytes(reader.take()?);
        for _ in 0..count {
            let spi = u16::from_be_bytes(reader.take()?);
            let number = u64::from_be_bytes(reader.take()?);
            if state.numbers.insert(spi, number).is_some() {
                return None;
            }
        }
        reader.0.is_empty().then_some(state)
    }

    /// The salt of the keys of `station`, 0 for everybody: it names them.
    pub fn salt_of(&self, station: u8) -> Option<Vec<u8>> {
        match station {
            super::spi::EVERYBODY => self.broadcast_salt.map(|salt| salt.to_vec()),
            station => self.stations.get(&station).map(|known| known.salt.to_vec()),
        }
    }

    /// Of two copies, as far as they could be read, the newer one that is whole.
    pub fn choose(copies: [Option<&[u8]>; 2]) -> Option<State> {
        let whole = copies.into_iter().flatten().filter_map(State::decode);
        whole.max_by_key(|state| state.serial)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn state(serial: u64) -> State {
        let station = StationState {
            generation: 2,
            salt: [3; SALT_BYTES],
            proof: [4; CHALLENGE_BYTES],
        };
        State {
            serial,
            challenge: Some([1; CHALLENGE_BYTES]),
            broadcast_salt: serial.is_multiple_of(2).then_some([2; CHALLENGE_BYTES]),
            stations: BTreeMap::from([(1, station), (127, station)]),
            pending: vec![Pending {
                challenge: [5; CHALLENGE_BYTES],
                nonce: [6; CHALLENGE_BYTES],
            }],
            numbers: BTreeMap::from([(0x0101, serial * 256), (0x8101, u64::MAX)]),
        }
    }

    #[test]
    fn a_state_reads_back() {
        for state in [state(1), state(2), State::default()] {
            assert_eq!(State::decode(&state.encode()), Some(state));
        }
    }

    #[test]
    fn a_copy_that_is_cut_or_altered_anywhere_is_not_read() {
        let octets = state(2).encode();
        for cut in 0..octets.len() {
            assert_eq!(State::decode(&octets[..cut]), None);
        }
        for bit in 0..8 * octets.len() {
            let mut altered = octets.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(State::decode(&altered), None, "bit {bit}");
        }
    }

    #[test]
    fn the_newer_whole_copy_counts() {
        let (old, new) = (state(8).encode(), state(9).encode());
        let serial = |copies| State::choose(copies).map(|state| state.serial);
        assert_eq!(serial([Some(&old), Some(&new)]), Some(9));
        assert_eq!(serial([Some(&new), Some(&old)]), Some(9));
        assert_eq!(serial([Some(&new[..40]), Some(&old)]), Some(8));
        assert_eq!(serial([Some(&old), None]), Some(8));
        assert_eq!(serial([None, Some(&new[..0])]), None);
    }

    proptest! {
        #[test]
        fn whatever_octets_are_read_without_a_panic(
            body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut octets = [MAGIC, &body].concat();
            octets.extend_from_slice(&CRC.checksum(&octets).to_be_bytes());
            if let Some(state) = State::decode(&octets) {
                prop_assert_eq!(State::decode(&state.encode()), Some(state));
            }
        }
    }
}
