//! Services on board: one by HTTP that answers queries and runs mutations, one that is
//! slow, a port where nobody listens, and one by UDP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

/// Longer than the service's `timeout`.
const SLOW: Duration = Duration::from_millis(900);
const READ_TIMEOUT: Duration = Duration::from_millis(200);
const BODY_BYTES_MAX: usize = 1 << 20;

pub(super) struct Board {
    /// Answers.
    pub(super) good_port: u16,
    /// Answers too late.
    pub(super) slow_port: u16,
    /// Nobody is there.
    pub(super) dead_port: u16,
    /// Takes datagrams.
    pub(super) udp_port: u16,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stops: AtomicBool,
    datagrams: AtomicU64,
    /// How often each mutation was run.
    mutations: Mutex<BTreeMap<u64, u64>>,
}

impl Board {
    pub(super) fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut threads = Vec::new();
        let mut ports = Vec::new();
        for pause in [Duration::ZERO, SLOW] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no TCP port")?;
            ports.push(listener.local_addr()?.port());
            listener.set_nonblocking(true)?;
            let shared = Arc::clone(&shared);
            threads.push(thread::spawn(move || accept(&listener, &shared, pause)));
        }
        let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no TCP port")?;
        let dead_port = dead.local_addr()?.port();
        drop(dead);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("no UDP port")?;
        socket.set_read_timeout(Some(READ_TIMEOUT))?;
        let udp_port = socket.local_addr()?.port();
        let (taking, taken) = (Arc::clone(&shared), socket);
        threads.push(thread::spawn(move || take(&taken, &taking)));
        let [good_port, slow_port] = ports.try_into().unwrap_or_default();
        Ok(Self {
            good_port,
            slow_port,
            dead_port,
            udp_port,
            shared,
            threads,
        })
    }

    /// How many mutations ran more than once, and what was run in words.
    pub(super) fn mutations(&self) -> (usize, String) {
        let mutations = self.shared.mutations.lock();
        let mutations = mutations.unwrap_or_else(PoisonError::into_inner);
        let again = mutations.values().filter(|times| **times > 1).count();
        let datagrams = self.shared.datagrams.load(Ordering::Relaxed);
        let text = format!(
            "{} run, {again} of them more than once; {datagrams} messages taken",
            mutations.len()
        );
        (again, text)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn take(socket: &UdpSocket, shared: &Shared) {
    let mut datagram = [0; 2048];
    while !shared.stops.load(Ordering::Relaxed) {
        if socket.recv(&mut datagram).is_ok() {
            shared.datagrams.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, pause: Duration) {
    while !shared.stops.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => {
                let shared = Arc::clone(shared);
                // Ends with its connection, or soon after the board stops.
                thread::spawn(move || serve(stream, &shared, pause));
            }
            Err(_) => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Requests of one connection, one after the other.
fn serve(stream: TcpStream, shared: &Shared, pause: Duration) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .ok()?;
    let mut answers = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    while !shared.stops.load(Ordering::Relaxed) {
        let body = request(&mut reader)?;
        thread::sleep(pause);
        let answer = shared.answer(&body);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        answers.write_all(head.as_bytes()).ok()?;
        answers.write_all(&answer).ok()?;
    }
    Some(())
}

/// The body of the next request; none when there is none or it is no request.
fn request(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body_bytes = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            body_bytes = bytes.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; Some(body_bytes).filter(|bytes| *bytes <= BODY_BYTES_MAX)?];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

impl Shared {
    /// `{"number": …, "mutation": …, "bytes": …}` gives its number and so many
    /// octets.
    fn answer(&self, body: &[u8]) -> Vec<u8> {
        let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let field = |name: &str| asked.get(name).and_then(serde_json::Value::as_u64);
        let number = field("number").unwrap_or(0);
        if field("mutation") == Some(1) {
            let mutations = self.mutations.lock();
            let mut mutations = mutations.unwrap_or_else(PoisonError::into_inner);
            *mutations.entry(number).or_default() += 1;
        }
        let bytes = field("bytes").unwrap_or(0).min(BODY_BYTES_MAX as u64) as usize;
        let filling = "x".repeat(bytes);
        format!("{{\"data\":{{\"number\":{number},\"filling\":\"{filling}\"}}}}").into_bytes()
    }
}
