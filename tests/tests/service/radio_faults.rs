//! Radios that fail: the link goes on, and says what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::{CommsError, CommsResult};
use crossbeam_channel::bounded;
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{Flight, Radio, Satellite, Setup, error_document, query};

/// A flight whose radio reads by `read` on the satellite.
fn reading_by(read: impl Fn(&Radio) -> CommsResult<Vec<u8>> + Send + Sync + 'static) -> Flight {
    with_radio(read, Radio::write)
}

/// A flight whose radio writes by `write` on the satellite.
fn writing_by(write: impl Fn(&Radio, &[u8]) -> CommsResult<()> + Send + Sync + 'static) -> Flight {
    with_radio(Radio::read, write)
}

fn with_radio(
    read: impl Fn(&Radio) -> CommsResult<Vec<u8>> + Send + Sync + 'static,
    write: impl Fn(&Radio, &[u8]) -> CommsResult<()> + Send + Sync + 'static,
) -> Flight {
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let (radio, other_end) = Radio::pair();
    let controls = setup.controls(Some(Arc::new(read)), vec![Arc::new(write)], radio);
    Flight {
        satellite: Satellite::start(setup.builder(controls)),
        ground: setup.ground(other_end),
    }
}

/// Counts calls.
#[derive(Clone, Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    /// One more; gives how many there were before.
    fn count(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    #[track_caller]
    fn wait_for(&self, calls: usize) {
        let reached = || (self.0.load(Ordering::Relaxed) >= calls).then_some(());
        eventually(PATIENCE, reached);
    }
}

fn broken() -> CommsError {
    CommsError::Radio("antenna not deployed".into())
}

#[track_caller]
fn assert_serves(flight: &Flight) {
    let service = HttpService::always(Reply::ok("pong"));
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
}

// KubOS C2-10: it called again at once, 900 times a second, for ever.
#[test]
fn a_read_that_always_fails_is_called_ever_less_often() {
    let calls = Calls::default();
    let counter = calls.clone();
    let began = Instant::now();
    let flight = reading_by(move |_| {
        counter.count();
        Err(broken())
    });
    calls.wait_for(7);
    // Pauses of 10, 20, 40, 80, 160 and 320 ms lie between seven calls.
    assert!(began.elapsed() >= Duration::from_millis(630));
    let counted = flight.satellite.statistics();
    assert!(counted.read_errors >= 6, "{}", counted.read_errors);
    assert!(counted.errors[0].contains("antenna not deployed"));
}

#[test]
fn packets_after_read_errors_are_served() {
    let calls = Calls::default();
    let flight = reading_by(move |radio| match calls.count() {
        0..4 => Err(broken()),
        _ => radio.read(),
    });
    assert_serves(&flight);
    assert_eq!(flight.satellite.statistics().read_errors, 4);
}

#[test]
fn a_read_error_between_packets_costs_no_packet() {
    let calls = Calls::default();
    let flight = reading_by(move |radio| match calls.count() % 2 {
        0 => Err(broken()),
        _ => radio.read(),
    });
    for _ in 0..5 {
        assert_serves(&flight);
    }
}

#[test]
fn packets_after_a_read_that_panics_are_served() {
    let calls = Calls::default();
    let flight = reading_by(move |radio| match calls.count() {
        0..2 => panic!("index out of bounds"),
        _ => radio.read(),
    });
    assert_serves(&flight);
    let counted = flight.satellite.statistics();
    assert_eq!(counted.read_errors, 2);
    assert!(
        counted.errors[0].contains("index out of bounds"),
        "{:?}",
        counted.errors
    );
}

/// A radio whose `read` comes back at once when there is nothing.
fn polling(nothing: fn() -> CommsResult<Vec<u8>>) -> (Flight, Calls) {
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = reading_by(move |radio| {
        counter.count();
        radio.receives.try_recv().map_or_else(|_| nothing(), Ok)
    });
    (flight, calls)
}

const NOTHING: [fn() -> CommsResult<Vec<u8>>; 2] = [|| Err(CommsError::NoData), || Ok(Vec::new())];

#[test]
fn reading_nothing_is_no_error() {
    for nothing in NOTHING {
        let (flight, calls) = polling(nothing);
        calls.wait_for(200);
        let counted = flight.satellite.statistics();
        assert_eq!((counted.read_errors, counted.packets_in.offered), (0, 0));
        assert_eq!(counted.errors, [""; 0]);
    }
}

