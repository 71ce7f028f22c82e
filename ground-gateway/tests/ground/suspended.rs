//! A process that holds the link, and does nothing.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use ground_gateway::{GroundError, Patience, Stop};
use rustix::process::Signal;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::assert_fails_with_one_line;
use crate::rig::Rig;

/// Far less than any time-out here.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Long enough to be in the middle of it.
const A_WHILE: Duration = Duration::from_secs(1);
/// More than a socket takes before somebody reads.
static LARGE: [u8; 700_000] = [b'x'; 700_000];
const QUERY: [&str; 4] = ["query", "--service", "8020", "{ a }"];

/// A socket in the place of the holder's that takes no connection any more.
struct FullSocket {
    _listener: Socket,
    _waiting: Vec<Socket>,
}

impl FullSocket {
    fn of(rig: &Rig) -> Self {
        let mut holder = rig.start_listener(&[]);
        let path = rig.socket();
        holder.kill();
        fs::remove_file(&path).unwrap();
        let address = SockAddr::unix(&path).unwrap();
        let new = || Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        let listener = new();
        listener.bind(&address).unwrap();
        listener.listen(1).unwrap();
        let connect = || {
            let socket = new();
            socket.set_nonblocking(true).unwrap();
            socket.connect(&address).ok().map(|()| socket)
        };
        FullSocket {
            _listener: listener,
            _waiting: std::iter::from_fn(connect).collect(),
        }
    }
}

#[test]
fn a_suspended_holder_is_named() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    holder.signal(Signal::STOP);
    let outcome = rig.run(&QUERY);
    assert_fails_with_one_line(outcome, &["`uhf` is held by another process", "("]);
}

#[test]
fn a_large_query_is_given_up_when_the_holder_is_suspended() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    holder.signal(Signal::STOP);
    let client = rig.client(Stop::never());
    let error = client.query(8020, &LARGE, Patience::default()).unwrap_err();
    assert!(matches!(error, GroundError::HubSilent { .. }), "{error}");
}

#[test]
fn a_large_query_to_a_suspended_holder_can_be_interrupted() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    holder.signal(Signal::STOP);
    let (handle, stop) = Stop::pair();
    let client = rig.client(stop);
    thread::scope(|scope| {
        let asking = scope.spawn(|| client.query(8020, &LARGE, Patience::default()));
        thread::sleep(A_WHILE);
        drop(handle);
        let began = Instant::now();
        let error = asking.join().unwrap().unwrap_err();
        assert!(began.elapsed() < AT_ONCE);
        assert!(matches!(error, GroundError::Interrupted { after: None }));
    });
}

#[test]
fn a_holder_that_takes_no_connections_is_given_up() {
    let rig = Rig::with_satellite();
    let _full = FullSocket::of(&rig);
    let outcome = rig.run(&QUERY);
    assert_fails_with_one_line(outcome, &["`uhf` is held by another process"]);
}

#[test]
fn waiting_for_a_holder_that_takes_no_connections_ends_at_the_first_interrupt() {
    let rig = Rig::with_satellite();
    let _full = FullSocket::of(&rig);
    let query = rig.start(&QUERY);
    thread::sleep(A_WHILE);
    query.signal(Signal::INT);
    let began = Instant::now();
    assert_fails_with_one_line(query.finish(), &["interrupted"]);
    assert!(began.elapsed() < AT_ONCE);
}
