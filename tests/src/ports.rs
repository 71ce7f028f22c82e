//! UDP ports that nobody else uses.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to those who ask for any
/// (RFC 6335 §6, and what Linux does).
const FIRST: u16 = 20_000;
const LAST: u16 = 30_000;

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
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let first = FIRST + NEXT.fetch_add(count, Ordering::Relaxed);
        let last = first + count - 1;
        assert!(last <= LAST, "no {count} free UDP ports in a row");
        let bound = (first..=last).map(bind_udp).collect::<io::Result<Vec<_>>>();
        if bound.is_ok() {
            return first..=last;
        }
    }
}
