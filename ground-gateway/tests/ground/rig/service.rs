//! A tiny HTTP service, one request a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::{PATIENCE, wait_until};

/// A GraphQL service on a free port, whose answers can be held back.
pub(crate) struct Service {
    pub(crate) port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    bodies: Vec<String>,
    open: bool,
}

impl Service {
    /// Answers each request with what `answer` makes of its body.
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let service = Self::start_held(answer);
        service.release();
        service
    }

    /// The same, but no answer leaves before [`release`](Self::release).
    pub(crate) fn start_held(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let (shared, answer) = (Arc::clone(&state), Arc::new(answer));
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &shared, &*answer));
            }
        });
        Service { port, state }
    }

    pub(crate) fn release(&self) {
        self.state.0.lock().unwrap().open = true;
        self.state.1.notify_all();
    }

    /// The bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.state.0.lock().unwrap().bodies.clone()
    }

    #[track_caller]
    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait_until("requests", || self.bodies().len() >= count);
    }

    /// The port, as an argument.
    pub(crate) fn argument(&self) -> String {
        self.port.to_string()
    }
}

fn serve(stream: TcpStream, state: &(Mutex<State>, Condvar), answer: &dyn Fn(&str) -> String) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let (shared, changed) = state;
    let mut state = shared.lock().unwrap();
    state.bodies.push(body.clone());
    let held = changed.wait_timeout_while(state, PATIENCE, |state| !state.open);
    drop(held.unwrap());
    let answer = answer(&body);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let length = answer.len();
    let mut stream = stream;
    // The other end may be gone: that is its business.
    let _ = write!(stream, "{head}Content-Length: {length}\r\n\r\n{answer}");
}
