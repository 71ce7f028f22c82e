//! Class 2: a length inside was larger than what it lay in.
//!
//! CF#491, CF#499, CryptoLib#540, CVE-2026-21897, CVE-2026-22023,
//! CVE-2026-22027.

use std::time::Instant;

use comms_service::accounting::DropReason;
use comms_service::link::{Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{Deframer, FrameDrop, FramingConfig};

use crate::packets::{formats, packet, satellite, ui_frame};

/// What a KISS stream with one frame of this AX.25 content yields.
fn received(frame: &[u8]) -> Result<Vec<u8>, FrameDrop> {
    let mut stream = Vec::new();
    kiss::encode(Port::ZERO, Command::Data, frame, &mut stream);
    let mut deframer = Deframer::new(&FramingConfig::kiss_ax25(satellite())).expect("it fits");
    deframer.push(&stream);
    let outcome = deframer.next_packet().expect("the frame is whole");
    outcome.map(<[u8]>::to_vec)
}

/// Class 2: a packet declares more octets than its AX.25 frame has.
#[test]
fn a_packet_longer_than_its_frame_is_refused_and_counted() {
    for (format, ground) in formats(End::Satellite)
        .into_iter()
        .zip(formats(End::Ground))
    {
        let name = format.name();
        let whole = packet(&*ground, PayloadType::Udp, b"payload", 1);
        let mut link = Link::new(LinkConfig::new(End::Satellite), format);
        for length in 1..whole.len() {
            let info = received(&ui_frame(&whole[..length])).expect("a good frame");
            link.handle_packet(Instant::now(), info);
            assert!(link.poll_action().is_none(), "{length} of {name}");
        }
        let statistics = link.statistics();
        assert_eq!(
            statistics.packets_in.dropped.total(),
            whole.len() as u64 - 1
        );
        assert_eq!(statistics.memory_bytes_used, 0);
    }
}

/// Class 2, the other way: a packet declares less than its frame has; what is
/// behind its end reaches nobody.
#[test]
fn octets_behind_the_end_of_a_packet_are_cut_off_and_counted() {
    for (format, ground) in formats(End::Satellite)
        .into_iter()
        .zip(formats(End::Ground))
    {
        let mut info = packet(&*ground, PayloadType::Udp, b"payload", 1);
        info.extend_from_slice(b"surplus");
        let info = received(&ui_frame(&info)).expect("a good frame");
        let config = LinkConfig {
            exchange_sockets: 1,
            ..LinkConfig::new(End::Satellite)
        };
        let mut link = Link::new(config, format);
        link.handle_packet(Instant::now(), info);
        assert_eq!(link.statistics().surplus_bytes, 7);
        let action = format!(
            "{:?}",
            link.poll_action().expect("a datagram for its service")
        );
        assert!(!action.contains("surplus"), "{action}");
    }
}

/// Class 2: the address field has no end within its frame.
#[test]
fn an_address_field_longer_than_its_frame_is_refused() {
    let mut frame = ui_frame(b"payload");
    frame.iter_mut().for_each(|octet| *octet &= !1);
    for length in 14..frame.len() {
        assert_eq!(
            received(&frame[..length]),
            Err(FrameDrop::Truncated),
            "{length}"
        );
    }
}

/// Class 2: the error control of a packet lies outside of it.
#[test]
fn a_packet_too_short_for_its_own_error_control_is_refused() {
    let mut link = Link::new(
        LinkConfig::new(End::Satellite),
        formats(End::Satellite).remove(0),
    );
    // Type 1, APID 1, unsegmented, one octet of data.
    link.handle_packet(Instant::now(), vec![0x10, 0x01, 0xC0, 0, 0, 0, 0x55]);
    let dropped = link.statistics().packets_in.dropped;
    assert_eq!(dropped.total(), 1);
    assert_eq!(dropped.of(DropReason::InternalFault), 0);
}
