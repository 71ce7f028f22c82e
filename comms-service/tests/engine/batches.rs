//! Several packets, and several datagrams, at once.

use std::time::{Duration, Instant};

use comms_service::FrameBuffer;
use comms_service::accounting::DropReason;
use comms_service::link::{
    Action, CommandMemoryConfig, DatagramId, Link, LinkConfig, Pace, ServiceFailure,
};
use comms_service::message::{End, PayloadType};
use comms_service::options::LinkOptions;
use comms_service::packet::SpacePacketFormat;

use crate::rig::{Rig, dropped, failure, format, octets, satellite_config, segments};

/// A satellite without anything around it.
struct Satellite {
    link: Link,
    now: Instant,
    packets_sent: u16,
}

impl Satellite {
    fn new(config: LinkConfig) -> Self {
        Satellite {
            link: Link::new(config, format(&LinkOptions::default(), End::Satellite)),
            now: Instant::now(),
            packets_sent: 0,
        }
    }

    /// Datagrams for port 8000 come up together; gives those that are to be sent.
    fn hears(&mut self, commands: &[(u64, &[u8])]) -> Vec<(DatagramId, Vec<u8>)> {
        let ground = SpacePacketFormat::new(End::Ground);
        let mut packets = FrameBuffer::new();
        for (command_id, payload) in commands {
            let head = crate::rig::head(PayloadType::Udp, *command_id, 8000);
            for packet in segments(&ground, head, payload, self.packets_sent) {
                self.packets_sent += 1;
                packets.push(&packet);
            }
        }
        self.link.handle_packets(self.now, packets.iter());
        let actions = std::iter::from_fn(|| self.link.poll_action());
        let sent = actions.filter_map(|action| match action {
            Action::SendDatagram {
                datagram, payload, ..
            } => Some((datagram, payload.to_vec())),
            _ => None,
        });
        sent.collect()
    }
}

/// The next packets of the satellite's first `write`.
fn poll(rig: &mut Rig, packets_max: usize) -> Vec<Vec<u8>> {
    let mut packets = FrameBuffer::new();
    rig.on(End::Satellite, |link, now| {
        link.poll_packets(now, 0, packets_max, &mut packets);
    });
    packets.iter().map(<[u8]>::to_vec).collect()
}

fn write(rig: &mut Rig, results: &[Result<(), &str>]) {
    for result in results {
        rig.end_write(End::Satellite, 0, result.map_err(str::to_string));
    }
}

fn heard(rig: &Rig) -> Vec<Vec<u8>> {
    rig.heard
        .iter()
        .map(|(_, payload)| payload.clone())
        .collect()
}

#[test]
fn packets_that_come_together_reach_their_service_in_their_order() {
    let mut satellite = Satellite::new(satellite_config());
    let long = octets(1000);
    let sent = satellite.hears(&[(0, b"first"), (0, &long), (0, b"third")]);
    let payloads: Vec<_> = sent.into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(payloads, [b"first".to_vec(), long, b"third".to_vec()]);
}

#[test]
fn a_datagram_of_several_that_the_socket_did_not_take_is_counted_alone_and_may_come_again() {
    let mut satellite = Satellite::new(LinkConfig {
        command_memory: Some(CommandMemoryConfig::default()),
        ..satellite_config()
    });
    let commands: [(u64, &[u8]); 3] = [(1, b"one"), (2, b"two"), (3, b"three")];
    let sent = satellite.hears(&commands);
    let results = sent.iter().map(|(datagram, payload)| {
        let result: Result<(), ServiceFailure> = match payload.as_slice() {
            b"two" => Err(failure(DropReason::SocketBusy, "no room")),
            _ => Ok(()),
        };
        (*datagram, result)
    });
    // Whoever sends them may be overtaken.
    satellite.link.handle_datagrams_sent(results.rev());
    let messages_in = satellite.link.statistics().messages_in;
    assert_eq!(messages_in.delivered, 2);
    assert_eq!(dropped(&messages_in), [(DropReason::SocketBusy, 1)]);

    let again = satellite.hears(&commands);
    let payloads: Vec<_> = again.into_iter().map(|(_, payload)| payload).collect();
    assert_eq!(payloads, [b"two"]);
}

