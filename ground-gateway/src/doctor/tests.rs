use comms_service::message::{Class, End, Head, PayloadType};
use radio_hal::hdlc::BitOrder;
use radio_hal::pcap::LinkType;
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

#[test]
fn a_configuration_that_fits_is_well_with_every_framing_and_format() {
    let framings = [
        (SERIAL, "framing = 'kiss-ax25'\n", true),
        (SERIAL, "framing = 'kiss'\n", false),
        (SERIAL, "framing = 'slip'\n", false),
        (
            SERIAL,
            "framing = 'hdlc'\nhdlc = { nrzi = true, g3ruh = true }\n",
            true,
        ),
        (SERIAL, "framing = 'hdlc'\n", false),
        (UDP, "framing = 'ax25'\n", true),
        (UDP, "framing = 'raw'\n", false),
        (UDP, "framing = 'kiss-ax25'\n", true),
    ];
    let formats = [
        "",
        "error-control = false\n",
        "format = 'kubos'\n",
        "format = 'kubos'\napid-preset = 'kubos-gateway'\n",
        "format = 'udp'\nground-port = 9001\nhttp-ports = [8020]\n",
        "apids = { udp = 77 }\n",
    ];
    for (kind, framing, ax25) in framings {
        for comms in formats {
            let end = |callsigns| match ax25 {
                true => link(&format!("{kind}{framing}{callsigns}"), comms),
                false => link(&format!("{kind}{framing}"), comms),
            };
            let text = told(&air(&end(SATELLITE)), &end(GROUND));
            assert_eq!(
                text, "all is well: 12 of 12 packets are delivered",
                "{framing}{comms}"
            );
        }
    }
}

#[test]
fn frames_for_another_callsign() {
    let satellite = link(
        &kiss_ax25("ax25 = { callsign = 'HELIO-1', peer = 'GND-1' }\n"),
        "",
    );
    let parts = [
        "12 of 12 frames are AX.25 from HELIO-1, but addressed to GND-1; your callsign is GROUND",
        "→ [link.radio] ax25.callsign = \"GND-1\", or ax25.broadcast = [\"GND-1\"]",
    ];
    assert_finds(&air(&satellite), &link(&kiss_ax25(GROUND), ""), &parts);
}

#[test]
fn callsigns_that_are_swapped() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let parts = ["swapped", "callsign = \"GROUND\", peer = \"HELIO-1\""];
    assert_finds(&air(&satellite), &link(&kiss_ax25(SATELLITE), ""), &parts);
}

#[test]
fn our_own_uplink() {
    let ours = link(&kiss_ax25(GROUND), "");
    let heard = air_of(&ours, &packets(&ours, End::Ground));
    let parts = ["12 of 12 frames are from GROUND, which is us, to HELIO-1"];
    assert_finds(&heard, &ours, &parts);
    assert_eq!(told(&heard, &ours).lines().count(), 2);

    let bare = link(&format!("{SERIAL}framing = 'kiss'\n"), "");
    let heard = air_of(&bare, &packets(&bare, End::Ground));
    let parts = ["12 of 12 packets are telecommands, which go up"];
    assert_finds(&heard, &bare, &parts);
}

#[test]
fn a_peer_that_is_not_the_one_who_speaks_is_a_remark() {
    let satellite = link(
        &kiss_ax25("ax25 = { callsign = 'HELIO-2', peer = 'GROUND' }\n"),
        "",
    );
    let text = told(&air(&satellite), &link(&kiss_ax25(GROUND), ""));
    assert!(
        text.contains("remark: all frames for us come from HELIO-2"),
        "{text}"
    );
    assert!(text.contains("all is well: 12 of 12"), "{text}");
}

