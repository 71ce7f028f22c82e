//! Keys: the master keys of a key file, and the keys derived from them. None of
//! them can be printed, and all are overwritten when they are dropped.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::spi::Spi;

/// Octets of a key.
pub const KEY_BYTES: usize = 32;
/// Most generations in a key file.
pub const GENERATIONS_MAX: usize = 2;

/// What is derived from a master key begins its HKDF info with this.
const LINK_INFO: &[u8] = b"heliograph link 1";
const RESYNC_INFO: &[u8] = b"heliograph resync 1";

/// How messages are protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// HMAC-SHA-256, cut to 16 octets: everybody can read, nobody can alter.
    #[default]
    Authenticate,
    /// AES-256-GCM: the payload is secret, too.
    Encrypt,
}

impl Mode {
    /// Its name in configuration and telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Authenticate => "authenticate",
            Mode::Encrypt => "encrypt",
        }
    }

    fn octet(self) -> u8 {
        match self {
            Mode::Authenticate => 1,
            Mode::Encrypt => 2,
        }
    }
}

/// A secret of 32 octets.
pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// The master keys of a link by their generation: one, or two during a rotation.
#[derive(Clone)]
pub struct KeyRing {
    /// In the order of the key file.
    keys: Vec<(u8, Key)>,
}

impl PartialEq for KeyRing {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.keys.iter().zip(&other.keys);
        let same = |((a, key), (b, other)): (&(u8, Key), &(u8, Key))| a == b && **key == **other;
        self.keys.len() == other.keys.len() && pairs.map(same).fold(true, |all, one| all & one)
    }
}

/// Without the keys.
impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let generations: Vec<u8> = self
            .keys
            .iter()
            .map(|(generation, _)| *generation)
            .collect();
        f.debug_struct("KeyRing")
            .field("generations", &generations)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Keys that the reader of a key file has checked.
    pub(super) fn new(keys: Vec<(u8, Key)>) -> Self {
        KeyRing { keys }
    }

    pub(crate) fn has(&self, generation: u8) -> bool {
        self.master(generation).is_some()
    }

    /// The generation to begin with: that of the last line.
    pub(crate) fn newest(&self) -> u8 {
        self.keys.last().map_or(0, |(generation, _)| *generation)
    }

    /// The generation that was there first: that of the first line.
    pub(crate) fn oldest(&self) -> u8 {
        self.keys.first().map_or(0, |(generation, _)| *generation)
    }

    pub(crate) fn generations(&self) -> Vec<u8> {
        self.keys
            .iter()
            .map(|(generation, _)| *generation)
            .collect()
    }

    /// The key of one association. `salt` is empty or comes from a resync.
    pub(crate) fn derive(&self, mode: Mode, spi: Spi, salt: &[u8]) -> Option<Key> {
        let master = self.master(spi.generation)?;
        let number = spi.number().to_be_bytes();
        Some(derive(
            &**master,
            salt,
            &[LINK_INFO, &[mode.octet()], &number],
        ))
    }

    /// The key that proves a resync of `station`.
    pub(super) fn resync(&self, generation: u8, station: u8) -> Option<Key> {
        let master = self.master(generation)?;
        Some(derive(
            &**master,
            &[],
            &[RESYNC_INFO, &[generation, station]],
        ))
    }

    fn master(&self, generation: u8) -> Option<&Key> {
        let found = self.keys.iter().find(|(known, _)| *known == generation);
        found.map(|(_, key)| key)
    }
}

/// HKDF-SHA-256 (RFC 5869) to one key. An empty salt is as good as none (§2.2).
pub(super) fn derive(ikm: &[u8], salt: &[u8], info: &[&[u8]]) -> Key {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    // It fails only for more than 255 blocks of output; this is one.
    let expanded = Hkdf::<Sha256>::new(Some(salt), ikm).expand_multi_info(info, &mut *key);
    debug_assert!(expanded.is_ok());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::hex;

    /// RFC 5869 appendix A.1 and A.3, the first 32 octets of output.
    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        let ikm = [0x0B; 22];
        let okm = derive(
            &ikm,
            &hex("000102030405060708090a0b0c"),
            &[&hex("f0f1f2f3f4f5f6f7f8f9")],
        );
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(okm.to_vec(), hex(expected));
        let okm = derive(&ikm, &[], &[]);
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(okm.to_vec(), hex(expected));
    }

    #[test]
    fn whatever_differs_gives_another_key() {
        let ring = KeyRing::new(vec![
            (1, Zeroizing::new([1; KEY_BYTES])),
            (2, Zeroizing::new([2; KEY_BYTES])),
        ]);
        let mut keys = Vec::new();
        for mode in [Mode::Authenticate, Mode::Encrypt] {
            for spi in [Spi::up(1, 1), Spi::up(2, 1), Spi::down(1, 1), Spi::up(1, 2)] {
                for salt in [&[][..], &[7; 32], &[8; 16]] {
                    keys.push(ring.derive(mode, spi, salt).unwrap().to_vec());
                }
            }
        }
        keys.push(ring.resync(1, 1).unwrap().to_vec());
        keys.push(ring.resync(1, 2).unwrap().to_vec());
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert!(ring.derive(Mode::Encrypt, Spi::up(1, 3), &[]).is_none());
    }

    #[test]
    fn a_key_ring_does_not_print_its_keys() {
        let ring = KeyRing::new(vec![(7, Zeroizing::new([0xAB; KEY_BYTES]))]);
        assert_eq!(format!("{ring:?}"), "KeyRing { generations: [7], .. }");
    }
}
