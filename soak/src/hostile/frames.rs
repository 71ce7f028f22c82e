//! Where hostile frames are made, mostly of good ones.

use std::collections::VecDeque;

use comms_service::PacketFormat;
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::LinkPacket;
use crc::{CRC_16_IBM_3740, Crc, Table};
use fastrand::Rng;
use radio_hal::ax25::UiRepr;
use radio_hal::kiss::{self, Command, FEND, FESC, Port};
use radio_hal::{Callsign, Deframer};

use super::ends::{ADDRESSES, SERVICE_PORT, framing, options};

const PACKET_CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_3740);
/// Good frames that are kept for each way, to be spoiled.
const KEPT_MAX: usize = 64;
/// Octets of the longest frame that is made.
const FRAME_BYTES_MAX: usize = 3000;

/// How a frame is hostile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    RandomStream,
    RandomKissFrame,
    RandomInformation,
    RandomPacketWithRightCheck,
    FlippedBits,
    FlippedBitsWithRightCheck,
    CutStream,
    CutPacket,
    Oversize,
    Replayed,
    Spliced,
    NeverFinished,
    OtherAddress,
    WrongLength,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 14] = [
        Kind::RandomStream,
        Kind::RandomKissFrame,
        Kind::RandomInformation,
        Kind::RandomPacketWithRightCheck,
        Kind::FlippedBits,
        Kind::FlippedBitsWithRightCheck,
        Kind::CutStream,
        Kind::CutPacket,
        Kind::Oversize,
        Kind::Replayed,
        Kind::Spliced,
        Kind::NeverFinished,
        Kind::OtherAddress,
        Kind::WrongLength,
    ];
}

/// A good frame: as it was on the line, and the packet in it.
struct Kept {
    stream: Vec<u8>,
    packet: Vec<u8>,
}

pub(super) struct Workshop {
    rng: Rng,
    /// Of the way up, and of the way down.
    kept: [VecDeque<Kept>; 2],
    /// As the satellite and as the ground hears.
    deframers: [Deframer; 2],
    ground: Box<dyn LinkPacket>,
    error_control: bool,
    stream: Vec<u8>,
    frame: Vec<u8>,
}

impl Workshop {
    pub(super) fn new(format: PacketFormat, error_control: bool, rng: Rng) -> Self {
        let deframer = |end| {
            let framing = framing(end).expect("good callsigns");
            Deframer::new(&framing).expect("a good framing")
        };
        let ground = options(format, error_control).packet_format(End::Ground, None, ADDRESSES);
        Self {
            rng,
            kept: [VecDeque::new(), VecDeque::new()],
            deframers: [deframer(End::Satellite), deframer(End::Ground)],
            ground: ground.expect("options that fit together"),
            error_control,
            stream: Vec::new(),
            frame: Vec::new(),
        }
    }

    /// Random bits.
    pub(super) fn random(&mut self) -> u64 {
        self.rng.u64(..)
    }

    /// Octets of a good message: mostly of one packet.
    pub(super) fn payload(&mut self) -> Vec<u8> {
        let bytes = match self.rng.u8(0..8) {
            // What format `kubos` and `udp` carry in one frame, too.
            0 => self.rng.usize(0..190),
            _ => self.rng.usize(0..60),
        };
        self.octets(bytes)
    }

