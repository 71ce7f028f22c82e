//! Class 4: an uplink reached an assertion or a panic.
//!
//! CVE-2025-34458 (direwolf), F´#5923, F´#5924, F´#5633.
//!
//! Beside these tests, clippy refuses what may panic in the crates that see the
//! uplink, and the fuzz targets of `fuzz/` look for it.

use std::time::{Duration, Instant};

use comms_service::link::{Action, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::LinkPacket;
use heliograph_tests::workspace;

use crate::packets::{formats, packet};
use crate::random::Random;

const PACKETS: usize = 30_000;

/// Class 4: packets with some octets altered, lost, doubled or added, and random
/// ones, in every format. A panic of an engine fails this test, as does an
/// account that does not add up.
#[test]
fn no_packet_at_random_makes_an_engine_panic() {
    for (format, ground) in formats(End::Satellite)
        .into_iter()
        .zip(formats(End::Ground))
    {
        let mut random = Random::new(4);
        let mut link = Link::new(LinkConfig::new(End::Satellite), format);
        let mut now = Instant::now();
        for _ in 0..PACKETS {
            let packet = spoiled(&*ground, &mut random);
            link.handle_packet(now, packet);
            now += Duration::from_millis(random.below(100) as u64);
            link.handle_timeout(now);
            while let Some(action) = link.poll_action() {
                if let Action::SendDatagram { .. } = action {
                    link.handle_datagram_sent(Ok(()));
                }
            }
        }
        let statistics = link.statistics();
        assert!(statistics.balances(), "{statistics:?}");
        assert_eq!(statistics.packets_in.offered, PACKETS as u64);
    }
}

fn spoiled(ground: &dyn LinkPacket, random: &mut Random) -> Vec<u8> {
    let kind = [PayloadType::Udp, PayloadType::GraphQl][random.below(2)];
    let payload_bytes = random.below(100);
    let payload = random.octets(payload_bytes);
    let mut packet = packet(ground, kind, &payload, random.below(1 << 14) as u16);
    for _ in 0..random.below(4) {
        let at = random.below(packet.len());
        match random.below(5) {
            0 => packet.truncate(at + 1),
            1 => packet[at] = random.below(256) as u8,
            2 => packet[at] ^= 1 << random.below(8),
            3 => packet.extend(random.octets(at)),
            _ => {
                let bytes = at + 1;
                packet = random.octets(bytes);
            }
        }
    }
    packet
}

/// Class 4: what may panic is refused in review by the machine.
#[test]
fn the_crates_that_see_the_uplink_refuse_what_may_panic() {
    for source in ["radio-hal/src/lib.rs", "comms-service/src/lib.rs"] {
        let text = std::fs::read_to_string(workspace().join(source)).expect("a source file");
        let (everywhere, _) = text
            .split_once("#![cfg_attr(")
            .expect("tests are allowed to");
        for lint in ["unwrap_used", "expect_used", "indexing_slicing", "panic"] {
            let refused = everywhere.contains(&format!("clippy::{lint}"));
            assert!(refused, "{source}: {lint}");
        }
    }
}
