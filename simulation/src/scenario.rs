//! What a seed stands for.

use std::time::Duration;

use comms_service::LinkOptions;
use comms_service::link::LinkConfig;
use comms_service::message::End;
use comms_service::options::SecurityOptions;
use comms_service::security::Mode;
use fastrand::Rng;
use radio_hal::channel::{BurstConfig, ChannelConfig, Contact, DirectionConfig};
use radio_hal::hdlc::{BitOrder, HdlcConfig};
use radio_hal::{Ax25Config, Callsign, Duplex, FramingConfig};

use crate::faults;
use crate::services::Manner;
use crate::storage::StorageFaults;

/// A link, its channel, what is done with it, and what goes wrong.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed it was made of.
    pub seed: u64,
    /// How both ends are made.
    pub plan: Blueprint,
    /// The channel, seen from the satellite.
    pub channel: ChannelConfig,
    /// Whether the channel delivers every frame once and in order and nothing else
    /// goes wrong, so that everything must arrive.
    pub loses_nothing: bool,
    /// What is done, in order of time.
    pub deeds: Vec<(Duration, Deed)>,
    /// Reboots of the satellite's computer.
    pub satellite_crashes: Vec<Crash>,
    /// Reboots of the ground's.
    pub ground_crashes: Vec<Crash>,
    /// How likely a `write` fails, 0 to 1.
    pub write_failure: f64,
    /// What is demanded beyond what always must hold.
    pub demands: Demands,
}

/// How both ends of a link are made, each time they boot.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// The satellite's framing; the ground's is the same with callsigns swapped.
    pub framing: FramingConfig,
    /// Packet format and limits, alike at both ends.
    pub options: LinkOptions,
    /// Whether a file entity stands behind each end.
    pub takes_pdus: bool,
    /// Queries with services at once.
    pub handlers_max: usize,
    /// Commands of the ground whose outcome is open.
    pub commands_max: usize,
    /// How long a service may take.
    pub service_timeout: Duration,
    /// How both ends' storage fails.
    pub storage: StorageFaults,
    /// Whether the satellite records mutations before they run.
    pub journals: bool,
    /// How messages are protected; none for not at all.
    pub security: Option<Protection>,
    /// From then on nothing goes wrong any more, so that both ends must find back.
    pub calm_from: Duration,
}

/// The security of a link. The ground is its station 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// Authentic, or secret too.
    pub mode: Mode,
    /// Between two challenges of the satellite.
    pub challenge_interval: Duration,
    /// The satellite offers a resync to a ground that it has not heard for so long.
    pub silence: Duration,
}

/// Promises that the link makes only when it is told to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Demands {
    /// No mutation is run twice.
    pub at_most_once: bool,
}

/// The power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// Before this call of the machine's engines, counted over all its boots.
    pub after_calls: u64,
    /// How long the computer is off.
    pub off: Duration,
}

/// Something that operators or apps do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The ground asks a service.
    Query(Query),
    /// The ground sends a UDP message.
    Message {
        /// Octets of the message.
        bytes: usize,
        /// Whether its service has a socket open for it.
        wanted: bool,
    },
    /// An app sends datagrams down, all at once.
    Datagrams {
        /// Octets of each.
        bytes: usize,
        /// How many.
        count: u64,
    },
}

/// A query, and how it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Octets of the query.
    pub query_bytes: usize,
    /// Octets of the answer.
    pub answer_bytes: usize,
    /// How long the service thinks.
    pub thinks: Duration,
    /// How the service treats it.
    pub manner: Manner,
    /// Whether it must not be run twice.
    pub mutation: bool,
    /// How long the ground waits after each try.
    pub timeout: Duration,
    /// How often the ground's engine sends it again.
    pub retries: u32,
    /// How often the operator asks once more, by the same id, when it came to
    /// nothing or the ground's computer went down.
    pub insists: u32,
}

/// Longer than any message takes on the slowest channel.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(3600);