#[test]
fn reading_nothing_slows_nothing_down() {
    let service = HttpService::always(Reply::ok("pong"));
    for nothing in NOTHING {
        let (flight, calls) = polling(nothing);
        calls.wait_for(200);
        let began = Instant::now();
        for number in 0..20 {
            flight.ground.query(service.port(), &query(number));
        }
        // A back-off as after an error would be 1 s for each by now.
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_read_that_does_not_wait_is_not_called_in_a_busy_loop() {
    let (_flight, calls) = polling(NOTHING[0]);
    let began = Instant::now();
    calls.wait_for(350);
    // After the first 50, a pause of 1 ms before each.
    assert!(began.elapsed() >= Duration::from_millis(290));
}

#[test]
fn a_write_that_fails_costs_its_message_only() {
    let service = HttpService::start(|request| Reply::ok(request.body.clone()));
    let calls = Calls::default();
    let flight = writing_by(move |radio, packet| match calls.count() {
        0..2 => Err(broken()),
        _ => radio.write(packet),
    });
    let asked: Vec<_> = (0..5)
        .map(|number| flight.ground.ask(service.port(), &query(number)))
        .collect();
    let answers: Vec<_> = (2..5).map(|_| flight.ground.next_answer().0).collect();
    assert!(answers.iter().all(|id| asked.contains(id)));
    let counted = flight.satellite.wait_until_drained();
    assert_eq!(counted.packets_out.dropped.of(DropReason::WriteFailed), 2);
    assert_eq!(counted.messages_out.dropped.of(DropReason::WriteFailed), 2);
    assert_eq!(counted.messages_out.delivered, 3);
}

/// A flight whose `write` fails, with 500 beacons before it.
fn full_queue(write: impl Fn(&Radio, &[u8]) -> CommsResult<()> + Send + Sync + 'static) -> Flight {
    let app = UdpPeer::bind();
    let flight = writing_by(write);
    let port = flight.satellite.downlink_port(0);
    for _ in 0..500 {
        app.send_to(port, b"beacon");
    }
    flight
        .satellite
        .wait_until(|all| all.messages_out.offered == 500);
    flight
}

// It took 50 ms to throw 500 messages away.
#[test]
fn a_write_that_always_fails_is_called_ever_less_often() {
    let calls = Calls::default();
    let counter = calls.clone();
    let began = Instant::now();
    let flight = full_queue(move |_, _| {
        counter.count();
        Err(broken())
    });
    calls.wait_for(7);
    // Pauses of 10, 20, 40, 80, 160 and 320 ms lie between seven calls.
    assert!(began.elapsed() >= Duration::from_millis(630));
    let landing = flight.satellite.shut_down();
    let dropped = landing.report.statistics.messages_out.dropped;
    let failed = dropped.of(DropReason::WriteFailed);
    assert!((6..10).contains(&failed), "{dropped:?}");
    assert_eq!(dropped.of(DropReason::Shutdown), 500 - failed);
}

#[test]
fn a_write_that_fails_does_not_delay_the_stop() {
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = full_queue(move |_, _| {
        counter.count();
        Err(broken())
    });
    // By now it pauses for 640 ms.
    calls.wait_for(7);
    let landing = flight.satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    assert!(
        landing.took < Duration::from_millis(400),
        "{:?}",
        landing.took
    );
}

#[test]
fn a_write_that_fails_now_and_then_is_not_called_less_often() {
    let calls = Calls::default();
    let began = Instant::now();
    let flight = full_queue(move |radio, packet| match calls.count() % 50 {
        49 => Err(broken()),
        _ => radio.write(packet),
    });
    let counted = flight.satellite.wait_until_drained().messages_out;
    assert_eq!(counted.dropped.of(DropReason::WriteFailed), 10);
    // Ten pauses that each are twice the last make 3.3 s.
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_write_that_fails_is_told() {
    let app = UdpPeer::bind();
    let flight = writing_by(|_, _| Err(broken()));
    app.send_to(flight.satellite.downlink_port(0), b"beacon");
    let counted = flight.satellite.wait_until(|all| !all.errors.is_empty());
    assert!(
        counted.errors[0].contains("antenna not deployed"),
        "{:?}",
        counted.errors
    );
}

#[test]
fn the_rest_of_a_message_is_not_sent_after_a_failed_packet() {
    let app = UdpPeer::bind();
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = writing_by(move |radio, packet| match counter.count() {
        3 => Err(broken()),
        _ => radio.write(packet),
    });
    let port = flight.satellite.downlink_port(0);
    app.send_to(port, &[1; 10_000]);
    app.send_to(port, b"next");
    assert_eq!(flight.ground.heard().payload, b"next");
    let counted = flight.satellite.wait_until_drained().packets_out;
    assert_eq!((counted.offered, counted.delivered), (5, 4));
}

#[test]
fn answers_after_a_write_that_panics_come_down() {
    let app = UdpPeer::bind();
    let calls = Calls::default();
    let flight = writing_by(move |radio, packet| match calls.count() {
        0 => panic!("index out of bounds"),
        _ => radio.write(packet),
    });
    app.send_to(flight.satellite.downlink_port(0), b"beacon");
    let counted = flight.satellite.wait_until(|all| !all.errors.is_empty());
    assert!(
        counted.errors[0].contains("index out of bounds"),
        "{:?}",
        counted.errors
    );
    assert_serves(&flight);
}

/// A flight whose `read` does not come back once it gave the first packet.
fn stuck_after_the_first_packet() -> (Flight, crossbeam_channel::Sender<()>) {
    let (told, held) = bounded::<()>(0);
    let calls = Calls::default();
    let flight = reading_by(move |radio| match calls.count() {
        0 => Ok(radio.receives.recv_timeout(PATIENCE).unwrap_or_default()),
        _ => {
            let _ = held.recv();
            radio.read()
        }
    });
    (flight, told)
}

// KubOS C1-3: an answer left when the next 33 packets had come up.
#[test]
fn an_answer_leaves_while_a_read_blocks() {
    let service = HttpService::always(Reply::ok("pong"));
    let (flight, told) = stuck_after_the_first_packet();
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
    drop(told);
}

#[test]
fn a_beacon_leaves_while_a_read_blocks() {
    let app = UdpPeer::bind();
    let (flight, told) = stuck_after_the_first_packet();
    flight.ground.ask(1, b"{}");
    error_document(&flight.ground.next_answer().1);
    app.send_to(flight.satellite.downlink_port(0), b"beacon");
    assert_eq!(flight.ground.heard().payload, b"beacon");
    drop(told);
}

#[test]
fn a_read_goes_on_while_a_write_blocks() {
    let app = UdpPeer::bind();
    let service = UdpPeer::bind();
    let (told, held) = bounded::<()>(0);
    let flight = writing_by(move |radio, packet| {
        let _ = held.recv();
        radio.write(packet)
    });
    app.send_to(flight.satellite.downlink_port(0), b"stuck");
    flight
        .satellite
        .wait_until(|all| all.packets_out.in_flight == 1);
    flight.ground.send(service.port(), b"hello");
    assert_eq!(service.expect(PATIENCE).payload, b"hello");
    assert_eq!(flight.satellite.statistics().packets_out.in_flight, 1);
    drop(told);
}

#[test]
fn a_radio_that_is_not_ready_loses_nothing() {
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = writing_by(move |radio, packet| match counter.count() {
        0..5 => Err(CommsError::NotReady("unplugged".into())),
        _ => Radio::write(radio, packet),
    });
    let app = UdpPeer::bind();
    for message in ["first", "second"] {
        app.send_to(flight.satellite.downlink_port(0), message.as_bytes());
    }
    for message in ["first", "second"] {
        assert_eq!(flight.ground.heard().payload, message.as_bytes());
    }
    let all = flight.satellite.statistics();
    assert_eq!(all.packets_out.dropped.of(DropReason::WriteFailed), 0);
    assert_eq!(all.packets_out.offered, 2);
}

#[test]
fn a_radio_that_was_away_for_long_is_offered_the_packet_soon_after_it_is_back() {
    const REFUSALS: usize = 15;
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = writing_by(move |radio, packet| match counter.count() {
        0..REFUSALS => Err(CommsError::NotReady("unplugged".into())),
        _ => Radio::write(radio, packet),
    });
    let app = UdpPeer::bind();
    let started = Instant::now();
    app.send_to(flight.satellite.downlink_port(0), b"beacon");
    assert_eq!(flight.ground.heard().payload, b"beacon");
    // Pauses of 10 ms, doubled up to 100 ms, are 1.3 s; up to 1 s they are 9 s.
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(6), "{elapsed:?}");
}

#[test]
fn a_stop_gives_a_radio_that_is_busy_the_time_it_has() {
    let free_at = Arc::new(std::sync::OnceLock::new());
    let calls = Calls::default();
    let (counter, known) = (calls.clone(), Arc::clone(&free_at));
    let flight = writing_by(move |radio, packet| {
        counter.count();
        match known.get() {
            Some(free_at) if Instant::now() > *free_at => Radio::write(radio, packet),
            _ => Err(CommsError::NotReady("busy".into())),
        }
    });
    let app = UdpPeer::bind();
    app.send_to(flight.satellite.downlink_port(0), b"last words");
    calls.wait_for(1);
    // Later than the last thread that takes in has ended.
    free_at
        .set(Instant::now() + Duration::from_millis(600))
        .unwrap();
    let landing = flight.satellite.shut_down();
    assert_eq!(landing.report.statistics.messages_out.delivered, 1);
}

#[test]
fn a_stop_does_not_wait_for_a_radio_that_is_not_ready() {
    let calls = Calls::default();
    let counter = calls.clone();
    let flight = writing_by(move |_, _| {
        counter.count();
        Err(CommsError::NotReady("unplugged".into()))
    });
    let app = UdpPeer::bind();
    app.send_to(flight.satellite.downlink_port(0), b"never sent");
    calls.wait_for(3);
    let landing = flight.satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    let dropped = &landing.report.statistics.messages_out;
    assert_eq!(dropped.delivered, 0);
    assert_eq!(dropped.dropped.total(), 1);
}