#[test]
fn packets_are_handed_out_together_but_no_two_of_one_message() {
    let mut rig = Rig::space_packet();
    let long = octets(600);
    for payload in [&b"first"[..], b"second", &long, b"last"] {
        rig.app_sends(0, payload);
    }
    assert_eq!(poll(&mut rig, 2).len(), 2);
    assert_eq!(rig.satellite().packets_out.in_flight, 2);
    assert_eq!(rig.satellite().messages_out.in_flight, 2);
    // None before these are done with.
    write(&mut rig, &[Ok(())]);
    assert_eq!(poll(&mut rig, 2).len(), 0);
    write(&mut rig, &[Ok(())]);
    // The three of the long one; the last one follows the third at once.
    let sizes: Vec<_> = (0..3)
        .map(|_| {
            let packets = poll(&mut rig, 9).len();
            (0..packets).for_each(|_| write(&mut rig, &[Ok(())]));
            packets
        })
        .collect();
    assert_eq!(sizes, [1, 1, 2]);
    assert_eq!(rig.satellite().messages_out.delivered, 4);
    rig.assert_idle();
}

#[test]
fn messages_that_are_handed_out_together_arrive_in_their_order() {
    let mut rig = Rig::space_packet();
    let sent: Vec<Vec<u8>> = (0..40).map(|number| octets(1 + 13 * number)).collect();
    sent.iter().for_each(|payload| rig.app_sends(0, payload));
    loop {
        let packets = poll(&mut rig, 8);
        if packets.is_empty() {
            break;
        }
        packets.iter().for_each(|_| write(&mut rig, &[Ok(())]));
        rig.hear_all(End::Ground, packets);
    }
    assert_eq!(heard(&rig), sent);
    rig.assert_idle();
}

#[test]
fn a_packet_of_several_that_fails_takes_only_the_rest_of_its_message_with_it() {
    let mut rig = Rig::space_packet();
    for payload in [&b"first"[..], b"second", b"third"] {
        rig.app_sends(0, payload);
    }
    rig.app_sends(0, &octets(900));
    let mut packets = poll(&mut rig, 9);
    assert_eq!(packets.len(), 4);
    let broken = Err("antenna");
    write(&mut rig, &[Ok(()), broken, Ok(()), broken]);
    let failed = [(DropReason::WriteFailed, 2)];
    assert_eq!(dropped(&rig.satellite().messages_out), failed);
    assert_eq!(dropped(&rig.satellite().packets_out), failed);
    assert_eq!(poll(&mut rig, 9).len(), 0);

    packets.truncate(3);
    packets.remove(1);
    rig.hear_all(End::Ground, packets);
    assert_eq!(heard(&rig), [b"first", b"third"]);
    rig.app_sends(0, b"after");
    rig.carry_down();
    assert_eq!(heard(&rig).last().unwrap(), b"after");
    rig.assert_idle();
}

#[test]
fn no_more_packets_are_handed_out_together_than_the_radio_has_credits_for() {
    let credits = 3;
    let pace = Pace::new(1_000_000, Some(credits));
    let mut rig = Rig::with_satellite(LinkConfig {
        pace: Some(pace),
        ..satellite_config()
    });
    (0..20).for_each(|_| rig.app_sends(0, &octets(100)));
    let mut sent = 0;
    while sent < 20 {
        let packets = poll(&mut rig, 32).len();
        assert!(packets <= credits);
        (0..packets).for_each(|_| write(&mut rig, &[Ok(())]));
        // Those are still on the air.
        assert_eq!(poll(&mut rig, 32).len(), 0);
        sent += packets;
        rig.now += Duration::from_millis(10);
    }
    rig.assert_idle();
}

#[test]
fn what_is_handed_out_and_never_written_is_counted() {
    let mut rig = Rig::space_packet();
    for payload in [&b"first"[..], b"second", b"third"] {
        rig.app_sends(0, payload);
    }
    assert_eq!(poll(&mut rig, 9).len(), 3);
    write(&mut rig, &[Ok(())]);
    rig.on(End::Satellite, |link, now| {
        link.handle_lost_packets(now, 0, 1, DropReason::InternalFault);
    });
    // The last one is still there.
    assert_eq!(rig.satellite().packets_out.in_flight, 1);
    write(&mut rig, &[Ok(())]);
    let satellite = rig.satellite();
    let lost = [(DropReason::InternalFault, 1)];
    assert_eq!(dropped(&satellite.packets_out), lost);
    assert_eq!(dropped(&satellite.messages_out), lost);
    assert_eq!(satellite.messages_out.delivered, 2);
    rig.assert_idle();
}

#[test]
fn at_the_end_messages_that_are_with_the_radio_are_dropped_and_counted() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, b"first");
    rig.app_sends(0, &octets(900));
    assert_eq!(poll(&mut rig, 9).len(), 2);
    rig.on(End::Satellite, |link, _| link.handle_shutdown());
    let satellite = rig.satellite();
    assert_eq!(
        dropped(&satellite.messages_out),
        [(DropReason::Shutdown, 2)]
    );
    write(&mut rig, &[Ok(()), Ok(())]);
    assert_eq!(rig.satellite().packets_out.delivered, 2);
    rig.assert_idle();
}
