//! Ports that nobody else uses.
//!
//! Programs of tests run side by side, so each begins at a place of its own.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to those who ask for any
/// (RFC 6335 §6, and what Linux does).
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Programs that start one after the other have neighbouring process ids, and
/// take fewer ports than this.
const PORTS_OF_A_PROGRAM: u32 = 64;

/// Binds a UDP port of 127.0.0.1.
pub fn bind_udp(port: u16) -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
}

/// A UDP port that is free, and that no other test of this program gets.
pub fn free_udp_port() -> u16 {
    *free_udp_range(1).start()
}

/// As many in a row.
pub fn free_udp_range(count: u16) -> RangeInclusive<u16> {
    free_range(count, bind_udp)
}

/// A TCP port that is free, and that no other test of this program gets.
pub fn free_tcp_port() -> u16 {
    *free_range(1, |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).start()
}

fn free_range<S>(count: u16, bind: impl Fn(u16) -> io::Result<S>) -> RangeInclusive<u16> {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = process::id().wrapping_mul(PORTS_OF_A_PROGRAM) % u32::from(COUNT);
    loop {
        let taken = TAKEN.fetch_add(count, Ordering::Relaxed);
        assert!(taken < COUNT - count, "no {count} free ports in a row");
        let offset = (begin + u32::from(taken)) % u32::from(COUNT);
        let first = FIRST + u16::try_from(offset).expect("less than a count of ports");
        let last = first + count - 1;
        let bound = (first..=last).map(&bind).collect::<io::Result<Vec<_>>>();
        if bound.is_ok() {
            return first..=last;
        }
    }
}
