//! A way through a child and back: what is sent on it, and how what comes back is
//! known again.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Context, Result};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};

/// Datagrams that are made ahead, and sent again and again: as many as sequence counts
/// of Space Packets, so that these go on without a gap.
pub(crate) const NUMBERS: u32 = 16_384;

/// Octets before the payload of a UDP message in its packet: primary header of the
/// Space Packet and command header.
const HEADER_BYTES: usize = 16;

/// Largest packet; every message here goes in one.
const PACKET_BYTES_MAX: usize = 65_000;

/// Which way datagrams go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the radio to a service's port.
    Up,
    /// From an app to the radio.
    Down,
}

/// What the generator sends, to whom, and where it comes back.
pub(crate) struct Course<'a> {
    pub(crate) sends: &'a UdpSocket,
    pub(crate) receives: &'a UdpSocket,
    pub(crate) to: SocketAddr,
    pub(crate) datagrams: &'a [Vec<u8>],
    /// Where the number stands in what comes back.
    pub(crate) number_at: usize,
}

impl<'a> Course<'a> {
    /// Through a service, which takes the header off or puts it on.
    pub(crate) fn through_a_service(
        way: Way,
        sockets: (&'a UdpSocket, &'a UdpSocket),
        port: u16,
        datagrams: &'a [Vec<u8>],
    ) -> Self {
        let number_at = match way {
            Way::Up => 0,
            Way::Down => HEADER_BYTES,
        };
        Self::new(sockets, port, datagrams, number_at)
    }

    /// Through a forwarder, which leaves everything as it is.
    pub(crate) fn through_a_forwarder(
        way: Way,
        sockets: (&'a UdpSocket, &'a UdpSocket),
        port: u16,
        datagrams: &'a [Vec<u8>],
    ) -> Self {
        let number_at = match way {
            Way::Up => HEADER_BYTES,
            Way::Down => 0,
        };
        Self::new(sockets, port, datagrams, number_at)
    }

    fn new(
        (sends, receives): (&'a UdpSocket, &'a UdpSocket),
        port: u16,
        datagrams: &'a [Vec<u8>],
        number_at: usize,
    ) -> Self {
        Self {
            sends,
            receives,
            to: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            datagrams,
            number_at,
        }
    }

    /// Sends the datagram of this number, modulo [`NUMBERS`].
    ///
    /// # Errors
    /// When the socket fails.
    pub(crate) fn send(&self, number: u32) -> Result<()> {
        let datagram = self.datagrams.get((number % NUMBERS) as usize);
        let datagram = datagram.context("no such datagram")?;
        self.sends.send_to(datagram, self.to)?;
        Ok(())
    }

    /// The number in what came back.
    pub(crate) fn number(&self, received: &[u8]) -> Option<u32> {
        let octets = received.get(self.number_at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*octets))
    }
}

/// The datagrams of one way, each with its number at the start of its payload: those
/// on the way up in a Space Packet for the services at `ports` in turn.
///
/// # Errors
/// When a packet cannot be built.
pub(crate) fn datagrams(way: Way, payload_bytes: usize, ports: &[u16]) -> Result<Vec<Vec<u8>>> {
    let format = SpacePacketFormat {
        packet_bytes_max: PACKET_BYTES_MAX,
        ..SpacePacketFormat::new(End::Ground)
    };
    let numbered = (0..NUMBERS).map(|number| {
        let mut payload = vec![0x5A; payload_bytes];
        if let Some(first) = payload.first_chunk_mut() {
            *first = number.to_be_bytes();
        }
        if way == Way::Down {
            return Ok(payload);
        }
        let port = ports
            .iter()
            .cycle()
            .nth(number as usize % ports.len().max(1));
        let head = Head {
            payload_type: PayloadType::Udp,
            class: Class::Standard,
            security: None,
            command_id: u64::from(number) + 1,
            port: *port.context("no port to send to")?,
        };
        let mut packet = Vec::new();
        format.build(&head, &payload, 0, (number % NUMBERS) as u16, &mut packet)?;
        Ok(packet)
    });
    numbered.collect()
}
