//! What a seed stands for.

use std::time::Duration;

use comms_service::LinkOptions;
use fastrand::Rng;
use radio_hal::channel::{BurstConfig, ChannelConfig, Contact, DirectionConfig};
use radio_hal::hdlc::{BitOrder, HdlcConfig};
use radio_hal::{Ax25Config, Callsign, Duplex, FramingConfig};

/// A link, its channel, and what is done with it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The seed it was made of.
    pub seed: u64,
    /// The satellite's framing; the ground's is the same with callsigns swapped.
    pub framing: FramingConfig,
    /// Packet size and error control, alike at both ends.
    pub options: LinkOptions,
    /// The channel, seen from the satellite.
    pub channel: ChannelConfig,
    /// Whether the channel delivers every frame once and in order, so that
    /// everything must arrive.
    pub loses_nothing: bool,
    /// What is done, in order of time.
    pub deeds: Vec<(Duration, Deed)>,
}

/// Something that operators or apps do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The ground asks a service, which answers after a while.
    Query {
        /// Octets of the query.
        query_bytes: usize,
        /// Octets of the answer.
        answer_bytes: usize,
        /// How long the service thinks.
        thinks: Duration,
    },
    /// The ground sends a UDP message.
    Message {
        /// Octets of the message.
        bytes: usize,
    },
    /// An app sends a datagram down.
    Datagram {
        /// Octets of the datagram.
        bytes: usize,
    },
}

impl Scenario {
    /// The scenario of `seed`.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let loses_nothing = rng.bool();
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
        let count = rng.usize(1..=30);
        let mut deeds: Vec<_> = (0..count)
            .map(|_| (milliseconds(&mut rng, 60_000), deed(&mut rng)))
            .collect();
        deeds.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            framing,
            options,
            channel,
            loses_nothing,
            deeds,
        }
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
        0 => Deed::Query {
            query_bytes: bytes(rng),
            answer_bytes: bytes(rng),
            thinks: milliseconds(rng, 1500),
        },
        1 => Deed::Message { bytes: bytes(rng) },
        _ => Deed::Datagram { bytes: bytes(rng) },
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

fn milliseconds(rng: &mut Rng, below: u64) -> Duration {
    Duration::from_millis(rng.u64(0..below))
}
