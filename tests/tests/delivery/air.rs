//! The air between spacecraft and ground: what either sends is passed on while there is
//! contact. Frames are lost by the channel of the radio, not here.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use heliograph_tests::ports::bind_udp;

const DATAGRAM_BYTES_MAX: usize = 65_535;
/// So long at most does an end of the test wait.
const READ_TIMEOUT: Duration = Duration::from_millis(50);

/// Where the ends of the air are: each radio sends to its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Where the radio of the spacecraft listens.
    pub(crate) satellite: u16,
    /// Where it sends to.
    pub(crate) of_satellite: u16,
    /// Where the radio of the ground listens.
    pub(crate) ground: u16,
    /// Where it sends to.
    pub(crate) of_ground: u16,
}

/// Silent at first. Dropped, it is gone.
pub(crate) struct Air {
    is_contact: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Air {
    pub(crate) fn start(ports: Ports) -> Self {
        let is_contact = Arc::new(AtomicBool::new(false));
        let is_over = Arc::new(AtomicBool::new(false));
        let [satellite, ground] = [ports.of_satellite, ports.of_ground].map(|port| {
            let socket = bind_udp(port).unwrap();
            socket.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
            Arc::new(socket)
        });
        let ways = [
            (&satellite, &ground, ports.ground),
            (&ground, &satellite, ports.satellite),
        ];
        let threads = ways.map(|(from, by, to)| {
            let (from, by) = (Arc::clone(from), Arc::clone(by));
            let to = SocketAddr::from(([127, 0, 0, 1], to));
            let (contact, over) = (Arc::clone(&is_contact), Arc::clone(&is_over));
            thread::spawn(move || pass_on(&from, &by, to, &contact, &over))
        });
        Air {
            is_contact,
            is_over,
            threads: threads.into(),
        }
    }

    /// Acquisition of signal.
    pub(crate) fn aos(&self) {
        self.is_contact.store(true, Ordering::SeqCst);
    }

    /// Loss of signal, in whatever is on its way.
    pub(crate) fn los(&self) {
        self.is_contact.store(false, Ordering::SeqCst);
    }
}

impl Drop for Air {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn pass_on(
    from: &UdpSocket,
    by: &UdpSocket,
    to: SocketAddr,
    contact: &AtomicBool,
    over: &AtomicBool,
) {
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    while !over.load(Ordering::SeqCst) {
        if let Ok(bytes) = from.recv(&mut datagram)
            && contact.load(Ordering::SeqCst)
        {
            // Who is not there does not hear it.
            let _ = by.send_to(&datagram[..bytes], to);
        }
    }
}
