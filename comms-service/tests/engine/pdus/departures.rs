//! In which order PDUs leave, and what their sender hears of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use comms_service::LinkOptions;
use comms_service::accounting::DropReason;
use comms_service::link::{Action, Link, LinkConfig, Pace, PduToSend};
use comms_service::message::{Class, End, Head};
use comms_service::packet::{LinkPacket, PacketError, Parsed, SpacePacketFormat};

use super::{DIRECTIVE, ENDS, FILE_DATA, PDU_BYTES_MAX, departed, rig, send, told};
use crate::rig::{Told, dropped, format, octets, satellite_config};

#[test]
fn a_directive_overtakes_the_file_data_that_waits_on_the_same_apid() {
    let mut rig = rig();
    for end in ENDS {
        for token in 0..4 {
            send(&mut rig, end, FILE_DATA, token, &octets(PDU_BYTES_MAX)).unwrap();
        }
        // One is with the radio already.
        rig.begin_write(end, 0).unwrap();
        send(&mut rig, end, DIRECTIVE, 9, b"ack").unwrap();
        rig.end_write(end, 0, Ok(()));
        rig.transmit_all(end);
        assert_eq!(told(&mut rig, end), departed([0, 9, 1, 2, 3], Ok(())));
        rig.on(end, |link, _| {
            let counts = link.statistics().classes_out;
            assert_eq!(counts.response.messages.delivered, 1);
            assert_eq!(counts.bulk.messages.delivered, 4);
        });
    }
}

#[test]
fn an_answer_does_not_wait_for_file_data_and_bulk_is_shared_fairly() {
    let mut rig = rig();
    for token in 0..20 {
        send(
            &mut rig,
            End::Satellite,
            FILE_DATA,
            token,
            &octets(PDU_BYTES_MAX),
        )
        .unwrap();
    }
    rig.query(1, 8020, b"{a}");
    rig.query(2, 8020, b"{b}");
    rig.carry_up();
    rig.service_answers(b"short");
    rig.service_answers(&octets(5_000));
    let apids = rig.transmit_all(End::Satellite);
    let apids: Vec<u8> = apids.iter().map(|packet| packet[1]).collect();
    assert_eq!(apids[0], 0, "the short answer");
    // The long one and the file take turns while both have something.
    let long_ends = apids.iter().rposition(|apid| *apid == 4).unwrap();
    let pdus = apids[1..long_ends].iter().filter(|apid| **apid == 2);
    assert!((18..=20).contains(&pdus.count()), "{apids:?}");
}

#[test]
fn a_write_that_fails_takes_the_pdu_with_it_and_no_other() {
    let mut rig = rig();
    for token in 0..3 {
        send(&mut rig, End::Satellite, FILE_DATA, token, b"data").unwrap();
    }
    for result in [Ok(()), Err("no power".to_string()), Ok(())] {
        rig.begin_write(End::Satellite, 0).unwrap();
        rig.end_write(End::Satellite, 0, result);
    }
    let failed = Err(DropReason::WriteFailed);
    let expected = [(0, Ok(())), (1, failed), (2, Ok(()))];
    let expected = expected.map(|(token, result)| Told::Departed(token, result));
    assert_eq!(told(&mut rig, End::Satellite), expected);
    let bulk = rig.satellite().classes_out.bulk.messages;
    assert_eq!(bulk.delivered, 2);
    assert_eq!(dropped(&bulk), [(DropReason::WriteFailed, 1)]);
    rig.assert_idle();
}

#[test]
fn at_the_end_whoever_sent_a_pdu_that_was_not_written_is_told_once() {
    let mut rig = rig();
    for end in ENDS {
        for token in 0..3 {
            send(&mut rig, end, FILE_DATA, token, &octets(100)).unwrap();
        }
        rig.begin_write(end, 0).unwrap();
        rig.on(end, |link, _| link.handle_shutdown());
        // The call of `write` comes back after all.
        rig.end_write(end, 0, Ok(()));
        let mut told = told(&mut rig, end);
        told.sort_by_key(|told| format!("{told:?}"));
        assert_eq!(told, departed(0..3, Err(DropReason::Shutdown)));
    }
    rig.assert_idle();
}

