//! The end of a link: everything held is dropped, and counted.

use comms_service::accounting::DropReason;
use comms_service::link::LinkConfig;
use comms_service::message::{End, PayloadType};

use crate::rig::{Rig, Socket, dropped, octets, satellite_config};

fn stop(rig: &mut Rig) {
    for end in [End::Satellite, End::Ground] {
        rig.on(end, |link, _| link.handle_shutdown());
    }
}

/// One query with its service, two waiting, a datagram in flight, a message
/// half received, a message half sent and one not begun.
fn busy() -> Rig {
    let mut rig = Rig::with_satellite(LinkConfig {
        handlers_max: 1,
        ..satellite_config()
    });
    for id in 1..=3 {
        rig.query(id, 8020, b"?");
    }
    rig.socket = Socket::Stalls;
    rig.ask(PayloadType::Udp, 4, 8000, b"x");
    rig.carry_up();
    rig.ask(PayloadType::Udp, 5, 8000, &octets(1000));
    for _ in 0..3 {
        let packet = rig.transmit(End::Ground).unwrap();
        rig.hear(End::Satellite, packet);
    }
    rig.app_sends(0, &octets(1000));
    rig.app_sends(0, b"not begun");
    rig.transmit(End::Satellite).unwrap();
    rig.begin_write(End::Satellite, 0).unwrap();
    rig
}

#[test]
fn everything_held_is_counted_as_dropped_at_the_end() {
    let mut rig = busy();
    stop(&mut rig);
    let satellite = rig.satellite();
    let at_the_end = |count| [(DropReason::Shutdown, count)];
    assert_eq!(dropped(&satellite.packets_in), at_the_end(3));
    assert_eq!(dropped(&satellite.messages_in), at_the_end(4));
    assert_eq!(dropped(&satellite.messages_out), at_the_end(2));
    // This one is still with `write`.
    assert_eq!(satellite.packets_out.in_flight, 1);
    rig.end_write(End::Satellite, 0, Ok(()));
    rig.posts.clear();

    assert_eq!(dropped(&rig.ground().messages_out), at_the_end(1));
    for statistics in [rig.satellite(), rig.ground()] {
        assert_eq!(statistics.memory_bytes_used, 0);
        assert_eq!(statistics.packets_out.in_flight, 0);
    }
}

#[test]
fn what_is_reported_after_the_end_is_not_counted_twice() {
    let mut rig = busy();
    stop(&mut rig);
    let before = rig.satellite();
    rig.on(End::Satellite, |link, _| link.handle_datagram_sent(Ok(())));
    rig.service_answers(b"late");
    let after = rig.satellite();
    assert_eq!(after.messages_in, before.messages_in);
    assert_eq!(after.messages_out, before.messages_out);
    let result = Err("closed".to_string());
    rig.end_write(End::Satellite, 0, result);
    assert_eq!(rig.satellite().messages_out, before.messages_out);
}

#[test]
fn open_and_waiting_exchanges_are_counted_too() {
    let mut rig = Rig::udp(1, 10);
    for asker in 0..3 {
        rig.ask(PayloadType::UdpExchange, 50_000 + asker, 8030, b"?");
    }
    rig.carry_up();
    stop(&mut rig);
    let shutdown = (DropReason::Shutdown, 3);
    assert_eq!(dropped(&rig.satellite().messages_in), [shutdown]);
    let request = rig.exchanges.pop_front().unwrap();
    rig.service_replies(request.socket, request.port, b"late");
    assert_eq!(rig.satellite().messages_in.delivered, 0);
    drop(request);
    assert_eq!(rig.satellite().memory_bytes_used, 0);
}
