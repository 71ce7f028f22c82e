//! Format `udp` against Wireshark: the checksum holds under the real addresses.

use std::net::Ipv4Addr;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, UdpFormat};
use heliograph_tests::pcap::{self, LinkType};
use heliograph_tests::tshark;

/// `datagram`, which has a UDP header of its own, as an IPv4 packet on loopback.
fn with_ip_header(datagram: &[u8]) -> Vec<u8> {
    let mut packet = pcap::udp_packet(0, 0, &datagram[8..]);
    packet.truncate(20);
    packet.extend_from_slice(datagram);
    packet
}

#[test]
fn wireshark_finds_the_checksum_of_our_datagrams_right() {
    let format = UdpFormat {
        end: End::Satellite,
        ground_ip: Ipv4Addr::LOCALHOST,
        satellite_ip: Ipv4Addr::LOCALHOST,
        ground_port: 9001,
        http_ports: Vec::new(),
        packet_bytes_max: None,
    };
    let head = Head {
        payload_type: PayloadType::UdpExchange,
        class: Class::Standard,
        security: None,
        command_id: 50_000,
        port: 8020,
    };
    let datagrams = [&b""[..], b"a", b"ab", &[0xFF; 255], &[0; 1000]].map(|payload| {
        let mut octets = Vec::new();
        format
            .build(&head, payload, 0, 0, &mut octets)
            .expect("a datagram");
        with_ip_header(&octets)
    });
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("datagrams.pcap");
    pcap::write(&path, LinkType::Ipv4, &datagrams);
    let fields = ["udp.srcport", "udp.dstport", "udp.checksum.status"];
    let rows = tshark::fields(&path, &[], &fields);
    assert_eq!(rows.len(), datagrams.len());
    for row in rows {
        assert_eq!(row, ["8020", "50000", "1"]);
    }
}
