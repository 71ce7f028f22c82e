//! Space Packets against `spacepackets` and Wireshark.

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{Content, LinkPacket, Place, SpacePacketFormat};
use heliograph_tests::pcap::{self, LinkType};
use heliograph_tests::referee::{self, CCSDS};
use heliograph_tests::{hex, tshark};
use serde_json::json;

const HEAD: Head = Head {
    payload_type: PayloadType::GraphQl,
    class: Class::Standard,
    security: None,
    command_id: 0x0102_0304_0506_0708,
    port: 8020,
};

fn format(end: End, error_control: bool) -> SpacePacketFormat {
    SpacePacketFormat {
        error_control,
        packet_bytes_max: 64,
        ..SpacePacketFormat::new(end)
    }
}

/// The packets of a message of `payload`, counted from `first_count` on.
fn packets(format: &SpacePacketFormat, payload: &[u8], first_count: u16) -> Vec<Vec<u8>> {
    let head = format.classify(HEAD, payload.len());
    let count = format.packet_count(&head, payload.len()).expect("it fits");
    let packet = |index: u32| {
        let mut octets = Vec::new();
        let count = (first_count + index as u16) % 0x4000;
        let built = format.build(&head, payload, index, count, &mut octets);
        built.expect("a packet");
        octets
    };
    (0..count).map(packet).collect()
}

#[test]
fn spacepackets_reads_every_field_of_our_packets() {
    for (end, packet_type) in [(End::Ground, 1), (End::Satellite, 0)] {
        for error_control in [true, false] {
            let format = format(end, error_control);
            for payload_bytes in [0, 1, 40, 47, 150, 300] {
                let payload: Vec<u8> = (0..payload_bytes).map(|octet| octet as u8).collect();
                let ours = packets(&format, &payload, 16_382);
                let questions: Vec<_> = ours
                    .iter()
                    .map(|packet| json!({"ask": "decode", "octets": hex::from_octets(packet)}))
                    .collect();
                for (index, verdict) in referee::ask_all(CCSDS, &questions).iter().enumerate() {
                    let read = verdict.as_ref().expect("a valid packet");
                    let flags = match (index, index + 1 == ours.len()) {
                        (0, true) => 3,
                        (0, false) => 1,
                        (_, false) => 0,
                        (_, true) => 2,
                    };
                    let expected = json!({
                        "version": 0, "type": packet_type, "shf": 0, "apid": 0,
                        "flags": flags, "count": (16_382 + index) % 16_384,
                        "length": ours[index].len() - 7, "data": hex::from_octets(&ours[index][6..]),
                    });
                    assert_eq!(read, &expected);
                }
            }
        }
    }
}

#[test]
fn spacepackets_reads_the_apid_of_a_long_answer_as_bulk() {
    let ours = packets(&format(End::Satellite, true), &[7; 600], 0);
    let first = hex::from_octets(&ours[0]);
    let read = referee::ask(CCSDS, &json!({"ask": "decode", "octets": first}));
    assert_eq!(read.expect("a valid packet")["apid"], 4);
}

#[test]
fn the_error_control_of_our_packets_is_that_of_another_crc_library() {
    let ours = packets(&format(End::Ground, true), b"{\"query\":\"{ping}\"}", 5);
    let (covered, control) = ours[0].split_at(ours[0].len() - 2);
    let question = json!({"ask": "error_control", "octets": hex::from_octets(covered)});
    let verdict = referee::ask(CCSDS, &question);
    assert_eq!(
        verdict,
        Ok(json!(u16::from_be_bytes([control[0], control[1]])))
    );
}

#[test]
fn we_read_the_packets_that_spacepackets_writes() {
    // Command id 100, port 8020, then the payload.
    let data = "0000000000000064 1f54 7b7d";
    let question = json!({
        "ask": "encode", "type": 1, "apid": 0, "flags": 3, "count": 16_383,
        "data": data.replace(' ', ""),
    });
    let verdict = referee::ask(CCSDS, &question).expect("a packet");
    let octets = hex::to_octets(verdict.as_str().expect("hexadecimal"));
    let parsed = format(End::Satellite, false)
        .parse(&octets)
        .expect("a valid packet");
    let Content::Segment(segment) = parsed.content else {
        panic!("no segment: {parsed:?}");
    };
    let Place::Unsegmented(head) = segment.place else {
        panic!("not unsegmented: {segment:?}");
    };
    assert_eq!((head.command_id, head.port), (100, 8020));
    assert_eq!((segment.count, segment.channel), (16_383, 0));
    assert_eq!(&octets[segment.data], b"{}");
}

#[test]
fn wireshark_reads_our_packets_as_ccsds() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("packets.pcap");
    let ours = packets(&format(End::Ground, true), &[7; 150], 3);
    let captured: Vec<_> = ours
        .iter()
        .map(|packet| pcap::udp_packet(9001, 13_000, packet))
        .collect();
    pcap::write(&path, LinkType::Ipv4, &captured);
    let fields = [
        "ccsds.type",
        "ccsds.apid",
        "ccsds.seqflag",
        "ccsds.seqnum",
        "ccsds.length",
    ];
    let rows = tshark::fields(&path, &["udp.port==13000,ccsds"], &fields);
    assert_eq!(rows.len(), ours.len());
    for (index, row) in rows.iter().enumerate() {
        let flags = match (index, index + 1 == ours.len()) {
            (0, _) => "1",
            (_, false) => "0",
            (_, true) => "2",
        };
        let length = (ours[index].len() - 7).to_string();
        assert_eq!(
            row[1..],
            ["0", flags, &(3 + index).to_string(), &length].map(str::to_string)
        );
    }
}
