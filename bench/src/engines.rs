//! The engines of both ends of a link in one thread, without I/O. Time stands still.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, CommandMemoryConfig, HandlerId, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySetup};

use crate::codecs::octets;

const KEY: &str = "1 1111111111111111111111111111111111111111111111111111111111111111";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PORT: u16 = 8160;
/// Packets of one message at most, where it is not to be cut.
pub(crate) const PACKET_BYTES_MAX: usize = 65_542;
/// Packets as a service has them that names no size.
pub(crate) const PACKET_BYTES_USUAL: usize = 256;
/// The endpoint's port, which stands in the head of what it sends down.
const DOWNLINK_PORT: u16 = 13_011;
/// Rounds of control messages until both ends have keys.
const EXCHANGES_MAX: usize = 20;

/// A ground and a satellite.
pub(crate) struct Ends {
    now: Instant,
    ground: Link,
    satellite: Link,
    packet: Vec<u8>,
    next_id: u64,
}

impl Ends {
    /// With packets of `packet_bytes_max`; in sync, if there is a mode.
    ///
    /// # Errors
    /// When they do not come into sync.
    pub(crate) fn new(packet_bytes_max: usize, mode: Option<Mode>) -> Result<Self> {
        let mut ends = Self {
            now: Instant::now(),
            ground: link(End::Ground, packet_bytes_max, mode)?,
            satellite: link(End::Satellite, packet_bytes_max, mode)?,
            packet: Vec::new(),
            next_id: 1,
        };
        for _ in 0..EXCHANGES_MAX {
            ends.exchange();
        }
        let in_sync = [ends.ground.is_in_sync(), ends.satellite.is_in_sync()];
        ensure!(
            mode.is_none() || in_sync == [Some(true); 2],
            "the ends did not come into sync"
        );
        Ok(ends)
    }

    /// What carries one message up, a new one at each call; after it was seen to work.
    ///
    /// # Errors
    /// When it does not arrive.
    pub(crate) fn carrying(&mut self, bytes: usize) -> Result<impl FnMut()> {
        let payload = octets(bytes);
        let arrived = self.carry(&payload);
        ensure!(arrived == 1, "{arrived} messages of 1 arrived");
        Ok(move || {
            black_box(self.carry(black_box(&payload)));
        })
    }

    /// Sends one message up; gives how many arrived.
    pub(crate) fn carry(&mut self, payload: &[u8]) -> u32 {
        self.ground.command(Command {
            command_id: self.next_id,
            payload_type: PayloadType::Udp,
            port: PORT,
            payload: payload.to_vec(),
            timeout: Duration::from_secs(1),
            retries: 0,
        });
        self.next_id += 1;
        let (ground, satellite) = (&mut self.ground, &mut self.satellite);
        up(self.now, ground, satellite, &mut self.packet).datagrams
    }

    /// Asks a service on the satellite, which answers with `answer`; gives how many
    /// answers came down.
    pub(crate) fn ask(&mut self, answer: &[u8]) -> u32 {
        self.ground.command(Command {
            command_id: self.next_id,
            payload_type: PayloadType::GraphQl,
            port: PORT,
            payload: b"{\"query\":\"{ping}\"}".to_vec(),
            timeout: Duration::from_secs(1),
            retries: 0,
        });
        self.next_id += 1;
        let (ground, satellite) = (&mut self.ground, &mut self.satellite);
        let posts = up(self.now, ground, satellite, &mut self.packet).posts;
        for handler in posts {
            let Ok(held) = HeldBytes::copy_of(satellite.budget(), answer) else {
                return 0;
            };
            satellite.handle_answer(handler, Ok(held));
        }
        up(self.now, satellite, ground, &mut self.packet).answers
    }

    /// Puts `count` datagrams of an app into the satellite's queue, then takes them out,
    /// packet by packet; gives how many came out.
    pub(crate) fn fill_and_empty(&mut self, count: u32, datagram: &[u8]) -> u32 {
        for _ in 0..count {
            self.satellite.handle_datagram(self.now, 0, datagram);
        }
        let mut packets = 0;
        while self.satellite.poll_packet(self.now, 0, &mut self.packet) {
            black_box(&self.packet);
            self.satellite.handle_written(self.now, 0, Ok(()));
            packets += 1;
        }
        packets
    }

    /// What either end has to say goes to the other; then time passes.
    fn exchange(&mut self) {
        let (ground, satellite) = (&mut self.ground, &mut self.satellite);
        up(self.now, ground, satellite, &mut self.packet);
        up(self.now, satellite, ground, &mut self.packet);
        self.now += Duration::from_secs(10);
        for link in [&mut self.ground, &mut self.satellite] {
            link.handle_timeout(self.now);
            work_off(self.now, link);
        }
    }
}

/// Everything of one end goes to the other; gives what came of it there.
fn up(now: Instant, from: &mut Link, to: &mut Link, packet: &mut Vec<u8>) -> Done {
    let mut done = Done::default();
    loop {
        while from.poll_packet(now, 0, packet) {
            to.handle_packet(now, packet.clone());
            from.handle_written(now, 0, Ok(()));
            done.add(work_off(now, to));
        }
        // A message may wait for what is asked for here.
        if work_off(now, from).stored == 0 {
            return done;
        }
    }
}

/// What was done of what an engine asked for.
#[derive(Default)]
struct Done {
    datagrams: u32,
    answers: u32,
    stored: u32,
    /// Left to be answered.
    posts: Vec<HandlerId>,
}

impl Done {
    fn add(&mut self, other: Done) {
        self.datagrams += other.datagrams;
        self.answers += other.answers;
        self.stored += other.stored;
        self.posts.extend(other.posts);
    }
}

/// Does what an engine asks for, at once.
fn work_off(now: Instant, link: &mut Link) -> Done {
    let mut done = Done::default();
    while let Some(action) = link.poll_action() {
        match action {
            Action::StoreSecurity { token, .. } => {
                done.stored += 1;
                link.handle_security_stored(now, token, Ok(()));
            }
            Action::SendDatagram { payload, .. } => {
                black_box(&payload);
                done.datagrams += 1;
                link.handle_datagram_sent(Ok(()));
            }
            Action::Post { handler, .. } => done.posts.push(handler),
            Action::Answered { payload, .. } => {
                black_box(&payload);
                done.answers += 1;
            }
            _ => {}
        }
    }
    done
}

fn link(end: End, packet_bytes_max: usize, mode: Option<Mode>) -> Result<Link> {
    let format = SpacePacketFormat {
        packet_bytes_max,
        secured: mode.is_some(),
        ..SpacePacketFormat::new(end)
    };
    let config = LinkConfig {
        command_memory: (end == End::Satellite).then(CommandMemoryConfig::default),
        memory_bytes_max: 64 << 20,
        downlink_ports: vec![DOWNLINK_PORT],
        ..LinkConfig::new(end)
    };
    let link = Link::new(config, Box::new(format));
    let Some(mode) = mode else {
        return Ok(link);
    };
    let keys = KeyRing::parse(KEY.as_bytes()).map_err(anyhow::Error::msg)?;
    let security = Security::new(SecuritySetup {
        end,
        mode,
        keys,
        station: 1,
        state: None,
        seed: [if end == End::Ground { 1 } else { 2 }; 32],
        challenge_interval: Duration::from_secs(60),
        silence: DAY,
    });
    Ok(link.with_security(security))
}