impl Scenario {
    /// The scenario of `seed`: one in three loses nothing, one has a bad channel, and
    /// one has everything that can go wrong.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let kind = rng.u8(0..3);
        let loses_nothing = kind == 0;
        let all_faults = kind == 2;
        let channel = channel(&mut rng, loses_nothing);
        let framing = framing(&mut rng);
        let packet_bytes_max = match &framing.ax25 {
            Some(_) => None,
            None => Some(rng.usize(32..=300)),
        };
        let options = LinkOptions {
            packet_bytes_max,
            error_control: Some(rng.bool() || !loses_nothing),
            ..LinkOptions::default()
        };
        let defaults = LinkConfig::new(End::Ground);
        let plan = Blueprint {
            framing,
            options,
            takes_pdus: false,
            handlers_max: defaults.handlers_max,
            commands_max: defaults.commands_max,
            service_timeout: COMMAND_TIMEOUT,
            storage: StorageFaults::default(),
            journals: rng.bool(),
            security: None,
            calm_from: Duration::ZERO,
        };
        let count = rng.usize(1..=30);
        let mut deeds: Vec<_> = (0..count)
            .map(|_| (milliseconds(&mut rng, 60_000), deed(&mut rng)))
            .collect();
        deeds.sort_by_key(|(at, _)| *at);
        let security = rng.bool().then(|| protection(&mut rng));
        let mut scenario = Self {
            seed,
            plan,
            channel,
            loses_nothing,
            deeds,
            satellite_crashes: Vec::new(),
            ground_crashes: Vec::new(),
            write_failure: 0.0,
            demands: Demands::default(),
        };
        if let Some(protection) = security {
            scenario.protect(protection);
        }
        if all_faults {
            faults::add(&mut rng, &mut scenario);
        }
        scenario
    }
}

/// From the start of a link with security until its ends have keys, on the slowest
/// channel.
pub(crate) const KEYING: Duration = Duration::from_secs(60);

impl Scenario {
    /// Puts security on the link. Nothing is done before the ends may have keys.
    fn protect(&mut self, protection: Protection) {
        let plan = &mut self.plan;
        plan.security = Some(protection);
        plan.options.security = Some(SecurityOptions {
            key_file: "key".into(),
            mode: protection.mode,
            station: None,
            stations: None,
            challenge_ms: None,
            silence_ms: None,
            keys: None,
        });
        let bytes_max = &mut plan.options.packet_bytes_max;
        *bytes_max = bytes_max.map(|bytes| bytes.max(SECURED_BYTES_MIN));
        if let Some(ax25) = &mut plan.framing.ax25 {
            ax25.n1 = ax25.n1.max(128);
        }
        for (at, _) in &mut self.deeds {
            *at += KEYING;
        }
    }
}

impl Blueprint {
    /// The framing of one end.
    pub(crate) fn framing(&self, end: End) -> FramingConfig {
        let mut framing = self.framing.clone();
        if let (End::Ground, Some(ax25)) = (end, &mut framing.ax25) {
            std::mem::swap(&mut ax25.callsign, &mut ax25.peer);
        }
        framing
    }

    /// The limits that the options set.
    pub(crate) fn limits(&self) -> LinkConfig {
        self.options.link_config(LinkConfig::new(End::Satellite))
    }
}

/// Octets of the smallest packet limit of a link with security.
const SECURED_BYTES_MIN: usize = 100;

fn protection(rng: &mut Rng) -> Protection {
    Protection {
        mode: match rng.bool() {
            true => Mode::Authenticate,
            false => Mode::Encrypt,
        },
        challenge_interval: Duration::from_secs(rng.u64(5..30)),
        silence: Duration::from_secs(rng.u64(20..90)),
    }
}

