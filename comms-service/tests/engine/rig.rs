//! Two ends of a link with a radio of queues between them. Every call of an
//! engine goes through [`Rig::on`], which looks at its accounts afterwards.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use comms_service::accounting::{DropReason, Flow, Statistics};
use comms_service::budget::HeldBytes;
use comms_service::link::{
    Action, Command, CommandFailure, ContactState, HandlerId, JournalEntry, Link, LinkConfig,
    Receipt, ServiceFailure,
};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::options::Addresses;
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use comms_service::telemetry::ERRORS_MAX;
use comms_service::{LinkOptions, PacketFormat};

/// Port of the satellite's downlink endpoint 0; endpoint 1 has the next one.
pub(crate) const DOWNLINK_PORT: u16 = 13_011;
/// Where format `udp` sends the datagrams of apps.
pub(crate) const GROUND_PORT: u16 = 9001;
/// How long the ground waits for an answer.
pub(crate) const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the ground sends a query again.
pub(crate) const RETRIES: u32 = 2;
/// An error answer may be made though the budget is spent; it has at most so
/// many octets.
const NOTICE_BYTES_MAX: u64 = 512;

/// A query that a service is working on.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) handler: HandlerId,
    pub(crate) port: u16,
    pub(crate) body: HeldBytes,
}

/// A datagram that a service is to answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) socket: usize,
    pub(crate) port: u16,
    pub(crate) payload: HeldBytes,
}

/// What the ground learns of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Answered(u64, Vec<u8>),
    Replied(u64, Vec<u8>),
    Sent(u64),
    Failed(u64, CommandFailure),
}

/// What a file entity is told by its link.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Pdu(Vec<u8>),
    Departed(u64, Result<(), DropReason>),
    Contact(ContactState),
}

/// What the satellite's socket does with datagrams for services.
#[derive(Clone, Debug)]
pub(crate) enum Socket {
    Takes,
    Refuses(ServiceFailure),
    /// Neither yet: the datagrams stay in flight.
    Stalls,
}

pub(crate) struct Rig {
    pub(crate) now: Instant,
    pub(crate) socket: Socket,
    satellite: Link,
    ground: Link,
    satellite_config: LinkConfig,
    /// On the satellite: not yet answered.
    pub(crate) posts: VecDeque<Post>,
    /// On the satellite: not yet answered.
    pub(crate) exchanges: VecDeque<Exchange>,
    /// On the satellite: for which port, and what.
    pub(crate) datagrams: Vec<(u16, Vec<u8>)>,
    /// On the satellite: not yet written.
    pub(crate) journal: VecDeque<JournalEntry>,
    /// On the ground, oldest first.
    pub(crate) outcomes: Vec<Outcome>,
    /// On the ground: what came unasked.
    pub(crate) heard: Vec<(Head, Vec<u8>)>,
    /// On the satellite: what apps learn of what they submitted, oldest first.
    pub(crate) receipts: Vec<(u64, Receipt)>,
    /// What the file entity of either end is told, oldest first.
    pub(crate) entity: Vec<(End, Told)>,
}

/// The satellite's limits, with one `write` and its endpoint.
pub(crate) fn satellite_config() -> LinkConfig {
    LinkConfig {
        downlink_ports: vec![DOWNLINK_PORT],
        ..LinkConfig::new(End::Satellite)
    }
}

/// A format as a configuration file would name it, of the options that it knows.
pub(crate) fn format(options: &LinkOptions, end: End) -> Box<dyn LinkPacket> {
    let addresses = Addresses {
        ground_ip: Ipv4Addr::new(192, 168, 8, 1),
        satellite_ip: Ipv4Addr::new(192, 168, 8, 2),
        ground_port: Some(GROUND_PORT),
    };
    let http_ports = match options.format {
        PacketFormat::Udp => options.http_ports.clone(),
        _ => Vec::new(),
    };
    let space_packet = options.format == PacketFormat::SpacePacket;
    let options = LinkOptions {
        http_ports,
        error_control: options.error_control.filter(|_| space_packet),
        ..options.clone()
    };
    options.packet_format(end, None, addresses).unwrap()
}

pub(crate) fn failure(reason: DropReason, message: &str) -> ServiceFailure {
    ServiceFailure {
        reason,
        message: message.to_string(),
    }
}

