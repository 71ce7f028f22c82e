//! The octets of one protected message.
//!
//! The trailer of 16 octets covers, in this order: direction (0 up, 1 down), APID
//! u16, SPI u16, sequence number u64, the command header (10 octets, where the
//! APID has one) and the payload. With encryption all but the payload is the
//! additional data of AES-256-GCM, and the nonce is SPI ‖ 00 00 ‖ sequence number.
//! All numbers are big-endian.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::keys::{Key, Mode};
use super::spi::Direction;
use crate::message::{Head, SecurityHeader};

/// Octets of the trailer behind the payload: a MAC or a GCM tag.
pub const TRAILER_BYTES: usize = 16;

/// Octets of the security header.
pub const SECURITY_HEADER_BYTES: usize = 10;

/// Direction, APID, SPI, sequence number, command header.
const COVERED_BYTES_MAX: usize = 1 + 2 + SECURITY_HEADER_BYTES + 10;

/// What is protected beside the payload.
pub(crate) struct Covered {
    octets: [u8; COVERED_BYTES_MAX],
    len: usize,
    header: SecurityHeader,
}

impl Covered {
    pub(crate) fn new(
        direction: Direction,
        apid: u16,
        header: SecurityHeader,
        head: &Head,
    ) -> Self {
        let mut covered = Covered {
            octets: [0; COVERED_BYTES_MAX],
            len: 0,
            header,
        };
        covered.push(&[direction.octet()]);
        covered.push(&apid.to_be_bytes());
        covered.push(&header.spi.to_be_bytes());
        covered.push(&header.sequence.to_be_bytes());
        if head.payload_type.has_command_header() {
            covered.push(&head.command_id.to_be_bytes());
            covered.push(&head.port.to_be_bytes());
        }
        covered
    }

    fn push(&mut self, octets: &[u8]) {
        let end = self.len + octets.len();
        if let Some(place) = self.octets.get_mut(self.len..end) {
            place.copy_from_slice(octets);
            self.len = end;
        }
    }

    fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or(&self.octets)
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        let (spi, rest) = nonce.split_at_mut(2);
        spi.copy_from_slice(&self.header.spi.to_be_bytes());
        let (_, sequence) = rest.split_at_mut(2);
        sequence.copy_from_slice(&self.header.sequence.to_be_bytes());
        nonce
    }
}

/// Why nothing could be sealed: a payload beyond what the cipher takes (64 GiB).
#[derive(Debug)]
pub(crate) struct TooLong;

/// The authentication does not match.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

/// Encrypts `payload` in place, if so configured, and gives its trailer.
pub(crate) fn seal(
    mode: Mode,
    key: &Key,
    covered: &Covered,
    payload: &mut [u8],
) -> Result<[u8; TRAILER_BYTES], TooLong> {
    match mode {
        Mode::Authenticate => {
            let whole = authenticator(key, covered, payload)
                .ok_or(TooLong)?
                .finalize()
                .into_bytes();
            let cut = whole.first_chunk::<TRAILER_BYTES>();
            cut.copied().ok_or(TooLong)
        }
        Mode::Encrypt => {
            let nonce = Nonce::from(covered.nonce());
            let sealed = gcm(key).encrypt_inout_detached(&nonce, covered.octets(), payload.into());
            sealed.map(Into::into).map_err(|_| TooLong)
        }
    }
}

/// Checks `trailer` in constant time; then decrypts `payload` in place, if so
/// configured. After an error the payload is as it was.
pub(crate) fn open(
    mode: Mode,
    key: &Key,
    covered: &Covered,
    payload: &mut [u8],
    trailer: &[u8; TRAILER_BYTES],
) -> Result<(), NotAuthentic> {
    match mode {
        Mode::Authenticate => {
            let computed = authenticator(key, covered, payload).ok_or(NotAuthentic)?;
            let checked = computed.verify_truncated_left(trailer);
            checked.map_err(|_| NotAuthentic)
        }
        Mode::Encrypt => {
            let nonce = Nonce::from(covered.nonce());
            let tag = Tag::from(*trailer);
            gcm(key)
                .decrypt_inout_detached(&nonce, covered.octets(), payload.into(), &tag)
                .map_err(|_| NotAuthentic)
        }
    }
}

/// HMAC-SHA-256 (RFC 2104) over `parts`, not cut yet.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // It takes keys of any length.
    let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| hmac.update(part));
    Some(hmac)
}

fn authenticator(key: &Key, covered: &Covered, payload: &[u8]) -> Option<Hmac<Sha256>> {
    hmac(&**key, &[covered.octets(), payload])
}

