//! A downlink that always has something to send, on virtual time: how much of the
//! air carries payload, and how long an answer waits.
//!
//! A satellite's engine with bulk data without end, its framing, a channel that loses
//! nothing, and the ground's engine. No clock is asked, so the figures are the same on
//! every machine: they are those of the link, not of the computer it runs on.

mod downlink;

use std::time::Duration;

use comms_service::LinkOptions;
use comms_service::link::QueueClass;
use comms_service::message::PayloadType;
use comms_service::options::{DownlinkOptions, SecurityOptions};
use comms_service::security::Mode;
use radio_hal::{Ax25Config, Callsign, FramingConfig};

use crate::end::DOWNLINK_PORT;
use crate::scenario::{Blueprint, Protection};
use crate::storage::StorageFaults;

use downlink::Downlink;

/// Octets of both AX.25 addresses, control and PID.
const AX25_HEADER_BYTES: usize = 16;
const FCS_BYTES: usize = radio_hal::hdlc::FCS_BYTES;
/// The flag between two frames.
pub(crate) const FLAG_BITS: usize = 8;
/// Random bits have a stuffed one after so many, on average.
const BITS_PER_STUFFED: f64 = 62.0;
/// Of each Space Packet: its primary header and its error control.
const PACKET_BYTES: usize = 8;
/// Of each message: the command header in its first packet.
const COMMAND_HEADER_BYTES: usize = 10;
/// Of each message with security: header, and trailer.
const SECURITY_BYTES: usize = 10 + 16;
/// Octets of the largest datagram of an app.
const DATAGRAM_BYTES_MAX: usize = 65_507;
/// Longer than any run.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// What the bulk data is made of. Either way all packets fill their frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bulk {
    /// Datagrams of one packet each.
    Datagrams,
    /// The longest datagrams that end with their last packet.
    Segments,
}

/// A downlink, and what is sent by it.
#[derive(Debug, Clone, Copy)]
pub struct Saturation {
    /// Everything that is random is made of it.
    pub seed: u64,
    /// Bits per second on the air.
    pub bit_rate_bps: u64,
    /// N1: octets of the largest packet.
    pub n1: usize,
    /// Frames that the engine hands over ahead; none for what it chooses for such a
    /// radio.
    pub credits: Option<usize>,
    /// Frames that the radio takes.
    pub radio_frames: usize,
    /// From keying up to the first bit of a frame.
    pub tx_delay: Duration,
    /// What is sent.
    pub bulk: Bulk,
    /// How messages are protected, if they are.
    pub security: Option<Mode>,
    /// Frames before the first answer.
    pub frames_before: u32,
}

/// What a run without any answer carried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodput {
    /// Octets of payload, in messages that the ground's engine gave out whole.
    pub payload_bytes: u64,
    /// Frames that carried them.
    pub frames: u64,
    /// From the first of it to the last bit.
    pub took: Duration,
    /// The same if frames followed each other without any gap: their bits, as stuffed,
    /// and one flag each.
    pub bits: u64,
    /// Octets of payload per second of air.
    pub bytes_per_second: f64,
    /// The best possible with the bits of the frames that were sent.
    pub best_bytes_per_second: f64,
    /// The best possible by formula, for payload of random bits.
    pub formula_bytes_per_second: f64,
}

impl Goodput {
    /// Of the best possible with these very frames.
    pub fn share(&self) -> f64 {
        self.bytes_per_second / self.best_bytes_per_second
    }

    /// Of the best possible by formula.
    pub fn share_of_formula(&self) -> f64 {
        self.bytes_per_second / self.formula_bytes_per_second
    }
}

/// How long answers took from the moment at which the service had given them to their
/// last bit, in air times of the longest frame, the shortest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Waits {
    frame_times: Vec<f64>,
}

impl Waits {
    /// The longest.
    pub fn max(&self) -> f64 {
        self.frame_times.last().copied().unwrap_or_default()
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        let middle = self.frame_times.get(self.frame_times.len() / 2);
        middle.copied().unwrap_or_default()
    }
}

impl Saturation {
    /// A downlink whose radio takes as many frames as the simulated channel's default,
    /// and whose engine chooses its credits.
    pub fn new(bit_rate_bps: u64, n1: usize) -> Self {
        let radio_frames = radio_hal::channel::ChannelConfig {
            transmit: radio_hal::channel::DirectionConfig {
                bit_rate_bps: Some(bit_rate_bps),
                ..Default::default()
            },
            ..Default::default()
        };
        Self {
            seed: 1,
            bit_rate_bps,
            n1,
            credits: None,
            radio_frames: radio_frames.frames_in_flight_max(),
            tx_delay: Duration::ZERO,
            bulk: Bulk::Datagrams,
            security: None,
            frames_before: 50,
        }
    }

