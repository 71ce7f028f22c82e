//! A scripted HTTP/1.1 service, to play an on-board GraphQL service in all its
//! moods.
//!
//! Each request is recorded and then shown to the behaviour given at the start,
//! which says what to reply and how: see [`Reply`]. Dropping the service closes
//! its connections and joins its threads, also under a client that hangs.

mod connection;
mod reply;
mod request;

pub use reply::{Gate, Moment, Reply};
pub use request::Request;

use connection::Connection;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A running service on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct HttpService {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Ends with the threads of all connections there were.
    acceptor: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

/// What to reply to a request. Called on the connection's thread.
type Behaviour = dyn Fn(&Request) -> Reply + Send + Sync;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Request>,
    malformed: Vec<String>,
    connections_opened: usize,
    /// The open ones, by number.
    connections: BTreeMap<usize, TcpStream>,
    stopping: bool,
}

impl HttpService {
    /// Starts a service that replies as `behaviour` says.
    pub fn start(behaviour: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Some(Arc::new(behaviour)))
    }

    /// Starts a service that gives every request the same reply.
    pub fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    /// Starts a service that gives the first request the first reply, and so
    /// on; the last is for all that follow. Panics when there is none.
    pub fn in_turn(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a service needs a reply to give");
        Self::start(move |request| replies[request.number.min(replies.len() - 1)].clone())
    }

    /// Starts a service that accepts connections and never reads from them.
    pub fn deaf() -> Self {
        Self::listen(None)
    }

    fn listen(behaviour: Option<Arc<Behaviour>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free TCP port");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || accept(&listener, &shared, behaviour.as_ref()))
        };
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far, in the order they were complete.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// What was wrong with each request that was none: malformed, or cut off.
    pub fn malformed_requests(&self) -> Vec<String> {
        self.shared.lock().malformed.clone()
    }

    /// How many connections were ever accepted.
    pub fn connections_opened(&self) -> usize {
        self.shared.lock().connections_opened
    }

    /// How many connections neither end has closed yet.
    pub fn connections_open(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// All requests, once there are at least `count`; panics when there are
    /// fewer after `timeout`.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize, timeout: Duration) -> Vec<Request> {
        let state = self.wait_while(timeout, |state| state.requests.len() < count);
        let requests = state.requests.clone();
        drop(state);
        let came = requests.len();
        assert!(
            came >= count,
            "{came} of {count} requests came within {timeout:?}"
        );
        requests
    }

    /// Waits until exactly `count` connections are open; panics when that is
    /// not so within `timeout`.
    #[track_caller]
    pub fn wait_for_connections_open(&self, count: usize, timeout: Duration) {
        let state = self.wait_while(timeout, |state| state.connections.len() != count);
        let open = state.connections.len();
        drop(state);
        assert_eq!(open, count, "connections open after {timeout:?}");
    }

    fn wait_while(
        &self,
        timeout: Duration,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        self.shared
            .changed
            .wait_timeout_while(self.shared.lock(), timeout, |state| condition(state))
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

impl Drop for HttpService {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.stopping = true;
            for stream in state.connections.values() {
                // Fails when the client has closed it already.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        // Wakes the acceptor, which then sees that it is time to stop.
        drop(TcpStream::connect(self.address));
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        let connections = acceptor.join();
        // A panic of the behaviour is the test's own, so the test fails of it.
        let panicked = connections
            .map(|threads| {
                threads
                    .into_iter()
                    .filter_map(|thread| thread.join().err())
                    .count()
            })
            .unwrap_or(1);
        if panicked > 0 && !thread::panicking() {
            panic!("{panicked} threads of the HTTP service panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for that.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }
}

fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    behaviour: Option<&Arc<Behaviour>>,
) -> Vec<JoinHandle<()>> {
    let mut threads = Vec::new();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(registered) = stream.try_clone() else {
            continue;
        };
        let number = shared.change(|state| {
            (!state.stopping).then(|| {
                let number = state.connections_opened;
                state.connections_opened += 1;
                state.connections.insert(number, registered);
                number
            })
        });
        let Some(number) = number else { break };
        let shared = Arc::clone(shared);
        let behaviour = behaviour.cloned();
        threads.push(thread::spawn(move || {
            let connection = Connection {
                stream,
                number,
                shared: &shared,
            };
            connection.serve(behaviour.as_deref());
        }));
    }
    threads
}
