//! A radio on TCP whose connection is lost at an awkward moment.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use radio_hal::{ErrorKind, FrameBuffer, Radio, TcpRadio};
use socket2::SockRef;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);
/// More than the kernel holds.
const MORE_THAN_FITS: usize = 32 << 20;

fn radio_and_peer() -> (Radio, TcpStream, TcpListener) {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let radio = TcpRadio::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    (radio, peer, listener)
}

#[test]
fn a_receiver_whose_peer_says_no_more_does_not_wait_for_a_transmission_that_stalls() {
    let (radio, peer, _listener) = radio_and_peer();
    let (mut receiver, mut transmitter) = (radio.receiver, radio.transmitter);
    let transmitting = thread::spawn(move || transmitter.transmit(&vec![7; MORE_THAN_FITS]));
    // Long enough to fill what the kernel holds.
    thread::sleep(4 * SHORT);
    peer.shutdown(Shutdown::Write).unwrap();
    let started = Instant::now();
    let lost = receiver.receive(&mut FrameBuffer::new(), SHORT);
    let elapsed = started.elapsed();
    assert!(lost.is_err(), "the peer has closed its side");
    // The transmission gives up after 2 s by itself.
    assert!(elapsed < 20 * SHORT, "{elapsed:?}");
    assert!(transmitting.join().unwrap().is_err());
}

#[test]
fn what_arrived_before_a_loss_that_the_transmitter_found_is_given_first() {
    let (radio, mut peer, listener) = radio_and_peer();
    let (mut receiver, mut transmitter) = (radio.receiver, radio.transmitter);
    let mut received = FrameBuffer::new();
    peer.write_all(b"first").unwrap();
    receiver.receive(&mut received, LONG).unwrap();
    peer.write_all(b"second").unwrap();
    // A reset, as from a TNC that was killed.
    SockRef::from(&peer)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    let started = Instant::now();
    while transmitter.transmit(b"frame").is_ok() {
        assert!(started.elapsed() < LONG, "nobody takes it");
    }
    let gone = transmitter.credits(4 * SHORT).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Disconnected);
    receiver.receive(&mut received, LONG).unwrap();
    assert_eq!(received.octets(), b"firstsecond");
    assert!(receiver.receive(&mut received, SHORT).is_err(), "the loss");

    let receiving = thread::spawn(move || receiver.receive(&mut FrameBuffer::new(), LONG));
    let (mut peer, _) = listener.accept().unwrap();
    while transmitter.credits(SHORT).is_err() {
        assert!(started.elapsed() < LONG, "it is not open again");
    }
    transmitter.transmit(b"again").unwrap();
    let mut heard = [0; 5];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"again");
    peer.write_all(b"third").unwrap();
    receiving.join().unwrap().unwrap();
}