/// All packets of a message as a sender of format `space-packet` builds them,
/// counted from `first_count`.
pub(crate) fn segments(
    format: &SpacePacketFormat,
    head: Head,
    payload: &[u8],
    first_count: u16,
) -> Vec<Vec<u8>> {
    let packets = format.packet_count(&head, payload.len()).unwrap();
    let build = |index| {
        let mut packet = Vec::new();
        let count = first_count.wrapping_add(index as u16);
        format
            .build(&head, payload, index, count, &mut packet)
            .unwrap();
        packet
    };
    (0..packets).map(build).collect()
}

pub(crate) fn head(payload_type: PayloadType, command_id: u64, port: u16) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id,
        port,
    }
}

/// Octets that differ from place to place.
pub(crate) fn octets(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at % 251) as u8).collect()
}

pub(crate) fn dropped(flow: &Flow) -> Vec<(DropReason, u64)> {
    flow.dropped.iter().collect()
}

impl Rig {
    pub(crate) fn new(
        satellite: LinkConfig,
        satellite_format: Box<dyn LinkPacket>,
        ground: LinkConfig,
        ground_format: Box<dyn LinkPacket>,
    ) -> Rig {
        Rig {
            now: Instant::now(),
            socket: Socket::Takes,
            satellite: Link::new(satellite.clone(), satellite_format),
            ground: Link::new(ground, ground_format),
            satellite_config: satellite,
            posts: VecDeque::new(),
            exchanges: VecDeque::new(),
            datagrams: Vec::new(),
            journal: VecDeque::new(),
            outcomes: Vec::new(),
            heard: Vec::new(),
            receipts: Vec::new(),
            entity: Vec::new(),
        }
    }

    /// The default format, with these limits on the satellite.
    pub(crate) fn with_satellite(satellite: LinkConfig) -> Rig {
        Self::with_options(satellite, &LinkOptions::default())
    }

    /// The same options on both ends.
    pub(crate) fn with_options(satellite: LinkConfig, options: &LinkOptions) -> Rig {
        Rig::new(
            satellite,
            format(options, End::Satellite),
            LinkConfig::new(End::Ground),
            format(options, End::Ground),
        )
    }

    pub(crate) fn space_packet() -> Rig {
        Self::with_satellite(satellite_config())
    }

    pub(crate) fn kubos() -> Rig {
        let options = LinkOptions {
            format: PacketFormat::Kubos,
            ..LinkOptions::default()
        };
        Self::with_options(satellite_config(), &options)
    }

    /// Format `udp`; port 8020 speaks HTTP, all others answer by UDP.
    pub(crate) fn udp(exchange_sockets: usize, handler_queue_messages_max: usize) -> Rig {
        let satellite = LinkConfig {
            handler_queue_messages_max,
            ..satellite_config()
        };
        Self::udp_with(satellite, exchange_sockets)
    }

    /// Format `udp` with these limits on the satellite.
    pub(crate) fn udp_with(satellite: LinkConfig, exchange_sockets: usize) -> Rig {
        let options = LinkOptions {
            format: PacketFormat::Udp,
            http_ports: vec![8020],
            ..LinkOptions::default()
        };
        let satellite = LinkConfig {
            exchange_sockets,
            ..satellite
        };
        Self::with_options(satellite, &options)
    }

    /// Calls an engine, then does what it asks for and checks its accounts.
    pub(crate) fn on<T>(&mut self, end: End, call: impl FnOnce(&mut Link, Instant) -> T) -> T {
        let now = self.now;
        let result = call(self.link_mut(end), now);
        self.check(end);
        while let Some(action) = self.link_mut(end).poll_action() {
            self.perform(end, action);
            self.check(end);
        }
        result
    }

    fn link(&self, end: End) -> &Link {
        match end {
            End::Satellite => &self.satellite,
            End::Ground => &self.ground,
        }
    }

    fn link_mut(&mut self, end: End) -> &mut Link {
        match end {
            End::Satellite => &mut self.satellite,
            End::Ground => &mut self.ground,
        }
    }

