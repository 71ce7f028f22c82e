//! What holds for any message and any octets.

use std::net::Ipv4Addr;

use comms_service::message::{End, Head, PayloadType};
use comms_service::packet::{
    ApidMap, Content, KubosFormat, LinkPacket, Place, SpacePacketFormat, UdpFormat,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::octets::{build_segment, head, read_message};

/// The same cases in each run.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1958),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn other(end: End) -> End {
    match end {
        End::Satellite => End::Ground,
        End::Ground => End::Satellite,
    }
}

fn ends() -> impl Strategy<Value = End> {
    select(vec![End::Satellite, End::Ground])
}

fn payloads(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=bytes_max)
}

fn packet_sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 32..600_usize,
        1 => select(vec![32, 33, 256, 2048, 65_541, 65_542]),
    ]
}

fn space_packet(end: End, error_control: bool, packet_bytes_max: usize) -> SpacePacketFormat {
    SpacePacketFormat {
        error_control,
        packet_bytes_max,
        ..SpacePacketFormat::new(end)
    }
}

fn kubos(end: End, packet_bytes_max: Option<usize>) -> KubosFormat {
    KubosFormat {
        end,
        apids: ApidMap::preset("kubos").unwrap(),
        packet_bytes_max,
    }
}

fn udp(end: End, packet_bytes_max: Option<usize>) -> UdpFormat {
    UdpFormat {
        end,
        ground_ip: Ipv4Addr::new(10, 0, 0, 1),
        satellite_ip: Ipv4Addr::new(10, 0, 0, 2),
        ground_port: 9001,
        http_ports: vec![8020],
        packet_bytes_max,
    }
}

/// All packets of a message, as the sender's engine would build them.
fn packets(format: &dyn LinkPacket, head: Head, payload: &[u8], count: u16) -> Vec<Vec<u8>> {
    let packets = format.packet_count(&head, payload.len()).unwrap();
    (0..packets)
        .map(|index| {
            build_segment(
                format,
                head,
                payload,
                index,
                count.wrapping_add(index as u16),
            )
        })
        .collect()
}

fn every_prefix_is_refused(format: &dyn LinkPacket, packet: &[u8]) {
    for end in 0..packet.len() {
        assert!(format.parse(&packet[..end]).is_err(), "{end} octets");
    }
}