#[test]
fn every_framing_heard_by_every_other_is_named() {
    let hdlc = |nrzi: bool, g3ruh: bool, order: &str| {
        format!(
            "framing = 'hdlc'\nhdlc = {{ nrzi = {nrzi}, g3ruh = {g3ruh}, bit-order = '{order}' }}\n"
        )
    };
    let mut framings = vec![
        ("kiss-ax25".to_owned(), "framing = 'kiss-ax25'\n".to_owned()),
        ("kiss".to_owned(), "framing = 'kiss'\n".to_owned()),
        ("slip".to_owned(), "framing = 'slip'\n".to_owned()),
    ];
    for (nrzi, g3ruh) in [(false, false), (true, false), (false, true), (true, true)] {
        for order in [BitOrder::LsbFirst, BitOrder::MsbFirst] {
            let order = match order {
                BitOrder::LsbFirst => "lsb-first",
                BitOrder::MsbFirst => "msb-first",
            };
            let key = format!(
                "hdlc\", hdlc = {{ nrzi = {nrzi}, g3ruh = {g3ruh}, bit-order = \"{order}\" }}"
            );
            framings.push((key, hdlc(nrzi, g3ruh, order)));
        }
    }
    let with = |framing: &str, callsigns: &str| {
        let ax25 = framing.contains("ax25") || framing.contains("hdlc");
        let callsigns = if ax25 { callsigns } else { "" };
        link(&format!("{SERIAL}{framing}{callsigns}"), "")
    };
    for (name, sent) in &framings {
        let heard = air(&with(sent, SATELLITE));
        for (_, configured) in &framings {
            if configured == sent {
                continue;
            }
            let ground = with(configured, GROUND);
            let first = diagnose(&heard, &ground).unwrap().findings[0].clone();
            assert_eq!(first.explains, 12);
            let change = first.change.unwrap();
            assert!(
                change.starts_with(&format!("[link.radio] framing = \"{name}")),
                "{sent} heard by {configured}: {change}"
            );
        }
    }
}

