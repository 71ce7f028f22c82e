//! A satellite and its stations with security, each with a disk that survives a
//! crash. Time stands still unless a test lets it pass.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use comms_service::accounting::{DropReason, Statistics};
use comms_service::budget::HeldBytes;
use comms_service::link::{
    Action, Command, CommandFailure, CommandMemoryConfig, HandlerId, Link, LinkConfig,
};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySettings, SecuritySetup, State};

use crate::rig::DOWNLINK_PORT;

pub(crate) const KEY_1: &str = "1 1111111111111111111111111111111111111111111111111111111111111111";
pub(crate) const KEY_2: &str = "2 2222222222222222222222222222222222222222222222222222222222222222";
pub(crate) const CHALLENGE_INTERVAL: Duration = Duration::from_secs(60);
pub(crate) const SILENCE: Duration = Duration::from_secs(24 * 60 * 60);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// What a disk does with what it is asked to store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Disk {
    Stores,
    /// Neither yet.
    Stalls,
    Fails,
}

#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) end: End,
    pub(crate) mode: Mode,
    pub(crate) keys: String,
    pub(crate) station: u8,
}

impl Setup {
    pub(crate) fn satellite(stations: u8) -> Setup {
        Setup {
            end: End::Satellite,
            mode: Mode::Authenticate,
            keys: KEY_1.to_string(),
            station: stations,
        }
    }

    pub(crate) fn ground(station: u8) -> Setup {
        Setup {
            end: End::Ground,
            station,
            ..Setup::satellite(station)
        }
    }
}

/// One end with its disk.
pub(crate) struct Node {
    pub(crate) link: Link,
    pub(crate) setup: Setup,
    pub(crate) disk: Disk,
    /// The octets on the disk.
    pub(crate) stored: Option<Vec<u8>>,
    /// Asked for, and not done.
    pub(crate) asked: Option<(u64, Vec<u8>)>,
    starts: u8,
    pub(crate) posts: Vec<(HandlerId, Vec<u8>)>,
    pub(crate) datagrams: Vec<Vec<u8>>,
    pub(crate) answers: Vec<Vec<u8>>,
    pub(crate) failures: Vec<CommandFailure>,
    pub(crate) heard: Vec<Vec<u8>>,
    pub(crate) pdus: Vec<Vec<u8>>,
    pub(crate) departed: Vec<(u64, Result<(), DropReason>)>,
    /// Every number used, with the salt of its keys.
    used: BTreeSet<(Option<Vec<u8>>, u16, u64)>,
}

impl Node {
    pub(crate) fn new(setup: Setup) -> Node {
        Node {
            link: link(&setup, None, 0),
            setup,
            disk: Disk::Stores,
            stored: None,
            asked: None,
            starts: 0,
            posts: Vec::new(),
            datagrams: Vec::new(),
            answers: Vec::new(),
            failures: Vec::new(),
            heard: Vec::new(),
            pdus: Vec::new(),
            departed: Vec::new(),
            used: BTreeSet::new(),
        }
    }

    /// Calls the engine, and does what it asks for.
    pub(crate) fn on<T>(&mut self, now: Instant, call: impl FnOnce(&mut Link) -> T) -> T {
        let result = call(&mut self.link);
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::StoreSecurity { token, octets } => {
                    assert!(self.asked.is_none(), "two stores at once");
                    self.asked = Some((token, octets));
                    self.work_on_disk(now);
                }
                Action::Post { handler, body, .. } => self.posts.push((handler, body.to_vec())),
                Action::SendDatagram { payload, .. } => {
                    self.datagrams.push(payload.to_vec());
                    self.link.handle_datagram_sent(Ok(()));
                }
                Action::Answered { payload, .. } => self.answers.push(payload.to_vec()),
                Action::Failed { failure, .. } => self.failures.push(failure),
                Action::Sent { .. } => {}
                Action::Heard(message) => self.heard.push(message.payload.to_vec()),
                Action::Pdu { octets } => self.pdus.push(octets.to_vec()),
                Action::PduDeparted { token, result } => self.departed.push((token, result)),
                Action::ContactChanged(_) => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
        assert!(self.link.statistics().balances());
        result
    }

    pub(crate) fn work_on_disk(&mut self, now: Instant) {
        if self.disk == Disk::Stalls {
            return;
        }
        let Some((token, octets)) = self.asked.take() else {
            return;
        };
        let result = match self.disk {
            Disk::Fails => Err("the disk is worn out".to_string()),
            _ => Ok(()),
        };
        if result.is_ok() {
            self.stored = Some(octets);
        }
        self.on(now, |link| link.handle_security_stored(now, token, result));
    }

