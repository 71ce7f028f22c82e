//! A communications service over UDP, as a process of its own.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use comms_service::{
    CommsConfig, CommsControlBlock, CommsError, CommsHandle, CommsResult, CommsService,
    CommsTelemetry, LinkOptions, radio,
};
use radio_hal::udp::UdpRadio;
use radio_hal::{FramingConfig, RadioConnection};

use super::socket;
use crate::child;

const READ_TIMEOUT: Duration = Duration::from_millis(200);
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// How the service reaches the radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    /// The radio over UDP of `radio-hal`, by `comms_service::radio::builder`.
    Radio,
    /// A `read` and a `write` function around a socket each.
    Functions,
}

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port of this machine where the other end of the radio is.
    #[arg(long)]
    peer: u16,
    /// How the radio is reached.
    #[arg(long, value_enum)]
    driver: Driver,
    /// Octets of the largest packet; else what the radio says.
    #[arg(long)]
    packet_bytes_max: Option<usize>,
    /// How many downlinks there are: `write` functions, each with an endpoint.
    #[arg(long, default_value_t = 1)]
    downlinks: usize,
}

/// Runs it until who started it has gone. The ready line names the radio's port, then
/// those of the downlink endpoints.
///
/// # Errors
/// When a socket fails or the service does not start.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.peer));
    let config = CommsConfig {
        // Ports that the system chooses, so that nothing collides.
        handler_port_min: 0,
        handler_port_max: 0,
        downlink_ports: Some(vec![0; arguments.downlinks]),
        ..CommsConfig::default()
    };
    let options = LinkOptions {
        packet_bytes_max: arguments.packet_bytes_max,
        ..LinkOptions::default()
    };
    let (handle, radio_port) = match arguments.driver {
        Driver::Radio => over_a_radio(peer, config, options)?,
        Driver::Functions => over_functions(peer, config, options, arguments.downlinks)?,
    };
    let mut ports = vec![radio_port];
    ports.extend(handle.downlink_addrs().iter().map(SocketAddr::port));
    child::ready(&ports)?;
    child::until_alone();
    Ok(())
}

fn over_a_radio(
    peer: SocketAddr,
    config: CommsConfig,
    options: LinkOptions,
) -> Result<(CommsHandle, u16)> {
    let radio = UdpRadio::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let port = radio.local_address().port();
    let radio = radio.with_peer(peer)?;
    let connection = RadioConnection::new(radio, FramingConfig::raw(), READ_TIMEOUT)?;
    let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
    let handle = radio::builder(connection, config, options)?.start(telemetry)?;
    Ok((handle, port))
}

/// What a driver of one's own may look like: two sockets, nothing shared.
#[derive(Clone)]
struct Sockets {
    reads: Arc<UdpSocket>,
    writes: Arc<UdpSocket>,
    peer: SocketAddr,
}

fn read(sockets: &Sockets) -> CommsResult<Vec<u8>> {
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    match sockets.reads.recv(&mut datagram) {
        Ok(bytes) => {
            datagram.truncate(bytes);
            Ok(datagram)
        }
        Err(_) => Err(CommsError::NoData),
    }
}

fn write(sockets: &Sockets, packet: &[u8]) -> CommsResult<()> {
    let sent = sockets.writes.send_to(packet, sockets.peer);
    sent.map(|_| ())
        .map_err(|error| CommsError::Radio(error.to_string()))
}

fn over_functions(
    peer: SocketAddr,
    config: CommsConfig,
    options: LinkOptions,
    downlinks: usize,
) -> Result<(CommsHandle, u16)> {
    let reads = socket::bind()?;
    reads.set_read_timeout(Some(READ_TIMEOUT))?;
    let port = reads.local_addr().context("no local address")?.port();
    let sockets = Sockets {
        reads: Arc::new(reads),
        writes: Arc::new(socket::bind()?),
        peer,
    };
    let writes = (0..downlinks).map(|_| Arc::new(write) as _).collect();
    let controls = CommsControlBlock::new(
        Some(Arc::new(read)),
        writes,
        sockets.clone(),
        sockets,
        config,
    )?;
    let options = LinkOptions {
        packet_bytes_max: options.packet_bytes_max.or(Some(DATAGRAM_BYTES_MAX)),
        ..options
    };
    let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
    let handle = CommsService::builder(controls)
        .options(options)
        .read_timeout(READ_TIMEOUT)
        .start(telemetry)?;
    Ok((handle, port))
}
