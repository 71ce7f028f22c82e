//! What a receiver of datagrams keeps of the machine's memory. In a process of its own:
//! it looks at what the whole of it has.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::UdpSocket;
use std::time::Duration;

use radio_hal::datagrams::{DATAGRAMS_PER_CALL_MAX, DatagramReceiver};
use socket2::SockRef;

const LARGE: usize = 65_507;
/// As many as any socket's buffer has room for.
const DATAGRAMS: usize = 5;

fn resident_kib() -> usize {
    let all = fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = all.lines().find(|line| line.starts_with("Rss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn receives(receiver: &mut DatagramReceiver, socket: &UdpSocket, bytes: usize) -> usize {
    let datagrams = receiver.receive(socket).unwrap();
    datagrams
        .inspect(|(octets, _)| assert!(octets.iter().eq(std::iter::repeat_n(&7, bytes))))
        .count()
}

#[test]
fn after_a_burst_of_large_datagrams_a_receiver_lets_go_of_what_they_took() {
    let far = UdpSocket::bind("127.0.0.1:0").unwrap();
    far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    SockRef::from(&far).set_recv_buffer_size(1 << 20).unwrap();
    let near = UdpSocket::bind("127.0.0.1:0").unwrap();
    near.connect(far.local_addr().unwrap()).unwrap();
    let large = vec![7; LARGE];
    let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).unwrap();
    let before = resident_kib();

    for _ in 0..DATAGRAMS {
        near.send(&large).unwrap();
    }
    assert_eq!(receives(&mut receiver, &far, LARGE), DATAGRAMS);
    let full = resident_kib();
    near.send(&[7; 10]).unwrap();
    assert_eq!(receives(&mut receiver, &far, 10), 1);
    let after = resident_kib();

    let taken_kib = DATAGRAMS * LARGE / 1024;
    assert!(full >= before + taken_kib, "{before} {full}");
    assert!(after + taken_kib / 2 < full, "{full} {after}");

    // And takes it once more.
    for _ in 0..DATAGRAMS {
        near.send(&large).unwrap();
    }
    assert_eq!(receives(&mut receiver, &far, LARGE), DATAGRAMS);
}