    fn perform(&mut self, end: End, action: Action) {
        match action {
            Action::Post {
                handler,
                port,
                body,
            } => self.posts.push_back(Post {
                handler,
                port,
                body,
            }),
            Action::SendDatagram { port, payload, .. } => {
                self.datagrams.push((port, payload.to_vec()));
                match self.socket.clone() {
                    Socket::Takes => self.satellite.handle_datagram_sent(Ok(())),
                    Socket::Refuses(failure) => {
                        self.satellite.handle_datagram_sent(Err(failure));
                    }
                    Socket::Stalls => {}
                }
            }
            Action::Exchange {
                socket,
                port,
                payload,
            } => self.exchanges.push_back(Exchange {
                socket,
                port,
                payload,
            }),
            Action::Answered {
                command_id,
                payload,
            } => self
                .outcomes
                .push(Outcome::Answered(command_id, payload.to_vec())),
            Action::Replied {
                command_id,
                payload,
            } => self
                .outcomes
                .push(Outcome::Replied(command_id, payload.to_vec())),
            Action::Sent { command_id } => self.outcomes.push(Outcome::Sent(command_id)),
            Action::Failed {
                command_id,
                failure,
            } => self.outcomes.push(Outcome::Failed(command_id, failure)),
            Action::Journal(entry) => self.journal.push_back(entry),
            Action::Heard(message) => self.heard.push((message.head, message.payload.to_vec())),
            Action::Receipt {
                submission,
                receipt,
            } => self.receipts.push((submission, receipt)),
            Action::Pdu { octets } => self.entity.push((end, Told::Pdu(octets.to_vec()))),
            Action::PduDeparted { token, result } => {
                self.entity.push((end, Told::Departed(token, result)));
            }
            Action::ContactChanged(state) => self.entity.push((end, Told::Contact(state))),
            Action::StoreSecurity { .. } => panic!("a link without security stores its state"),
        }
    }

    fn check(&self, end: End) {
        let statistics = self.link(end).statistics();
        assert!(
            statistics.balances(),
            "accounts do not add up: {statistics:?}"
        );
        let notices = match end {
            End::Satellite => {
                let queues = self.satellite_config.writes
                    * self.satellite_config.transmit_queue_messages_max;
                queues as u64 * NOTICE_BYTES_MAX
            }
            End::Ground => 0,
        };
        assert!(statistics.memory_bytes_used <= statistics.memory_bytes_max + notices);
        assert!(statistics.errors.len() <= ERRORS_MAX);
    }

    // The ground's side.

    pub(crate) fn command(&mut self, command: Command) {
        self.on(End::Ground, |link, _| link.command(command));
    }

    /// A GraphQL query with the usual time-out and retries.
    pub(crate) fn query(&mut self, command_id: u64, port: u16, payload: &[u8]) {
        self.ask(PayloadType::GraphQl, command_id, port, payload);
    }

    pub(crate) fn ask(&mut self, kind: PayloadType, command_id: u64, port: u16, payload: &[u8]) {
        self.command(Command {
            command_id,
            payload_type: kind,
            port,
            payload: payload.to_vec(),
            timeout: COMMAND_TIMEOUT,
            retries: RETRIES,
        });
    }

    /// The satellite begins anew, and knows nothing of before.
    pub(crate) fn restart_satellite(&mut self) {
        let format = format(&LinkOptions::default(), End::Satellite);
        self.satellite = Link::new(self.satellite_config.clone(), format);
    }

    // The services' side.

    /// An app sends a datagram to the satellite's downlink endpoint.
    pub(crate) fn app_sends(&mut self, endpoint: usize, payload: &[u8]) {
        self.on(End::Satellite, |link, now| {
            link.handle_datagram(now, endpoint, payload);
        });
    }

    /// The oldest query is answered.
    pub(crate) fn service_answers(&mut self, answer: &[u8]) {
        let post = self.posts.pop_front().expect("a query with a service");
        drop(post.body);
        self.on(End::Satellite, |link, _| {
            let held = HeldBytes::copy_of(link.budget(), answer);
            let answer = held.map_err(|spent| failure(DropReason::MemorySpent, &spent.to_string()));
            link.handle_answer(post.handler, answer);
        });
    }

    /// The oldest query fails.
    pub(crate) fn service_fails(&mut self, reason: DropReason, message: &str) {
        let post = self.posts.pop_front().expect("a query with a service");
        drop(post.body);
        let answer = Err(failure(reason, message));
        self.on(End::Satellite, |link, _| {
            link.handle_answer(post.handler, answer);
        });
    }

