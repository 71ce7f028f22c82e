//! The ground end with a radio that takes nothing for a while.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use comms_service::CommsError;
use comms_service::accounting::DropReason;
use comms_service::ground::{GroundControls, GroundLink};
use comms_service::link::{Action, Command};
use comms_service::message::PayloadType;
use comms_service::options::{Addresses, LinkOptions};

const READ_TIMEOUT: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

fn send(link: &GroundLink, random: u64, payload: &[u8]) -> u64 {
    let command_id = link.command_id(random);
    link.send(Command {
        command_id,
        payload_type: PayloadType::Udp,
        port: 8000,
        payload: payload.to_vec(),
        timeout: PATIENCE,
        retries: 0,
    });
    command_id
}

#[test]
fn a_command_taken_back_while_the_radio_is_not_ready_makes_way_for_the_next() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let (offer, offered) = mpsc::channel();
    let ready = Arc::clone(&is_ready);
    let write = move |_: &(), packet: &[u8]| {
        let taken = ready.load(Ordering::SeqCst);
        let _ = offer.send((taken, packet.to_vec()));
        match taken {
            true => Ok(()),
            false => Err(CommsError::NotReady("busy".to_owned())),
        }
    };
    let controls = GroundControls {
        read: Arc::new(|_: &()| {
            thread::sleep(READ_TIMEOUT);
            Err(CommsError::NoData)
        }),
        write: Arc::new(write),
        connection: (),
        options: LinkOptions::default(),
        radio_bytes_max: None,
        addresses: Addresses {
            ground_ip: Ipv4Addr::LOCALHOST,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: None,
        },
        read_timeout: READ_TIMEOUT,
        pdus: None,
    };
    let (link, happened) = GroundLink::start(controls).unwrap();
    let holds = |packet: &[u8], text: &[u8]| packet.windows(text.len()).any(|at| at == text);

    let first = send(&link, 1, b"first");
    let (_, packet) = offered.recv_timeout(PATIENCE).unwrap();
    assert!(holds(&packet, b"first"));
    let second = send(&link, 2, b"second");
    link.cancel(first);
    // The radio is still not ready when the second one is offered.
    let started = Instant::now();
    while !holds(&offered.recv_timeout(PATIENCE).unwrap().1, b"second") {
        assert!(started.elapsed() < PATIENCE, "the first one is in the way");
    }
    is_ready.store(true, Ordering::SeqCst);
    let sent = happened.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(sent, Action::Sent { command_id } if command_id == second));

    let report = link.shutdown();
    assert_eq!(report.detached, [""; 0]);
    let taken = offered.try_iter().filter(|(taken, _)| *taken).count();
    assert_eq!(taken, 1);
    let packets = &report.statistics.packets_out;
    assert_eq!(packets.dropped.of(DropReason::Withdrawn), 1);
    assert_eq!(packets.delivered, 1);
}