#[test]
fn hdlc_heard_by_kiss_is_told_with_what_is_not_there() {
    let satellite = link(
        &format!("{SERIAL}framing = 'hdlc'\nhdlc = {{ nrzi = true, g3ruh = true }}\n{SATELLITE}"),
        "",
    );
    let heard = air(&satellite);
    let text = told(&heard, &link(&kiss_ax25(GROUND), ""));
    let parts = [
        "KISS frame",
        "; with framing \"hdlc\", nrzi, g3ruh: 12 AX.25 frames → [link.radio] framing = \"hdlc\"",
    ];
    for part in parts {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn callsigns_are_suggested_where_there_are_none() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&format!("{SERIAL}framing = 'kiss'\n"), "");
    let parts = [
        "12 of 12 frames are AX.25 frames, which framing \"kiss\" does not expect",
        "framing = \"kiss-ax25\", ax25 = { callsign = \"GROUND\", peer = \"HELIO-1\" }",
    ];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn frames_inside_datagrams_are_found() {
    let satellite = link(&format!("{UDP}framing = 'kiss-ax25'\n{SATELLITE}"), "");
    let ground = link(&format!("{UDP}framing = 'ax25'\n{GROUND}"), "");
    let parts = [
        "the datagrams are not the frames",
        "framing = \"kiss-ax25\"",
    ];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn information_longer_than_n1() {
    let n1 = "ax25 = { callsign = 'HELIO-1', peer = 'GROUND', n1 = 1024 }\n";
    let satellite = link(&kiss_ax25(n1), "");
    let mut sent = packets(&satellite, End::Satellite);
    let format = satellite
        .comms
        .packet_format(End::Satellite, Some(1024), satellite.addresses)
        .unwrap();
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        command_id: 0,
        port: 7,
    };
    let mut long = Vec::new();
    format.build(&head, &[7; 482], 0, 6, &mut long).unwrap();
    sent.push(long);
    let parts = [
        "1 of 13 frames have up to 500 octets of information; n1 is 256",
        "[link.radio] ax25.n1 = 500",
    ];
    let ground = link(&kiss_ax25(GROUND), "");
    assert_finds(&air_of(&satellite, &sent), &ground, &parts);
}

#[test]
fn error_control_at_one_end_only() {
    let with = |callsigns, error_control| {
        let comms = format!("error-control = {error_control}\n");
        link(&kiss_ax25(callsigns), &comms)
    };
    let parts = [
        "12 of 12 packets are whole Space Packets without error control",
        "error-control 12",
        "→ [link.comms] error-control = false",
    ];
    assert_finds(&air(&with(SATELLITE, false)), &with(GROUND, true), &parts);
    let parts = [
        "12 of 12 packets are Space Packets that end with a right CRC-16",
        "→ [link.comms] error-control = true",
    ];
    assert_finds(&air(&with(SATELLITE, true)), &with(GROUND, false), &parts);
}

#[test]
fn every_format_heard_by_every_other_is_named() {
    let formats = [
        ("space-packet", ""),
        ("space-packet", "error-control = false\n"),
        ("kubos", ""),
        ("udp", ""),
    ];
    for (sent, more) in formats {
        for (configured, _) in formats {
            if sent == configured {
                continue;
            }
            let with = |callsigns, format, more| {
                let comms = format!("format = '{format}'\nground-port = 9001\n{more}");
                link(&kiss_ax25(callsigns), &comms)
            };
            let heard = air(&with(SATELLITE, sent, more));
            let key = format!(
                "→ [link.comms] format = \"{sent}\"{}{}",
                if more.is_empty() { "" } else { ", " },
                more.trim_end()
            );
            let parts = ["12 of 12 packets are format", &key];
            assert_finds(&heard, &with(GROUND, configured, ""), &parts);
        }
    }
}

#[test]
fn another_apid_preset() {
    let kubos = |callsigns, preset| {
        let comms = format!("format = 'kubos'\napid-preset = '{preset}'\n");
        link(&kiss_ax25(callsigns), &comms)
    };
    for (sent, configured) in [("kubos-gateway", "kubos"), ("kubos", "kubos-gateway")] {
        let key = format!("→ [link.comms] apid-preset = \"{sent}\"");
        let satellite = kubos(SATELLITE, sent);
        let all = packets(&satellite, End::Satellite);
        // Either alone tells, too.
        let telemetry: Vec<_> = all.iter().step_by(2).cloned().collect();
        let answers: Vec<_> = all.iter().skip(1).step_by(2).cloned().collect();
        for packets in [all, telemetry, answers] {
            let heard = air_of(&satellite, &packets);
            assert_finds(&heard, &kubos(GROUND, configured), &[&key]);
        }
    }
    let satellite = link(
        &kiss_ax25(SATELLITE),
        "apids = { udp = 4, graphql-bulk = 6 }\n",
    );
    let ground = link(&kiss_ax25(GROUND), "apid-preset = 'kubos'\n");
    let parts = ["unknown-apid 6", "→ [link.comms] apid-preset = \"default\""];
    assert_finds(&air(&satellite), &ground, &parts);
}

#[test]
fn an_apid_of_no_map() {
    let satellite = link(&kiss_ax25(SATELLITE), "apids = { udp = 7 }\n");
    let parts = [
        "APID 7 is in no map: 6 of 12 packets",
        "apids = { udp = 7 }",
    ];
    assert_finds(&air(&satellite), &link(&kiss_ax25(GROUND), ""), &parts);
}

#[test]
fn several_faults_at_once_are_all_told() {
    let satellite = link(
        &format!(
            "{SERIAL}framing = 'hdlc'\n\
             ax25 = {{ callsign = 'HELIO-1', peer = 'GND-1' }}\n"
        ),
        "format = 'kubos'\n",
    );
    let heard = air(&satellite);
    let ground = link(&kiss_ax25(GROUND), "");
    for key in [
        "framing = \"hdlc\"",
        "ax25.callsign = \"GND-1\"",
        "format = \"kubos\"",
    ] {
        assert_finds(&heard, &ground, &[key]);
    }
}

#[test]
fn segments_that_miss_another() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let format = satellite
        .comms
        .packet_format(End::Satellite, None, satellite.addresses)
        .unwrap();
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        command_id: 0,
        port: 7,
    };
    let build = |index: u32| {
        let mut packet = Vec::new();
        format
            .build(&head, &[7; 1000], index, index as u16, &mut packet)
            .unwrap();
        packet
    };
    let ground = link(&kiss_ax25(GROUND), "");
    let late = air_of(&satellite, &[build(2), build(3)]);
    assert_finds(&late, &ground, &["2 of 2 packets continue a message"]);
    let gap = air_of(&satellite, &[build(0), build(1), build(3)]);
    assert_finds(
        &gap,
        &ground,
        &["2 of 3 packets are of messages that miss a segment"],
    );
    // Its end may still come.
    let begun = air_of(&satellite, &[build(0), build(1)]);
    assert!(told(&begun, &ground).contains("all is well: 2 of 2"));
}

