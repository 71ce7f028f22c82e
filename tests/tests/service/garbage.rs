//! Packets that are none: counted by their reason, and the next good one is
//! served.

use comms_service::accounting::DropReason;
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::LinkPacket;
use comms_service::telemetry::ERRORS_MAX;
use heliograph_tests::http_service::{HttpService, Reply};

use crate::rig::{Radio, Satellite, Setup};

/// A service, its radio, and the packets of a ground end.
struct Uplink {
    service: HttpService,
    satellite: Satellite,
    radio: Radio,
    format: Box<dyn LinkPacket>,
    count: u16,
}

impl Uplink {
    fn start() -> Self {
        let setup = Setup::default();
        let (satellite, radio) = setup.with_radio();
        Uplink {
            service: HttpService::always(Reply::ok("pong")),
            satellite,
            radio,
            format: setup.format(End::Ground),
            count: 0,
        }
    }

    /// Packet `index` of a query with this body.
    fn packet(&self, body: &[u8], index: u32, count: u16) -> Vec<u8> {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id: 7,
            port: self.service.port(),
        };
        let mut packet = Vec::new();
        let built = self.format.build(&head, body, index, count, &mut packet);
        built.expect("the format carries it");
        packet
    }

    /// The next good query, in one packet.
    fn good(&mut self) -> Vec<u8> {
        let packet = self.packet(b"{\"query\":\"{ping}\"}", 0, self.count);
        self.count += 1;
        packet
    }

    /// Sends a good query; its answer must come down.
    #[track_caller]
    fn assert_serves(&mut self) {
        let packet = self.good();
        self.radio.send(packet);
        let answer = self.radio.expect();
        assert_eq!(answer[16..20], *b"pong");
    }

    /// Sends `packets` between two good queries; they must be counted by
    /// `reason`, every one.
    #[track_caller]
    fn assert_dropped(&mut self, packets: Vec<Vec<u8>>, reason: DropReason) {
        let expected = packets.len() as u64;
        self.assert_serves();
        for packet in packets {
            self.radio.send(packet);
        }
        self.assert_serves();
        let counted = self.satellite.wait_until_drained().packets_in;
        assert_eq!(counted.dropped.of(reason), expected, "{counted:?}");
        assert_eq!(counted.dropped.total(), expected, "{counted:?}");
        assert_eq!(counted.delivered, 2);
    }

    /// A good query, made bad by `change`, with its error control right.
    fn changed(&self, change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut packet = self.packet(b"{\"query\":\"{ping}\"}", 0, 1);
        change(&mut packet);
        seal(&mut packet);
        packet
    }
}

