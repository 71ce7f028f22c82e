//! The operator: one thread that asks over the radio, with a number of queries
//! outstanding, and knows the answers by their command ids.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};

use super::{ANSWER, QUERY, Round, TIMEOUT};

/// Queries answered before a round, for each that is outstanding.
const WARM_UP: usize = 50;
const DATAGRAM_BYTES_MAX: usize = 65_536;
/// APID of answers and octets before the payload, by default.
const APID_GRAPHQL: u16 = 0;
const HEADER_BYTES: usize = 16;
const ERROR_CONTROL_BYTES: usize = 2;
const SEQUENCE_COUNTS: u64 = 1 << 14;

pub(super) struct Operator {
    socket: UdpSocket,
    service: Option<SocketAddr>,
    format: SpacePacketFormat,
    server_port: u16,
    command_id: u64,
    asked: BTreeMap<u64, Instant>,
    packet: Vec<u8>,
    buffer: Vec<u8>,
}

impl Operator {
    /// One who will ask the server at `server_port`.
    ///
    /// # Errors
    /// When there is no socket.
    pub(super) fn bind(server_port: u16) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(2 * TIMEOUT))?;
        Ok(Self {
            socket,
            service: None,
            format: SpacePacketFormat::new(End::Ground),
            server_port,
            command_id: 0,
            asked: BTreeMap::new(),
            packet: Vec::new(),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        })
    }

    /// The port of this end of the radio.
    pub(super) fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// The radio's other end is at `port`.
    pub(super) fn speak_to(&mut self, port: u16) {
        self.service = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }

    /// Asks for `time`, with so many outstanding.
    ///
    /// # Errors
    /// When an answer is missing or wrong, or the socket fails.
    pub(super) fn ask(&mut self, outstanding: usize, time: Duration) -> Result<Round> {
        for _ in 0..outstanding {
            self.send()?;
        }
        for _ in 0..WARM_UP * outstanding {
            self.receive()?;
            self.send()?;
        }
        let mut latencies = Vec::new();
        let began = Instant::now();
        while began.elapsed() < time {
            latencies.push(self.receive()?);
            self.send()?;
        }
        let took = began.elapsed();
        while !self.asked.is_empty() {
            self.receive()?;
        }
        Ok(Round::new(latencies, took))
    }

    fn send(&mut self) -> Result<()> {
        self.command_id += 1;
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id: self.command_id,
            port: self.server_port,
        };
        let count = (self.command_id % SEQUENCE_COUNTS) as u16;
        self.packet.clear();
        self.format
            .build(&head, QUERY, 0, count, &mut self.packet)?;
        let service = self.service.context("there is no service yet")?;
        // Before it is sent, as the direct requests have it.
        self.asked.insert(self.command_id, Instant::now());
        self.socket.send_to(&self.packet, service)?;
        Ok(())
    }

    /// The next answer: how long it took.
    fn receive(&mut self) -> Result<Duration> {
        loop {
            let bytes = self.socket.recv(&mut self.buffer).context("no answer")?;
            let packet = self.buffer.get(..bytes).unwrap_or_default();
            let Some((command_id, answer)) = answer(packet) else {
                continue;
            };
            if answer != ANSWER {
                bail!("it answered {}", String::from_utf8_lossy(answer));
            }
            let asked = self.asked.remove(&command_id);
            let asked = asked.context("an answer that nobody waits for")?;
            ensure!(asked.elapsed() < TIMEOUT, "an answer came late");
            return Ok(asked.elapsed());
        }
    }
}

/// Command id and answer in a packet; none in one that holds something else.
fn answer(packet: &[u8]) -> Option<(u64, &[u8])> {
    let apid = u16::from_be_bytes(*packet.first_chunk()?) & 0x7FF;
    let command_id = u64::from_be_bytes(*packet.get(6..)?.first_chunk()?);
    let end = packet.len().checked_sub(ERROR_CONTROL_BYTES)?;
    let answer = packet.get(HEADER_BYTES..end)?;
    (apid == APID_GRAPHQL).then_some((command_id, answer))
}
