//! Radios whose `write` is quick get the datagrams of a port on the port's own thread.
//! Whatever such a radio does then, it is as if the transmit thread had called it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::{CommsError, CommsResult};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{Flight, Radio, Satellite, Setup};

/// How long a stop may take.
const TIMEOUT: Duration = Duration::from_millis(300);
/// Longer than a call takes that counts as quick.
const SLOW: Duration = Duration::from_millis(5);

/// What a call of `write` does, in the stead of sending the packet.
type Fault = Box<dyn FnOnce() -> CommsResult<()> + Send>;

/// A flight whose radio has been so quick that a port's thread calls its `write`.
struct Quick {
    flight: Flight,
    app: UdpPeer,
    port: u16,
    faults: Sender<Fault>,
    /// Whether the last call came from the port's thread.
    by_port: Arc<AtomicBool>,
}

impl Quick {
    fn start() -> Self {
        let (faults, next) = unbounded::<Fault>();
        let by_port = Arc::new(AtomicBool::new(false));
        let (told, calling) = (Arc::clone(&by_port), Mutex::new(()));
        let write = move |radio: &Radio, packet: &[u8]| {
            let alone = calling.try_lock();
            let is_alone = !matches!(alone, Err(TryLockError::WouldBlock));
            assert!(is_alone, "write is called by two threads at once");
            let is_port = thread::current().name().is_some_and(is_of_port);
            told.store(is_port, Ordering::SeqCst);
            next.try_recv().map_or(Ok(()), |fault| fault())?;
            radio.write(packet)
        };
        let setup = Setup {
            downlink_ports: Some(vec![0]),
            timeout: TIMEOUT,
            ..Setup::default()
        };
        let (radio, other_end) = Radio::pair();
        let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
        let flight = Flight {
            satellite: Satellite::start(setup.builder(controls)),
            ground: setup.ground(other_end),
        };
        let quick = Quick {
            app: UdpPeer::bind(),
            port: flight.satellite.downlink_port(0),
            flight,
            faults,
            by_port,
        };
        quick.get_quick();
        quick
    }

    /// Sends beacons until the port's thread calls `write`.
    fn get_quick(&self) {
        eventually(PATIENCE, || {
            self.beacon();
            self.by_port.load(Ordering::SeqCst).then_some(())
        });
    }

    /// One beacon goes down, and nothing is left to do.
    fn beacon(&self) {
        self.app.send_to(self.port, b"beacon");
        assert_eq!(self.flight.ground.heard().payload, b"beacon");
        self.flight.satellite.wait_until_drained();
    }

    fn fault(&self, fault: impl FnOnce() -> CommsResult<()> + Send + 'static) {
        self.faults.send(Box::new(fault)).expect("the radio runs");
    }

    /// A call that lasts until the sender is dropped; tells when it has begun.
    fn blocking_call(&self) -> (Receiver<()>, Sender<()>) {
        let (began, told) = bounded(1);
        let (release, held) = bounded::<()>(0);
        self.fault(move || {
            let _ = began.send(());
            let _ = held.recv();
            Ok(())
        });
        (told, release)
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        let counted = self.flight.satellite.statistics();
        counted.messages_out.dropped.of(reason)
    }
}

fn is_of_port(thread: &str) -> bool {
    thread.starts_with("downlink-")
}

#[test]
fn what_a_quick_radio_is_not_ready_for_is_offered_again() {
    let quick = Quick::start();
    for _ in 0..3 {
        quick.fault(|| Err(CommsError::NotReady("busy".into())));
    }
    quick.beacon();
    let counted = quick.flight.satellite.statistics();
    assert_eq!(counted.messages_out.dropped.total(), 0);
    assert_eq!(counted.packets_out.dropped.total(), 0);
}

#[test]
fn a_quick_radio_that_fails_loses_one_message_which_is_counted() {
    let quick = Quick::start();
    quick.fault(|| Err(CommsError::Radio("antenna not deployed".into())));
    quick.app.send_to(quick.port, b"lost");
    quick.beacon();
    assert_eq!(quick.dropped(DropReason::WriteFailed), 1);
    let errors = quick.flight.satellite.statistics().errors;
    assert!(errors[0].contains("antenna not deployed"), "{errors:?}");
}

#[test]
fn a_quick_radio_that_panics_loses_one_message_which_is_counted() {
    let quick = Quick::start();
    quick.fault(|| panic!("index out of bounds"));
    quick.app.send_to(quick.port, b"lost");
    quick.beacon();
    assert_eq!(quick.dropped(DropReason::WriteFailed), 1);
}

#[test]
fn a_failure_of_a_quick_radio_is_told_though_nothing_follows() {
    let quick = Quick::start();
    quick.fault(|| Err(CommsError::Radio("antenna not deployed".into())));
    quick.app.send_to(quick.port, b"lost");
    let satellite = &quick.flight.satellite;
    satellite.wait_until(|all| all.messages_out.dropped.of(DropReason::WriteFailed) == 1);
}

#[test]
fn a_radio_that_turns_slow_keeps_a_port_from_receiving_for_one_call_only() {
    let quick = Quick::start();
    let (first_began, first) = quick.blocking_call();
    let (second_began, second) = quick.blocking_call();
    quick.app.send_to(quick.port, b"one");
    first_began.recv_timeout(PATIENCE).expect("write is called");
    quick.app.send_to(quick.port, b"two");
    thread::sleep(SLOW);
    drop(first);
    let called = second_began.recv_timeout(PATIENCE);
    called.expect("write is called again");
    let before = quick.flight.satellite.statistics().messages_out.offered;
    quick.app.send_to(quick.port, b"three");
    let satellite = &quick.flight.satellite;
    satellite.wait_until(|all| all.messages_out.offered == before + 1);
    drop(second);
    for message in ["one", "two", "three"] {
        assert_eq!(quick.flight.ground.heard().payload, message.as_bytes());
    }
}

#[test]
fn a_radio_that_was_slow_is_trusted_again_once_it_is_quick() {
    let quick = Quick::start();
    quick.fault(|| {
        thread::sleep(SLOW);
        Ok(())
    });
    quick.beacon();
    quick.beacon();
    assert!(!quick.by_port.load(Ordering::SeqCst));
    quick.get_quick();
}

#[test]
fn a_long_message_for_a_quick_radio_goes_down_whole() {
    let quick = Quick::start();
    let long = vec![7; 60_000];
    quick.app.send_to(quick.port, &long);
    assert_eq!(quick.flight.ground.heard().payload, long);
}

#[test]
fn datagrams_to_a_quick_radio_leave_in_their_order() {
    let quick = Quick::start();
    for burst in 0..50_u32 {
        for number in 0..8_u32 {
            let number = burst * 8 + number;
            quick.app.send_to(quick.port, &number.to_be_bytes());
        }
        for number in 0..8_u32 {
            let number = burst * 8 + number;
            assert_eq!(quick.flight.ground.heard().payload, number.to_be_bytes());
        }
    }
}

#[test]
fn a_stop_while_a_quick_radio_blocks_is_over_in_time_and_names_who_is_left() {
    let quick = Quick::start();
    let (began, release) = quick.blocking_call();
    quick.app.send_to(quick.port, b"stuck");
    began.recv_timeout(PATIENCE).expect("write is called");
    let landing = quick.flight.satellite.shut_down();
    let detached = &landing.report.detached;
    assert!(
        detached.iter().any(|thread| is_of_port(thread)),
        "{detached:?}"
    );
    drop(release);
}
