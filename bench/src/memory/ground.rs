//! The other end of the radio: sends messages up as Space Packets, hears what comes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};

const COUNTS: u16 = 16_384;
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// Nobody is there.
pub(super) const DISCARD_PORT: u16 = 9;

pub(super) struct Ground {
    socket: UdpSocket,
    radio: u16,
    format: SpacePacketFormat,
    /// The next sequence count of each channel.
    counts: BTreeMap<u16, u16>,
    next_command: u64,
    buffer: Vec<u8>,
}

impl Ground {
    /// Octets of the largest packet.
    pub(super) const PACKET_BYTES_MAX: usize = 1024;

    /// Opposite to the radio that is, or will be, at the port `radio`.
    ///
    /// # Errors
    /// When there is no socket.
    pub(super) fn bind(radio: u16) -> Result<Self> {
        Ok(Self {
            socket: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
            radio,
            format: SpacePacketFormat {
                packet_bytes_max: Self::PACKET_BYTES_MAX,
                ..SpacePacketFormat::new(End::Ground)
            },
            counts: BTreeMap::new(),
            next_command: 1,
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        })
    }

    pub(super) fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// How long [`hear`](Self::hear) waits.
    ///
    /// # Errors
    /// When the socket does not take it.
    pub(super) fn wait_at_most(&self, time: Duration) -> Result<()> {
        Ok(self.socket.set_read_timeout(Some(time))?)
    }

    /// Sends a GraphQL document to the service at `port`.
    ///
    /// # Errors
    /// When it cannot be packed or sent.
    pub(super) fn query(&mut self, port: u16, body: &[u8]) -> Result<()> {
        self.send(PayloadType::GraphQl, Class::Standard, port, body)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When it cannot be packed or sent.
    pub(super) fn send(
        &mut self,
        payload_type: PayloadType,
        class: Class,
        port: u16,
        payload: &[u8],
    ) -> Result<()> {
        let head = self.head(payload_type, class, port);
        let all = self.format.packet_count(&head, payload.len())?;
        self.send_packets(&head, payload, all, Duration::ZERO)
    }

    /// Sends a message but its last packet, with a `pause` after each.
    ///
    /// # Errors
    /// When it cannot be packed or sent.
    pub(super) fn send_without_end(
        &mut self,
        payload_type: PayloadType,
        class: Class,
        payload: &[u8],
        pause: Duration,
    ) -> Result<()> {
        let head = self.head(payload_type, class, DISCARD_PORT);
        let all = self.format.packet_count(&head, payload.len())?;
        self.send_packets(&head, payload, all.saturating_sub(1), pause)
    }

    /// Sends what is no packet.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) fn garbage(&self) -> Result<()> {
        self.transmit(&[0xFF; 64])
    }

    fn head(&mut self, payload_type: PayloadType, class: Class, port: u16) -> Head {
        self.next_command += 1;
        Head {
            payload_type,
            class,
            security: None,
            command_id: self.next_command,
            port,
        }
    }

    fn send_packets(
        &mut self,
        head: &Head,
        payload: &[u8],
        packets: u32,
        pause: Duration,
    ) -> Result<()> {
        let channel = self.format.channel_of(head);
        let mut packet = Vec::new();
        for index in 0..packets {
            let count = self.counts.entry(channel).or_default();
            self.format
                .build(head, payload, index, *count, &mut packet)?;
            *count = (*count + 1) % COUNTS;
            self.transmit(&packet)?;
            if !pause.is_zero() {
                thread::sleep(pause);
            }
        }
        Ok(())
    }

    fn transmit(&self, packet: &[u8]) -> Result<()> {
        let sent = self
            .socket
            .send_to(packet, (Ipv4Addr::LOCALHOST, self.radio));
        match sent {
            // Before the radio is there, the system may say that nobody is.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            sent => Ok(sent.map(drop)?),
        }
    }

    /// Whether a packet came.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) fn hear(&mut self) -> Result<bool> {
        match self.socket.recv(&mut self.buffer) {
            Ok(_) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock
                | ErrorKind::TimedOut
                | ErrorKind::ConnectionRefused
                | ErrorKind::Interrupted => Ok(false),
                _ => Err(error.into()),
            },
        }
    }
}
