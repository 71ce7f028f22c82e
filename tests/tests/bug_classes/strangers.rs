//! Class 14 with security: whoever has no key learns nothing, not even that somebody is
//! there. `red_team` has what holds without security.

use std::time::Duration;

use comms_service::packet::IDLE_APID;
use comms_service::security::Mode;

use crate::random::Random;
use crate::secured::SecuredLink;

/// A packet of the ground on `apid`, whose security header begins with `spi`.
fn forged(apid: u16, spi: u16, rest: &[u8]) -> Vec<u8> {
    let data = [&spi.to_be_bytes()[..], rest].concat();
    let bytes = data.len() as u16 - 1;
    let mut packet = vec![0x10 | (apid >> 8) as u8, apid as u8, 0xC0, 9];
    packet.extend_from_slice(&bytes.to_be_bytes());
    packet.extend(data);
    packet
}

/// Class 14: all APIDs, with the index of an association that there is, and in the
/// clear.
#[test]
fn an_enumeration_of_all_apids_meets_silence_everywhere() {
    let mut link = SecuredLink::new(Mode::Authenticate, 1);
    for apid in 0..=IDLE_APID {
        for spi in [0x0101, 0] {
            let packet = forged(apid, spi, &[7; 60]);
            assert_eq!(link.hears(&packet).len(), 0, "APID {apid}, SPI {spi}");
        }
    }
    assert!(link.ran.is_empty());
}

/// Class 14: all associations that could be.
#[test]
fn an_enumeration_of_all_associations_meets_silence_and_leaves_nothing() {
    let mut link = SecuredLink::new(Mode::Encrypt, 2);
    let before = link.satellite.statistics().memory_bytes_used;
    for spi in 0..=u16::MAX {
        for apid in [0, 2, 5] {
            assert_eq!(
                link.hears(&forged(apid, spi, &[7; 40])).len(),
                0,
                "{spi:#06x}"
            );
        }
    }
    assert!(link.ran.is_empty());
    assert_eq!(link.satellite.statistics().memory_bytes_used, before);
}

/// Class 14: what the ends of a link say to each other, by somebody else: repairs,
/// reports, challenges, resyncs, of every type and with any content.
#[test]
fn link_control_of_a_stranger_is_silence_at_both_ends() {
    let mut link = SecuredLink::new(Mode::Authenticate, 1);
    let query = link.query(0, b"{}");
    query.iter().for_each(|packet| drop(link.hears(packet)));
    let mut random = Random::new(14);
    for round in 0..2000_u32 {
        for spi in [0, 0x0101] {
            let bytes = 9 + random.below(60);
            let mut rest = random.octets(bytes);
            rest[8] = (round % 9) as u8;
            let mut packet = forged(5, spi, &rest);
            assert_eq!(link.hears(&packet).len(), 0, "round {round}");
            // Down to the stations, as if it came from the satellite.
            packet[0] &= !0x10;
            link.stations_hear(&packet);
        }
    }
    link.passes(Duration::from_secs(1));
    for packet in link.query(0, b"after") {
        assert_eq!(link.hears(&packet).len(), 1);
    }
    assert_eq!(link.ran.len(), 2);
}