fn deed(rng: &mut Rng) -> Deed {
    // Mostly small, some of many segments, now and then none at all.
    let bytes = |rng: &mut Rng| match rng.u8(0..10) {
        0 => 0,
        1..8 => rng.usize(1..300),
        _ => rng.usize(300..5000),
    };
    match rng.u8(0..3) {
        0 => Deed::Query(Query {
            query_bytes: bytes(rng),
            answer_bytes: bytes(rng),
            thinks: milliseconds(rng, 1500),
            manner: Manner::Answers,
            mutation: rng.bool(),
            timeout: COMMAND_TIMEOUT,
            retries: 0,
            insists: 0,
        }),
        1 => Deed::Message {
            bytes: bytes(rng),
            wanted: true,
        },
        _ => Deed::Datagrams {
            bytes: bytes(rng),
            count: 1,
        },
    }
}

fn framing(rng: &mut Rng) -> FramingConfig {
    let callsign = |text: &str| Callsign::new(text, 0).ok();
    let ax25 = callsign("HELIO")
        .zip(callsign("GROUND"))
        .map(|(own, peer)| Ax25Config {
            n1: [64, 128, 256][rng.usize(0..3)],
            ..Ax25Config::new(own, peer)
        });
    let hdlc = HdlcConfig {
        nrzi: rng.bool(),
        g3ruh: rng.bool(),
        bit_order: if rng.bool() {
            BitOrder::LsbFirst
        } else {
            BitOrder::MsbFirst
        },
        flags_before: rng.usize(1..4),
    };
    match (rng.u8(0..6), ax25) {
        (0, Some(ax25)) => FramingConfig::ax25(ax25),
        (1, Some(ax25)) => FramingConfig::kiss_ax25(ax25),
        (2, ax25) => FramingConfig::hdlc(hdlc, ax25.filter(|_| rng.bool())),
        (3, _) => FramingConfig::slip(),
        (4, _) => FramingConfig::kiss(),
        _ => FramingConfig::raw(),
    }
}

fn channel(rng: &mut Rng, loses_nothing: bool) -> ChannelConfig {
    let config = ChannelConfig {
        seed: rng.u64(..),
        turnaround: milliseconds(rng, 50),
        duplex: if rng.bool() {
            Duplex::Full
        } else {
            Duplex::Half
        },
        transmit: direction(rng),
        receive: direction(rng),
        ..ChannelConfig::default()
    };
    if loses_nothing {
        return config;
    }
    let contacts = match rng.bool() {
        true => Vec::new(),
        false => vec![Contact {
            aos_s: f64::from(rng.u32(0..10)),
            los_s: f64::from(rng.u32(20..90)),
        }],
    };
    ChannelConfig {
        carrier_sense: rng.bool(),
        contacts,
        transmit: harmed(rng, config.transmit.clone()),
        receive: harmed(rng, config.receive.clone()),
        ..config
    }
}

fn direction(rng: &mut Rng) -> DirectionConfig {
    let rates = [None, Some(2400), Some(9600), Some(1_000_000)];
    DirectionConfig {
        bit_rate_bps: rates[rng.usize(0..rates.len())],
        tx_delay: milliseconds(rng, 300),
        tx_tail: milliseconds(rng, 100),
        delay: milliseconds(rng, 20),
        jitter: milliseconds(rng, 20),
        ..DirectionConfig::default()
    }
}

fn harmed(rng: &mut Rng, whole: DirectionConfig) -> DirectionConfig {
    let burst = BurstConfig {
        bit_error_rate: 1e-2,
        mean_good_ms: 2000.0,
        mean_bad_ms: 100.0,
    };
    DirectionConfig {
        bit_error_rate: [0.0, 1e-6, 1e-5, 1e-4][rng.usize(0..4)],
        burst: rng.bool().then_some(burst),
        frame_loss: rng.f64() * 0.1,
        duplication: rng.f64() * 0.05,
        reordering: rng.f64() * 0.05,
        reordering_delay: milliseconds(rng, 2000),
        ..whole
    }
}

pub(crate) fn milliseconds(rng: &mut Rng, below: u64) -> Duration {
    Duration::from_millis(rng.u64(0..below))
}
