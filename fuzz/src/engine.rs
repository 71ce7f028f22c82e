//! The engines of both ends: the input is what happens to them, one thing after the
//! other. Whatever that is, no account is wrong, no bound exceeded, and in the end
//! nothing is held.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::{
    Action, Command, HandlerId, Link, LinkConfig, PduToSend, QueueClass, ServiceFailure,
};
use comms_service::message::{End, PayloadType};
use comms_service::{LinkOptions, PacketFormat};

use crate::packets::format;

/// Longer than any time-out of the target.
const LONG: Duration = Duration::from_secs(3600);
const MEMORY_BYTES_MAX: usize = 6000;
/// Error documents that go down although the budget is spent, all together.
const NOTICES_BYTES_MAX: usize = 16 * 1024;
const DOWNLINK_PORT: u16 = 13_011;
const SERVICE_PORT: u16 = 8020;

/// The engines, and all that is between and behind them.
struct World<'a> {
    input: &'a [u8],
    now: Instant,
    satellite: Link,
    ground: Link,
    /// Packets on their way to the satellite, and to the ground.
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
    handlers: VecDeque<HandlerId>,
    exchanges: VecDeque<(usize, u16)>,
    datagrams: usize,
    commands_open: usize,
    /// PDUs that are queued, of both ends.
    pdus_open: usize,
}

/// Any calls of both engines in any order.
pub fn engine(input: &[u8]) {
    let Some((setup, input)) = input.split_first() else {
        return;
    };
    let mut world = World::new(*setup, input);
    while let Some(what) = world.octet() {
        world.happens(what);
        world.check();
    }
    world.end();
}