/// Sets the packet error control: CRC-16/IBM-3740.
fn seal(packet: &mut [u8]) {
    let (covered, trailer) = packet.split_at_mut(packet.len() - 2);
    let crc = covered.iter().fold(0xFFFF_u16, |crc, octet| {
        (0..8).fold(crc ^ (u16::from(*octet) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    });
    trailer.copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn packets_shorter_than_their_header_are_counted() {
    let mut uplink = Uplink::start();
    let packets = vec![vec![0x10], vec![0x10; 5]];
    uplink.assert_dropped(packets, DropReason::TooShort);
}

#[test]
fn packets_without_room_for_a_command_header_are_counted() {
    let mut uplink = Uplink::start();
    let mut packet = vec![0x10, 0, 0xC0, 1, 0, 5, 1, 2, 3, 4, 0, 0];
    seal(&mut packet);
    uplink.assert_dropped(vec![packet], DropReason::TooShort);
}

// KubOS C3-21: it never looked at the length.
#[test]
fn packets_cut_on_the_way_are_counted() {
    let mut uplink = Uplink::start();
    let good = uplink.packet(&[b'x'; 100], 0, 1);
    let packets = [20, 50, 117].map(|bytes| good[..bytes].to_vec());
    uplink.assert_dropped(packets.into(), DropReason::Length);
}

// KubOS C3-22: it took all of these for whole packets.
#[test]
fn packets_of_another_version_are_counted() {
    let mut uplink = Uplink::start();
    let packet = uplink.changed(|packet| packet[0] |= 0xE0);
    uplink.assert_dropped(vec![packet], DropReason::Version);
}

#[test]
fn packets_that_went_the_other_way_are_counted() {
    let mut uplink = Uplink::start();
    let packet = uplink.changed(|packet| packet[0] &= !0x10);
    uplink.assert_dropped(vec![packet], DropReason::Direction);
}

#[test]
fn packets_with_a_secondary_header_are_counted() {
    let mut uplink = Uplink::start();
    let packet = uplink.changed(|packet| packet[0] |= 0x08);
    uplink.assert_dropped(vec![packet], DropReason::SecondaryHeader);
}

#[test]
fn packets_of_an_unknown_apid_are_counted() {
    let mut uplink = Uplink::start();
    let packet = uplink.changed(|packet| packet[1] = 99);
    uplink.assert_dropped(vec![packet], DropReason::UnknownApid);
}

#[test]
fn idle_packets_are_counted() {
    let mut uplink = Uplink::start();
    let packet = uplink.changed(|packet| {
        packet[0] |= 0x07;
        packet[1] = 0xFF;
    });
    uplink.assert_dropped(vec![packet], DropReason::Idle);
}

// KubOS C3-25: it had no integrity check.
#[test]
fn packets_with_a_flipped_bit_are_counted() {
    let mut uplink = Uplink::start();
    let good = uplink.packet(b"{\"query\":\"{ping}\"}", 0, 1);
    let flipped = (6..good.len()).map(|at| {
        let mut packet = good.clone();
        packet[at] ^= 1 << (at % 8);
        packet
    });
    uplink.assert_dropped(flipped.collect(), DropReason::ErrorControl);
}

#[test]
fn packets_that_come_twice_are_counted() {
    let mut uplink = Uplink::start();
    let first = uplink.packet(b"{\"query\":\"{ping}\"}", 0, 0);
    uplink.assert_dropped(vec![first], DropReason::Duplicate);
    // The other message is the same command once more: it is answered from memory.
    assert_eq!(uplink.service.requests().len(), 1);
}

#[test]
fn the_end_of_a_message_whose_beginning_was_lost_is_counted() {
    let mut uplink = Uplink::start();
    let long = [b'x'; 600];
    let packets = vec![uplink.packet(&long, 1, 2), uplink.packet(&long, 2, 3)];
    uplink.count = 0;
    uplink.assert_serves();
    for packet in packets {
        uplink.radio.send(packet);
    }
    uplink.count = 4;
    uplink.assert_serves();
    let counted = uplink.satellite.wait_until_drained().packets_in;
    assert_eq!(counted.dropped.of(DropReason::NoFirstSegment), 2);
}

#[test]
fn the_beginning_of_a_message_whose_end_was_lost_is_counted() {
    let mut uplink = Uplink::start();
    let long = [b'x'; 600];
    uplink.radio.send(uplink.packet(&long, 0, 0));
    uplink.radio.send(uplink.packet(&long, 1, 1));
    uplink.count = 3;
    uplink.assert_serves();
    let counted = uplink.satellite.wait_until_drained();
    let dropped = &counted.packets_in.dropped;
    assert_eq!(dropped.of(DropReason::SequenceGap), 2);
    assert_eq!(counted.sequence_gaps, 1);
}

#[test]
fn a_message_that_is_never_finished_is_given_up() {
    let setup = Setup {
        options: comms_service::LinkOptions {
            reassembly_timeout_ms: Some(100),
            ..Default::default()
        },
        ..Setup::default()
    };
    let (satellite, radio) = setup.with_radio();
    let uplink = Uplink {
        service: HttpService::always(Reply::ok("pong")),
        satellite,
        radio,
        format: setup.format(End::Ground),
        count: 0,
    };
    uplink.radio.send(uplink.packet(&[b'x'; 600], 0, 0));
    let timed_out = DropReason::ReassemblyTimeout;
    uplink
        .satellite
        .wait_until(|all| all.packets_in.dropped.of(timed_out) == 1);
}

// KubOS C3-21: it delivered the padding.
#[test]
fn padding_after_a_packet_is_cut_off_and_counted() {
    let mut uplink = Uplink::start();
    let mut padded = uplink.good();
    padded.extend([0; 7]);
    uplink.radio.send(padded);
    uplink.radio.expect();
    assert_eq!(uplink.satellite.statistics().surplus_bytes, 7);
    assert_eq!(uplink.service.requests()[0].body, b"{\"query\":\"{ping}\"}");
}

/// Octets that no pattern holds in: a linear congruential generator.
fn noise(seed: &mut u64, bytes: usize) -> Vec<u8> {
    let mut octet = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 56) as u8
    };
    (0..bytes).map(|_| octet()).collect()
}

fn send_noise(uplink: &Uplink, packets: usize) {
    let mut seed = 42;
    for number in 0..packets {
        let mut packet = noise(&mut seed, 1 + number % 300);
        // No packet of version 0, so that none is good by chance.
        packet[0] |= 0x20;
        uplink.radio.send(packet);
    }
}

// KubOS C2-9: each bad packet stayed in memory for ever.
#[test]
fn twenty_thousand_packets_of_noise_leave_nothing_in_memory() {
    let mut uplink = Uplink::start();
    send_noise(&uplink, 20_000);
    uplink.assert_serves();
    let counted = uplink.satellite.wait_until_drained();
    assert_eq!(counted.packets_in.dropped.total(), 20_000);
    assert_eq!(counted.errors.len(), ERRORS_MAX);
}

#[test]
fn the_newest_errors_are_kept() {
    let mut uplink = Uplink::start();
    send_noise(&uplink, 2 * ERRORS_MAX);
    let last = uplink.changed(|packet| packet[1] = 99);
    uplink.radio.send(last);
    uplink.assert_serves();
    let errors = uplink.satellite.statistics().errors;
    assert!(errors[ERRORS_MAX - 1].contains("APID 99"), "{errors:?}");
}