fn gcm(key: &Key) -> Aes256Gcm {
    let key: &[u8; 32] = key;
    Aes256Gcm::new(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Class, PayloadType};
    use crate::security::hex;
    use zeroize::Zeroizing;

    fn head(payload_type: PayloadType) -> Head {
        Head {
            payload_type,
            class: Class::Standard,
            security: None,
            command_id: 0x0102_0304_0506_0708,
            port: 0x1F90,
        }
    }

    fn covered(payload_type: PayloadType) -> Covered {
        let header = SecurityHeader {
            spi: 0x0101,
            sequence: 0x0A0B_0C0D,
        };
        Covered::new(Direction::Up, 5, header, &head(payload_type))
    }

    /// RFC 4231 §4.2, §4.3 and §4.7 (a key longer than a block), and §4.6, cut to
    /// 128 bits as here.
    #[test]
    fn hmac_sha_256_is_that_of_rfc_4231() {
        let finish = |key: &[u8], text: &[u8]| hmac(key, &[text]).unwrap().finalize().into_bytes();
        let cases = [
            (
                vec![0x0B; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xAA; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0x0C; 20],
                b"Test With Truncation".to_vec(),
                "a3b6167473100ee06e0c796c2955552b",
            ),
        ];
        for (key, text, expected) in cases {
            let expected = hex(expected);
            assert_eq!(finish(&key, &text)[..expected.len()], expected);
            let mac = hmac(&key, &[&text]).unwrap();
            assert!(mac.verify_truncated_left(&expected[..16]).is_ok());
        }
    }

    /// Test cases 14 (a block of zeros) and 16 (with additional data, not a whole
    /// number of blocks) of McGrew and Viega, "The Galois/Counter Mode of
    /// Operation", which NIST SP 800-38D refers to.
    #[test]
    fn aes_256_gcm_is_that_of_nist() {
        let zeros = Zeroizing::new([0; 32]);
        let mut block = [0; 16];
        let tag = gcm(&zeros)
            .encrypt_inout_detached(&Nonce::from([0; 12]), &[], (&mut block[..]).into())
            .unwrap();
        assert_eq!(block.to_vec(), hex("cea7403d4d606b6e074ec5d3baf39d18"));
        assert_eq!(tag.to_vec(), hex("d0d1c8a799996bf0265b98b5d48ab919"));

        let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).unwrap());
        let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                     1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        let sealed = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                      8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
        let data = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let nonce: [u8; 12] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let mut payload = hex(plain);
        let tag = gcm(&key)
            .encrypt_inout_detached(&nonce.into(), &data, (&mut payload[..]).into())
            .unwrap();
        assert_eq!(payload, hex(sealed));
        assert_eq!(tag.to_vec(), hex("76fc6ece0f4e1768cddf8853bb2d551b"));
    }

    #[test]
    fn what_is_covered_stands_as_the_book_says() {
        let all = "00000501010000 00000a0b0c0d 0102030405060708 1f90";
        let all = hex(&all.replace(' ', ""));
        assert_eq!(covered(PayloadType::GraphQl).octets(), all);
        assert_eq!(covered(PayloadType::Cfdp).octets(), &all[..13]);
        let nonce = covered(PayloadType::Cfdp).nonce();
        assert_eq!(nonce.to_vec(), hex("01010000000000000a0b0c0d"));
    }

    #[test]
    fn every_bit_of_payload_and_trailer_counts() {
        let key = Zeroizing::new([0x5A; 32]);
        for mode in [Mode::Authenticate, Mode::Encrypt] {
            for length in [0, 1, 15, 16, 17, 100] {
                let covered = covered(PayloadType::Udp);
                let plain: Vec<u8> = (0..length).collect();
                let mut payload = plain.clone();
                let trailer = seal(mode, &key, &covered, &mut payload).unwrap();
                assert_eq!(
                    payload == plain,
                    mode == Mode::Authenticate || plain.is_empty()
                );
                let sealed = [&payload[..], &trailer].concat();
                for bit in 0..8 * sealed.len() {
                    let mut forged = sealed.clone();
                    forged[bit / 8] ^= 1 << (bit % 8);
                    let (payload, trailer) = forged.split_at_mut(payload.len());
                    let trailer = (&*trailer).try_into().unwrap();
                    let opened = open(mode, &key, &covered, payload, trailer);
                    assert_eq!(opened, Err(NotAuthentic), "bit {bit}");
                    // As it was: another key may still open it.
                    forged[bit / 8] ^= 1 << (bit % 8);
                    assert_eq!(forged, sealed);
                }
                open(mode, &key, &covered, &mut payload, &trailer).unwrap();
                assert_eq!(payload, plain);
            }
        }
    }
}