#[test]
fn frames_for_another_port_of_the_tnc() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&kiss_ax25(GROUND), "");
    let mut octets: Vec<u8> = air(&satellite).pieces().flatten().copied().collect();
    for at in 1..octets.len() {
        // A frame end, and the octet that a data frame on port 0 begins with.
        if octets[at - 1..=at] == [0xC0, 0x00] {
            octets[at] = 0x10;
        }
    }
    let heard = Heard::from_octets(&ground, &octets);
    assert_finds(
        &heard,
        &ground,
        &["12 of 12 frames are for another KISS port"],
    );
}

#[test]
fn a_busy_channel_is_told_in_a_few_lines() {
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    for other in 0..200 {
        let callsigns = format!("ax25 = {{ callsign = 'OTH{other}', peer = 'HELIO-1' }}\n");
        let sender = link(&kiss_ax25(&callsigns), "");
        let frames = air_of(&sender, &[vec![0x18; 9]]);
        frames.pieces().for_each(|piece| heard.push(piece));
    }
    let text = told(&heard, &ground);
    assert_eq!(text.lines().count(), FINDINGS_SHOWN_MAX + 2, "{text}");
    assert!(text.contains("and 180 findings of less weight"), "{text}");
    assert!(text.contains("go up to HELIO-1, our peer, from OTH0: another ground"));
}

#[test]
fn nothing_heard() {
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    heard.time = Some(std::time::Duration::from_secs(10));
    let parts = [
        "nothing was heard in 10 s on /dev/ttyX at 9600 baud",
        "antenna",
        "baud rate",
    ];
    assert_finds(&heard, &ground, &parts);
    heard.foreign_sources = 3;
    let parts = [
        "3 datagrams came from another address",
        "→ [link.radio] peer",
    ];
    assert_finds(&heard, &ground, &parts);
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn noise_is_called_noise_whatever_is_configured() {
    for framing in ["kiss", "slip", "hdlc"] {
        let ground = link(&format!("{SERIAL}framing = '{framing}'\n"), "");
        let heard = Heard::from_octets(&ground, &noise(50_000));
        let text = told(&heard, &ground);
        assert!(
            !text.contains('→') && !text.contains("all is well"),
            "{text}"
        );
    }
}

#[test]
fn frames_are_found_in_noise_and_what_was_noise_is_no_loss() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    let ground = link(&kiss_ax25(GROUND), "");
    let mut heard = Heard::on(Medium::Stream);
    heard.push(&[0x55; 1000]);
    air(&satellite).pieces().for_each(|piece| heard.push(piece));
    assert!(told(&heard, &ground).contains("all is well: 12 of 12"));
}

#[test]
fn no_more_is_looked_at_than_the_limit() {
    let mut heard = Heard::on(Medium::Stream);
    for _ in 0..=HEARD_BYTES_MAX / 1000 {
        heard.push(&[0; 1000]);
    }
    assert_eq!(heard.bytes(), HEARD_BYTES_MAX);
    assert!(heard.is_full());
}

#[test]
fn captures_have_no_framing_to_be_wrong() {
    let satellite = link(&kiss_ax25(SATELLITE), "");
    for framing in ["framing = 'hdlc'\n", "framing = 'kiss-ax25'\n"] {
        let ground = link(&format!("{SERIAL}{framing}{GROUND}"), "");
        let mut heard = Heard::from_capture(LinkType::Ax25Kiss);
        let mut bare = Heard::from_capture(LinkType::Ax25);
        let mut packets_only = Heard::from_capture(LinkType::User0);
        let ax25 = satellite.radio.framing().ax25.clone().unwrap();
        let mut framer = Framer::new(&radio_hal::FramingConfig::ax25(ax25), None).unwrap();
        for packet in packets(&satellite, End::Satellite) {
            let mut frame = Vec::new();
            framer.frame(&packet, &mut frame).unwrap();
            bare.push(&frame);
            frame.insert(0, 0);
            heard.push(&frame);
            packets_only.push(&packet);
        }
        for heard in [heard, bare, packets_only] {
            assert!(told(&heard, &ground).contains("all is well: 12 of 12"));
        }
    }
}
