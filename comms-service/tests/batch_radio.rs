//! A service with a radio that gives and takes several packets by each call.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use comms_service::{
    CommsControlBlock, CommsError, CommsHandle, CommsResult, CommsService, CommsTelemetry,
    FrameBuffer,
};

const READ_TIMEOUT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);
const DATAGRAMS: usize = 50;

#[derive(Clone, Default)]
struct Radio {
    air: Arc<Air>,
}

#[derive(Default)]
struct Air {
    /// Packets for the satellite, to be read at once.
    up: Mutex<FrameBuffer>,
    /// What was taken of each call, with how many it was offered.
    down: Mutex<Vec<(usize, Vec<Vec<u8>>)>>,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Radio {
    fn read_many(&self, packets: &mut FrameBuffer) -> CommsResult<()> {
        let mut up = self.air.up.lock().unwrap();
        if up.is_empty() {
            drop(up);
            thread::sleep(READ_TIMEOUT);
            return Err(CommsError::NoData);
        }
        up.iter().for_each(|packet| packets.push(packet));
        up.clear();
        Ok(())
    }

    /// Takes up to `most` packets, once it is open.
    fn write_many(&self, packets: &FrameBuffer, most: usize) -> CommsResult<usize> {
        let is_open = self.air.is_open.lock().unwrap();
        let is_closed = |is_open: &mut bool| !*is_open;
        let _open = self.air.opened.wait_while(is_open, is_closed).unwrap();
        let taken: Vec<_> = packets.iter().take(most).map(<[u8]>::to_vec).collect();
        let packets_taken = taken.len();
        self.air.down.lock().unwrap().push((packets.len(), taken));
        Ok(packets_taken)
    }

    fn open(&self) {
        *self.air.is_open.lock().unwrap() = true;
        self.air.opened.notify_all();
    }

    /// The sequence counts and payloads of all packets that it took.
    fn down(&self) -> Vec<(u16, Vec<u8>)> {
        let down = self.air.down.lock().unwrap();
        let packets = down.iter().flat_map(|(_, packets)| packets);
        let count = |packet: &[u8]| u16::from_be_bytes([packet[2] & 0x3F, packet[3]]);
        let payload = |packet: &[u8]| packet[16..packet.len() - 2].to_vec();
        packets
            .map(|packet| (count(packet), payload(packet)))
            .collect()
    }
}

fn start(
    radio: &Radio,
    write: impl Fn(&Radio, &FrameBuffer) -> CommsResult<usize> + Send + Sync + 'static,
) -> CommsHandle {
    let controls = CommsControlBlock {
        read: Some(Arc::new(|_: &Radio| panic!("`read_many` goes before it"))),
        write: vec![Arc::new(|_: &Radio, _: &[u8]| {
            panic!("`write_many` goes before it")
        })],
        read_conn: radio.clone(),
        write_conn: radio.clone(),
        handler_port_min: 0,
        handler_port_max: 0,
        max_num_handlers: 1,
        timeout: 5000,
        ground_ip: Ipv4Addr::LOCALHOST,
        satellite_ip: Ipv4Addr::LOCALHOST,
        downlink_ports: Some(vec![0]),
        ground_port: None,
    };
    CommsService::builder(controls)
        .read_timeout(READ_TIMEOUT)
        .read_many(Arc::new(Radio::read_many))
        .write_many(0, 32, Arc::new(write))
        .start(Arc::new(Mutex::new(CommsTelemetry::default())))
        .unwrap()
}

#[track_caller]
fn eventually(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to that");
        thread::sleep(Duration::from_millis(1));
    }
}

fn payloads() -> Vec<Vec<u8>> {
    (0..DATAGRAMS).map(|number| vec![number as u8; 5]).collect()
}

/// An app sends them all, and they wait for the radio.
fn queue_datagrams(service: &CommsHandle) {
    let app = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for payload in payloads() {
        app.send_to(&payload, service.downlink_addrs()[0]).unwrap();
    }
    eventually(|| service.statistics().messages_out.offered == DATAGRAMS as u64);
}