    /// The disk took the oldest entry of the journal, or did not.
    pub(crate) fn disk_writes(&mut self, result: Result<(), &str>) {
        if let Some(JournalEntry::Started { record, .. }) = self.journal.pop_front() {
            let result = result.map_err(str::to_string);
            self.on(End::Satellite, |link, now| {
                link.handle_recorded(now, record, result);
            });
        }
    }

    /// A datagram from `port` comes back by local socket `socket`.
    pub(crate) fn service_replies(&mut self, socket: usize, port: u16, reply: &[u8]) {
        self.on(End::Satellite, |link, now| {
            link.handle_reply(now, socket, port, reply);
        });
    }

    // The radio between them.

    /// Takes the next packet from a `write`, which does not return yet.
    pub(crate) fn begin_write(&mut self, end: End, write: usize) -> Option<Vec<u8>> {
        let mut packet = Vec::new();
        let has_packet = self.link(end).has_packet(self.now, write);
        let some = self.on(end, |link, now| link.poll_packet(now, write, &mut packet));
        assert!(!some || has_packet, "has_packet said there was none");
        some.then_some(packet)
    }

    pub(crate) fn end_write(&mut self, end: End, write: usize, result: Result<(), String>) {
        self.on(end, |link, now| link.handle_written(now, write, result));
    }

    /// The next packet that `write` 0 of this end sends.
    pub(crate) fn transmit(&mut self, end: End) -> Option<Vec<u8>> {
        let packet = self.begin_write(end, 0)?;
        self.end_write(end, 0, Ok(()));
        Some(packet)
    }

    /// All packets that wait at `write` 0 of this end.
    pub(crate) fn transmit_all(&mut self, end: End) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.transmit(end)).collect()
    }

    /// This end hears a packet.
    pub(crate) fn hear(&mut self, end: End, packet: Vec<u8>) {
        self.on(end, |link, now| link.handle_packet(now, packet));
    }

    pub(crate) fn hear_all(&mut self, end: End, packets: impl IntoIterator<Item = Vec<u8>>) {
        for packet in packets {
            self.hear(end, packet);
        }
    }

    /// Carries everything up that waits; gives how many packets that were.
    pub(crate) fn carry_up(&mut self) -> usize {
        let packets = self.transmit_all(End::Ground);
        let carried = packets.len();
        self.hear_all(End::Satellite, packets);
        carried
    }

    /// Carries everything down that waits; gives how many packets that were.
    pub(crate) fn carry_down(&mut self) -> usize {
        let packets = self.transmit_all(End::Satellite);
        let carried = packets.len();
        self.hear_all(End::Ground, packets);
        carried
    }

    /// Time passes; both engines are woken when they asked for it.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            let ends = [End::Satellite, End::Ground];
            let timeouts = ends.map(|end| self.link(end).poll_timeout());
            let Some(due) = timeouts.into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            for end in ends {
                self.on(end, |link, now| link.handle_timeout(now));
            }
        }
        panic!("an engine asks to be woken again and again");
    }

    // Looking.

    pub(crate) fn satellite(&self) -> Statistics {
        self.satellite.statistics()
    }

    pub(crate) fn ground(&self) -> Statistics {
        self.ground.statistics()
    }

    pub(crate) fn next_timeout(&self, end: End) -> Option<Instant> {
        self.link(end).poll_timeout()
    }

    /// Nothing is held but for what is remembered, due or waiting at either end.
    pub(crate) fn assert_idle(&self) {
        for end in [End::Satellite, End::Ground] {
            let statistics = self.link(end).statistics();
            for flow in [
                &statistics.packets_in,
                &statistics.messages_in,
                &statistics.messages_out,
                &statistics.packets_out,
            ] {
                assert_eq!((flow.queued, flow.in_flight), (0, 0), "{end:?}: {flow:?}");
            }
            let remembered = statistics.answer_bytes_remembered;
            assert_eq!(statistics.memory_bytes_used, remembered, "{end:?}");
            assert_eq!(self.link(end).poll_timeout(), None, "{end:?}");
            assert!(!self.link(end).has_packet(self.now, 0), "{end:?}");
        }
    }
}