impl<'a> World<'a> {
    fn new(setup: u8, input: &'a [u8]) -> Self {
        let formats = [
            PacketFormat::SpacePacket,
            PacketFormat::SpacePacket,
            PacketFormat::Kubos,
            PacketFormat::Udp,
        ];
        let format_of = formats[usize::from(setup % 4)];
        let space_packet = format_of == PacketFormat::SpacePacket;
        let options = LinkOptions {
            format: format_of,
            // Without it, hostile octets come further.
            error_control: space_packet.then_some(setup.is_multiple_of(4)),
            packet_bytes_max: space_packet.then_some(48),
            message_bytes_max: Some(2000),
            memory_bytes_max: Some(MEMORY_BYTES_MAX),
            handler_queue_messages_max: Some(usize::from(setup >> 2) % 4),
            transmit_queue_messages_max: Some(1 + usize::from(setup >> 4) % 4),
            ..LinkOptions::default()
        };
        let link = |end| {
            let config = LinkConfig {
                downlink_ports: vec![DOWNLINK_PORT],
                handlers_max: 2,
                exchange_sockets: 2,
                commands_max: 3,
                takes_pdus: true,
                ..options.link_config(LinkConfig::new(end))
            };
            Link::new(config, format(&options, end))
        };
        Self {
            input,
            now: Instant::now(),
            satellite: link(End::Satellite),
            ground: link(End::Ground),
            up: VecDeque::new(),
            down: VecDeque::new(),
            handlers: VecDeque::new(),
            exchanges: VecDeque::new(),
            datagrams: 0,
            commands_open: 0,
            pdus_open: 0,
        }
    }

    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*first)
    }

    /// How much or which; 0 when the input is at its end.
    fn number(&mut self) -> usize {
        self.octet().map_or(0, usize::from)
    }

    fn octets(&mut self) -> Vec<u8> {
        let count = self.number().min(self.input.len());
        let (octets, rest) = self.input.split_at(count);
        self.input = rest;
        octets.to_vec()
    }

    fn happens(&mut self, what: u8) {
        let now = self.now;
        match what % 16 {
            0 => {
                let octets = self.octets();
                self.satellite.handle_packet(now, octets);
            }
            1 => {
                let octets = self.octets();
                self.ground.handle_packet(now, octets);
            }
            2 => self.command(),
            3 => self.transmit(End::Ground, true),
            4 => self.transmit(End::Satellite, true),
            5 => {
                let end = [End::Ground, End::Satellite][self.number() % 2];
                self.transmit(end, false);
            }
            6 => self.deliver(true),
            7 => self.deliver(false),
            8 => {
                let time = Duration::from_millis(100 * self.number() as u64);
                self.now += time;
            }
            9 => self.answer(),
            10 => self.report(),
            11 => {
                let bytes = 10 * self.number();
                let endpoint = self.number() % 2;
                self.satellite
                    .handle_datagram(now, endpoint, &vec![0x42; bytes]);
            }
            12 => {
                let random = self.number() as u64;
                let command_id = self.ground.command_id(random);
                self.ground.cancel(command_id);
            }
            13 => {
                drop(self.up.pop_front());
                drop(self.down.pop_front());
            }
            14 if what < 128 => self.satellite.handle_read_error("noise"),
            14 => self.pdu(),
            _ => self.reply(),
        }
        self.settle();
    }

    fn command(&mut self) {
        let types = [
            PayloadType::GraphQl,
            PayloadType::Udp,
            PayloadType::UdpExchange,
        ];
        let random = self.number() as u64 % 4;
        let payload_type = types[self.number() % types.len()];
        let bytes = 10 * self.number();
        self.commands_open += 1;
        self.ground.command(Command {
            command_id: self.ground.command_id(random),
            payload_type,
            port: SERVICE_PORT,
            payload: vec![0x41; bytes],
            timeout: Duration::from_secs(5),
            retries: 1,
        });
    }

    fn pdu(&mut self) {
        let (random, bytes) = (self.number(), self.number());
        let link = match random % 2 {
            0 => &mut self.satellite,
            _ => &mut self.ground,
        };
        let pdu = PduToSend {
            token: 0,
            class: QueueClass::ALL[random / 2 % 3],
            octets: &vec![0x46; bytes],
        };
        let queued = link.handle_pdu_to_send(0, pdu);
        self.pdus_open += usize::from(queued.is_ok());
    }

    fn transmit(&mut self, end: End, works: bool) {
        let (link, air) = match end {
            End::Satellite => (&mut self.satellite, &mut self.down),
            End::Ground => (&mut self.ground, &mut self.up),
        };
        let mut packet = Vec::new();
        if link.poll_packet(self.now, 0, &mut packet) {
            let result = match works {
                true => {
                    air.push_back(packet);
                    Ok(())
                }
                false => Err("no".to_owned()),
            };
            link.handle_written(self.now, 0, result);
        }
    }

    /// The next packet on the way arrives, perhaps altered, perhaps to come again.
    fn deliver(&mut self, up: bool) {
        let (link, air) = match up {
            true => (&mut self.satellite, &mut self.up),
            false => (&mut self.ground, &mut self.down),
        };
        let Some(mut packet) = air.pop_front() else {
            return;
        };
        let how = self.input.split_first().map_or(0, |(first, rest)| {
            self.input = rest;
            *first
        });
        match how {
            0..200 => {}
            200..230 => air.push_back(packet.clone()),
            _ => {
                let at = usize::from(how) % packet.len().max(1);
                if let Some(octet) = packet.get_mut(at) {
                    *octet ^= how;
                }
            }
        }
        link.handle_packet(self.now, packet);
    }

    fn answer(&mut self) {
        let bytes = 10 * self.number();
        let Some(handler) = self.handlers.pop_front() else {
            return;
        };
        let answer = match bytes {
            0 => Err(failure()),
            _ => HeldBytes::copy_of(self.satellite.budget(), &vec![0x43; bytes])
                .map_err(|_| failure()),
        };
        self.satellite.handle_answer(handler, answer);
        if bytes == 10 {
            // The same once more counts for nothing.
            self.satellite.handle_answer(handler, Err(failure()));
        }
    }

    fn report(&mut self) {
        let works = self.number().is_multiple_of(2);
        if let Some(others) = self.datagrams.checked_sub(1) {
            self.datagrams = others;
            let result = if works { Ok(()) } else { Err(failure()) };
            self.satellite.handle_datagram_sent(result);
        }
    }

    fn reply(&mut self) {
        let (bytes, socket) = (self.number(), self.number() % 3);
        match self.exchanges.pop_front() {
            Some((socket, _)) if bytes == 0 => {
                self.satellite
                    .handle_exchange_failed(self.now, socket, failure());
            }
            Some((socket, port)) => {
                let reply = vec![0x44; bytes];
                self.satellite.handle_reply(self.now, socket, port, &reply);
            }
            // Out of the blue.
            None => self
                .satellite
                .handle_reply(self.now, socket, SERVICE_PORT, &[0x45]),
        }
    }

    /// Timers, and what both engines decide.
    fn settle(&mut self) {
        for link in [&mut self.satellite, &mut self.ground] {
            if link.poll_timeout().is_some_and(|due| due <= self.now) {
                link.handle_timeout(self.now);
            }
        }
        while let Some(action) = self.satellite.poll_action() {
            match action {
                Action::PduDeparted { .. } => self.pdu_departs(),
                Action::Post { handler, .. } => self.handlers.push_back(handler),
                Action::SendDatagram { .. } => self.datagrams += 1,
                Action::Exchange { socket, port, .. } => self.exchanges.push_back((socket, port)),
                _ => {}
            }
        }
        while let Some(action) = self.ground.poll_action() {
            if matches!(action, Action::PduDeparted { .. }) {
                self.pdu_departs();
            }
            let outcome = matches!(
                action,
                Action::Answered { .. } | Action::Sent { .. } | Action::Failed { .. }
            );
            if outcome {
                let others = self.commands_open.checked_sub(1);
                self.commands_open = others.expect("one outcome for each command");
            }
        }
    }

    fn pdu_departs(&mut self) {
        let others = self.pdus_open.checked_sub(1);
        self.pdus_open = others.expect("one departure for each PDU");
    }

    fn check(&self) {
        for link in [&self.satellite, &self.ground] {
            let all = link.statistics();
            assert!(all.balances(), "{all:?}");
            let used = link.budget().bytes_used();
            assert!(
                used <= MEMORY_BYTES_MAX + NOTICES_BYTES_MAX,
                "{used} octets"
            );
        }
    }

    /// All that is open comes to its end.
    fn end(mut self) {
        while !(self.handlers.is_empty() && self.datagrams == 0) {
            if let Some(handler) = self.handlers.pop_front() {
                self.satellite.handle_answer(handler, Err(failure()));
            }
            if self.datagrams > 0 {
                self.datagrams -= 1;
                self.satellite.handle_datagram_sent(Ok(()));
            }
            self.settle();
        }
        let mut packet = Vec::new();
        for _ in 0..8 {
            self.now += LONG;
            self.settle();
            for link in [&mut self.satellite, &mut self.ground] {
                while link.poll_packet(self.now, 0, &mut packet) {
                    link.handle_written(self.now, 0, Ok(()));
                }
            }
            self.settle();
        }
        self.check();
        assert_eq!(self.pdus_open, 0, "each PDU has departed");
        for link in [&self.satellite, &self.ground] {
            let all = link.statistics();
            assert_eq!(
                all.memory_bytes_used, all.answer_bytes_remembered,
                "{all:?}"
            );
            assert_eq!(link.poll_timeout(), None);
            assert!(!link.has_packet(self.now, 0));
        }
    }
}

fn failure() -> ServiceFailure {
    ServiceFailure {
        reason: DropReason::ServiceError,
        message: "it failed".to_owned(),
    }
}