/// Alters one bit at a time; gives those that were not noticed.
fn unnoticed_flips(format: &dyn LinkPacket, packet: &[u8]) -> Vec<usize> {
    let mut altered = packet.to_vec();
    let mut unnoticed = Vec::new();
    for bit in 0..packet.len() * 8 {
        let mask = 0x80 >> (bit % 8);
        altered[bit / 8] ^= mask;
        if format.parse(&altered).is_ok() {
            unnoticed.push(bit);
        }
        altered[bit / 8] ^= mask;
    }
    unnoticed
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_message_comes_through_space_packets_as_it_was(
        end in ends(),
        error_control: bool,
        packet_bytes_max in packet_sizes(),
        payload_type in select(vec![PayloadType::GraphQl, PayloadType::Udp]),
        command_id: u64,
        port: u16,
        first_count in 0..0x4000_u16,
        payload in payloads(4000),
    ) {
        let sender = space_packet(end, error_control, packet_bytes_max);
        let receiver = space_packet(other(end), error_control, packet_bytes_max);
        let head = sender.classify(head(payload_type, command_id, port), payload.len());
        let packets = packets(&sender, head, &payload, first_count);

        let mut gathered = Vec::new();
        let last = packets.len() - 1;
        for (index, packet) in packets.iter().enumerate() {
            prop_assert!(packet.len() <= packet_bytes_max);
            prop_assert!(index == last || packet.len() == packet_bytes_max);
            let parsed = receiver.parse(packet).unwrap();
            prop_assert_eq!(parsed.surplus_bytes, 0);
            let Content::Segment(segment) = parsed.content else {
                panic!("no segment");
            };
            let place = match (index == 0, index == last) {
                (true, true) => Place::Unsegmented(head),
                (true, false) => Place::First(head),
                (false, false) => Place::Continuation,
                (false, true) => Place::Last,
            };
            prop_assert_eq!(segment.place, place);
            prop_assert_eq!(segment.channel, sender.channel_of(&head));
            prop_assert_eq!(segment.count, (first_count + index as u16) % 0x4000);
            gathered.extend_from_slice(&packet[segment.data]);
        }
        prop_assert_eq!(gathered, payload);
    }

    #[test]
    fn a_pdu_comes_through_a_space_packet_as_it_was(
        end in ends(),
        error_control: bool,
        payload_type in select(vec![PayloadType::Cfdp, PayloadType::LinkControl]),
        pdu in payloads(1000),
    ) {
        let sender = space_packet(end, error_control, 512);
        let receiver = space_packet(other(end), error_control, 512);
        let bare = head(payload_type, 0, 0);
        match sender.packet_count(&bare, pdu.len()) {
            Ok(packets) => {
                prop_assert_eq!(packets, 1);
                let packet = build_segment(&sender, bare, &pdu, 0, 0);
                prop_assert!(packet.len() <= 512);
                let Content::Segment(segment) = receiver.parse(&packet).unwrap().content else {
                    panic!("no segment");
                };
                prop_assert_eq!(segment.place, Place::Unsegmented(bare));
                prop_assert_eq!(&packet[segment.data], pdu);
            }
            Err(_) => prop_assert!(pdu.is_empty() || pdu.len() > 504),
        }
    }

    #[test]
    fn a_message_comes_through_kubos_as_it_was(
        end in ends(),
        packet_bytes_max in prop::option::of(packet_sizes()),
        payload_type in select(vec![PayloadType::GraphQl, PayloadType::Udp]),
        command_id: u64,
        port: u16,
        payload in payloads(1000),
    ) {
        let sender = kubos(end, packet_bytes_max);
        let sent = head(payload_type, command_id, port);
        let fits = payload.len() + 16 <= packet_bytes_max.unwrap_or(usize::MAX);
        prop_assert_eq!(sender.packet_count(&sent, payload.len()).is_ok(), fits);
        if fits {
            let packet = build_segment(&sender, sent, &payload, 0, 77);
            let port = if end == End::Satellite { 0 } else { port };
            let received = Head { port, ..sent };
            let read = read_message(&kubos(other(end), None), &packet);
            prop_assert_eq!(read, (received, payload, 0));
        }
    }

    #[test]
    fn a_message_comes_through_udp_as_it_was(
        end in ends(),
        packet_bytes_max in prop::option::of(packet_sizes()),
        asker in 9002..=u16::MAX,
        port: u16,
        payload in payloads(1000),
    ) {
        let sender = udp(end, packet_bytes_max);
        let payload_type = match port {
            8020 => PayloadType::GraphQl,
            _ => PayloadType::UdpExchange,
        };
        let sent = head(payload_type, u64::from(asker), port);
        let fits = payload.len() + 8 <= packet_bytes_max.unwrap_or(usize::MAX);
        prop_assert_eq!(sender.packet_count(&sent, payload.len()).is_ok(), fits);
        if fits {
            let packet = build_segment(&sender, sent, &payload, 0, 77);
            let read = read_message(&udp(other(end), None), &packet);
            prop_assert_eq!(read, (sent, payload, 0));
        }
    }

    #[test]
    fn octets_of_no_format_never_panic(octets in payloads(300), end in ends()) {
        let formats: [Box<dyn LinkPacket>; 4] = [
            Box::new(space_packet(end, true, 256)),
            Box::new(space_packet(end, false, 256)),
            Box::new(kubos(end, None)),
            Box::new(udp(end, None)),
        ];
        for format in &formats {
            if let Ok(parsed) = format.parse(&octets) {
                let end = match parsed.content {
                    Content::Idle => continue,
                    Content::Message { payload, .. } => payload.end,
                    Content::Segment(segment) => segment.data.end,
                };
                prop_assert!(end + parsed.surplus_bytes <= octets.len());
            }
        }
    }

    #[test]
    fn a_header_that_looks_right_before_random_octets_never_panics(
        apid in 0..6_u8,
        flags: u8,
        length in 0..40_u8,
        rest in payloads(40),
        end in ends(),
    ) {
        let first = if end == End::Satellite { 0x10 } else { 0x00 };
        let mut octets = vec![first, apid, flags, 0, 0, length];
        octets.extend_from_slice(&rest);
        for error_control in [true, false] {
            let format = space_packet(end, error_control, 256);
            if let Ok(parsed) = format.parse(&octets)
                && let Content::Segment(segment) = parsed.content
            {
                prop_assert!(octets.get(segment.data).is_some());
            }
        }
        if let Ok(parsed) = kubos(end, None).parse(&octets)
            && let Content::Message { payload, .. } = parsed.content
        {
            prop_assert!(octets.get(payload).is_some());
        }
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn error_control_notices_every_prefix_and_every_flipped_bit(
        end in ends(),
        payload_type in select(vec![PayloadType::GraphQl, PayloadType::Udp, PayloadType::Cfdp]),
        command_id: u64,
        port: u16,
        payload in payloads(200),
        count in 0..0x4000_u16,
    ) {
        let sender = space_packet(end, true, 256);
        let receiver = space_packet(other(end), true, 256);
        let packet =
            build_segment(&sender, head(payload_type, command_id, port), &payload, 0, count);
        every_prefix_is_refused(&receiver, &packet);
        prop_assert_eq!(unnoticed_flips(&receiver, &packet), Vec::<usize>::new());
    }

    #[test]
    fn segments_are_protected_like_whole_messages(payload in payloads(2000), count: u16) {
        let sender = space_packet(End::Satellite, true, 128);
        let receiver = space_packet(End::Ground, true, 128);
        for packet in packets(&sender, head(PayloadType::Udp, 0, 1), &payload, count) {
            every_prefix_is_refused(&receiver, &packet);
            prop_assert_eq!(unnoticed_flips(&receiver, &packet), Vec::<usize>::new());
        }
    }

    #[test]
    fn the_checksum_notices_every_prefix_and_every_flipped_bit(
        end in ends(),
        asker in 1..=u16::MAX,
        port: u16,
        payload in payloads(200),
    ) {
        let asked = head(PayloadType::UdpExchange, u64::from(asker), port);
        let packet = build_segment(&udp(end, None), asked, &payload, 0, 0);
        let receiver = udp(other(end), None);
        every_prefix_is_refused(&receiver, &packet);
        prop_assert_eq!(unnoticed_flips(&receiver, &packet), Vec::<usize>::new());
    }

    #[test]
    fn without_a_check_the_headers_still_refuse_every_prefix_and_no_flip_panics(
        end in ends(),
        payload in payloads(200),
        command_id: u64,
        port: u16,
    ) {
        let query = head(PayloadType::GraphQl, command_id, port);
        let pairs: [(Box<dyn LinkPacket>, Box<dyn LinkPacket>); 2] = [
            (
                Box::new(space_packet(end, false, 256)),
                Box::new(space_packet(other(end), false, 256)),
            ),
            (Box::new(kubos(end, None)), Box::new(kubos(other(end), None))),
        ];
        for (sender, receiver) in &pairs {
            let packet = build_segment(&**sender, query, &payload, 0, 0);
            every_prefix_is_refused(&**receiver, &packet);
            // The version and the data length's first bit are checked even so.
            let unnoticed = unnoticed_flips(&**receiver, &packet);
            prop_assert!(!unnoticed.contains(&0) && !unnoticed.contains(&32));
        }
    }
}
