//! What is refused, in silence.

use comms_service::accounting::DropReason;
use comms_service::message::End;
use comms_service::message::{Class, Head, PayloadType, SecurityHeader};
use comms_service::packet::{LinkPacket, SpacePacketFormat};

use super::rig::{KEY_1, KEY_2, Setup, Sky, both_modes};

#[test]
fn queries_and_datagrams_pass_both_ways_in_both_modes() {
    for mut sky in both_modes() {
        sky.assert_works(0);
        sky.send(0, PayloadType::Udp, b"set", 0);
        sky.app_sends(b"beacon");
        sky.carry();
        assert_eq!(sky.satellite.datagrams, [b"set"]);
        assert_eq!(sky.grounds[0].heard, [b"beacon"]);
        // Of more than one packet.
        let long = "x".repeat(3000);
        sky.ask(0, &long, 0);
        sky.carry();
        sky.services_answer();
        sky.carry();
        assert_eq!(sky.grounds[0].answers[1], long.as_bytes());
    }
}

#[test]
fn only_an_encrypted_payload_cannot_be_read_on_the_air() {
    for (mut sky, readable) in both_modes().into_iter().zip([true, false]) {
        sky.ask(0, "a secret question", 0);
        sky.carry_up();
        let packet = sky.air_up.last().unwrap();
        let text = b"a secret question";
        let seen = packet.windows(text.len()).any(|part| part == text);
        assert_eq!(seen, readable);
    }
}

/// All but sequence flags and count: these are the packet's, not the message's, and
/// only packet error control covers them.
fn covered_bits(packet: &[u8]) -> impl Iterator<Item = usize> {
    (0..8 * packet.len()).filter(|bit| !(16..32).contains(bit))
}

#[test]
fn a_message_with_any_bit_flipped_is_refused_in_silence() {
    for mut sky in both_modes() {
        sky.ask(0, "query { ping }", 0);
        let packet = sky.grounds[0].transmit(sky.now).pop().unwrap();
        for bit in covered_bits(&packet) {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            sky.satellite.hear(sky.now, &forged);
            // Whatever it opened, a first segment say, is over.
            assert!(sky.satellite.posts.is_empty(), "bit {bit}");
            assert!(sky.satellite.datagrams.is_empty(), "bit {bit}");
        }
        assert_eq!(sky.satellite.transmit(sky.now), Vec::<Vec<u8>>::new());
        assert!(sky.satellite.dropped(DropReason::BadMac) > 8 * 20);
        assert!(sky.satellite.dropped(DropReason::UnknownAssociation) > 8);
        // And the good one still passes: no forged one has used up its number.
        sky.satellite.hear(sky.now, &packet);
        assert_eq!(sky.satellite.posts.len(), 1);
    }
}

#[test]
fn an_answer_with_any_bit_flipped_is_refused() {
    for mut sky in both_modes() {
        sky.ask(0, "query { ping }", 0);
        sky.carry_up();
        sky.services_answer();
        let packet = sky.satellite.transmit(sky.now).pop().unwrap();
        for bit in covered_bits(&packet) {
            let mut forged = packet.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            sky.grounds[0].hear(sky.now, &forged);
            assert!(sky.grounds[0].answers.is_empty(), "bit {bit}");
            assert!(sky.grounds[0].heard.is_empty(), "bit {bit}");
        }
        sky.grounds[0].hear(sky.now, &packet);
        assert_eq!(sky.grounds[0].answers.len(), 1);
    }
}

#[test]
fn an_identical_message_is_a_replay() {
    let mut sky = Sky::in_sync();
    sky.send(0, PayloadType::Udp, b"fire", 0);
    sky.carry();
    let packet = sky.air_up.last().unwrap().clone();
    for count in 0..3 {
        // With another sequence count, which is not covered, it is no duplicate.
        let mut replayed = packet.clone();
        replayed[3] ^= 0x10 << count;
        sky.satellite.hear(sky.now, &replayed);
    }
    assert_eq!(sky.satellite.datagrams.len(), 1);
    assert_eq!(sky.satellite.dropped(DropReason::Replay), 3);
}

#[test]
fn a_message_for_another_channel_or_end_is_refused() {
    let mut sky = Sky::in_sync();
    sky.send(0, PayloadType::Udp, b"fire", 0);
    let packet = sky.grounds[0].transmit(sky.now).pop().unwrap();
    let mut to_graphql = packet.clone();
    to_graphql[1] = 0;
    sky.satellite.hear(sky.now, &to_graphql);
    assert_eq!(sky.satellite.dropped(DropReason::BadMac), 1);
    // Reflected: with the packet type of the other direction.
    let mut reflected = packet;
    reflected[0] &= !0x10;
    sky.grounds[0].hear(sky.now, &reflected);
    assert_eq!(sky.grounds[0].dropped(DropReason::UnknownAssociation), 1);
    assert!(sky.grounds[0].heard.is_empty());
}

#[test]
fn without_the_key_nothing_gets_in_and_nothing_comes_back() {
    let stranger = Setup {
        keys: KEY_1.replace("111", "112"),
        ..Setup::ground(1)
    };
    let mut sky = Sky::new(Setup::satellite(1), [stranger]);
    sky.pass(super::rig::CHALLENGE_INTERVAL * 5);
    assert_eq!(sky.grounds[0].link.is_in_sync(), Some(false));
    assert!(sky.satellite.dropped(DropReason::ResyncRefused) >= 1);
    // All that is on the air are challenges.
    assert!(
        sky.air_down
            .iter()
            .all(|packet| packet.len() == 6 + 10 + 17)
    );
    sky.ask(0, "query { ping }", 0);
    assert!(
        sky.grounds[0].failures[0]
            .to_string()
            .contains("no keys in common")
    );
}

