use std::net::Ipv4Addr;

use comms_service::accounting::{DropReason, Flow};
use comms_service::message::{Class, End, Head, PayloadType};
use radio_hal::ax25::UiRepr;
use toml::Table;

use super::*;
use crate::config::GroundConfig;

const AX25: &str = "framing = 'kiss-ax25'\nax25 = { callsign = 'GROUND', peer = 'HELIO-1' }\n";
const BARE: &str = "framing = 'kiss'\n";

fn link(radio: &str, comms: &str) -> GroundLinkConfig {
    let text = format!(
        "[[link]]\nname = 'a'\nsatellite = 'b'\n[link.radio]\nkind = 'udp'\n\
         bind = '127.0.0.1:0'\npeer = '127.0.0.1:1'\n{radio}[link.comms]\n{comms}"
    );
    let table: Table = text.parse().unwrap();
    let config = GroundConfig::from_table(&table, "test").unwrap();
    config.link(None).unwrap().clone()
}

fn head(payload_type: PayloadType, command_id: u64, port: u16) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id,
        port,
    }
}

/// The packets of a message that this end sends.
fn packets(link: &GroundLinkConfig, from: End, head: &Head, payload: &[u8]) -> Vec<Vec<u8>> {
    counted_packets(link, from, head, payload, 0)
}

/// The same, counted from `first`.
fn counted_packets(
    link: &GroundLinkConfig,
    from: End,
    head: &Head,
    payload: &[u8],
    first: u16,
) -> Vec<Vec<u8>> {
    let format = link
        .comms
        .packet_format(from, Some(64), link.addresses)
        .unwrap();
    let count = format.packet_count(head, payload.len()).unwrap();
    let build = |index: u32| {
        let mut packet = Vec::new();
        format
            .build(head, payload, index, first + index as u16, &mut packet)
            .unwrap();
        packet
    };
    (0..count).map(build).collect()
}

/// A KISS octet and a UI frame.
fn ui(source: &str, destination: &str, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    UiRepr::new(
        destination.parse().unwrap(),
        source.parse().unwrap(),
        Vec::new(),
    )
    .unwrap()
    .emit(packet, &mut frame);
    frame
}

/// All frames, a second apart.
fn run(
    link: &GroundLinkConfig,
    link_type: LinkType,
    frames: &[Vec<u8>],
) -> (Vec<Replayed>, Summary) {
    let mut replay = Replay::new(link, link_type).unwrap();
    let mut settled = Vec::new();
    for (second, octets) in (1..).zip(frames) {
        let frame = CapturedFrame {
            since_epoch: Duration::from_secs(second),
            octets,
            original_bytes: octets.len() as u32,
        };
        replay.frame(&frame).unwrap();
        settled.extend(std::iter::from_fn(|| replay.next_settled()));
    }
    replay.finish();
    settled.extend(std::iter::from_fn(|| replay.next_settled()));
    let summary = replay.summary();
    (settled, summary)
}

fn fates(link: &GroundLinkConfig, link_type: LinkType, frames: &[Vec<u8>]) -> Vec<String> {
    let text = |frame: Replayed| match frame.direction {
        Some(direction) => format!("{} {}", direction.as_str(), frame.fate),
        None => frame.fate.to_string(),
    };
    let (settled, _) = run(link, link_type, frames);
    settled.into_iter().map(text).collect()
}

#[test]
fn without_callsigns_the_packet_says_which_way_it_goes() {
    for format in ["space-packet", "kubos"] {
        let link = link(BARE, &format!("format = '{format}'\n"));
        let query = head(PayloadType::GraphQl, 0x12AB, 8020);
        let up = packets(&link, End::Ground, &query, b"{ a }");
        let down = packets(&link, End::Satellite, &query, b"{}");
        let port = if format == "kubos" {
            ""
        } else {
            " of port 8020"
        };
        assert_eq!(
            fates(&link, LinkType::User0, &[up, down].concat()),
            [
                "up delivered: query for port 8020, command 0x12ab, 5 octets".to_owned(),
                format!("down delivered: answer{port} to command 0x12ab, 2 octets"),
            ]
        );
    }
}

