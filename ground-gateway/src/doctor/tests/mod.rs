//! Made-up air, and what is found in it.

mod framings;
mod packets;
mod stations;

use comms_service::message::{Class, End, Head, PayloadType};
use radio_hal::{Framer, Medium};
use toml::Table;

use super::*;
use crate::config::GroundConfig;

const SERIAL: &str = "kind = 'serial'\ndevice = '/dev/ttyX'\nbaud = 9600\n";
const UDP: &str = "kind = 'udp'\nbind = '127.0.0.1:0'\npeer = '127.0.0.1:1'\n";
const GROUND: &str = "ax25 = { callsign = 'GROUND', peer = 'HELIO-1' }\n";
const SATELLITE: &str = "ax25 = { callsign = 'HELIO-1', peer = 'GROUND' }\n";

fn link(radio: &str, comms: &str) -> GroundLinkConfig {
    let text = format!(
        "[[link]]\nname = 'a'\nsatellite = 'b'\n[link.radio]\n{radio}[link.comms]\n{comms}"
    );
    let table: Table = text.parse().unwrap();
    let config = GroundConfig::from_table(&table, "test").unwrap();
    config.link(None).unwrap().clone()
}

fn kiss_ax25(callsigns: &str) -> String {
    format!("{SERIAL}framing = 'kiss-ax25'\n{callsigns}")
}

/// Twelve packets of telemetry and answers that `from` sends.
fn packets(link: &GroundLinkConfig, from: End) -> Vec<Vec<u8>> {
    let format = link
        .comms
        .packet_format(from, None, link.addresses)
        .unwrap();
    let mut packets = Vec::new();
    for number in 0..6 {
        for (payload_type, payload) in [
            (PayloadType::Udp, "telemetry"),
            (PayloadType::GraphQl, "{\"data\":{}}"),
        ] {
            let head = Head {
                payload_type,
                class: Class::Standard,
                security: None,
                command_id: u64::from(number) + 40_000,
                port: 8020,
            };
            let mut packet = Vec::new();
            let payload = format!("{payload} {number}");
            format
                .build(&head, payload.as_bytes(), 0, number, &mut packet)
                .unwrap();
            packets.push(packet);
        }
    }
    packets
}

/// What a radio gives of packets that the end with the framing of `sender` sends.
fn air_of(sender: &GroundLinkConfig, packets: &[Vec<u8>]) -> Heard {
    let framing = sender.radio.framing();
    let mut framer = Framer::new(framing, None).unwrap();
    let medium = sender.radio.transport().medium();
    let mut heard = Heard::on(medium);
    let mut stream = Vec::new();
    for packet in packets {
        let mut octets = Vec::new();
        framer.frame(packet, &mut octets).unwrap();
        match medium {
            Medium::Datagrams => heard.push(&octets),
            Medium::Stream => stream.extend(octets),
        }
    }
    stream.chunks(100).for_each(|chunk| heard.push(chunk));
    heard
}

fn air(satellite: &GroundLinkConfig) -> Heard {
    air_of(satellite, &packets(satellite, End::Satellite))
}

fn told(heard: &Heard, link: &GroundLinkConfig) -> String {
    let diagnosis = diagnose(heard, link).unwrap();
    assert_eq!(diagnosis, diagnose(heard, link).unwrap());
    diagnosis.to_string()
}

/// Each part, within one line of findings.
#[track_caller]
fn assert_finds(heard: &Heard, link: &GroundLinkConfig, parts: &[&str]) {
    let text = told(heard, link);
    let found = |line: &str| parts.iter().all(|part| line.contains(part));
    assert!(text.lines().any(found), "no {parts:?} in:\n{text}");
    assert!(!text.contains("all is well"), "{text}");
}
