//! A packet format of the mission's own.

use std::sync::{Arc, Mutex};

use comms_service::accounting::DropReason;
use comms_service::message::{Class, Head, PayloadType};
use comms_service::packet::{Content, LinkPacket, PacketError, Parsed};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;
use radio_hal::FrameBuffer;

use crate::PATIENCE;
use crate::rig::{Radio, Satellite, Setup};

/// One octet of type (`Q` or `D`), one of command id, two of port, the payload.
/// It has a fault, as anybody's may: it panics at type [`FAULTY_TYPE`] and at
/// payloads of [`FAULTY_BYTES`] octets.
struct Terse;

const HEADER_BYTES: usize = 4;
const FAULTY_TYPE: u8 = b'!';
const FAULTY_BYTES: usize = 13;
/// It panics at building packets of such payloads, too.
const UNBUILDABLE_BYTES: usize = 17;

impl LinkPacket for Terse {
    fn name(&self) -> &'static str {
        "terse"
    }

    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError> {
        let [kind, id, high, low, ..] = *octets else {
            return Err(PacketError::TooShort {
                bytes: octets.len(),
                bytes_min: HEADER_BYTES,
            });
        };
        let head = Head {
            payload_type: match kind {
                b'Q' => PayloadType::GraphQl,
                b'D' => PayloadType::Udp,
                FAULTY_TYPE => panic!("no such type"),
                other => return Err(PacketError::UnknownApid { apid: other.into() }),
            },
            class: Class::Standard,
            security: None,
            command_id: id.into(),
            port: u16::from_be_bytes([high, low]),
        };
        let payload = HEADER_BYTES..octets.len();
        Ok(Parsed {
            content: Content::Message { head, payload },
            surplus_bytes: 0,
        })
    }

    fn packet_count(&self, _: &Head, bytes: usize) -> Result<u32, PacketError> {
        assert_ne!(bytes, FAULTY_BYTES, "no such length");
        Ok(1)
    }

    fn channel_of(&self, _: &Head) -> u16 {
        0
    }

    fn build(
        &self,
        head: &Head,
        payload: &[u8],
        _index: u32,
        _count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        assert_ne!(payload.len(), UNBUILDABLE_BYTES, "no such packet");
        let kind = match head.payload_type {
            PayloadType::GraphQl => b'Q',
            _ => b'D',
        };
        out.clear();
        out.extend([kind, head.command_id as u8]);
        out.extend(head.port.to_be_bytes());
        out.extend_from_slice(payload);
        Ok(())
    }
}

fn start() -> (Satellite, Radio) {
    let (radio, other_end) = Radio::pair();
    let setup = Setup {
        handlers: 1,
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    let builder = setup.builder(controls).own_format(Box::new(Terse));
    (Satellite::start(builder), other_end)
}

fn packet(kind: u8, id: u8, port: u16, payload: &[u8]) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    [&[kind, id, high, low], payload].concat()
}

#[test]
fn queries_are_answered_in_it() {
    let service = HttpService::always(Reply::ok("pong"));
    let (_satellite, radio) = start();
    radio.send(packet(b'Q', 7, service.port(), b"ping"));
    assert_eq!(radio.expect(), packet(b'Q', 7, service.port(), b"pong"));
}

#[test]
fn datagrams_are_passed_on_in_it() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start();
    radio.send(packet(b'D', 7, service.port(), b"hello"));
    assert_eq!(service.expect(PATIENCE).payload, b"hello");
}

#[test]
fn a_packet_larger_than_the_radio_takes_never_reaches_write() {
    let app = UdpPeer::bind();
    let (radio, other_end) = Radio::pair();
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        radio_bytes_max: Some(64),
        ..Setup::default()
    };
    let read = Some(Arc::new(Radio::read) as Arc<_>);
    let controls = setup.controls(read, vec![Arc::new(Radio::write)], radio);
    let builder = setup.builder(controls).own_format(Box::new(Terse));
    let satellite = Satellite::start(builder);
    let port = satellite.downlink_port(0);
    app.send_to(port, &[7; 61]);
    app.send_to(port, &[7; 60]);
    assert_eq!(other_end.expect(), packet(b'D', 0, port, &[7; 60]));
    let dropped = satellite.statistics().messages_out.dropped;
    assert_eq!(dropped.of(DropReason::TooLarge), 1);
}

#[test]
fn a_message_at_whose_packet_it_panics_does_not_block_the_next() {
    let app = UdpPeer::bind();
    let (satellite, radio) = start();
    let port = satellite.downlink_port(0);
    app.send_to(port, &[7; UNBUILDABLE_BYTES]);
    app.send_to(port, b"beacon");
    assert_eq!(radio.expect(), packet(b'D', 0, port, b"beacon"));
    let counted = satellite.statistics();
    assert_eq!(
        counted.messages_out.dropped.of(DropReason::InternalFault),
        1
    );
    assert!(counted.balances());
}

