//! Messages through the engines of both ends, without I/O: in how many segments, and
//! with which protection.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use comms_service::link::{Action, Command, CommandMemoryConfig, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySetup};

use super::octets;
use super::work::Work;
use crate::figure::Figure;
use crate::section::Run;

const KEY: &str = "1 1111111111111111111111111111111111111111111111111111111111111111";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const PORT: u16 = 8160;
/// Packets of one message at most, where it is not to be cut.
const PACKET_BYTES_MAX: usize = 65_542;
/// Rounds of control messages until both ends have keys.
const EXCHANGES_MAX: usize = 20;

/// Protection beside none, and messages in segments beside whole ones.
///
/// # Errors
/// When the ends do not come into sync, or a message does not arrive.
pub(super) fn measure(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let work = |name: &str| Work {
        run,
        name: format!("message through both engines, {name}"),
        bytes,
        times_faster: None,
        allocates_nothing: false,
    };
    for (name, mode) in [
        ("authenticated, beside clear", Mode::Authenticate),
        ("encrypted, beside clear", Mode::Encrypt),
    ] {
        let mut secured = Ends::new(PACKET_BYTES_MAX, Some(mode))?;
        let mut clear = Ends::new(PACKET_BYTES_MAX, None)?;
        figures.extend(work(name).beside(secured.carrying(bytes)?, clear.carrying(bytes)?)?);
    }
    let segment_bytes = (bytes / 4).max(48);
    let mut cut = Ends::new(segment_bytes, None)?;
    let mut whole = Ends::new(PACKET_BYTES_MAX, None)?;
    let name = format!("in packets of {segment_bytes}, beside whole");
    figures.extend(work(&name).beside(cut.carrying(bytes)?, whole.carrying(bytes)?)?);
    Ok(figures)
}

/// A ground and a satellite in one thread; time stands still.
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
        up(
            self.now,
            &mut self.ground,
            &mut self.satellite,
            &mut self.packet,
        )
    }

    /// What either end has to say goes to the other; then time passes.
    fn exchange(&mut self) {
        up(
            self.now,
            &mut self.ground,
            &mut self.satellite,
            &mut self.packet,
        );
        up(
            self.now,
            &mut self.satellite,
            &mut self.ground,
            &mut self.packet,
        );
        self.now += Duration::from_secs(10);
        for link in [&mut self.ground, &mut self.satellite] {
            link.handle_timeout(self.now);
            work_off(self.now, link);
        }
    }
}

/// Everything of one end goes to the other; gives how many datagrams it had for
/// services.
fn up(now: Instant, from: &mut Link, to: &mut Link, packet: &mut Vec<u8>) -> u32 {
    let mut datagrams = 0;
    loop {
        while from.poll_packet(now, 0, packet) {
            to.handle_packet(now, packet.clone());
            from.handle_written(now, 0, Ok(()));
            datagrams += work_off(now, to).datagrams;
        }
        // A message may wait for what is asked for here.
        if work_off(now, from).stored == 0 {
            return datagrams;
        }
    }
}

/// What was done of what an engine asked for.
#[derive(Default)]
struct Done {
    datagrams: u32,
    stored: u32,
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
