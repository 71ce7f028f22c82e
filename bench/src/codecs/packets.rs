//! Space Packets, beside the crates `spacepacket`, `spacepackets` and `space-packet`.

use std::hint::black_box;

use anyhow::{Result, ensure};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{Content, LinkPacket, Place, SpacePacketFormat};
use spacepacket::crc::{CRC_16_IBM_3740, Crc};
use spacepackets::{
    CcsdsPacketCreatorWithReservedData, CcsdsPacketReader, ChecksumType, SpacePacketHeader,
};

use super::work::Work;
use super::{SIZE_USUAL, octets};
use crate::figure::Figure;
use crate::section::Run;

/// Of packets built here: the largest there are.
const PACKET_BYTES_MAX: usize = 65_542;
/// Primary header and command header.
const HEADER_BYTES: usize = 16;
const PRIMARY_HEADER_BYTES: usize = 6;
const ERROR_CONTROL_BYTES: usize = 2;

/// One after the other, for packets of `bytes`.
///
/// # Errors
/// When a codec does not take what it is given.
pub(super) fn measure(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for error_control in [true, false] {
        let ours = Ours::new(bytes, error_control)?;
        figures.extend(ours.halves(run));
        for other in [Other::Spacepacket, Other::Spacepackets, Other::SpacePacket] {
            figures.extend(compare(run, &ours, other)?);
        }
    }
    Ok(figures)
}

/// Whom ours stands beside.
#[derive(Debug, Clone, Copy)]
enum Other {
    Spacepacket,
    Spacepackets,
    /// It has no error control.
    SpacePacket,
}

fn compare(run: &Run, ours: &Ours, other: Other) -> Result<Vec<Figure>> {
    let with = ours.ground.error_control;
    let (name, times_faster) = match other {
        Other::Spacepacket => ("spacepacket", 3.0),
        Other::Spacepackets if with => ("spacepackets", 3.0),
        Other::Spacepackets => ("spacepackets", 1.0),
        Other::SpacePacket if with => return Ok(Vec::new()),
        Other::SpacePacket => ("space-packet", 0.0),
    };
    let control = if with { "with" } else { "without" };
    let work = Work {
        run,
        name: format!("Space Packet {control} error control, parse + build, beside {name}"),
        bytes: ours.packet.len(),
        times_faster: (ours.packet.len() == SIZE_USUAL && times_faster > 0.0)
            .then_some(times_faster),
        allocates_nothing: true,
    };
    let mut built = Vec::new();
    ours.parse_and_build(&mut built);
    ensure!(built == ours.packet, "ours did not build what it parsed");
    let own = || ours.parse_and_build(&mut built);

    let packet = ours.packet.as_slice();
    let mut buffer = vec![0; packet.len()];
    match other {
        Other::Spacepacket if with => {
            let crc = Crc::<u16>::new(&CRC_16_IBM_3740);
            let built = spacepacket_with(&crc, packet);
            ensure!(built.is_some_and(|built| built == packet), "spacepacket");
            work.beside(own, || drop(black_box(spacepacket_with(&crc, packet))))
        }
        Other::Spacepacket => {
            let built = spacepacket_without(packet);
            ensure!(built.is_some_and(|built| built == packet), "spacepacket");
            work.beside(own, || drop(black_box(spacepacket_without(packet))))
        }
        Other::Spacepackets => {
            let checksum = with.then_some(ChecksumType::WithCrc16);
            let written = spacepackets(packet, checksum, &mut buffer);
            ensure!(written.is_some() && buffer == packet, "spacepackets");
            work.beside(own, || {
                let _ = black_box(spacepackets(packet, checksum, &mut buffer));
                black_box(&buffer);
            })
        }
        Other::SpacePacket => {
            let built = space_packet(packet, &mut buffer);
            ensure!(built.is_some() && buffer == packet, "space-packet");
            work.beside(own, || {
                let _ = black_box(space_packet(packet, &mut buffer));
                black_box(&buffer);
            })
        }
    }
}

/// Both ends of a link, and what goes up.
struct Ours {
    ground: SpacePacketFormat,
    satellite: SpacePacketFormat,
    head: Head,
    payload: Vec<u8>,
    packet: Vec<u8>,
}