#[test]
fn datagrams_of_apps_go_down_in_it() {
    let app = UdpPeer::bind();
    let (satellite, radio) = start();
    let port = satellite.downlink_port(0);
    app.send_to(port, b"beacon");
    assert_eq!(radio.expect(), packet(b'D', 0, port, b"beacon"));
}

// The read thread ended, and the service looked healthy for ever after.
#[test]
fn packets_after_one_at_which_it_panics_are_served() {
    let service = HttpService::always(Reply::ok("pong"));
    let (satellite, radio) = start();
    for id in 1..4 {
        radio.send(packet(FAULTY_TYPE, id, service.port(), b"ping"));
        radio.send(packet(b'Q', id, service.port(), b"ping"));
        assert_eq!(radio.expect(), packet(b'Q', id, service.port(), b"pong"));
    }
    let counted = satellite.statistics();
    assert_eq!(counted.packets_in.dropped.of(DropReason::InternalFault), 3);
    assert!(counted.balances());
    assert!(
        counted.errors[0].contains("no such type"),
        "{:?}",
        counted.errors
    );
}

#[test]
fn packets_read_by_the_same_call_as_one_at_which_it_panics_are_served() {
    let service = UdpPeer::bind();
    let (radio, _other_end) = Radio::pair();
    let setup = Setup::default();
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    let port = service.port();
    let kinds = [b'D', FAULTY_TYPE, b'D', FAULTY_TYPE, b'D'];
    let batch = kinds.map(|kind| packet(kind, 1, port, b"hello"));
    let batch = Mutex::new(batch.to_vec());
    let read_many = move |radio: &Radio, packets: &mut FrameBuffer| {
        let mut batch = batch.lock().unwrap();
        if batch.is_empty() {
            drop(batch);
            radio.read()?;
        } else {
            batch.drain(..).for_each(|packet| packets.push(&packet));
        }
        Ok(())
    };
    let builder = setup.builder(controls).own_format(Box::new(Terse));
    let satellite = Satellite::start(builder.read_many(Arc::new(read_many)));
    for _ in 0..3 {
        assert_eq!(service.expect(PATIENCE).payload, b"hello");
    }
    let counted = satellite.wait_until(|all| all.packets_in.offered == 5);
    assert_eq!(counted.packets_in.delivered, 3);
    assert_eq!(counted.packets_in.dropped.of(DropReason::InternalFault), 2);
    assert!(counted.balances());
}

#[test]
fn queries_after_an_answer_at_which_it_panics_are_served() {
    let service = HttpService::in_turn([Reply::ok([0; FAULTY_BYTES]), Reply::ok("pong")]);
    let (satellite, radio) = start();
    radio.send(packet(b'Q', 1, service.port(), b"ping"));
    radio.send(packet(b'Q', 2, service.port(), b"ping"));
    assert_eq!(radio.expect(), packet(b'Q', 2, service.port(), b"pong"));
    let counted = satellite.statistics();
    assert_eq!(
        counted.messages_out.dropped.of(DropReason::InternalFault),
        1
    );
    assert!(counted.balances());
}

#[test]
fn datagrams_after_one_at_which_it_panics_go_down() {
    let app = UdpPeer::bind();
    let (satellite, radio) = start();
    let port = satellite.downlink_port(0);
    app.send_to(port, &[0; FAULTY_BYTES]);
    app.send_to(port, b"beacon");
    assert_eq!(radio.expect(), packet(b'D', 0, port, b"beacon"));
    let counted = satellite.statistics();
    assert_eq!(
        counted.messages_out.dropped.of(DropReason::InternalFault),
        1
    );
}

#[test]
fn an_app_hears_that_the_format_has_a_fault_with_its_message() {
    use comms_service::options::SubmitOptions;
    use comms_service::submit::{Outgoing, State, SubmitClient};

    let (radio, ground) = Radio::pair();
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        options: comms_service::LinkOptions {
            submit: Some(SubmitOptions {
                tcp: Some((std::net::Ipv4Addr::LOCALHOST, 0).into()),
                ..SubmitOptions::default()
            }),
            ..Default::default()
        },
        ..Setup::default()
    };
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    let satellite = Satellite::start(setup.builder(controls).own_format(Box::new(Terse)));
    let mut client = SubmitClient::connect_tcp(satellite.submit_addr()).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let port = satellite.downlink_port(0);
    for bytes in [FAULTY_BYTES, UNBUILDABLE_BYTES] {
        let receipt = client.send(&Outgoing::new(port, &vec![7; bytes]));
        let reason = "internal-fault".to_string();
        assert_eq!(receipt.expect("a receipt").state, State::Dropped { reason });
    }
    let receipt = client.send(&Outgoing::new(port, b"whole"));
    assert_eq!(receipt.expect("a receipt").state, State::Sent);
    assert_eq!(ground.expect()[4..], *b"whole");
}
