//! HTTP services behind the handlers: one that answers, one that does not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// With 4096 of them, answers fill what is kept of them: 1 MiB.
const ANSWER_BYTES: usize = 256;

/// Answers each request with so many octets.
pub(super) struct Answering {
    port: u16,
}

impl Answering {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no socket.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // It ends as soon as the connection does.
                thread::spawn(move || serve(&stream));
            }
        });
        Ok(Self { port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

fn serve(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream);
    let frame = "{\"data\":{\"turn\":\"\"}}".len();
    let turn = "x".repeat(ANSWER_BYTES - frame);
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {ANSWER_BYTES}\r\n\
         \r\n{{\"data\":{{\"turn\":\"{turn}\"}}}}"
    );
    loop {
        let mut body_bytes = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("content-length:") {
                body_bytes = bytes.trim().parse().context("no length")?;
            }
        }
        requests.read_exact(&mut vec![0; body_bytes])?;
        let mut stream = stream;
        stream.write_all(answer.as_bytes())?;
    }
}

/// Takes connections and does not answer.
pub(super) struct Silent {
    port: u16,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    hangs_up: bool,
    streams: Vec<TcpStream>,
}

impl Silent {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no socket.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let held = Arc::new(Mutex::new(Held::default()));
        let own = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut held = own.lock().unwrap_or_else(PoisonError::into_inner);
                if !held.hangs_up {
                    held.streams.push(stream);
                }
            }
        });
        Ok(Self { port, held })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// From now on connections stay open.
    pub(super) fn hold(&self) {
        self.lock().hangs_up = false;
    }

    /// Closes all connections, and those that come.
    pub(super) fn hang_up(&self) {
        let mut held = self.lock();
        held.hangs_up = true;
        held.streams.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
