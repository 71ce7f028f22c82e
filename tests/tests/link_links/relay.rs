//! The space between two spacecraft: datagrams get through while they see each other.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Passes datagrams on between two sockets, which both know as the other.
pub(crate) struct Relay {
    sight: Arc<Sight>,
    threads: Vec<JoinHandle<()>>,
    /// Where each of the two sends to.
    ports: [u16; 2],
}

#[derive(Default)]
struct Sight {
    is_open: AtomicBool,
    is_over: AtomicBool,
    passed: AtomicU64,
    stopped: [AtomicU64; 2],
}

impl Relay {
    /// Between sockets at these ports, which do not see each other yet.
    pub(crate) fn between(ends: [u16; 2]) -> Self {
        let sockets = [0, 1].map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            let timeout = Some(Duration::from_millis(50));
            socket.set_read_timeout(timeout).expect("a time-out");
            socket
        });
        let ports = [0, 1].map(|end: usize| sockets[end].local_addr().expect("a port").port());
        let sight = Arc::new(Sight::default());
        let threads = [0, 1].map(|end: usize| {
            // What comes from one leaves by the socket that the other one knows.
            let from = sockets[end].try_clone().expect("a socket");
            let by = sockets[1 - end].try_clone().expect("a socket");
            let to = ("127.0.0.1", ends[1 - end]);
            let sight = Arc::clone(&sight);
            thread::spawn(move || {
                let mut octets = vec![0; 65_536];
                while !sight.is_over.load(Ordering::SeqCst) {
                    let Ok((bytes, _)) = from.recv_from(&mut octets) else {
                        continue;
                    };
                    match sight.is_open.load(Ordering::SeqCst) {
                        true => {
                            sight.passed.fetch_add(1, Ordering::SeqCst);
                            let _ = by.send_to(&octets[..bytes], to);
                        }
                        false => {
                            sight.stopped[end].fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
            })
        });
        Relay {
            sight,
            threads: threads.into(),
            ports,
        }
    }

    /// Where one of the two sends to.
    pub(crate) fn port(&self, end: usize) -> u16 {
        self.ports[end]
    }

    /// They see each other from now on, or do not.
    pub(crate) fn set_open(&self, is_open: bool) {
        self.sight.is_open.store(is_open, Ordering::SeqCst);
    }

    /// Datagrams that got through.
    pub(crate) fn passed(&self) -> u64 {
        self.sight.passed.load(Ordering::SeqCst)
    }

    /// Datagrams of an end that got lost as it saw nobody.
    pub(crate) fn stopped(&self, end: usize) -> u64 {
        self.sight.stopped[end].load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.sight.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