    /// Power fails and comes back. `written`: what was asked of the disk had come
    /// there, though nobody was told.
    pub(crate) fn crash(&mut self, now: Instant, written: bool) {
        if let Some((_, octets)) = self.asked.take().filter(|_| written) {
            self.stored = Some(octets);
        }
        self.posts.clear();
        self.start(now);
    }

    /// Starts anew with what the disk has.
    pub(crate) fn start(&mut self, now: Instant) {
        self.starts += 1;
        let state = self.stored.as_deref().and_then(State::decode);
        self.link = link(&self.setup, state, self.starts);
        self.on(now, |link| link.handle_timeout(now));
    }

    /// Other keys, while it runs.
    pub(crate) fn take_keys(&mut self, now: Instant, keys: &str) {
        self.setup.keys = keys.to_string();
        let settings = SecuritySettings {
            keys: KeyRing::parse(keys.as_bytes()).unwrap(),
            station: self.setup.station,
            challenge_interval: CHALLENGE_INTERVAL,
            silence: SILENCE,
        };
        self.on(now, |link| link.reconfigure_security(now, settings));
    }

    /// A clean stop and a start.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.on(now, |link| link.handle_shutdown());
        self.stored = self.link.close_security();
        self.start(now);
    }

    /// All packets that wait. No number is used twice under the same keys.
    pub(crate) fn transmit(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut packet = Vec::new();
        // Again when it had to wait for the disk.
        while self.link.has_packet(now, 0) {
            if self.on(now, |link| link.poll_packet(now, 0, &mut packet)) {
                self.note_number(&packet);
                packets.push(packet.clone());
                self.on(now, |link| link.handle_written(now, 0, Ok(())));
            }
        }
        packets
    }

    fn note_number(&mut self, packet: &[u8]) {
        let begins = packet[2] & 0x40 != 0;
        let spi = u16::from_be_bytes([packet[6], packet[7]]);
        if !begins || spi == 0 {
            return;
        }
        let number = u64::from_be_bytes(packet[8..16].try_into().unwrap());
        let state = State::decode(self.stored.as_deref().unwrap()).unwrap();
        let salt = state.salt_of((spi >> 8) as u8 & 0x7F);
        assert!(salt.is_some(), "sent under keys that are not durable");
        assert!(
            self.used.insert((salt, spi, number)),
            "number {number} of {spi:#06x} is used twice"
        );
    }

    pub(crate) fn hear(&mut self, now: Instant, packet: &[u8]) {
        self.on(now, |link| link.handle_packet(now, packet));
    }

    pub(crate) fn config(&self) -> LinkConfig {
        config(self.setup.end)
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.link.statistics()
    }

    /// How many messages and packets that came were dropped for `reason`.
    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        let all = self.statistics();
        all.messages_in.dropped.of(reason) + all.packets_in.dropped.of(reason)
    }
}

fn config(end: End) -> LinkConfig {
    LinkConfig {
        downlink_ports: vec![DOWNLINK_PORT],
        takes_pdus: true,
        command_memory: (end == End::Satellite).then(CommandMemoryConfig::default),
        ..LinkConfig::new(end)
    }
}

fn link(setup: &Setup, state: Option<State>, starts: u8) -> Link {
    let format = SpacePacketFormat {
        // So that an altered octet reaches the security layer.
        error_control: false,
        secured: true,
        ..SpacePacketFormat::new(setup.end)
    };
    let end = u8::from(setup.end == End::Ground);
    let security = Security::new(SecuritySetup {
        end: setup.end,
        mode: setup.mode,
        keys: KeyRing::parse(setup.keys.as_bytes()).unwrap(),
        station: setup.station,
        state,
        seed: [starts.wrapping_mul(2).wrapping_add(end) ^ setup.station << 6; 32],
        challenge_interval: CHALLENGE_INTERVAL,
        silence: SILENCE,
    });
    Link::new(config(setup.end), Box::new(format)).with_security(security)
}

/// A satellite and its stations, which all hear it.
pub(crate) struct Sky {
    pub(crate) now: Instant,
    pub(crate) satellite: Node,
    pub(crate) grounds: Vec<Node>,
    /// Everything that went over the air.
    pub(crate) air_up: Vec<Vec<u8>>,
    pub(crate) air_down: Vec<Vec<u8>>,
    next_id: u64,
}