fn clear(head: Head, payload: &[u8]) -> Vec<u8> {
    let format = SpacePacketFormat {
        error_control: false,
        secured: true,
        ..SpacePacketFormat::new(End::Ground)
    };
    let mut packet = Vec::new();
    format.build(&head, payload, 0, 9, &mut packet).unwrap();
    packet
}

fn head(payload_type: PayloadType, spi: u16) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: Some(SecurityHeader { spi, sequence: 7 }),
        command_id: 1,
        port: 8020,
    }
}

#[test]
fn a_clear_message_and_an_unknown_association_get_silence() {
    let mut sky = Sky::in_sync();
    let satellite = &mut sky.satellite;
    for kind in [PayloadType::GraphQl, PayloadType::Udp, PayloadType::Cfdp] {
        satellite.hear(sky.now, &clear(head(kind, 0), b"{}"));
    }
    satellite.hear(
        sky.now,
        &clear(head(PayloadType::LinkControl, 0), &[1, 2, 3]),
    );
    satellite.hear(sky.now, &clear(head(PayloadType::LinkControl, 0), &[4; 17]));
    assert_eq!(satellite.dropped(DropReason::NoSecurity), 5);
    // Station 2, direction down, generation 9, and the two reserved ones.
    for spi in [0x0201, 0x8101, 0x0109, 0xFFFF, 0x00FF] {
        satellite.hear(sky.now, &clear(head(PayloadType::GraphQl, spi), &[0; 40]));
    }
    assert_eq!(satellite.dropped(DropReason::UnknownAssociation), 5);
    // Shorter than a trailer.
    satellite.hear(
        sky.now,
        &clear(head(PayloadType::GraphQl, 0x0101), b"short"),
    );
    assert_eq!(satellite.dropped(DropReason::BadMac), 1);
    assert_eq!(satellite.transmit(sky.now).len(), 0);
    assert_eq!(satellite.statistics().memory_bytes_used, 0);
}

#[test]
fn a_forged_first_segment_that_is_too_large_is_not_answered() {
    let mut sky = Sky::in_sync();
    let format = SpacePacketFormat {
        error_control: false,
        secured: true,
        packet_bytes_max: 65_542,
        ..SpacePacketFormat::new(End::Ground)
    };
    let forged = head(PayloadType::GraphQl, 0x0101);
    let mut packet = Vec::new();
    for index in 0..20 {
        let payload = vec![0; 20 * 65_000];
        format
            .build(&forged, &payload, index, index as u16, &mut packet)
            .unwrap();
        sky.satellite.hear(sky.now, &packet);
    }
    assert!(sky.satellite.dropped(DropReason::TooLarge) > 0);
    assert_eq!(sky.satellite.transmit(sky.now).len(), 0);
    assert_eq!(sky.satellite.statistics().memory_bytes_used, 0);
}

#[test]
fn answers_go_to_the_station_that_asked_and_datagrams_to_everybody() {
    let grounds = [Setup::ground(1), Setup::ground(2)];
    let mut sky = Sky::in_sync_with(Setup::satellite(2), grounds);
    sky.assert_works(0);
    sky.assert_works(1);
    assert_eq!(sky.grounds[0].answers.len(), 1);
    assert_eq!(sky.grounds[1].answers.len(), 1);
    assert_eq!(sky.grounds[0].dropped(DropReason::UnknownAssociation), 2);
    sky.app_sends(b"beacon");
    sky.carry();
    for ground in &sky.grounds {
        assert_eq!(ground.heard, [b"beacon"]);
    }
}

#[test]
fn keys_are_rotated_without_a_break() {
    let mut sky = Sky::in_sync();
    let both = format!("{KEY_1}\n{KEY_2}");
    // First the satellite, then the ground, then the old one is taken away.
    for (satellite, ground) in [
        (&*both, KEY_1),
        (&both, &both),
        (&both, KEY_2),
        (KEY_2, KEY_2),
    ] {
        sky.satellite.setup.keys = satellite.to_string();
        sky.grounds[0].setup.keys = ground.to_string();
        sky.satellite.restart(sky.now);
        sky.grounds[0].restart(sky.now);
        sky.assert_works(0);
        sky.app_sends(b"beacon");
        sky.carry();
        assert_eq!(sky.grounds[0].heard.pop().unwrap(), b"beacon");
    }
    let old = &sky.air_up[sky.air_up.len() / 2].clone();
    sky.satellite.hear(sky.now, old);
    assert!(sky.satellite.posts.is_empty());
}

#[test]
fn keys_are_rotated_while_the_link_runs() {
    let mut sky = Sky::in_sync();
    sky.assert_works(0);
    let both = format!("{KEY_1}\n{KEY_2}");
    for (satellite, ground) in [(&*both, KEY_1), (&both, &both), (KEY_2, KEY_2)] {
        let now = sky.now;
        sky.satellite.take_keys(now, satellite);
        sky.grounds[0].take_keys(now, ground);
        sky.assert_works(0);
        sky.app_sends(b"beacon");
        sky.carry();
        assert_eq!(sky.grounds[0].heard.pop().unwrap(), b"beacon");
    }
    // Who comes with the old key gets silence.
    sky.grounds[0].take_keys(sky.now, KEY_1);
    sky.send(0, PayloadType::Udp, b"old", 0);
    sky.carry();
    assert!(sky.satellite.datagrams.is_empty());
    assert_eq!(sky.satellite.dropped(DropReason::UnknownAssociation), 1);
    // A generation that comes again goes on with its numbers: the rig looks at each.
    sky.satellite.take_keys(sky.now, KEY_1);
    for packet in sky.air_up.clone() {
        sky.satellite.hear(sky.now, &packet);
    }
    assert!(sky.satellite.posts.is_empty());
    sky.assert_works(0);
}
