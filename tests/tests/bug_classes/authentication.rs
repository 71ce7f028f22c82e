//! Class 10: authentication was absent, weak, or did not cover what it was for.
//!
//! CryptoLib's header that the MAC left out, keys of zeros that were accepted, tags of
//! any length.

use comms_service::accounting::DropReason;
use comms_service::security::{KeyRing, Mode};

use crate::secured::SecuredLink;

const MODES: [Mode; 2] = [Mode::Authenticate, Mode::Encrypt];

/// The packet's own sequence flags and count: they are not the message's.
const NOT_COVERED: std::ops::Range<usize> = 16..32;

/// Class 10: each bit of a query and of its answer.
#[test]
fn whatever_bit_of_an_exchange_is_flipped_it_is_refused_in_silence() {
    for mode in MODES {
        let mut link = SecuredLink::new(mode, 1);
        let query = link
            .query(0, b"{\"query\":\"mutation { fire }\"}")
            .remove(0);
        for bit in (0..8 * query.len()).filter(|bit| !NOT_COVERED.contains(bit)) {
            let mut forged = query.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(link.hears(&forged).len(), 0, "bit {bit}");
        }
        assert!(link.ran.is_empty());
        assert!(link.dropped(DropReason::BadMac) > 0);
        let answer = link.hears(&query).remove(0);
        for bit in (0..8 * answer.len()).filter(|bit| !NOT_COVERED.contains(bit)) {
            let mut forged = answer.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            link.stations_hear(&forged);
            assert_eq!(link.answers, 0, "bit {bit}");
        }
        link.stations_hear(&answer);
        assert_eq!((link.ran.len(), link.answers), (1, 1));
    }
}

/// Class 10: a trailer, or more of the packet, that is cut off, with the length right.
#[test]
fn a_message_that_is_cut_anywhere_is_refused() {
    for mode in MODES {
        let mut link = SecuredLink::new(mode, 1);
        let query = link.query(0, b"{}").remove(0);
        for bytes in 7..query.len() {
            let mut cut = query[..bytes].to_vec();
            cut[4..6].copy_from_slice(&(bytes as u16 - 7).to_be_bytes());
            assert_eq!(link.hears(&cut).len(), 0, "{bytes} octets");
        }
        assert!(link.ran.is_empty());
    }
}

/// Class 10: where it would go and as what: id, port, number, station, APID.
#[test]
fn no_header_of_a_message_can_be_exchanged_for_another() {
    for mode in MODES {
        let mut link = SecuredLink::new(mode, 2);
        let one = link.query(0, b"{one}").remove(0);
        let other = link.query(1, b"{two}").remove(0);
        // SPI, number, command id, port; and all of these.
        for part in [6..8, 8..16, 16..24, 24..26, 6..16, 6..26] {
            let mut forged = one.clone();
            forged[part.clone()].copy_from_slice(&other[part.clone()]);
            if forged != one {
                assert_eq!(link.hears(&forged).len(), 0, "{part:?}");
            }
        }
        for apid in [1, 2, 3, 4, 5] {
            let mut forged = one.clone();
            forged[1] = apid;
            assert_eq!(link.hears(&forged).len(), 0, "APID {apid}");
        }
        assert!(link.ran.is_empty());
    }
}

/// Class 10: a link with one mode is none for the other, though the key is the same.
#[test]
fn what_is_authenticated_is_not_taken_for_encrypted_nor_the_other_way() {
    for modes in [MODES, [Mode::Encrypt, Mode::Authenticate]] {
        let [mut one, mut other] = modes.map(|mode| SecuredLink::new(mode, 1));
        let query = one.query(0, b"{}").remove(0);
        assert_eq!(other.hears(&query).len(), 0);
        assert!(other.ran.is_empty());
        assert_eq!(other.dropped(DropReason::BadMac), 1);
    }
}

/// Class 10: keys that are none.
#[test]
fn a_key_of_zeros_or_too_short_a_key_is_refused() {
    for key in [&*"0".repeat(64), &"1".repeat(63), &"1".repeat(32), ""] {
        KeyRing::parse(format!("1 {key}").as_bytes()).unwrap_err();
    }
}