#[test]
fn packets_that_write_did_not_take_are_offered_again_in_their_order() {
    let radio = Radio::default();
    let service = start(&radio, |radio, packets| radio.write_many(packets, 3));
    queue_datagrams(&service);
    radio.open();
    eventually(|| service.statistics().messages_out.delivered == DATAGRAMS as u64);
    let (counts, sent): (Vec<_>, Vec<_>) = radio.down().into_iter().unzip();
    assert_eq!(sent, payloads());
    let first = counts[0];
    let following = (0..).map(|behind| (first + behind) % 0x4000);
    assert!(counts.iter().copied().eq(following.take(DATAGRAMS)));
    let down = radio.air.down.lock().unwrap();
    assert!(down.iter().any(|(offered, taken)| *offered > taken.len()));
    drop(down);
    let report = service.shutdown();
    assert_eq!(report.statistics.packets_out.in_flight, 0);
}

#[test]
fn a_packet_of_several_that_fails_costs_its_message_alone() {
    let radio = Radio::default();
    let bad = payloads()[20].clone();
    let service = start(&radio, move |radio, packets| {
        let is_bad = |packet: &[u8]| packet[16..packet.len() - 2] == bad;
        match packets.iter().position(is_bad) {
            Some(0) => Err(CommsError::Radio("antenna".to_string())),
            Some(good) => radio.write_many(packets, good),
            None => radio.write_many(packets, packets.len()),
        }
    });
    queue_datagrams(&service);
    radio.open();
    eventually(|| service.statistics().messages_out.queued == 0);
    let report = service.shutdown();
    let sent: Vec<_> = radio
        .down()
        .into_iter()
        .map(|(_, payload)| payload)
        .collect();
    let mut good = payloads();
    good.remove(20);
    assert_eq!(sent, good);
    let messages_out = report.statistics.messages_out;
    assert_eq!(messages_out.dropped.of(DropReason::WriteFailed), 1);
    assert_eq!(messages_out.dropped.total(), 1);
}

#[test]
fn at_a_stop_what_waits_is_sent_though_write_takes_less_than_it_is_offered() {
    let radio = Radio::default();
    let service = start(&radio, |radio, packets| radio.write_many(packets, 1));
    queue_datagrams(&service);
    let opener = radio.clone();
    let opening = thread::spawn(move || {
        thread::sleep(READ_TIMEOUT);
        opener.open();
    });
    let report = service.shutdown();
    opening.join().unwrap();
    assert!(report.detached.is_empty());
    assert_eq!(report.statistics.messages_out.dropped.total(), 0);
    assert_eq!(radio.down().len(), DATAGRAMS);
}

#[test]
fn packets_that_are_read_together_reach_their_service_in_their_order() {
    let udp_service = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    udp_service.set_read_timeout(Some(PATIENCE)).unwrap();
    let radio = Radio::default();
    let service = start(&radio, |radio, packets| radio.write_many(packets, 32));
    let ground = SpacePacketFormat::new(End::Ground);
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: 0,
        port: udp_service.local_addr().unwrap().port(),
    };
    let mut up = radio.air.up.lock().unwrap();
    let mut packet = Vec::new();
    for (count, payload) in payloads().iter().enumerate() {
        ground
            .build(&head, payload, 0, count as u16, &mut packet)
            .unwrap();
        up.push(&packet);
    }
    drop(up);
    let mut received = [0; 100];
    for payload in payloads() {
        let bytes = udp_service.recv(&mut received).unwrap();
        assert_eq!(received[..bytes], payload);
    }
    eventually(|| service.statistics().messages_in.delivered == DATAGRAMS as u64);
    radio.open();
    service.shutdown();
}

#[test]
fn a_write_for_several_packets_that_stands_for_none_is_refused() {
    let radio = Radio::default();
    let write = |radio: &Radio, packets: &FrameBuffer| radio.write_many(packets, 1);
    let controls = CommsControlBlock {
        read: None,
        write: vec![Arc::new(|_: &Radio, _: &[u8]| Ok(()))],
        read_conn: radio.clone(),
        write_conn: radio,
        handler_port_min: 0,
        handler_port_max: 0,
        max_num_handlers: 1,
        timeout: 100,
        ground_ip: Ipv4Addr::LOCALHOST,
        satellite_ip: Ipv4Addr::LOCALHOST,
        downlink_ports: None,
        ground_port: None,
    };
    let started = CommsService::builder(controls)
        .write_many(1, 32, Arc::new(write))
        .start(Arc::new(Mutex::new(CommsTelemetry::default())));
    assert!(matches!(started, Err(CommsError::Config(_))));
}
