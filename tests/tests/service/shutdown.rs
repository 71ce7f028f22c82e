//! Stopping a service: in time, with its sockets closed and its accounts right.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use comms_service::accounting::{DropReason, Statistics};
use comms_service::ground::{GroundControls, GroundLink};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use comms_service::{
    CommsError, CommsResult, CommsService, CommsTelemetry, LinkOptions, PacketFormat,
};
use crossbeam_channel::{Sender, bounded};
use heliograph_tests::http_service::{HttpService, Moment, Reply};
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{
    Flight, READ_TIMEOUT, Radio, Satellite, Setup, bind_udp, error_document, free_udp_port,
    free_udp_range, query,
};

/// How long services may take in these tests.
const TIMEOUT: Duration = Duration::from_millis(500);
/// What a busy machine may add.
const MARGIN: Duration = Duration::from_millis(300);

fn setup() -> Setup {
    Setup {
        timeout: TIMEOUT,
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
}

/// Stops the service; every thread must end in time. Gives the report.
#[track_caller]
fn assert_lands(satellite: Satellite) -> comms_service::ShutdownReport {
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    let bound = READ_TIMEOUT + TIMEOUT + MARGIN;
    assert!(landing.took < bound, "{:?}", landing.took);
    landing.report
}

#[test]
fn an_idle_service_stops_at_once() {
    let (satellite, _radio) = setup().with_radio();
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    assert!(landing.took < READ_TIMEOUT + MARGIN, "{:?}", landing.took);
}

/// Eight handlers, all of which have worked before, with a service that hangs;
/// 24 more queries wait for them.
fn overloaded() -> (HttpService, Flight) {
    let good = HttpService::always(Reply::ok("pong"));
    let hanging = HttpService::always(Reply::silence());
    let flight = Setup {
        handlers: 8,
        ..setup()
    }
    .flight();
    for number in 0..40 {
        flight.ground.ask(good.port(), &query(number));
    }
    for _ in 0..40 {
        flight.ground.next_answer();
    }
    for number in 0..32 {
        flight.ground.ask(hanging.port(), &query(number));
    }
    hanging.wait_for_requests(8, PATIENCE);
    let all_there = |all: &Statistics| all.messages_in.offered == 72;
    flight.satellite.wait_until(all_there);
    (hanging, flight)
}

#[test]
fn a_service_stops_in_time_while_queries_hang() {
    let (_hanging, flight) = overloaded();
    assert_lands(flight.satellite);
}

#[test]
fn queries_that_wait_are_not_posted_after_the_stop() {
    let (hanging, flight) = overloaded();
    drop(flight.satellite.shut_down());
    assert_eq!(hanging.requests().len(), 8);
}

#[test]
fn queries_that_wait_hold_no_memory_after_the_stop() {
    let (_hanging, flight) = overloaded();
    let counted = flight.satellite.shut_down().report.statistics;
    assert_eq!(counted.memory_bytes_used, 0);
}

/// A flight whose `write` waits until it is told, with three datagrams for it.
fn blocked_write() -> (Satellite, Sender<()>) {
    let app = UdpPeer::bind();
    let (told, held) = bounded::<()>(0);
    let write = move |_: &Radio, _: &[u8]| -> CommsResult<()> {
        let _ = held.recv();
        Ok(())
    };
    let setup = setup();
    let controls = setup.controls(
        Some(Arc::new(idle_read)),
        vec![Arc::new(write)],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    for _ in 0..3 {
        app.send_to(satellite.downlink_port(0), b"beacon");
    }
    satellite.wait_until(|all| all.messages_out.offered == 3 && all.packets_out.in_flight == 1);
    (satellite, told)
}

/// A radio that hears nothing.
fn idle_read(_: &Radio) -> CommsResult<Vec<u8>> {
    thread::sleep(READ_TIMEOUT);
    Err(CommsError::NoData)
}

#[test]
fn a_write_that_never_returns_is_named() {
    let (satellite, told) = blocked_write();
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, ["transmit-0"]);
    let bound = READ_TIMEOUT + TIMEOUT + MARGIN;
    assert!(landing.took < bound, "{:?}", landing.took);
    drop(told);
}

#[test]
fn what_waited_for_the_radio_is_counted_as_dropped_by_the_stop() {
    let (satellite, told) = blocked_write();
    let counted = satellite.shut_down().report.statistics;
    assert_eq!(counted.messages_out.dropped.of(DropReason::Shutdown), 3);
    assert_eq!(counted.memory_bytes_used, 0);
    drop(told);
}

#[test]
fn a_write_that_returns_in_time_is_waited_for() {
    let (satellite, told) = blocked_write();
    let endpoint = satellite.downlink_port(0);
    thread::scope(|scope| {
        let stop = scope.spawn(|| satellite.shut_down());
        // Once the endpoint is closed, the stop is under way.
        eventually(PATIENCE, || bind_udp(endpoint).ok());
        drop(told);
        let report = stop.join().expect("it stops").report;
        assert_eq!(report.detached, [""; 0]);
        assert_eq!(report.statistics.packets_out.delivered, 3);
    });
}

// The ground asked again, and the service ran the mutation twice.
#[test]
fn an_answer_that_comes_after_the_stop_began_still_goes_down() {
    let delay = Duration::from_millis(100);
    let service = HttpService::always(Reply::ok("done").starts(Moment::After(delay)));
    let flight = setup().flight();
    let id = flight.ground.ask(service.port(), b"{}");
    service.wait_for_requests(1, PATIENCE);
    let report = assert_lands(flight.satellite);
    assert_eq!(flight.ground.answer_to(id), b"done");
    assert_eq!(report.statistics.messages_out.delivered, 1);
    assert_eq!(report.statistics.messages_out.dropped.total(), 0);
}

#[test]
fn a_service_that_does_not_answer_after_the_stop_began_is_still_told_of() {
    let service = HttpService::always(Reply::silence());
    let flight = setup().flight();
    let id = flight.ground.ask(service.port(), b"{}");
    service.wait_for_requests(1, PATIENCE);
    assert_lands(flight.satellite);
    let (code, _) = error_document(&flight.ground.answer_to(id));
    assert_eq!(code, "heliograph/service-timeout");
}

/// A flight whose `write` takes that long, with so many beacons before it.
fn slow_write(write_takes: Duration, beacons: u64) -> Satellite {
    let app = UdpPeer::bind();
    let write = move |_: &Radio, _: &[u8]| -> CommsResult<()> {
        thread::sleep(write_takes);
        Ok(())
    };
    let setup = setup();
    let controls = setup.controls(
        Some(Arc::new(idle_read)),
        vec![Arc::new(write)],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    for _ in 0..beacons {
        app.send_to(satellite.downlink_port(0), b"beacon");
    }
    satellite.wait_until(|all| all.messages_out.offered == beacons);
    satellite
}

#[test]
fn what_waits_for_the_radio_is_sent_before_the_end() {
    let satellite = slow_write(Duration::from_millis(20), 10);
    let counted = assert_lands(satellite).statistics.messages_out;
    assert_eq!(counted.delivered, 10);
}

#[test]
fn what_a_slow_radio_cannot_take_in_time_is_dropped_by_the_stop() {
    let satellite = slow_write(Duration::from_millis(150), 20);
    let counted = assert_lands(satellite).statistics.messages_out;
    let sent = counted.delivered;
    assert!((2..6).contains(&sent), "{counted:?}");
    assert_eq!(counted.dropped.of(DropReason::Shutdown), 20 - sent);
}

// Adding the time-outs overflowed.
#[test]
fn time_outs_without_end_are_cut_to_a_day() {
    let service = HttpService::always(Reply::ok("pong"));
    let (radio, other_end) = Radio::pair();
    let setup = setup();
    let mut controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    controls.timeout = u64::MAX;
    let builder = setup.builder(controls).read_timeout(Duration::MAX);
    let satellite = Satellite::start(builder);
    let ground = setup.ground(other_end);
    assert_eq!(ground.query(service.port(), b"{}"), b"pong");
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    assert!(landing.took < PATIENCE, "{:?}", landing.took);
}

#[test]
fn a_read_timeout_without_end_is_cut_to_a_day_on_the_ground_too() {
    let (radio, _other_end) = Radio::pair();
    let controls = GroundControls {
        read_timeout: Duration::MAX,
        ..setup().ground_controls(radio)
    };
    let (link, _happened) = GroundLink::start(controls).expect("it starts");
    assert_eq!(link.shutdown().detached, [""; 0]);
}

#[test]
fn a_read_that_never_returns_is_named() {
    let (told, held) = bounded::<()>(0);
    let (began, begun) = bounded(1);
    let read = move |_: &Radio| -> CommsResult<Vec<u8>> {
        let _ = began.try_send(());
        let _ = held.recv();
        Err(CommsError::NoData)
    };
    let setup = setup();
    let controls = setup.controls(
        Some(Arc::new(read)),
        vec![Arc::new(Radio::write)],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    begun.recv_timeout(PATIENCE).expect("the radio is read");
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, ["read"]);
    let bound = READ_TIMEOUT + TIMEOUT + MARGIN;
    assert!(landing.took < bound, "{:?}", landing.took);
    drop(told);
}

#[test]
fn a_read_that_began_just_before_the_stop_is_waited_for() {
    let (began, begun) = bounded(0);
    let read = move |_: &Radio| -> CommsResult<Vec<u8>> {
        let _ = began.send(());
        thread::sleep(READ_TIMEOUT);
        Err(CommsError::NoData)
    };
    let setup = Setup {
        timeout: Duration::from_millis(1),
        ..setup()
    };
    let controls = setup.controls(
        Some(Arc::new(read)),
        vec![Arc::new(Radio::write)],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    begun.recv_timeout(PATIENCE).expect("the radio is read");
    // Nobody waits for this any more.
    drop(begun);
    assert_eq!(satellite.shut_down().report.detached, [""; 0]);
}

#[test]
fn a_read_that_fails_does_not_delay_the_stop() {
    let read = |_: &Radio| -> CommsResult<Vec<u8>> { Err(CommsError::Radio("broken".into())) };
    let setup = setup();
    let controls = setup.controls(
        Some(Arc::new(read)),
        vec![Arc::new(Radio::write)],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    // By now it pauses for longer than the stop may take.
    satellite.wait_until(|all| all.read_errors >= 7);
    assert_lands(satellite);
}

#[test]
fn half_a_message_is_counted_as_dropped_by_the_stop() {
    let (satellite, radio) = setup().with_radio();
    let format = setup().format(comms_service::message::End::Ground);
    let head = comms_service::message::Head {
        payload_type: comms_service::message::PayloadType::GraphQl,
        class: comms_service::message::Class::Standard,
        security: None,
        command_id: 1,
        port: 1,
    };
    let mut packet = Vec::new();
    format
        .build(&head, &[0; 1000], 0, 0, &mut packet)
        .expect("it fits");
    radio.send(packet);
    satellite.wait_until(|all| all.packets_in.queued == 1);
    let counted = assert_lands(satellite).statistics;
    assert_eq!(counted.packets_in.dropped.of(DropReason::Shutdown), 1);
    assert_eq!(counted.memory_bytes_used, 0);
}

/// Ports of a service that was stopped, whose telemetry somebody still holds.
fn stopped(format: PacketFormat) -> (Setup, Vec<u16>, Arc<Mutex<CommsTelemetry>>) {
    let handler_ports = free_udp_range(3);
    let downlink_port = free_udp_port();
    let ports = handler_ports.clone().chain([downlink_port]).collect();
    let setup = Setup {
        handler_ports,
        handlers: 2,
        ground_port: Some(9001),
        downlink_ports: Some(vec![downlink_port]),
        options: LinkOptions {
            format,
            ..LinkOptions::default()
        },
        ..setup()
    };
    let (satellite, _radio) = setup.with_radio();
    let telemetry = Arc::clone(&satellite.telemetry);
    assert_lands(satellite);
    (setup, ports, telemetry)
}

#[test]
fn the_sockets_are_closed_after_the_stop() {
    for format in [PacketFormat::SpacePacket, PacketFormat::Udp] {
        let (_, ports, _telemetry) = stopped(format);
        for port in ports {
            bind_udp(port).expect("the service has closed it");
        }
    }
}

#[test]
fn a_service_can_be_started_again_after_the_stop() {
    let app = UdpPeer::bind();
    let (setup, _, _telemetry) = stopped(PacketFormat::SpacePacket);
    let flight = setup.flight();
    app.send_to(flight.satellite.downlink_port(0), b"beacon");
    assert_eq!(flight.ground.heard().payload, b"beacon");
}

#[test]
fn the_sockets_are_closed_even_when_a_write_never_returns() {
    let (satellite, told) = blocked_write();
    let ports = satellite.handler_addrs();
    drop(satellite.shut_down());
    for address in ports {
        bind_udp(address.port()).expect("the service has closed it");
    }
    drop(told);
}

#[test]
fn connections_to_services_are_closed_after_the_stop() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = setup().flight();
    flight.ground.query(service.port(), b"{}");
    assert_eq!(service.connections_open(), 1);
    let _telemetry = Arc::clone(&flight.satellite.telemetry);
    assert_lands(flight.satellite);
    service.wait_for_connections_open(0, Duration::from_secs(2));
}

#[test]
fn telemetry_shows_the_last_accounts_after_the_stop() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = setup().flight();
    flight.ground.query(service.port(), b"{}");
    let telemetry = Arc::clone(&flight.satellite.telemetry);
    let report = assert_lands(flight.satellite);
    let shown = telemetry.lock().expect("nobody panicked").statistics();
    assert_eq!(shown, report.statistics);
}

#[test]
fn dropping_the_handle_leaves_the_service_running() {
    let service = HttpService::always(Reply::ok("pong"));
    let (radio, other_end) = Radio::pair();
    let setup = setup();
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
    drop(CommsService::start(controls, Arc::clone(&telemetry)).expect("it starts"));
    let ground = setup.ground(other_end);
    assert_eq!(ground.query(service.port(), b"{}"), b"pong");
    let shown = telemetry.lock().expect("nobody panicked").statistics();
    assert_eq!(shown.messages_in.delivered, 1);
}

#[test]
fn two_services_of_one_process_do_not_meet() {
    let service = HttpService::start(|request| Reply::ok(request.body.clone()));
    let (first, second) = (Flight::start(), Flight::start());
    assert_eq!(first.ground.query(service.port(), &query(1)), query(1));
    drop(first);
    assert_eq!(second.ground.query(service.port(), &query(2)), query(2));
    assert_eq!(second.satellite.statistics().messages_in.offered, 1);
}

/// One query, as the ground sends it in one packet.
fn query_packet(command_id: u64, port: u16) -> Vec<u8> {
    let head = Head {
        payload_type: PayloadType::GraphQl,
        class: Class::Standard,
        security: None,
        command_id,
        port,
    };
    let mut packet = Vec::new();
    // Each with a count of its own, so that none is a gap.
    let count = 4 - command_id as u16;
    SpacePacketFormat::new(End::Ground)
        .build(&head, &query(0), 0, count, &mut packet)
        .expect("it fits");
    packet
}

#[test]
fn a_service_stops_in_time_while_everything_is_blocked() {
    let hanging = HttpService::always(Reply::silence());
    let app = UdpPeer::bind();
    let (told, held) = bounded::<()>(0);
    let queries: Mutex<Vec<Vec<u8>>> =
        Mutex::new((1..=4).map(|id| query_packet(id, hanging.port())).collect());
    // Four queries, then the radio never comes back.
    let held_read = held.clone();
    let read = move |_: &Radio| -> CommsResult<Vec<u8>> {
        if let Some(packet) = queries.lock().unwrap().pop() {
            return Ok(packet);
        }
        let _ = held_read.recv();
        Err(CommsError::NoData)
    };
    let write = move |_: &Radio, _: &[u8]| -> CommsResult<()> {
        let _ = held.recv();
        Ok(())
    };
    let setup = Setup {
        handlers: 2,
        timeout: TIMEOUT,
        downlink_ports: Some(vec![0, 0]),
        ..Setup::default()
    };
    let write = Arc::new(write);
    let controls = setup.controls(
        Some(Arc::new(read)),
        vec![write.clone(), write],
        Radio::pair().0,
    );
    let satellite = Satellite::start(setup.builder(controls));
    let ports = [satellite.downlink_port(0), satellite.downlink_port(1)];
    for port in ports {
        app.send_to(port, b"with the radio");
        app.send_to(port, b"waits");
    }
    satellite.wait_until(|all| {
        (all.messages_in.in_flight, all.messages_in.queued) == (2, 2)
            && (all.packets_out.in_flight, all.messages_out.queued) == (2, 2)
    });

    let landing = satellite.shut_down();
    let mut detached = landing.report.detached;
    detached.sort();
    assert_eq!(detached, ["read", "transmit-0", "transmit-1"]);
    let bound = READ_TIMEOUT + TIMEOUT + MARGIN;
    assert!(landing.took < bound, "{:?}", landing.took);
    assert!(landing.report.statistics.balances());
    assert_eq!(landing.report.statistics.memory_bytes_used, 0);
    for port in ports {
        bind_udp(port).expect("the service has closed it");
    }
    drop(told);
}
