//! Class 12: a check did not cover all that it was there for, or could be switched off
//! by the very bits that it was to check.
//!
//! libcsp#596.

use comms_service::message::{End, PayloadType};
use radio_hal::{Ax25Config, Deframer, FramingConfig, HdlcConfig, hdlc};

use crate::ends::Satellite;
use crate::packets::{call, formats, packet, ui_frame};

const PACKET_BYTES_MAX: usize = 64;

/// Class 12: no bit of a packet can be wrong, those of the header included.
#[test]
fn every_single_wrong_bit_of_a_packet_is_refused_by_its_error_control() {
    let mut flips = 0;
    // With the CRC-16 of Space Packets, and the checksum of format `udp`.
    for format in [0, 3] {
        let (satellite, ground) = (
            formats(End::Satellite).remove(format),
            formats(End::Ground).remove(format),
        );
        for bytes in 0..=PACKET_BYTES_MAX - 18 {
            let payload: Vec<u8> = (0..bytes).map(|at| (at * 37) as u8).collect();
            let good = packet(&*ground, PayloadType::Udp, &payload, 5);
            let good = match format {
                0 => good,
                _ => packet(&*ground, PayloadType::UdpExchange, &payload, 5),
            };
            assert!(satellite.parse(&good).is_ok(), "{bytes} octets");
            for bit in 0..good.len() * 8 {
                let mut wrong = good.clone();
                wrong[bit / 8] ^= 1 << (bit % 8);
                let parsed = satellite.parse(&wrong);
                let name = satellite.name();
                assert!(parsed.is_err(), "bit {bit} of {bytes} octets in {name}");
                flips += 1;
            }
        }
    }
    assert!(flips > 20_000, "{flips}");
}

/// Class 12: and so no service gets anything of it.
#[test]
fn no_wrong_bit_of_a_query_reaches_a_service() {
    let mut satellite = Satellite::new();
    let good = satellite.query(b"{\"query\":\"{ping}\"}", 0);
    for bit in 0..good.len() * 8 {
        let mut wrong = good.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(satellite.hears(wrong), 0, "bit {bit} is answered");
    }
    assert_eq!(satellite.ran, []);
    let all = satellite.counted();
    assert_eq!(all.packets_in.dropped.total(), good.len() as u64 * 8);
}

/// Class 12: the FCS of AX.25 over HDLC, at every bit of the frame with its flags.
#[test]
fn every_single_wrong_bit_of_an_ax25_frame_is_refused_by_its_fcs() {
    let config = HdlcConfig::default();
    let ax25 = Ax25Config::new(call("SAT1-1"), call("GND-2"));
    let framing = FramingConfig::hdlc(config, Some(ax25));
    for bytes in [1, 17, 48] {
        let information: Vec<u8> = (0..bytes).map(|at| (at * 37) as u8).collect();
        let mut line = Vec::new();
        hdlc::Encoder::new(&config).encode(&ui_frame(&information), &mut line);
        for bit in 0..line.len() * 8 {
            let mut wrong = line.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let mut deframer = Deframer::new(&framing).expect("a good framing");
            deframer.push(&wrong);
            while let Some(outcome) = deframer.next_packet() {
                // A wrong bit of a flag around it costs the frame nothing.
                if let Ok(packet) = outcome {
                    assert_eq!(packet, information, "bit {bit}");
                }
            }
        }
    }
}
