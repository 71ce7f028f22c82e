//! The radio over UDP, several frames by each call.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use radio_hal::datagrams::DATAGRAMS_PER_CALL_MAX;
use radio_hal::udp::UDP_FRAME_BYTES_MAX;
use radio_hal::{
    ErrorKind, FrameBuffer, FrameDrop, FramingConfig, Radio, RadioConnection, UdpRadio,
};

const SHORT: Duration = Duration::from_millis(50);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A radio, a plain socket as its peer, and the radio's address.
fn radio_and_peer() -> (Radio, UdpSocket, SocketAddr) {
    let peer = UdpSocket::bind(any_port()).unwrap();
    peer.set_read_timeout(Some(SHORT)).unwrap();
    let radio = UdpRadio::bind(any_port()).unwrap();
    let address = radio.local_address();
    let radio = radio.with_peer(peer.local_addr().unwrap()).unwrap();
    (radio, peer, address)
}

fn datagrams_at(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut place = vec![0; 65_536];
    let mut datagrams = Vec::new();
    while let Ok(octets) = socket.recv(&mut place) {
        datagrams.push(place[..octets].to_vec());
    }
    datagrams
}

#[test]
fn a_burst_arrives_in_order_by_few_calls() {
    let (mut radio, peer, address) = radio_and_peer();
    for number in 0..100 {
        peer.send_to(&[number; 256], address).unwrap();
    }
    let mut received = FrameBuffer::new();
    let mut calls = 0;
    while received.len() < 100 {
        let before = received.len();
        radio.receiver.receive(&mut received, SHORT).unwrap();
        assert!(received.len() - before <= DATAGRAMS_PER_CALL_MAX);
        calls += 1;
    }
    assert!(received.iter().eq((0..100).map(|number| [number; 256])));
    let frames_per_call = if cfg!(target_os = "linux") { 32 } else { 1 };
    assert_eq!(calls, 100_usize.div_ceil(frames_per_call));
}

#[test]
fn a_burst_is_read_and_answered_in_batches() {
    let (radio, peer, address) = radio_and_peer();
    let connection = RadioConnection::new(radio, FramingConfig::raw(), SHORT).unwrap();
    for number in 0..40 {
        peer.send_to(&[number; 256], address).unwrap();
    }
    let mut packets = FrameBuffer::new();
    while packets.len() < 40 {
        connection.read_all(&mut packets).unwrap();
    }
    let mut taken = 0;
    while taken < packets.len() {
        taken += connection.write_all(packets.iter().skip(taken)).unwrap();
    }
    assert!(datagrams_at(&peer).iter().eq(packets.iter()));
    let counted = connection.statistics();
    assert_eq!((counted.delivered, counted.transmitted), (40, 40));
}

#[test]
fn a_frame_that_is_too_long_stops_a_batch_and_is_refused_by_itself() {
    let (mut radio, peer, _) = radio_and_peer();
    let mut frames = FrameBuffer::new();
    let too_long = vec![0; UDP_FRAME_BYTES_MAX + 1];
    for frame in [&b"one"[..], b"two", &too_long, b"three"] {
        frames.push(frame);
    }
    assert_eq!(radio.transmitter.transmit_all(&frames).unwrap(), 2);
    let mut rest = FrameBuffer::new();
    frames.iter().skip(2).for_each(|frame| rest.push(frame));
    let error = radio.transmitter.transmit_all(&rest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PacketTooLong);
    radio.transmitter.transmit(b"three").unwrap();
    assert_eq!(datagrams_at(&peer), [&b"one"[..], b"two", b"three"]);
}

#[test]
fn what_a_stranger_sends_among_good_frames_is_counted_and_left_out() {
    let (mut radio, peer, address) = radio_and_peer();
    let stranger = UdpSocket::bind(any_port()).unwrap();
    for (sender, frame) in [
        (&peer, &b"one"[..]),
        (&stranger, b"x"),
        (&peer, b""),
        (&stranger, b"y"),
        (&peer, b"two"),
    ] {
        sender.send_to(frame, address).unwrap();
    }
    let mut received = FrameBuffer::new();
    while received.len() < 2 {
        radio.receiver.receive(&mut received, SHORT).unwrap();
    }
    assert!(received.iter().eq([b"one", b"two"]));
    let counted = radio.counters.snapshot();
    assert_eq!(counted.dropped_for(FrameDrop::ForeignSource), 2);
    assert_eq!(counted.dropped_for(FrameDrop::Empty), 1);
}

#[test]
fn a_batch_of_a_stranger_only_does_not_end_the_wait() {
    let (mut radio, _peer, address) = radio_and_peer();
    let stranger = UdpSocket::bind(any_port()).unwrap();
    for _ in 0..40 {
        stranger.send_to(b"x", address).unwrap();
    }
    let mut received = FrameBuffer::new();
    let started = Instant::now();
    radio.receiver.receive(&mut received, SHORT).unwrap();
    assert!(received.is_empty());
    assert!(started.elapsed() >= SHORT / 2);
    let counted = radio.counters.snapshot();
    assert_eq!(counted.dropped_for(FrameDrop::ForeignSource), 40);
}

/// What stands in the process's table of memory, in kibibytes.
#[cfg(target_os = "linux")]
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_room_for_a_batch_takes_no_memory_until_frames_fill_it() {
    let before = resident_kib();
    let idle: Vec<_> = (0..20).map(|_| radio_and_peer()).collect();
    let each = resident_kib().saturating_sub(before) / idle.len();
    // Of 2 MiB of address space; other tests run beside this one.
    assert!(each < 500, "{each} KiB for each radio");
}