impl Ours {
    fn new(bytes: usize, error_control: bool) -> Result<Self> {
        let format = |end| SpacePacketFormat {
            error_control,
            packet_bytes_max: PACKET_BYTES_MAX,
            ..SpacePacketFormat::new(end)
        };
        let trailer = if error_control {
            ERROR_CONTROL_BYTES
        } else {
            0
        };
        let payload = octets(bytes - HEADER_BYTES - trailer);
        let head = Head {
            payload_type: PayloadType::Udp,
            class: Class::Standard,
            security: None,
            command_id: 1,
            port: 8160,
        };
        let ground = format(End::Ground);
        let mut packet = Vec::new();
        ground.build(&head, &payload, 0, 0, &mut packet)?;
        Ok(Self {
            ground,
            satellite: format(End::Satellite),
            head,
            payload,
            packet,
        })
    }

    /// Parsing and building on their own.
    fn halves(&self, run: &Run) -> Vec<Figure> {
        let control = if self.ground.error_control {
            "with"
        } else {
            "without"
        };
        let work = |what: &str| Work {
            run,
            name: format!("Space Packet {control} error control, {what}"),
            bytes: self.packet.len(),
            times_faster: None,
            allocates_nothing: true,
        };
        let mut figures = work("parse").alone(|| {
            let _ = black_box(self.satellite.parse(black_box(&self.packet)));
        });
        let mut built = Vec::new();
        figures.extend(work("build").alone(|| {
            let head = black_box(&self.head);
            let _ = self
                .ground
                .build(head, black_box(&self.payload), 0, 0, &mut built);
            black_box(&built);
        }));
        figures
    }

    /// What arrives on the satellite is built again as the ground builds it: the same
    /// octets.
    fn parse_and_build(&self, built: &mut Vec<u8>) {
        let packet = black_box(self.packet.as_slice());
        if let Ok(parsed) = self.satellite.parse(packet)
            && let Content::Segment(segment) = parsed.content
            && let Place::Unsegmented(head) = segment.place
            && let Some(payload) = packet.get(segment.data)
        {
            let _ = self.ground.build(&head, payload, 0, segment.count, built);
        }
        black_box(&*built);
    }
}

fn spacepacket_with(crc: &Crc<u16>, packet: &[u8]) -> Option<Vec<u8>> {
    use spacepacket::{CompletePacket, SpacePacket};
    let mut octets = black_box(packet);
    match SpacePacket::decode_crc(&mut octets, crc) {
        Ok(CompletePacket::Valid(parsed)) => Some(parsed.encode_crc(crc)),
        _ => None,
    }
}

fn spacepacket_without(packet: &[u8]) -> Option<Vec<u8>> {
    let mut octets = black_box(packet);
    let parsed = spacepacket::SpacePacket::decode(&mut octets);
    parsed.ok().map(|parsed| parsed.encode())
}

/// The command header is read and written here as it is there.
fn spacepackets(packet: &[u8], checksum: Option<ChecksumType>, built: &mut [u8]) -> Option<usize> {
    let parsed = CcsdsPacketReader::new(black_box(packet), checksum).ok()?;
    let (id, rest) = parsed.user_data().split_first_chunk()?;
    let (port, payload) = rest.split_first_chunk()?;
    let (id, port) = (u64::from_be_bytes(*id), u16::from_be_bytes(*port));
    let (id, port) = black_box((id, port));

    let header = SpacePacketHeader::new(parsed.packet_id(), parsed.psc(), 0);
    let bytes = parsed.user_data().len();
    let packet_type = parsed.packet_type();
    let created =
        CcsdsPacketCreatorWithReservedData::new(header, packet_type, bytes, built, checksum);
    let mut created = created.ok()?;
    let data = created.user_data_mut();
    let (own_id, rest) = data.split_first_chunk_mut()?;
    let (own_port, rest) = rest.split_first_chunk_mut()?;
    *own_id = id.to_be_bytes();
    *own_port = port.to_be_bytes();
    rest.copy_from_slice(payload);
    Some(created.finish())
}

fn space_packet(packet: &[u8], built: &mut [u8]) -> Option<usize> {
    use space_packet::SpacePacket;
    let (parsed, _) = SpacePacket::parse_prefix(black_box(packet)).ok()?;
    let header = parsed.primary_header();
    let payload = packet.get(PRIMARY_HEADER_BYTES..)?;
    built
        .get_mut(PRIMARY_HEADER_BYTES..)?
        .copy_from_slice(payload);
    let built = SpacePacket::construct(
        built,
        header.packet_type(),
        header.secondary_header_flag(),
        header.apid(),
        header.sequence_flag(),
        header.packet_sequence_count(),
    );
    built.ok().map(|built| built.packet_length())
}
