//! The ground end with its operators, and an app on board that sends datagrams down.

use std::fmt;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use comms_service::accounting::Statistics;
use comms_service::graphql_error::link_error;
use comms_service::ground::{GroundControls, GroundLink};
use comms_service::link::{Action, Command};
use comms_service::message::PayloadType;
use comms_service::options::Addresses;
use comms_service::{LinkOptions, radio};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use fastrand::Rng;
use radio_hal::{Ax25Config, Callsign, FramingConfig, RadioConfig};

use super::air::Air;
use super::board::Board;

/// Commands whose outcome is open at once.
const OPEN_MAX: u64 = 8;
const TRY_TIMEOUT: Duration = Duration::from_secs(1);
const RETRIES: u32 = 5;
const READ_TIMEOUT: Duration = Duration::from_millis(200);
/// Between two datagrams of the app, and between two bursts of it.
const APP_PAUSE: Duration = Duration::from_millis(20);
const APP_BURST_PAUSE: Duration = Duration::from_secs(5);
const APP_BURST: usize = 200;

/// What became of it all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) asked: u64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) heard: u64,
    pub(super) open: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            asked,
            answered,
            refused,
            sent,
            failed,
            heard,
            ..
        } = self;
        write!(
            f,
            "{asked} commands: {answered} answered, {refused} refused, {sent} sent, {failed} \
             failed; {heard} datagrams heard"
        )
    }
}

pub(super) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    link: GroundLink,
    stops: AtomicBool,
    ends: AtomicBool,
    counts: Mutex<Counts>,
    numbers: AtomicU64,
    good_port: u16,
}

impl Load {
    /// Starts everything.
    pub(super) fn start(air: &Air, board: &Board, downlink_port: u16, seed: u64) -> Result<Self> {
        let call = |text| Callsign::new(text, 0).map_err(|error| anyhow::anyhow!("{error}"));
        let satellite: Callsign = "HELIO-1".parse()?;
        let framing = FramingConfig::kiss_ax25(Ax25Config::new(call("GROUND")?, satellite));
        let config = RadioConfig::udp(air.ground, air.ground_peer, framing)?;
        let connection = config.with_read_timeout(READ_TIMEOUT)?.open()?;
        let controls = GroundControls {
            read: Arc::new(radio::read),
            write: Arc::new(radio::write),
            options: LinkOptions::default(),
            radio_bytes_max: connection.packet_bytes_max(),
            addresses: Addresses {
                ground_ip: Ipv4Addr::LOCALHOST,
                satellite_ip: Ipv4Addr::LOCALHOST,
                ground_port: None,
            },
            read_timeout: READ_TIMEOUT,
            pdus: None,
            connection,
        };
        let (link, happened) = GroundLink::start(controls).context("no ground end")?;
        let shared = Arc::new(Shared {
            link,
            stops: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            counts: Mutex::default(),
            numbers: AtomicU64::new(1),
            good_port: board.good_port,
        });
        let ports = Ports {
            http: [
                board.good_port,
                board.good_port,
                board.good_port,
                board.slow_port,
                board.dead_port,
            ],
            udp: board.udp_port,
        };
        let asking = Arc::clone(&shared);
        let hearing = Arc::clone(&shared);
        let sending = Arc::clone(&shared);
        let threads = vec![
            thread::spawn(move || asking.ask_on(&ports, Rng::with_seed(seed))),
            thread::spawn(move || hearing.hear(&happened)),
            thread::spawn(move || sending.send_down(downlink_port)),
        ];
        Ok(Self { shared, threads })
    }

    pub(super) fn statistics(&self) -> Statistics {
        self.shared.link.statistics()
    }

    pub(super) fn counts(&self) -> Counts {
        *self.shared.counts()
    }

    pub(super) fn open(&self) -> u64 {
        self.shared.counts().open
    }

    /// Nobody asks or sends any more.
    pub(super) fn stop(&self) {
        self.shared.stops.store(true, Ordering::Relaxed);
    }

