//! A socket, and a thread that reads it.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use log::{debug, warn};

use super::intake::{Counters, Intake};
use super::snapshot::{SNAPSHOT_OCTETS_MAX, Snapshot};
use crate::state::BusState;
use crate::telemetry::{Telemetry, TelemetryError};

/// How soon the thread notices that it is to end.
const STOP_WITHIN: Duration = Duration::from_millis(200);

/// Telemetry that programs on board send to a port of loopback.
///
/// Whoever may open a socket on board may tell it anything that is in range. Its thread ends
/// when it is dropped.
#[derive(Debug)]
pub struct UdpFeed {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    intake: Intake,
    stop: AtomicBool,
}

impl UdpFeed {
    /// Listens at a port of loopback (0: one that is free), and gives nothing that is older
    /// than `age_max`.
    pub fn start(port: u16, age_max: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(STOP_WITHIN))?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            intake: Intake::new(age_max),
            stop: AtomicBool::new(false),
        });
        let thread = thread::Builder::new().name("bus-telemetry".to_owned());
        let listening = Arc::clone(&shared);
        let thread = thread.spawn(move || listen(&socket, &listening))?;
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What became of the datagrams so far.
    pub fn counters(&self) -> Counters {
        self.shared.intake.counters()
    }
}

/// Ages are by a clock that does not jump, so that `now` is of no interest.
impl Telemetry for UdpFeed {
    fn state(&self, _now: Duration) -> Result<BusState, TelemetryError> {
        self.shared.intake.state()
    }
}

impl Drop for UdpFeed {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(socket: &UdpSocket, shared: &Shared) {
    // One octet more, by which a datagram that is too long is known.
    let mut buffer = [0; SNAPSHOT_OCTETS_MAX + 1];
    while !shared.stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((octets, from)) => {
                let datagram = buffer.get(..octets).unwrap_or_default();
                let intake = &shared.intake;
                if let Err(error) = intake.take(Snapshot::parse(datagram), intake.now()) {
                    debug!("dropped bus telemetry from {from}: {error}");
                }
            }
            Err(error) if is_silence(&error) => {}
            Err(error) => {
                shared.intake.failed();
                warn!("cannot receive bus telemetry: {error}");
                // It may fail at once each time.
                thread::sleep(STOP_WITHIN);
            }
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    use ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
