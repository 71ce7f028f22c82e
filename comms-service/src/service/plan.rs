//! From a control block to what will run: everything is checked, then every
//! socket is bound. No thread runs before both are done.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::config_error;
use super::submit::Listeners;
use crate::control::CommsControlBlock;
use crate::error::{CommsError, CommsResult};
use crate::ground::check_carries_pdus;
use crate::link::{LinkConfig, TIMEOUT_MAX};
use crate::message::End;
use crate::options::{
    Addresses, DownlinkOptions, LinkOptions, PacketFormat, RadioPace, SubmitOptions,
};
use crate::packet::LinkPacket;

/// Most handlers at once: each is a thread.
pub(super) const HANDLERS_MAX: u16 = 1024;

/// Receive buffer asked of the system for each downlink endpoint, so that a
/// burst of an app waits there rather than being lost.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;

/// How often the thread of a downlink endpoint looks at least whether it is to
/// stop.
const STOP_POLL_MAX: Duration = Duration::from_secs(1);

/// A control block that can be carried out.
pub(super) struct Plan {
    pub(super) link: LinkConfig,
    pub(super) format: Box<dyn LinkPacket>,
    satellite_ip: Ipv4Addr,
    handler_ports: std::ops::RangeInclusive<u16>,
    submit: Option<SubmitOptions>,
}

/// Every socket of a service.
pub(super) struct Sockets {
    /// From which UDP messages go to services, without waiting.
    pub(super) datagrams: UdpSocket,
    /// From which requests go to UDP services that answer.
    pub(super) exchanges: Vec<mio::net::UdpSocket>,
    /// The downlink endpoints: those of `downlink_ports`, in the order of the
    /// `write` functions, then those of the map.
    pub(super) downlinks: Vec<UdpSocket>,
    /// Where apps submit.
    pub(super) submit: Option<Listeners>,
}

impl Plan {
    pub(super) fn check<Connection: Clone>(
        controls: &CommsControlBlock<Connection>,
        options: &LinkOptions,
        own_format: Option<Box<dyn LinkPacket>>,
        radio_bytes_max: Option<usize>,
        radio_pace: &RadioPace,
        takes_pdus: bool,
    ) -> CommsResult<Plan> {
        let downlink_ports = controls.downlink_ports.clone().unwrap_or_default();
        check_satellite_ip(controls.satellite_ip)?;
        check_counts(controls, &downlink_ports)?;
        check_ports(controls, &downlink_ports, &options.downlink)?;
        options.check_queues()?;
        options.check_services()?;
        let speaks_udp = own_format.is_none() && options.format == PacketFormat::Udp;
        let has_endpoints = !downlink_ports.is_empty() || !options.downlink.is_empty();
        if speaks_udp && has_endpoints && controls.ground_port.is_none() {
            return Err(config_error(
                "format `udp` sends the datagrams of downlink ports to ground_port, which is None"
                    .to_string(),
            ));
        }
        let addresses = Addresses {
            ground_ip: controls.ground_ip,
            satellite_ip: controls.satellite_ip,
            ground_port: controls.ground_port,
        };
        if own_format.is_some() && options.security.is_some() {
            return Err(config_error(
                "security cannot be had in a format of the mission's own".to_string(),
            ));
        }
        let has_own_format = own_format.is_some();
        let format = match own_format {
            Some(format) => format,
            None => options.packet_format(End::Satellite, radio_bytes_max, addresses)?,
        };
        if takes_pdus {
            check_carries_pdus(&*format)?;
        }
        if controls.max_num_handlers == 0 && !options.reply_windows.is_empty() {
            let text = "reply-windows need a socket for each message under way, of which there \
                        are max_num_handlers, which is 0";
            return Err(config_error(text.to_string()));
        }
        let packet_bytes_max = [radio_bytes_max, options.packet_bytes_max];
        let handlers_max = usize::from(controls.max_num_handlers);
        let link = LinkConfig {
            writes: controls.write.len(),
            downlink_ports,
            handlers_max,
            exchange_sockets: match format.has_exchanges() || !options.reply_windows.is_empty() {
                true => handlers_max,
                false => 0,
            },
            packet_bytes_max: packet_bytes_max.into_iter().flatten().min(),
            timeout: Duration::from_millis(controls.timeout).min(TIMEOUT_MAX),
            takes_pdus,
            ..LinkConfig::new(End::Satellite)
        };
        let mut link = options.link_config(link);
        if has_own_format {
            // Its command ids may mean something else.
            link.command_memory = None;
        }
        link.pace = options.pace(radio_pace);
        link.records_commands = options.state_dir.is_some() && link.command_memory.is_some();
        Ok(Plan {
            link,
            format,
            satellite_ip: controls.satellite_ip,
            handler_ports: controls.handler_port_min..=controls.handler_port_max,
            submit: options.submit.clone(),
        })
    }