    /// One more query: whether its service answers.
    pub(super) fn probe(&self) -> bool {
        let before = self.counts().answered;
        let (good_port, number) = (self.shared.good_port, self.shared.number());
        self.shared
            .ask(good_port, PayloadType::GraphQl, number, 100, false);
        let deadline = Instant::now() + TRY_TIMEOUT * (RETRIES + 2);
        while Instant::now() < deadline {
            if self.counts().answered > before {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Stops the ground end: what came of everything, its accounts, and its threads
    /// that did not end.
    pub(super) fn finish(mut self) -> (Counts, Statistics, Vec<String>) {
        self.stop();
        self.shared.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let counts = self.counts();
        let statistics = self.shared.link.statistics();
        match Arc::try_unwrap(self.shared) {
            Ok(shared) => {
                let report = shared.link.shutdown();
                let detached = report.detached.iter().map(ToString::to_string);
                (counts, report.statistics.clone(), detached.collect())
            }
            Err(_) => (counts, statistics, vec!["a thread of the load".to_owned()]),
        }
    }
}

/// Where commands go to.
struct Ports {
    http: [u16; 5],
    udp: u16,
}

impl Shared {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Operators: as many commands as may be open.
    fn ask_on(&self, ports: &Ports, mut rng: Rng) {
        while !self.stops.load(Ordering::Relaxed) {
            if self.counts().open >= OPEN_MAX {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            let number = self.number();
            let bytes = match rng.u8(0..10) {
                0 => rng.usize(1000..20_000),
                _ => rng.usize(0..300),
            };
            if rng.u8(0..4) == 0 {
                self.ask(ports.udp, PayloadType::Udp, number, bytes.min(1000), false);
            } else {
                let port = ports.http.get(rng.usize(0..ports.http.len()));
                let port = port.copied().unwrap_or(self.good_port);
                self.ask(port, PayloadType::GraphQl, number, bytes, rng.bool());
            }
        }
    }

    fn ask(&self, port: u16, payload_type: PayloadType, number: u64, bytes: usize, mutation: bool) {
        let payload = match payload_type {
            PayloadType::Udp => vec![0x55; bytes],
            _ => format!(
                "{{\"query\":\"{{soak}}\",\"number\":{number},\"mutation\":{},\"bytes\":{bytes}}}",
                u8::from(mutation)
            )
            .into_bytes(),
        };
        {
            let mut counts = self.counts();
            counts.asked += 1;
            counts.open += 1;
        }
        self.link.send(Command {
            command_id: number,
            payload_type,
            port,
            payload,
            timeout: TRY_TIMEOUT,
            retries: RETRIES,
        });
    }

    fn hear(&self, happened: &Receiver<Action>) {
        while !self.ends.load(Ordering::Relaxed) {
            let action = match happened.recv_timeout(READ_TIMEOUT) {
                Ok(action) => action,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut counts = self.counts();
            match &action {
                Action::Answered { payload, .. } if link_error(payload).is_some() => {
                    counts.refused += 1;
                }
                Action::Answered { .. } => counts.answered += 1,
                Action::Sent { .. } => counts.sent += 1,
                Action::Failed { .. } => counts.failed += 1,
                Action::Heard(_) => {
                    counts.heard += 1;
                    continue;
                }
                _ => continue,
            }
            counts.open = counts.open.saturating_sub(1);
        }
    }

    /// A mission app: steady datagrams, and now and then a burst.
    fn send_down(&self, port: u16) {
        let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else {
            return;
        };
        let mut burst_at = Instant::now();
        while !self.stops.load(Ordering::Relaxed) {
            let count = match burst_at <= Instant::now() {
                true => {
                    burst_at = Instant::now() + APP_BURST_PAUSE;
                    APP_BURST
                }
                false => 1,
            };
            for _ in 0..count {
                // A service that is being started again does not hear it.
                let _ = socket.send_to(&[0x42; 150], (Ipv4Addr::LOCALHOST, port));
            }
            thread::sleep(APP_PAUSE);
        }
    }
}
