//! A satellite and its stations with security, and what ran on the satellite.

use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySetup, State};

use crate::packets::SERVICE_PORT;

const KEY: &str = "1 4242424242424242424242424242424242424242424242424242424242424242";

/// All that is on the air goes through the test's hands.
pub(crate) struct SecuredLink {
    pub(crate) satellite: Link,
    pub(crate) stations: Vec<Link>,
    pub(crate) now: Instant,
    /// What services got.
    pub(crate) ran: Vec<Vec<u8>>,
    /// Answers that the stations believed.
    pub(crate) answers: usize,
    pub(crate) flash_works: bool,
    /// What the satellite's flash holds.
    flash: Option<Vec<u8>>,
    mode: Mode,
    starts: u8,
    commands: u64,
}

impl SecuredLink {
    /// With keys in common.
    pub(crate) fn new(mode: Mode, stations: u8) -> Self {
        let mut link = SecuredLink {
            satellite: end(End::Satellite, mode, stations, None, 0),
            stations: (1..=stations)
                .map(|station| end(End::Ground, mode, station, None, 100))
                .collect(),
            now: Instant::now(),
            ran: Vec::new(),
            answers: 0,
            flash_works: true,
            flash: None,
            mode,
            starts: 0,
            commands: 0,
        };
        link.passes(Duration::ZERO);
        for station in &link.stations {
            assert_eq!(station.is_in_sync(), Some(true));
        }
        link
    }

    /// Time passes, and everything arrives.
    pub(crate) fn passes(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        self.satellite.handle_timeout(now);
        for station in 0..self.stations.len() {
            self.stations[station].handle_timeout(now);
        }
        loop {
            let down = self.down();
            let mut up = Vec::new();
            for station in 0..self.stations.len() {
                up.extend(self.up(station));
            }
            if down.is_empty() && up.is_empty() {
                return;
            }
            for packet in down {
                up.extend(self.stations_hear(&packet));
            }
            for packet in up {
                self.satellite.handle_packet(now, packet);
            }
        }
    }

    /// The packets of a query by one station.
    pub(crate) fn query(&mut self, station: usize, body: &[u8]) -> Vec<Vec<u8>> {
        self.commands += 1;
        self.stations[station].command(Command {
            command_id: self.commands,
            payload_type: PayloadType::GraphQl,
            port: SERVICE_PORT,
            payload: body.to_vec(),
            timeout: Duration::from_secs(5),
            retries: 0,
        });
        self.up(station)
    }

    /// The satellite hears a packet; gives what comes down.
    pub(crate) fn hears(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.satellite.handle_packet(self.now, packet);
        self.down()
    }

    /// All stations hear a packet; gives what goes up.
    pub(crate) fn stations_hear(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let mut up = Vec::new();
        for station in 0..self.stations.len() {
            self.stations[station].handle_packet(self.now, packet);
            up.extend(self.up(station));
        }
        up
    }

    /// The satellite loses power, and starts with what is on its flash.
    pub(crate) fn reboots(&mut self) {
        self.starts += 1;
        let state = self.flash.as_deref().and_then(State::decode);
        let stations = self.stations.len() as u8;
        self.satellite = end(End::Satellite, self.mode, stations, state, self.starts);
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        let all = self.satellite.statistics();
        assert!(all.balances(), "{all:?}");
        all.packets_in.dropped.of(reason) + all.messages_in.dropped.of(reason)
    }

    fn up(&mut self, station: usize) -> Vec<Vec<u8>> {
        let (mut packets, mut out, mut waited) = (Vec::new(), Vec::new(), false);
        loop {
            let link = &mut self.stations[station];
            while let Some(action) = link.poll_action() {
                match action {
                    Action::StoreSecurity { token, .. } => {
                        link.handle_security_stored(self.now, token, Ok(()));
                    }
                    Action::Answered { .. } => self.answers += 1,
                    _ => {}
                }
            }
            let is_built = link.poll_packet(self.now, 0, &mut out);
            // It may only have had to wait for its disk.
            if !is_built && std::mem::replace(&mut waited, true) {
                return packets;
            }
            if !is_built {
                continue;
            }
            waited = false;
            link.handle_written(self.now, 0, Ok(()));
            packets.push(out.clone());
        }
    }

    fn down(&mut self) -> Vec<Vec<u8>> {
        let (mut packets, mut out, mut waited) = (Vec::new(), Vec::new(), false);
        loop {
            while let Some(action) = self.satellite.poll_action() {
                match action {
                    Action::StoreSecurity { token, octets } => {
                        let result = match self.flash_works {
                            true => Ok(()),
                            false => Err("worn out".to_owned()),
                        };
                        if result.is_ok() {
                            self.flash = Some(octets);
                        }
                        let now = self.now;
                        self.satellite.handle_security_stored(now, token, result);
                    }
                    Action::Post { handler, body, .. } => {
                        self.ran.push(body.to_vec());
                        drop(body);
                        let answer = HeldBytes::copy_of(self.satellite.budget(), b"ok");
                        self.satellite
                            .handle_answer(handler, Ok(answer.expect("there is room")));
                    }
                    other => panic!("not asked for: {other:?}"),
                }
            }
            let is_built = self.satellite.poll_packet(self.now, 0, &mut out);
            if !is_built && std::mem::replace(&mut waited, true) {
                return packets;
            }
            if !is_built {
                continue;
            }
            waited = false;
            self.satellite.handle_written(self.now, 0, Ok(()));
            packets.push(out.clone());
        }
    }
}

fn end(end: End, mode: Mode, station: u8, state: Option<State>, seed: u8) -> Link {
    let format = SpacePacketFormat {
        // So that what is altered reaches the security layer.
        error_control: false,
        secured: true,
        ..SpacePacketFormat::new(end)
    };
    let security = Security::new(SecuritySetup {
        end,
        mode,
        keys: KeyRing::parse(KEY.as_bytes()).expect("a good key"),
        station,
        state,
        seed: [seed ^ station; 32],
        challenge_interval: Duration::from_secs(60),
        silence: Duration::from_secs(86_400),
    });
    Link::new(LinkConfig::new(end), Box::new(format)).with_security(security)
}