    /// The same with an engine that hands over `credits` frames ahead, to a radio that
    /// takes no more.
    pub fn with_credits(self, credits: usize) -> Self {
        Self {
            credits: Some(credits),
            radio_frames: credits,
            ..self
        }
    }

    /// Octets of a message that fills `packets` packets.
    pub fn filling_bytes(&self, packets: usize) -> usize {
        let data = packets * (self.n1 - PACKET_BYTES);
        data - COMMAND_HEADER_BYTES - self.security_bytes()
    }

    /// Packets of one message of the bulk data.
    pub fn bulk_packets(&self) -> usize {
        match self.bulk {
            Bulk::Datagrams => 1,
            Bulk::Segments => {
                let headers = COMMAND_HEADER_BYTES + self.security_bytes();
                (DATAGRAM_BYTES_MAX + headers) / (self.n1 - PACKET_BYTES)
            }
        }
    }

    /// Bits of a full frame of random payload, with the flag before or after it.
    pub fn frame_bits(&self) -> f64 {
        let bits = 8.0 * (AX25_HEADER_BYTES + self.n1 + FCS_BYTES) as f64;
        bits * (1.0 + 1.0 / BITS_PER_STUFFED) + FLAG_BITS as f64
    }

    /// Octets of payload per second, if full frames follow each other without any gap.
    pub fn best_bytes_per_second(&self) -> f64 {
        let packets = self.bulk_packets();
        let bits = packets as f64 * self.frame_bits();
        self.filling_bytes(packets) as f64 * self.bit_rate_bps as f64 / bits
    }

    /// Sends about `frames` frames of bulk data.
    ///
    /// # Errors
    /// A text, if anything is lost, or the link comes to a halt.
    pub fn goodput(&self, frames: usize) -> Result<Goodput, String> {
        Downlink::new(self)?.goodput(frames.div_ceil(self.bulk_packets()))
    }

    /// Lets a service give `answers` answers of so many packets each, at random moments,
    /// while bulk data is sent.
    ///
    /// # Errors
    /// As [`goodput`](Self::goodput).
    pub fn waits(&self, answers: usize, packets: usize) -> Result<Waits, String> {
        let frame_times = Downlink::new(self)?.waits(answers, packets)?;
        Ok(Waits { frame_times })
    }

    fn security_bytes(&self) -> usize {
        match self.security {
            Some(_) => SECURITY_BYTES,
            None => 0,
        }
    }

    fn blueprint(&self) -> Result<Blueprint, String> {
        blueprint(self.n1, self.security)
    }
}

/// Both ends of a link of Space Packets in AX.25, on which nothing goes wrong by itself.
pub(crate) fn blueprint(n1: usize, security: Option<Mode>) -> Result<Blueprint, String> {
    let callsign = |text: &str| Callsign::new(text, 0).map_err(|error| error.to_string());
    let ax25 = Ax25Config {
        n1,
        ..Ax25Config::new(callsign("HELIO")?, callsign("GROUND")?)
    };
    let endpoint = DownlinkOptions {
        class: QueueClass::Bulk,
        ..DownlinkOptions::new(DOWNLINK_PORT + 1)
    };
    let security_options = security.map(|mode| SecurityOptions {
        key_file: "key".into(),
        mode,
        station: None,
        stations: None,
        challenge_ms: None,
        silence_ms: None,
        keys: None,
    });
    Ok(Blueprint {
        framing: FramingConfig::kiss_ax25(ax25),
        options: LinkOptions {
            downlink: vec![endpoint],
            security: security_options,
            ..LinkOptions::default()
        },
        takes_pdus: false,
        handlers_max: 1,
        commands_max: 1,
        service_timeout: FOR_EVER,
        storage: StorageFaults::default(),
        journals: false,
        security: security.map(|mode| Protection {
            mode,
            challenge_interval: FOR_EVER,
            silence: FOR_EVER,
        }),
        calm_from: Duration::ZERO,
    })
}

/// What an answer is to: nothing that is run twice matters here.
pub(crate) const QUESTION: PayloadType = PayloadType::GraphQl;
