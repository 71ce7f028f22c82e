//! A service with many ports of services to send to, or several downlinks.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Point;
use crate::child::Child;
use crate::cpu;
use crate::figure::Spread;
use crate::passthrough::course::{self, NUMBERS, Way};
use crate::passthrough::socket;
use crate::section::Run;

const PORTS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
const DOWNLINKS: [usize; 4] = [1, 2, 3, 4];
const PAYLOAD_BYTES: usize = 256;
/// On their way at once, by each way in.
const WINDOW: u32 = 32;
const WARM_UP: u32 = 2_000;
const WAIT: Duration = Duration::from_secs(2);

/// CPU time of the service for each packet up, with so many ports it goes to.
///
/// # Errors
/// When a child cannot be started, or something is lost.
pub(super) fn ports(run: &Run) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for count in PORTS {
        let radio = waiting_socket()?;
        let services = (0..count).map(|_| waiting_socket());
        let services: Vec<UdpSocket> = services.collect::<Result<_>>()?;
        let service = service(&radio, 1)?;
        let ports = services.iter().map(port_of).collect::<Result<Vec<_>>>()?;
        let datagrams = course::datagrams(Way::Up, PAYLOAD_BYTES, &ports)?;
        let to = [address(service.port()?)];
        let through = [service];
        let cost = cost_each(run, &through, &radio, &to, &services, &datagrams)?;
        points.push(Point::alone(count as f64, cost));
    }
    Ok(points)
}

/// CPU time of the service for each packet down, with so many downlinks, beside as many
/// bare forwarders: where datagrams come by turns to several sockets, each thread is
/// woken for fewer of them, whatever it does with them.
///
/// # Errors
/// When a child cannot be started, or something is lost.
pub(super) fn downlinks(run: &Run) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for count in DOWNLINKS {
        let app = socket::bind()?;
        let radio = [waiting_socket()?];
        let service = service(&radio[0], count)?;
        let endpoints = service.ports()?.into_iter().skip(1).map(address);
        let endpoints: Vec<SocketAddr> = endpoints.collect();
        let datagrams = course::datagrams(Way::Down, PAYLOAD_BYTES, &[])?;
        let through = [service];
        let cost = cost_each(run, &through, &app, &endpoints, &radio, &datagrams)?;
        drop(through);
        let back = ["--to".to_owned(), port_of(&radio[0])?.to_string()];
        let forwarders = (0..count).map(|_| Child::start("forwarder", &back));
        let forwarders: Vec<Child> = forwarders.collect::<Result<_>>()?;
        let ports = forwarders.iter().map(Child::port);
        let to: Vec<SocketAddr> = ports.map(|port| port.map(address)).collect::<Result<_>>()?;
        let floor = cost_each(run, &forwarders, &app, &to, &radio, &datagrams)?;
        points.push(Point {
            floor: Some(floor),
            ..Point::alone(count as f64, cost)
        });
    }
    Ok(points)
}

/// Sends to each of `to` in turn, and receives from each of `from` in turn.
fn cost_each(
    run: &Run,
    through: &[Child],
    sends: &UdpSocket,
    to: &[SocketAddr],
    from: &[UdpSocket],
    datagrams: &[Vec<u8>],
) -> Result<Spread> {
    let mut buffer = vec![0; 65_536];
    let mut next = 0;
    let window = WINDOW * u32::try_from(to.len())?;
    let mut pass = |count: u32| -> Result<()> {
        let (mut sent, mut received) = (0, 0);
        while received < count {
            if sent < count && sent - received < window {
                let at = (next + sent) as usize;
                let datagram = datagrams.get(at % NUMBERS as usize);
                let address = to.get(at % to.len()).context("nobody to send to")?;
                sends.send_to(datagram.context("no such datagram")?, address)?;
                sent += 1;
                continue;
            }
            let at = (next + received) as usize;
            let socket = from.get(at % from.len()).context("nobody to hear")?;
            socket.recv(&mut buffer).context("a datagram was lost")?;
            received += 1;
        }
        next = (next + count) % NUMBERS;
        Ok(())
    };
    pass(WARM_UP)?;
    let mut costs = Vec::new();
    for _ in 0..run.choose(5, 2) {
        let count = run.choose(20_000, 2_000);
        let before = time_of(through)?;
        pass(count)?;
        let took = time_of(through)?.saturating_sub(before);
        costs.push(took.as_secs_f64() * 1e6 / f64::from(count));
    }
    ensure!(!costs.is_empty(), "no rounds");
    Ok(Spread::of(&costs))
}

/// CPU time of all of them.
fn time_of(children: &[Child]) -> Result<Duration> {
    children.iter().map(|child| cpu::time(child.id())).sum()
}

fn service(radio: &UdpSocket, downlinks: usize) -> Result<Child> {
    let peer = port_of(radio)?.to_string();
    let downlinks = downlinks.to_string();
    let arguments = [
        "--peer",
        &peer,
        "--driver",
        "functions",
        "--downlinks",
        &downlinks,
    ];
    Child::start("service", &arguments.map(str::to_owned))
}

fn waiting_socket() -> Result<UdpSocket> {
    let socket = socket::bind()?;
    socket.set_read_timeout(Some(WAIT))?;
    Ok(socket)
}

fn port_of(socket: &UdpSocket) -> Result<u16> {
    Ok(socket.local_addr()?.port())
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
