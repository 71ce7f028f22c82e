//! Class 14: what an attacker with a transmitter tries first, after the scenarios of
//! Pwnsat's FlatSat: enumeration, integer underflow, injection, replay, reset.
//!
//! What is not for us gets silence, and is counted. That who is not authenticated gets
//! silence too is for the security layer, which is off here.

use comms_service::accounting::DropReason;
use comms_service::message::{End, PayloadType};
use comms_service::packet::IDLE_APID;
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{Deframer, FrameDrop, FramingConfig};

use crate::ends::Satellite;
use crate::packets::{SERVICE_PORT, formats, packet, satellite, seal, ui_frame};
use crate::random::Random;

/// Class 14: who tries all APIDs learns nothing of those that are not there.
#[test]
fn an_enumeration_of_all_apids_meets_silence_where_nobody_is() {
    let mut satellite = Satellite::new();
    let mut answered = Vec::new();
    for apid in 0..=IDLE_APID {
        let mut packet = satellite.query(b"{}", 0);
        packet[0] = 0x10 | (apid >> 8) as u8;
        packet[1] = apid as u8;
        seal(&mut packet);
        if satellite.hears(packet) > 0 {
            answered.push(apid);
        }
    }
    // The two for GraphQL; 1 and 3 (UDP), 2 (CFDP) and 5 (link control) say nothing.
    assert_eq!(answered, [0, 4]);
    assert_eq!(satellite.dropped(DropReason::UnknownApid), 2048 - 6 - 1);
    assert_eq!(satellite.dropped(DropReason::Idle), 1);
}

/// Class 14: every length that a packet can declare, with its check right.
#[test]
fn no_declared_length_underflows_or_is_answered_unless_it_is_true() {
    let mut satellite = Satellite::new();
    let good = satellite.query(b"{\"query\":\"{ping}\"}", 0);
    for declared in 0..=u16::MAX {
        let mut packet = good.clone();
        packet[4..6].copy_from_slice(&declared.to_be_bytes());
        seal(&mut packet);
        let is_true = usize::from(declared) + 7 == packet.len();
        assert_eq!(satellite.hears(packet) > 0, is_true, "{declared}");
    }
    assert_eq!(satellite.ran.len(), 1);
}

/// Class 14: headers alone, from no octet to the whole of both.
#[test]
fn packets_of_nothing_but_headers_are_silence() {
    let mut satellite = Satellite::new();
    let good = satellite.query(b"", 0);
    for bytes in 0..good.len() - 2 {
        let mut packet = good[..bytes].to_vec();
        if bytes >= 9 {
            packet[4..6].copy_from_slice(&(bytes as u16 - 7).to_be_bytes());
            seal(&mut packet);
        }
        assert_eq!(satellite.hears(packet), 0, "{bytes} octets");
    }
    assert_eq!(satellite.ran, []);
}

/// Class 14: a packet within the payload of another is payload.
#[test]
fn a_command_inside_a_payload_goes_nowhere_else() {
    let mut satellite = Satellite::new();
    let inner = satellite.query(b"inner", 7);
    let twice = [inner.clone(), inner].concat();
    satellite.hears(satellite.query(&twice, 0));
    assert_eq!(satellite.ran, [(SERVICE_PORT, twice)]);
}

/// Class 14: what was recorded and comes at once again.
#[test]
fn a_replay_right_away_is_silence_and_counted() {
    let mut satellite = Satellite::new();
    let good = satellite.query(b"{}", 0);
    assert_eq!(satellite.hears(good.clone()), 1);
    for _ in 0..100 {
        assert_eq!(satellite.hears(good.clone()), 0);
    }
    assert_eq!(satellite.ran.len(), 1);
    assert_eq!(satellite.dropped(DropReason::Duplicate), 100);
}

/// Class 14: what came down, sent up again: an echo, or somebody who only has a
/// recorder.
#[test]
fn what_the_satellite_sent_is_not_taken_from_it() {
    let mut satellite = Satellite::new();
    let down = packet(&*formats(End::Satellite)[0], PayloadType::GraphQl, b"ok", 0);
    assert_eq!(satellite.hears(down), 0);
    assert_eq!(satellite.dropped(DropReason::Direction), 1);
}

/// Class 14: frames that set up, reset or disconnect, and commands for a TNC.
#[test]
fn frames_that_reset_or_reconfigure_are_dropped_and_the_next_is_heard() {
    let mut deframer =
        Deframer::new(&FramingConfig::kiss_ax25(satellite())).expect("a good framing");
    let mut line = Vec::new();
    let mut expected = 0;
    // SABM, SABME, DISC, DM, UA, FRMR, XID, TEST, RR, RNR, REJ and an I frame
    // (AX.25 v2.2 §4.2.1), each with its poll bit set and clear.
    for control in [
        0x2F, 0x6F, 0x43, 0x0F, 0x63, 0x87, 0xAF, 0xE3, 0x01, 0x05, 0x09, 0x00,
    ] {
        for poll in [0, 0x10] {
            let mut frame = ui_frame(b"reset");
            frame[14] = control | poll;
            kiss::encode(Port::ZERO, Command::Data, &frame, &mut line);
            expected += 1;
        }
    }
    for command in [
        Command::TxDelay,
        Command::Persistence,
        Command::SlotTime,
        Command::TxTail,
        Command::FullDuplex,
        Command::SetHardware,
        Command::Return,
    ] {
        kiss::encode(Port::ZERO, command, &[0xFF], &mut line);
        expected += 1;
    }
    kiss::encode(Port::ZERO, Command::Data, &ui_frame(b"next"), &mut line);
    deframer.push(&line);
    let (mut heard, mut dropped) = (Vec::new(), Vec::new());
    while let Some(outcome) = deframer.next_packet() {
        match outcome {
            Ok(packet) => heard.push(packet.to_vec()),
            Err(reason) => dropped.push(reason),
        }
    }
    assert_eq!(heard, [b"next"]);
    assert_eq!(dropped.len(), expected, "{dropped:?}");
    let known = |reason: &FrameDrop| {
        matches!(
            reason,
            FrameDrop::NotUi | FrameDrop::KissCommand | FrameDrop::KissPort
        )
    };
    assert!(dropped.iter().all(known), "{dropped:?}");
}

/// Class 14: random octets on the APID by which the ends speak with each other.
#[test]
fn noise_on_the_link_control_apid_is_silence_and_runs_nothing() {
    let mut satellite = Satellite::new();
    let mut random = Random::new(14);
    for count in 0..2000 {
        let bytes = 1 + random.below(40);
        let mut packet = vec![0x10, 5, 0xC0 | (count >> 8) as u8, count as u8, 0, 0];
        packet.extend(random.octets(bytes));
        packet.extend([0, 0]);
        packet[4..6].copy_from_slice(&(bytes as u16 + 1).to_be_bytes());
        seal(&mut packet);
        assert_eq!(satellite.hears(packet), 0, "packet {count}");
    }
    assert_eq!(satellite.ran, []);
    // By chance some are what a ground would say: they are counted, too.
    let all = satellite.counted();
    let dropped = all.messages_in.dropped.total() + all.packets_in.dropped.total();
    assert_eq!(dropped + all.messages_in.delivered, 2000);
    assert!(dropped > 1900, "{dropped}");
}