impl Sky {
    /// At the first start, without any state.
    pub(crate) fn new(satellite: Setup, grounds: impl IntoIterator<Item = Setup>) -> Sky {
        Sky {
            now: Instant::now(),
            satellite: Node::new(satellite),
            grounds: grounds.into_iter().map(Node::new).collect(),
            air_up: Vec::new(),
            air_down: Vec::new(),
            next_id: 1,
        }
    }

    /// One satellite and one station, in sync.
    pub(crate) fn in_sync() -> Sky {
        Self::in_sync_with(Setup::satellite(1), [Setup::ground(1)])
    }

    pub(crate) fn in_sync_with(satellite: Setup, grounds: impl IntoIterator<Item = Setup>) -> Sky {
        let mut sky = Sky::new(satellite, grounds);
        sky.pass(Duration::ZERO);
        for ground in &sky.grounds {
            assert_eq!(ground.link.is_in_sync(), Some(true));
        }
        sky
    }

    /// Carries everything until nobody has anything to say.
    pub(crate) fn carry(&mut self) {
        loop {
            let before = self.air_up.len() + self.air_down.len();
            self.carry_up();
            self.carry_down();
            if self.air_up.len() + self.air_down.len() == before {
                return;
            }
        }
    }

    pub(crate) fn carry_up(&mut self) {
        for ground in &mut self.grounds {
            for packet in ground.transmit(self.now) {
                self.satellite.hear(self.now, &packet);
                self.air_up.push(packet);
            }
        }
    }

    pub(crate) fn carry_down(&mut self) {
        for packet in self.satellite.transmit(self.now) {
            for ground in &mut self.grounds {
                ground.hear(self.now, &packet);
            }
            self.air_down.push(packet);
        }
    }

    /// Time passes, with all that is due in it.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let now = self.now;
        for node in std::iter::once(&mut self.satellite).chain(&mut self.grounds) {
            node.on(now, |link| link.handle_timeout(now));
        }
        self.carry();
        for _ in 0..20_000 {
            let nodes = || std::iter::once(&self.satellite).chain(&self.grounds);
            let due = nodes().filter_map(|node| node.link.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            let now = self.now;
            for node in std::iter::once(&mut self.satellite).chain(&mut self.grounds) {
                node.on(now, |link| link.handle_timeout(now));
            }
            self.carry();
        }
        panic!("somebody wants to be woken again and again");
    }

    /// A station sends a query, `retries` times again if it must.
    pub(crate) fn ask(&mut self, ground: usize, text: &str, retries: u32) {
        self.send(ground, PayloadType::GraphQl, text.as_bytes(), retries);
    }

    pub(crate) fn send(&mut self, ground: usize, kind: PayloadType, payload: &[u8], retries: u32) {
        let command = Command {
            command_id: self.next_id,
            payload_type: kind,
            port: 8020,
            payload: payload.to_vec(),
            timeout: TIMEOUT,
            retries,
        };
        self.next_id += 1;
        let now = self.now;
        self.grounds[ground].on(now, |link| link.command(command));
    }

    /// A station sends a query under an id of its choice.
    pub(crate) fn send_as(&mut self, ground: usize, command_id: u64, text: &str) {
        let next_id = std::mem::replace(&mut self.next_id, command_id);
        self.ask(ground, text, 0);
        self.next_id = next_id;
    }

    /// Every query that arrived is answered with its own text.
    pub(crate) fn services_answer(&mut self) {
        let now = self.now;
        for (handler, body) in std::mem::take(&mut self.satellite.posts) {
            self.satellite.on(now, |link| {
                let answer = HeldBytes::copy_of(link.budget(), &body).unwrap();
                link.handle_answer(handler, Ok(answer));
            });
        }
    }

    /// A query goes up and its answer comes down, without a retry.
    pub(crate) fn assert_works(&mut self, ground: usize) {
        let text = format!("works {}", self.next_id);
        self.ask(ground, &text, 0);
        self.carry();
        self.services_answer();
        self.carry();
        let answers = &self.grounds[ground].answers;
        assert_eq!(answers.last().map(Vec::as_slice), Some(text.as_bytes()));
    }

    pub(crate) fn app_sends(&mut self, payload: &[u8]) {
        let now = self.now;
        self.satellite
            .on(now, |link| link.handle_datagram(now, 0, payload));
    }
}

/// A link of one station in each mode.
pub(crate) fn both_modes() -> [Sky; 2] {
    [Mode::Authenticate, Mode::Encrypt].map(|mode| {
        let satellite = Setup {
            mode,
            ..Setup::satellite(1)
        };
        let ground = Setup {
            mode,
            ..Setup::ground(1)
        };
        Sky::in_sync_with(satellite, [ground])
    })
}
