//! PDUs on a link with security.

use comms_service::accounting::DropReason;
use comms_service::link::{PduRefused, PduToSend, QueueClass};
use comms_service::message::End;
use comms_service::security::Mode;

use super::rig::{Disk, Node, Setup, Sky, both_modes};

/// Packets of 256 octets less header (6), security header (10) and trailer (16).
const PDU_BYTES_MAX: usize = 256 - 6 - 10 - 16;

fn send(sky: &mut Sky, end: End, token: u64, octets: &[u8]) -> Result<(), PduRefused> {
    let now = sky.now;
    let node: &mut Node = match end {
        End::Satellite => &mut sky.satellite,
        End::Ground => &mut sky.grounds[0],
    };
    node.on(now, |link| {
        let pdu = PduToSend {
            token,
            class: QueueClass::Bulk,
            octets,
        };
        link.handle_pdu_to_send(0, pdu)
    })
}

#[test]
fn pdus_go_up_and_down_protected_up_to_the_last_octet_of_a_packet() {
    for mut sky in both_modes() {
        let largest = vec![0x5A; PDU_BYTES_MAX];
        for end in [End::Satellite, End::Ground] {
            send(&mut sky, end, 1, &largest).unwrap();
            assert_eq!(
                send(&mut sky, end, 2, &[0; PDU_BYTES_MAX + 1]),
                Err(PduRefused::TooLarge {
                    bytes: PDU_BYTES_MAX + 1,
                    bytes_max: PDU_BYTES_MAX
                })
            );
        }
        sky.carry();
        for node in [&sky.satellite, &sky.grounds[0]] {
            assert_eq!(node.pdus, std::slice::from_ref(&largest));
            assert_eq!(node.departed, [(1, Ok(()))]);
        }
        let on_air = sky.air_up.iter().chain(&sky.air_down);
        let in_clear = on_air.filter(|packet| packet.windows(50).any(|part| part == [0x5A; 50]));
        let encrypted = sky.satellite.setup.mode == Mode::Encrypt;
        assert_eq!(in_clear.count(), if encrypted { 0 } else { 2 });
    }
}

#[test]
fn every_station_hears_the_pdus_of_the_satellite() {
    let mut sky = Sky::in_sync_with(Setup::satellite(2), [Setup::ground(1), Setup::ground(2)]);
    send(&mut sky, End::Satellite, 1, b"file data").unwrap();
    sky.carry();
    for ground in &sky.grounds {
        assert_eq!(ground.pdus, [b"file data"]);
    }
}

#[test]
fn a_forged_or_repeated_pdu_does_not_reach_the_entity() {
    for mut sky in both_modes() {
        send(&mut sky, End::Ground, 1, b"put that there").unwrap();
        let now = sky.now;
        let genuine = sky.grounds[0].transmit(now).remove(0);
        // Flags and count are the packet's, not the message's.
        for bit in (0..8 * genuine.len()).filter(|bit| !(16..32).contains(bit)) {
            let mut forged = genuine.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            sky.satellite.hear(now, &forged);
        }
        assert!(sky.satellite.pdus.is_empty());
        sky.satellite.hear(now, &genuine);
        let mut replayed = genuine;
        replayed[3] = replayed[3].wrapping_add(1);
        sky.satellite.hear(now, &replayed);
        assert_eq!(sky.satellite.pdus, [b"put that there"]);
        assert_eq!(sky.satellite.dropped(DropReason::Replay), 1);
    }
}

#[test]
fn without_keys_in_common_a_pdu_departs_with_that_reason() {
    let mut sky = Sky::new(Setup::satellite(1), [Setup::ground(1)]);
    for end in [End::Satellite, End::Ground] {
        send(&mut sky, end, 1, b"pdu").unwrap();
    }
    let now = sky.now;
    sky.satellite.transmit(now);
    sky.grounds[0].transmit(now);
    for node in [&sky.satellite, &sky.grounds[0]] {
        assert_eq!(node.departed, [(1, Err(DropReason::NotInSync))]);
    }
}

#[test]
fn a_pdu_is_told_once_its_number_is_on_the_disk() {
    let mut sky = Sky::in_sync();
    // Up to the numbers that are durable, and beyond.
    sky.satellite.disk = Disk::Stalls;
    let now = sky.now;
    let mut told = 0;
    for token in 0..1000 {
        send(&mut sky, End::Ground, token, &token.to_be_bytes()).unwrap();
        sky.carry_up();
        if sky.satellite.pdus.len() == told {
            break;
        }
        told += 1;
    }
    assert_eq!(sky.satellite.statistics().messages_in.queued, 1);
    sky.satellite.disk = Disk::Stores;
    sky.satellite.work_on_disk(now);
    assert_eq!(sky.satellite.pdus.len(), told + 1);
}