#[test]
fn a_bare_packet_behind_a_kiss_octet_is_a_packet_of_framing_kiss() {
    let link = link(BARE, "");
    let message = head(PayloadType::Udp, 0, 13_011);
    let [packet] = &packets(&link, End::Satellite, &message, b"hello")[..] else {
        panic!("one packet");
    };
    let data = [&[0], packet.as_slice()].concat();
    let port_1 = [&[0x10], packet.as_slice()].concat();
    assert_eq!(
        fates(&link, LinkType::Ax25Kiss, &[data, port_1, Vec::new()]),
        [
            "down delivered: message of port 13011, 5 octets",
            "down dropped: kiss-port",
            "down dropped: empty",
        ]
    );
}

fn ip(source: Ipv4Addr, destination: Ipv4Addr, datagram: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((datagram.len() as u16 + 20).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(datagram);
    packet
}

#[test]
fn datagrams_in_ip_packets_are_those_of_format_udp() {
    let addresses = "ground-ip = '10.0.0.1'\nsatellite-ip = '10.0.0.2'\n";
    for addresses in [addresses, ""] {
        let link = link(
            "framing = 'raw'\n",
            &format!("format = 'udp'\nground-port = 9001\nhttp-ports = [8020]\n{addresses}"),
        );
        let (ground, satellite) = (link.addresses.ground_ip, link.addresses.satellite_ip);
        let query = head(PayloadType::GraphQl, 50_000, 8020);
        let up = packets(&link, End::Ground, &query, b"{ a }");
        let down = packets(&link, End::Satellite, &query, b"{}");
        let telemetry = packets(&link, End::Satellite, &head(PayloadType::Udp, 0, 7), b"t");
        let frames = [
            ip(ground, satellite, &up[0]),
            ip(satellite, ground, &down[0]),
            ip(satellite, ground, &telemetry[0]),
            vec![0x60; 40],
        ];
        assert_eq!(
            fates(&link, LinkType::Ipv4, &frames),
            [
                "up delivered: query for port 8020, command 0xc350, 5 octets",
                "down delivered: answer of port 8020 to command 0xc350, 2 octets",
                "down delivered: message of port 7, 1 octet",
                "dropped: no-datagram (no whole UDP datagram in an IPv4 packet)",
            ]
        );
    }
}

#[test]
fn a_capture_that_cannot_be_of_the_link_is_refused() {
    let refusal = |radio: &str, link_type| {
        let refused = Replay::new(&link(radio, ""), link_type).err();
        refused.unwrap().to_string()
    };
    assert!(refusal(BARE, LinkType::Ax25).contains("no table `ax25`"));
    assert!(refusal("framing = 'slip'\n", LinkType::Ax25Kiss).contains("no table `ax25`"));
    assert!(refusal(AX25, LinkType::Ipv4).contains("\"space-packet\""));
}

#[test]
fn time_that_goes_back_in_a_capture_stands_still() {
    let link = link(AX25, "");
    let message = head(PayloadType::Udp, 0, 7);
    let mut replay = Replay::new(&link, LinkType::Ax25Kiss).unwrap();
    let segments = packets(&link, End::Satellite, &message, &[7; 110]);
    for (second, packet) in [10, 30, 5].into_iter().zip(&segments) {
        let octets = ui("HELIO-1", "GROUND", packet);
        let frame = CapturedFrame {
            since_epoch: Duration::from_secs(second),
            octets: &octets,
            original_bytes: octets.len() as u32,
        };
        replay.frame(&frame).unwrap();
    }
    let settled: Vec<_> = std::iter::from_fn(|| replay.next_settled()).collect();
    assert_eq!(
        settled[0].fate.to_string(),
        "delivered: segment 1 of 3, message of port 7, 110 octets"
    );
    let times: Vec<_> = settled.iter().map(|frame| frame.since_first).collect();
    assert_eq!(times, [0, 20, 20].map(Duration::from_secs));
}

#[test]
fn a_message_that_stays_open_for_ever_does_not_take_all_memory() {
    let link = link(AX25, "reassembly-timeout-ms = 86400000\n");
    let message = head(PayloadType::Udp, 0, 7);
    let first = &packets(&link, End::Satellite, &message, &[7; 100])[0];
    let first = ui("HELIO-1", "GROUND", first);
    let mut replay = Replay::new(&link, LinkType::Ax25Kiss).unwrap();
    let mut outcome = Ok(());
    for octets in std::iter::once(first).chain(std::iter::repeat(vec![0; 3])) {
        let frame = CapturedFrame {
            since_epoch: Duration::ZERO,
            octets: &octets,
            original_bytes: 3,
        };
        outcome = replay.frame(&frame);
        if outcome.is_err() {
            break;
        }
    }
    let text = outcome.unwrap_err().to_string();
    assert!(text.contains("frame 1 "), "{text}");
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Messages of both directions, lost, repeated, exchanged and damaged.
fn hostile_frames(link: &GroundLinkConfig, random: &mut Random) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut counts = [[0; 2]; 3];
    for command_id in 0..40 {
        let (kind, way) = (random.below(3), random.below(2));
        let payload_type = [
            PayloadType::GraphQl,
            PayloadType::Udp,
            PayloadType::LinkControl,
        ][kind];
        let bytes = match payload_type {
            PayloadType::LinkControl => 20,
            _ => random.below(400),
        };
        let head = head(payload_type, command_id, 8020);
        let (from, callsigns) = [
            (End::Satellite, ("HELIO-1", "GROUND")),
            (End::Ground, ("GROUND", "HELIO-1")),
        ][way];
        let count = &mut counts[kind][way];
        let mut packets = counted_packets(link, from, &head, &vec![b'x'; bytes], *count);
        if random.below(8) == 0 {
            packets.pop();
        }
        *count += packets.len() as u16;
        frames.extend(
            packets
                .iter()
                .map(|packet| ui(callsigns.0, callsigns.1, packet)),
        );
    }
    for _ in 0..frames.len() / 5 {
        let (at, other) = (random.below(frames.len()), random.below(frames.len()));
        match random.below(5) {
            0 => drop(frames.remove(at)),
            1 => frames.insert(other, frames[at].clone()),
            2 => frames.swap(at, other),
            3 => {
                let octet = random.below(frames[at].len());
                if let Some(octet) = frames[at].get_mut(octet) {
                    *octet ^= 1 << random.below(8);
                }
            }
            _ => {
                let bytes = random.below(frames[at].len());
                frames[at].truncate(bytes);
            }
        }
    }
    frames
}

#[test]
fn fates_and_the_accounts_of_the_engines_agree_whatever_comes() {
    let link = link(
        AX25,
        "message-bytes-max = 300\nreassembly-timeout-ms = 5000\n",
    );
    let of_messages = [
        DropReason::NotAsked,
        DropReason::NotCarried,
        DropReason::HandlersBusy,
        DropReason::LinkControlUnknown,
        DropReason::LinkControlInvalid,
        DropReason::CommandJoined,
        DropReason::AnsweredFromMemory,
        DropReason::DuplicateCommand,
        DropReason::CommandIdReused,
        DropReason::AnswerNotKept,
    ];
    let mut seen = Vec::new();
    for seed in 1..200 {
        let frames = hostile_frames(&link, &mut Random(seed));
        let (settled, summary) = run(&link, LinkType::Ax25Kiss, &frames);
        assert_eq!(settled.len(), frames.len(), "seed {seed}");
        assert_eq!(summary.frames(), frames.len() as u64, "seed {seed}");
        let flows = [&summary.ground.packets_in, &summary.satellite.packets_in];
        let sum = |of: fn(&Flow) -> u64| flows.iter().map(|flow| of(flow)).sum::<u64>();
        assert_eq!(summary.open, sum(|flow| flow.queued), "seed {seed}");
        let mut delivered = summary.delivered;
        for reason in DropReason::ALL {
            let frames = summary.dropped.get(reason.as_str()).copied().unwrap_or(0);
            if of_messages.contains(reason) {
                delivered += frames;
                continue;
            }
            let packets: u64 = flows.iter().map(|flow| flow.dropped.of(*reason)).sum();
            assert_eq!(frames, packets, "{reason:?} of seed {seed}");
        }
        assert_eq!(delivered, sum(|flow| flow.delivered), "seed {seed}");
        seen.extend(summary.dropped.into_keys());
    }
    seen.sort_unstable();
    seen.dedup();
    for reason in [
        "duplicate",
        "error-control",
        "no-first-segment",
        "not-asked",
        "link-control-unknown",
        "reassembly-timeout",
        "sequence-gap",
        "too-large",
        "unfinished",
    ] {
        assert!(seen.contains(&reason), "{reason} did not occur: {seen:?}");
    }
}
