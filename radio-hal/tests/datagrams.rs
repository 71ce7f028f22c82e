//! Several datagrams by one system call.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use radio_hal::datagrams::{DATAGRAMS_PER_CALL_MAX, DatagramReceiver, send_all, send_each};

const SHORT: Duration = Duration::from_millis(50);
/// Longer than any datagram.
static TOO_LONG: [u8; 70_000] = [0; 70_000];

fn socket(ip: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(SHORT)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Every datagram that is there.
fn received(receiver: &mut DatagramReceiver, socket: &UdpSocket) -> Vec<(Vec<u8>, SocketAddr)> {
    let mut received = Vec::new();
    while let Ok(datagrams) = receiver.receive(socket) {
        received.extend(datagrams.map(|(octets, source)| (octets.to_vec(), source.unwrap())));
    }
    received
}

#[test]
fn datagrams_arrive_whole_in_order_and_with_their_source() {
    for ip in ["127.0.0.1", "::1"] {
        let (near, near_address) = socket(ip);
        let (far, far_address) = socket(ip);
        let sent: Vec<_> = [0, 1, 1400, 65_507, 256, 65_507, 3]
            .iter()
            .enumerate()
            .map(|(number, octets)| vec![number as u8; *octets])
            .collect();
        let datagrams = sent.iter().map(|octets| (octets.as_slice(), far_address));
        assert_eq!(send_all(&near, datagrams).unwrap(), sent.len());
        let heard = received(&mut DatagramReceiver::new(4).unwrap(), &far);
        assert!(heard.iter().map(|(octets, _)| octets).eq(&sent));
        assert!(heard.iter().all(|(_, source)| *source == near_address));
    }
}

#[test]
fn one_receiver_serves_sockets_of_both_families_in_turn() {
    let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).unwrap();
    for ip in ["127.0.0.1", "::1", "127.0.0.1", "::1"] {
        let (near, near_address) = socket(ip);
        let (far, far_address) = socket(ip);
        send_all(&near, [(&b"one"[..], far_address), (b"two", far_address)]).unwrap();
        let expected = [&b"one"[..], b"two"].map(|octets| (octets.to_vec(), near_address));
        assert_eq!(received(&mut receiver, &far), expected);
    }
}

#[test]
fn a_receiver_takes_what_is_there_and_waits_for_no_more() {
    let (near, _) = socket("127.0.0.1");
    let (far, far_address) = socket("127.0.0.1");
    far.set_read_timeout(None).unwrap();
    let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).unwrap();
    for datagrams in [1, 3] {
        send_all(&near, vec![(&b"octets"[..], far_address); datagrams]).unwrap();
        let mut heard = 0;
        while heard < datagrams {
            heard += receiver.receive(&far).unwrap().len();
        }
        assert_eq!(heard, datagrams);
    }
}

#[test]
fn a_receiver_waits_as_long_as_the_socket_does() {
    let (far, _) = socket("127.0.0.1");
    let started = Instant::now();
    let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).unwrap();
    let error = receiver.receive(&far).map(drop).unwrap_err();
    assert!(matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    ));
    assert!(started.elapsed() >= SHORT / 2);
}

#[test]
fn each_datagram_has_its_own_outcome() {
    let (near, _) = socket("127.0.0.1");
    let (far, to) = socket("127.0.0.1");
    let failing = [0, 20, 21, 63, 99];
    let octets: Vec<_> = (0..100_u8).map(|number| [number]).collect();
    let datagrams = (0..100).map(|number| match failing.contains(&number) {
        true => (&TOO_LONG[..], to),
        false => (&octets[number][..], to),
    });
    let mut outcomes = Vec::new();
    send_each(&near, datagrams, |outcome| outcomes.push(outcome.is_ok()));
    let expected: Vec<_> = (0..100).map(|number| !failing.contains(&number)).collect();
    assert_eq!(outcomes, expected);
    let heard = received(&mut DatagramReceiver::new(8).unwrap(), &far);
    let heard: Vec<_> = heard.iter().map(|(octets, _)| octets[0]).collect();
    let sent = (0..100_u8).filter(|number| !failing.contains(&usize::from(*number)));
    assert!(sent.eq(heard));
}

#[test]
fn what_follows_a_datagram_that_cannot_be_sent_waits_for_it() {
    let (near, _) = socket("127.0.0.1");
    let (far, to) = socket("127.0.0.1");
    let datagrams = [(&b"one"[..], to), (b"two", to), (&TOO_LONG, to), (b"x", to)];
    assert_eq!(send_all(&near, datagrams).unwrap(), 2);
    assert!(send_all(&near, datagrams.into_iter().skip(2)).is_err());
    let heard = received(&mut DatagramReceiver::new(8).unwrap(), &far);
    assert!(heard.iter().map(|(octets, _)| octets).eq([b"one", b"two"]));
    assert_eq!(send_all(&near, []).unwrap(), 0);
}

#[test]
fn datagrams_of_one_size_arrive_one_by_one_and_in_order_among_others() {
    for ip in ["127.0.0.1", "::1"] {
        let (near, _) = socket(ip);
        let (far, far_address) = socket(ip);
        let (other, other_address) = socket(ip);
        // Runs with and without a shorter last one, of one, and of what is too long.
        let mut sizes = vec![256; 10];
        sizes.extend([
            100, 256, 256, 256, 0, 1452, 1452, 1452, 1453, 1453, 1453, 1453,
        ]);
        let sent: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(number, octets)| vec![number as u8; *octets])
            .collect();
        let to = |number: usize| match number {
            4 => other_address,
            _ => far_address,
        };
        let datagrams = sent.iter().enumerate();
        let datagrams = datagrams.map(|(number, octets)| (octets.as_slice(), to(number)));
        let mut outcomes = 0;
        send_each(&near, datagrams, |outcome| {
            outcome.unwrap();
            outcomes += 1;
        });
        assert_eq!(outcomes, sent.len());

        let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).unwrap();
        let at_far = received(&mut receiver, &far).into_iter();
        let at_other = received(&mut receiver, &other).into_iter();
        let mut expected = sent;
        let for_other = expected.remove(4);
        assert!(at_far.map(|(octets, _)| octets).eq(expected));
        assert!(at_other.map(|(octets, _)| octets).eq([for_other]));
    }
}