    pub(super) fn bind(&self, read_timeout: Duration) -> CommsResult<Sockets> {
        let mut handler_ports = self.handler_ports.clone();
        let datagrams = self.bind_handler(&mut handler_ports)?;
        datagrams.set_nonblocking(true)?;
        let exchanges = self.bind_exchanges(&mut handler_ports)?;
        let mut downlinks = Vec::new();
        for port in self.downlink_ports() {
            downlinks.push(self.bind_downlink(port, read_timeout)?);
        }
        Ok(Sockets {
            datagrams,
            exchanges,
            downlinks,
            // Last, as it leaves a file if another fails.
            submit: self.submit.as_ref().map(Listeners::bind).transpose()?,
        })
    }

    /// As many sockets for request and answer as the handlers' ports allow.
    fn bind_exchanges(
        &self,
        handler_ports: &mut std::ops::RangeInclusive<u16>,
    ) -> CommsResult<Vec<mio::net::UdpSocket>> {
        let mut exchanges = Vec::new();
        for _ in 0..self.link.exchange_sockets {
            match self.bind_handler(handler_ports) {
                Ok(socket) => {
                    socket.set_nonblocking(true)?;
                    exchanges.push(mio::net::UdpSocket::from_std(socket));
                }
                Err(error) if exchanges.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(exchanges)
    }

    /// The same, for a service that runs without.
    pub(super) fn bind_first_exchanges(&self) -> CommsResult<Vec<mio::net::UdpSocket>> {
        self.bind_exchanges(&mut self.handler_ports.clone())
    }

    /// The socket of a downlink endpoint.
    pub(super) fn bind_downlink(
        &self,
        port: u16,
        read_timeout: Duration,
    ) -> CommsResult<UdpSocket> {
        let socket = bind("a downlink endpoint", self.satellite_ip, port)?;
        // So that the endpoint's thread sees when it is to stop.
        let stop_poll = read_timeout.clamp(Duration::from_millis(1), STOP_POLL_MAX);
        socket.set_read_timeout(Some(stop_poll))?;
        Ok(socket)
    }

    /// The next port of the range that is free.
    fn bind_handler(&self, ports: &mut std::ops::RangeInclusive<u16>) -> CommsResult<UdpSocket> {
        let mut last = None;
        if *ports == (0..=0) {
            return bind("a handler's socket", self.satellite_ip, 0);
        }
        for port in ports.by_ref() {
            match bind("a handler's socket", self.satellite_ip, port) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = Some(error),
            }
        }
        let (min, max) = (self.handler_ports.start(), self.handler_ports.end());
        let text =
            format!("no port of handler_port_min..=handler_port_max ({min}..={max}) is left");
        Err(last.unwrap_or_else(|| config_error(text)))
    }

    /// The engine's limits, with the ports and sockets that the system really
    /// gave.
    pub(super) fn link_with(&self, sockets: &Sockets) -> LinkConfig {
        let endpoints = sockets.downlinks.iter();
        LinkConfig {
            exchange_sockets: sockets.exchanges.len(),
            ..self.link_with_ports(endpoints.filter_map(|socket| socket.local_addr().ok()))
        }
    }

    /// The engine's limits, with the addresses at which its endpoints really listen.
    pub(super) fn link_with_ports(
        &self,
        addresses: impl Iterator<Item = SocketAddr>,
    ) -> LinkConfig {
        let mut ports = addresses.map(|address| address.port());
        let plain = self.link.downlink_ports.len();
        let mut config = LinkConfig {
            downlink_ports: ports.by_ref().take(plain).collect(),
            ..self.link.clone()
        };
        for (endpoint, port) in config.downlink_map.iter_mut().zip(ports) {
            endpoint.port = port;
        }
        config
    }

    /// The ports of the downlink endpoints, in their order.
    pub(super) fn downlink_ports(&self) -> Vec<u16> {
        let mapped = self.link.downlink_map.iter().map(|endpoint| endpoint.port);
        let plain = self.link.downlink_ports.iter().copied();
        plain.chain(mapped).collect()
    }
}

impl Sockets {
    pub(super) fn handler_addrs(&self) -> Vec<SocketAddr> {
        let exchanges = self
            .exchanges
            .iter()
            .filter_map(|socket| socket.local_addr().ok());
        self.datagrams
            .local_addr()
            .into_iter()
            .chain(exchanges)
            .collect()
    }
}

fn check_satellite_ip(ip: Ipv4Addr) -> CommsResult<()> {
    let what = if ip.is_unspecified() {
        "no address of any host"
    } else if ip.is_broadcast() {
        "a broadcast address"
    } else if ip.is_multicast() {
        "a multicast address"
    } else {
        return Ok(());
    };
    Err(config_error(format!(
        "satellite_ip is {ip}, {what}: services are asked at that address and answer from it"
    )))
}

fn check_counts<Connection: Clone>(
    controls: &CommsControlBlock<Connection>,
    downlink_ports: &[u16],
) -> CommsResult<()> {
    let writes = controls.write.len();
    if writes == 0 {
        let text = "no `write` function: a service that cannot transmit answers nobody";
        return Err(config_error(text.to_string()));
    }
    if controls.downlink_ports.is_some() && downlink_ports.len() != writes {
        return Err(config_error(format!(
            "{} downlink_ports for {writes} `write` functions: each `write` needs one port of its own",
            downlink_ports.len()
        )));
    }
    if controls.max_num_handlers > HANDLERS_MAX {
        let handlers = controls.max_num_handlers;
        return Err(config_error(format!(
            "max_num_handlers is {handlers}, more than {HANDLERS_MAX}: each handler is a thread"
        )));
    }
    if controls.timeout == 0 {
        let text = "timeout is 0 ms: no service could ever answer in time";
        return Err(config_error(text.to_string()));
    }
    Ok(())
}

fn check_ports<Connection: Clone>(
    controls: &CommsControlBlock<Connection>,
    downlink_ports: &[u16],
    map: &[DownlinkOptions],
) -> CommsResult<()> {
    let (min, max) = (controls.handler_port_min, controls.handler_port_max);
    if min > max {
        return Err(config_error(format!(
            "handler_port_min ({min}) is greater than handler_port_max ({max})"
        )));
    }
    let writes = controls.write.len();
    if let Some(endpoint) = map.iter().find(|endpoint| endpoint.write >= writes) {
        return Err(config_error(format!(
            "downlink port {} feeds `write` {}, but there are {writes}, numbered from 0",
            endpoint.port, endpoint.write
        )));
    }
    let plain = downlink_ports.iter().map(|port| (*port, "downlink_ports"));
    let mapped = map
        .iter()
        .map(|endpoint| (endpoint.port, "downlink_ports and `downlink` together"));
    let mut seen = BTreeSet::new();
    // Port 0 is no port: the system picks one.
    for (port, place) in plain.chain(mapped).filter(|(port, _)| *port != 0) {
        if !seen.insert(port) {
            return Err(config_error(format!("port {port} stands twice in {place}")));
        }
        if (min..=max).contains(&port) {
            return Err(config_error(format!(
                "downlink port {port} is also one of the handlers' ports {min}..={max}"
            )));
        }
    }
    Ok(())
}

fn bind(what: &'static str, ip: Ipv4Addr, port: u16) -> CommsResult<UdpSocket> {
    let address = SocketAddr::V4(SocketAddrV4::new(ip, port));
    let open = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        // A wish: the system may give less.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        socket.bind(&address.into())?;
        Ok(socket.into())
    };
    open().map_err(|cause| CommsError::Bind {
        what,
        address,
        cause,
    })
}