#[test]
fn a_departure_that_nobody_asked_for_yet_outlives_the_end() {
    let format = SpacePacketFormat::new(End::Ground);
    let mut link = Link::new(LinkConfig::new(End::Ground), Box::new(format));
    let now = std::time::Instant::now();
    let pdu = PduToSend {
        token: 4,
        class: DIRECTIVE,
        octets: b"ack",
    };
    link.handle_pdu_to_send(0, pdu).unwrap();
    assert!(link.poll_packet(now, 0, &mut Vec::new()));
    link.handle_written(now, 0, Ok(()));
    link.handle_shutdown();
    assert!(matches!(
        link.poll_action(),
        Some(Action::PduDeparted {
            token: 4,
            result: Ok(())
        })
    ));
    assert!(link.poll_action().is_none());
}

#[test]
fn other_packets_let_pdus_that_fit_go_and_say_which_do_not() {
    let mut rig = rig();
    let end = End::Satellite;
    send(&mut rig, end, FILE_DATA, 1, &octets(PDU_BYTES_MAX)).unwrap();
    send(&mut rig, end, FILE_DATA, 2, &octets(50)).unwrap();
    let smaller = LinkOptions {
        packet_bytes_max: Some(100),
        ..LinkOptions::default()
    };
    let smaller = format(&smaller, end);
    rig.on(end, |link, now| {
        link.reconfigure(now, satellite_config(), Some(smaller));
    });
    let dropped = departed([1], Err(DropReason::Reconfigured));
    assert_eq!(told(&mut rig, end), dropped);
    rig.carry_down();
    assert_eq!(told(&mut rig, end), departed([2], Ok(())));
    assert_eq!(told(&mut rig, End::Ground), [Told::Pdu(octets(50))]);
    // There is still a file entity, whatever a configuration says.
    send(&mut rig, End::Ground, DIRECTIVE, 3, b"finished").unwrap();
    rig.carry_up();
    assert_eq!(told(&mut rig, end), [Told::Pdu(b"finished".to_vec())]);
}

#[test]
fn pacing_says_how_many_pdus_the_radio_may_have() {
    let mut rig = rig();
    assert_eq!(rig.on(End::Satellite, |link, _| link.pace_credits()), None);
    let paced = LinkConfig {
        pace: Some(Pace::new(1_000_000, Some(8))),
        ..satellite_config()
    };
    let credits = rig.on(End::Satellite, |link, now| {
        link.reconfigure(now, paced, None);
        link.pace_credits()
    });
    assert_eq!(credits, Some(8));
}

/// A mission's own format that panics as it builds a packet.
struct Clumsy;

impl LinkPacket for Clumsy {
    fn name(&self) -> &'static str {
        "clumsy"
    }

    fn parse(&self, _: &[u8]) -> Result<Parsed, PacketError> {
        unreachable!("nothing is received")
    }

    fn packet_count(&self, _: &Head, _: usize) -> Result<u32, PacketError> {
        Ok(1)
    }

    fn channel_of(&self, _: &Head) -> u16 {
        0
    }

    fn build(
        &self,
        head: &Head,
        _: &[u8],
        _: u32,
        _: u16,
        _: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        assert_ne!(head.class, Class::Standard, "no such packet");
        Ok(())
    }

    fn pdu_bytes_max(&self) -> usize {
        100
    }
}

#[test]
fn a_pdu_at_which_the_format_panics_departs_with_that_reason() {
    let mut link = Link::new(LinkConfig::new(End::Ground), Box::new(Clumsy));
    let now = std::time::Instant::now();
    let pdu = PduToSend {
        token: 3,
        class: DIRECTIVE,
        octets: b"pdu",
    };
    link.handle_pdu_to_send(0, pdu).unwrap();
    let cut_off = catch_unwind(AssertUnwindSafe(|| {
        link.poll_packet(now, 0, &mut Vec::new());
    }));
    assert!(cut_off.is_err());
    link.handle_panic("clumsy");
    assert!(matches!(
        link.poll_action(),
        Some(Action::PduDeparted {
            token: 3,
            result: Err(DropReason::InternalFault)
        })
    ));
    assert!(link.statistics().balances());
    assert_eq!(link.statistics().memory_bytes_used, 0);
}