    /// A good frame, of which bad ones can be made.
    pub(super) fn keep(&mut self, up: bool, stream: &[u8]) {
        let way = usize::from(!up);
        self.deframers[way].push(stream);
        let mut packet = Vec::new();
        while let Some(found) = self.deframers[way].next_packet() {
            packet = found.map(<[u8]>::to_vec).unwrap_or_default();
        }
        let kept = &mut self.kept[way];
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Kept {
            stream: stream.to_vec(),
            packet,
        });
    }

    /// The next hostile frame: its kind, whether it goes up, and its octets on the
    /// line.
    pub(super) fn hostile(&mut self) -> (Kind, bool, &[u8]) {
        let up = self.rng.u8(0..4) > 0;
        let kind = Kind::ALL[self.rng.usize(0..Kind::ALL.len())];
        self.stream.clear();
        match kind {
            Kind::RandomStream => {
                let bytes = self.rng.usize(0..200);
                self.stream = self.octets(bytes);
            }
            Kind::RandomKissFrame => {
                let bytes = self.rng.usize(0..200);
                let octets = self.octets(bytes);
                kiss::encode(Port::ZERO, Command::Data, &octets, &mut self.stream);
            }
            Kind::CutStream | Kind::FlippedBits | Kind::Replayed => self.spoil_stream(kind, up),
            Kind::Oversize => self.oversize(up),
            _ => {
                let packet = self.spoiled_packet(kind, up);
                let other = kind == Kind::OtherAddress;
                self.wrap(up, other, &packet);
            }
        }
        (kind, up, &self.stream)
    }

    fn spoil_stream(&mut self, kind: Kind, up: bool) {
        let mut stream = self.pick(up).stream.clone();
        match kind {
            Kind::CutStream => stream.truncate(self.rng.usize(0..=stream.len())),
            Kind::FlippedBits => self.flip(&mut stream),
            _ => {}
        }
        self.stream = stream;
    }

    /// No end of a frame, nothing but escapes, or more information than N1.
    fn oversize(&mut self, up: bool) {
        let bytes = self.rng.usize(300..FRAME_BYTES_MAX);
        match self.rng.u8(0..3) {
            0 => self.stream.resize(bytes, 0x55),
            1 => {
                self.stream.push(FEND);
                self.stream.resize(bytes, FESC);
            }
            _ => {
                let octets = vec![0x55; bytes];
                self.wrap(up, false, &octets);
            }
        }
    }

    fn spoiled_packet(&mut self, kind: Kind, up: bool) -> Vec<u8> {
        let mut packet = match kind {
            Kind::RandomInformation => {
                let bytes = self.rng.usize(0..200);
                return self.octets(bytes);
            }
            Kind::RandomPacketWithRightCheck => {
                let bytes = self.rng.usize(8..200);
                let mut packet = self.octets(bytes);
                // Often enough an APID that there is, and a length that is true.
                packet[0] = if up { 0x10 } else { 0 };
                packet[1] = self.rng.u8(0..8);
                let length = (bytes - 7) as u16;
                packet[4..6].copy_from_slice(&length.to_be_bytes());
                packet
            }
            Kind::NeverFinished => self.first_segment(),
            _ => self.pick(up).packet.clone(),
        };
        match kind {
            Kind::FlippedBitsWithRightCheck => self.flip(&mut packet),
            Kind::CutPacket => packet.truncate(self.rng.usize(0..=packet.len())),
            Kind::Spliced => {
                let at = self.rng.usize(0..=packet.len());
                packet.truncate(at);
                let other = &self.pick(up).packet;
                packet.extend_from_slice(&other[at.min(other.len())..]);
            }
            Kind::WrongLength if packet.len() >= 6 => {
                packet[4] = self.rng.u8(0..2) * self.rng.u8(..);
                packet[5] = self.rng.u8(..);
            }
            _ => {}
        }
        self.check(&mut packet);
        packet
    }

    /// The beginning of a message of many packets, whose end never comes.
    fn first_segment(&mut self) -> Vec<u8> {
        let head = Head {
            payload_type: [PayloadType::GraphQl, PayloadType::Udp][self.rng.usize(0..2)],
            class: Class::Standard,
            security: None,
            command_id: self.rng.u64(1..60_000),
            port: SERVICE_PORT,
        };
        let payload = [0x55; 2000];
        let count = self.rng.u16(0..1 << 14);
        let mut packet = Vec::new();
        // A format of one packet a message gives none of this size, or a whole one.
        let _ = self.ground.build(&head, &payload, 0, count, &mut packet);
        packet.truncate(230);
        packet
    }

    /// Makes the packet error control right.
    fn check(&self, packet: &mut [u8]) {
        if let (true, Some((covered, control))) =
            (self.error_control, packet.split_last_chunk_mut::<2>())
        {
            *control = PACKET_CRC.checksum(covered).to_be_bytes();
        }
    }

    /// A good AX.25 frame in a good KISS frame around `information`.
    fn wrap(&mut self, up: bool, other: bool, information: &[u8]) {
        let call = |text| Callsign::new(text, 0).expect("a good callsign");
        let (satellite, ground) = (call("SAT"), call(if other { "XX" } else { "GND" }));
        let (to, from) = match (up, other && self.rng.bool()) {
            (_, true) => (call("CQCQ"), ground),
            (true, false) => (satellite, ground),
            (false, false) => (ground, satellite),
        };
        let repr = UiRepr::new(to, from, Vec::new()).expect("no digipeater is too many");
        self.frame.clear();
        repr.emit(information, &mut self.frame);
        kiss::encode(Port::ZERO, Command::Data, &self.frame, &mut self.stream);
    }

    fn flip(&mut self, octets: &mut [u8]) {
        for _ in 0..self.rng.usize(1..4) {
            if !octets.is_empty() {
                let at = self.rng.usize(0..octets.len());
                octets[at] ^= 1 << self.rng.u8(0..8);
            }
        }
    }

    fn pick(&mut self, up: bool) -> &Kept {
        // There was a good exchange before the first hostile frame.
        let kept = &self.kept[usize::from(!up)];
        &kept[self.rng.usize(0..kept.len())]
    }

    fn octets(&mut self, bytes: usize) -> Vec<u8> {
        let mut octets = vec![0; bytes];
        self.rng.fill(&mut octets);
        octets
    }
}
