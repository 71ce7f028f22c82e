//! The socket and the thread of a [`Board`].

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use log::{debug, warn};

use super::board::Board;
use super::snapshot::{DATAGRAM_OCTETS_MAX, FeedError, Snapshot};
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
    started: Instant,
    board: Mutex<Board>,
    tally: Tally,
    stop: AtomicBool,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    too_long: AtomicU64,
    malformed: AtomicU64,
    empty: AtomicU64,
    out_of_range: AtomicU64,
    receive_failed: AtomicU64,
}

/// What became of each datagram; all but `receive_failed` together are those that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Taken.
    pub accepted: u64,
    /// Dropped: [`FeedError::TooLong`].
    pub too_long: u64,
    /// Dropped: [`FeedError::Malformed`].
    pub malformed: u64,
    /// Dropped: [`FeedError::Empty`].
    pub empty: u64,
    /// Dropped: [`FeedError::OutOfRange`].
    pub out_of_range: u64,
    /// The system could not give a datagram.
    pub receive_failed: u64,
}

impl UdpFeed {
    /// Listens at a port of loopback (0: one that is free), and gives nothing that is older
    /// than `age_max`.
    pub fn start(port: u16, age_max: Duration) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(STOP_WITHIN))?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            started: Instant::now(),
            board: Mutex::new(Board::new(age_max)),
            tally: Tally::default(),
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
        let tally = &self.shared.tally;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            accepted: count(&tally.accepted),
            too_long: count(&tally.too_long),
            malformed: count(&tally.malformed),
            empty: count(&tally.empty),
            out_of_range: count(&tally.out_of_range),
            receive_failed: count(&tally.receive_failed),
        }
    }
}

/// Ages are by a clock that does not jump, so that `now` is of no interest.
impl Telemetry for UdpFeed {
    fn state(&self, _now: Duration) -> Result<BusState, TelemetryError> {
        let board = self.shared.board.lock();
        let board = board.unwrap_or_else(PoisonError::into_inner);
        board.state(self.shared.started.elapsed())
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
    let mut buffer = [0; DATAGRAM_OCTETS_MAX + 1];
    while !shared.stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((octets, from)) => {
                let datagram = buffer.get(..octets).unwrap_or_default();
                if let Err(error) = shared.take(datagram) {
                    debug!("dropped bus telemetry from {from}: {error}");
                }
            }
            Err(error) if is_silence(&error) => {}
            Err(error) => {
                count(&shared.tally.receive_failed);
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

impl Shared {
    fn take(&self, datagram: &[u8]) -> Result<(), FeedError> {
        let parsed = Snapshot::parse(datagram);
        let tally = &self.tally;
        match &parsed {
            Ok(_) => {}
            Err(FeedError::TooLong) => count(&tally.too_long),
            Err(FeedError::Malformed(_)) => count(&tally.malformed),
            Err(FeedError::Empty) => count(&tally.empty),
            Err(FeedError::OutOfRange { .. }) => count(&tally.out_of_range),
        }
        let board = self.board.lock();
        let mut board = board.unwrap_or_else(PoisonError::into_inner);
        board.put(parsed?, self.started.elapsed());
        // After it can be seen: who sees the count may ask.
        count(&tally.accepted);
        Ok(())
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
