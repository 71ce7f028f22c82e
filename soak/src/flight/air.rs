//! The air between the two radios: passes on what each sends, and a third party sends
//! garbage on it: noise, and what it has heard, altered or as it was.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;

const DATAGRAM_BYTES_MAX: usize = 65_535;
const READ_TIMEOUT: Duration = Duration::from_millis(50);
/// Garbage comes once for so many good datagrams.
const GOOD_PER_GARBAGE: u8 = 3;
const HEARD_MAX: usize = 64;

pub(super) struct Air {
    /// Where the satellite's radio sends to.
    pub(super) satellite_peer: SocketAddr,
    /// Where the satellite's radio listens.
    pub(super) satellite: SocketAddr,
    /// Where the ground's radio sends to.
    pub(super) ground_peer: SocketAddr,
    /// Where the ground's radio listens.
    pub(super) ground: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stops: AtomicBool,
    is_quiet: AtomicBool,
    garbage: AtomicU64,
}

/// An address of 127.0.0.1 that nobody has.
pub(super) fn free_udp_address() -> Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no UDP port is free")?;
    Ok(socket.local_addr()?)
}

impl Air {
    pub(super) fn start(seed: u64) -> Result<Self> {
        let socket = || -> Result<(Arc<UdpSocket>, SocketAddr)> {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no UDP port")?;
            socket.set_read_timeout(Some(READ_TIMEOUT))?;
            let address = socket.local_addr()?;
            Ok((Arc::new(socket), address))
        };
        let (to_satellite, satellite_peer) = socket()?;
        let (to_ground, ground_peer) = socket()?;
        let (satellite, ground) = (free_udp_address()?, free_udp_address()?);
        let shared = Arc::new(Shared::default());
        let ways = [
            (&to_satellite, &to_ground, ground),
            (&to_ground, &to_satellite, satellite),
        ];
        let mut threads = Vec::new();
        for (number, (from, by, to)) in ways.into_iter().enumerate() {
            let way = Way {
                from: Arc::clone(from),
                by: Arc::clone(by),
                to,
                shared: Arc::clone(&shared),
                rng: Rng::with_seed(seed ^ number as u64),
                heard: Vec::new(),
            };
            let thread = thread::Builder::new().name(format!("air {number}"));
            threads.push(thread.spawn(move || way.run())?);
        }
        Ok(Self {
            satellite_peer,
            satellite,
            ground_peer,
            ground,
            shared,
            threads,
        })
    }

    /// The third party goes home.
    pub(super) fn stop_garbage(&self) {
        self.shared.is_quiet.store(true, Ordering::Relaxed);
    }

    /// Ends; gives how much garbage there was.
    pub(super) fn finish(mut self) -> u64 {
        self.shared.stops.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.shared.garbage.load(Ordering::Relaxed)
    }
}

/// One way.
struct Way {
    from: Arc<UdpSocket>,
    by: Arc<UdpSocket>,
    to: SocketAddr,
    shared: Arc<Shared>,
    rng: Rng,
    heard: Vec<Vec<u8>>,
}

impl Way {
    fn run(mut self) {
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        while !self.shared.stops.load(Ordering::Relaxed) {
            let octets = match self.from.recv(&mut datagram) {
                Ok(bytes) => datagram.get(..bytes).unwrap_or_default(),
                Err(error) if is_pause(error.kind()) => continue,
                Err(_) => continue,
            };
            // Who is not there does not hear it.
            let _ = self.by.send_to(octets, self.to);
            self.keep(octets.to_vec());
            let is_quiet = self.shared.is_quiet.load(Ordering::Relaxed);
            if !is_quiet && self.rng.u8(0..GOOD_PER_GARBAGE) == 0 {
                let garbage = self.garbage();
                let _ = self.by.send_to(&garbage, self.to);
                self.shared.garbage.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn keep(&mut self, octets: Vec<u8>) {
        if self.heard.len() == HEARD_MAX {
            let at = self.rng.usize(0..HEARD_MAX);
            self.heard.swap_remove(at);
        }
        self.heard.push(octets);
    }

    fn garbage(&mut self) -> Vec<u8> {
        let at = self.rng.usize(0..self.heard.len().max(1));
        let mut octets = self.heard.get(at).cloned().unwrap_or_default();
        match self.rng.u8(0..5) {
            0 => {
                octets = vec![0; self.rng.usize(0..600)];
                self.rng.fill(&mut octets);
            }
            1 => octets.truncate(self.rng.usize(0..=octets.len())),
            2 => octets.resize(self.rng.usize(600..3000), 0x55),
            // As it was: a replay.
            3 => {}
            _ => {
                let at = self.rng.usize(0..octets.len().max(1));
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << self.rng.u8(0..8);
                }
            }
        }
        octets
    }
}

fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
