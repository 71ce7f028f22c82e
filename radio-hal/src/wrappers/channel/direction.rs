//! One way through the channel: a station that sends one frame after another, and
//! what is on the way.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use fastrand::Rng;

use super::bit_errors::BitErrors;
use super::config::DirectionConfig;
use super::statistics::DirectionStatistics;
use super::{FRAME_BYTES, Fate};
use crate::counters::FrameDrop;
use crate::hdlc::{self, Bits, FLAG, HdlcConfig};

/// Bits of a flag.
const FLAG_BITS: usize = 8;

#[derive(Debug)]
pub(super) struct OneWay {
    config: DirectionConfig,
    rng: Rng,
    errors: BitErrors,
    /// With the time at which each was offered.
    waiting: VecDeque<(Duration, Vec<u8>)>,
    /// The last bit of the last frame.
    sent_until: Option<Duration>,
    /// From keying up to keying down, the last time.
    burst: Option<Range<Duration>>,
    /// Not yet at the far end to their last bit, in the order of those bits.
    travelling: VecDeque<Arrival>,
    /// By the time at which they are given out, and a number that tells equals
    /// apart.
    arrivals: BTreeMap<(Duration, u64), Arrival>,
    last_arrival: Duration,
    arrivals_made: u64,
    bytes_held: usize,
    statistics: DirectionStatistics,
}

/// A frame whose transmission begins.
#[derive(Debug)]
pub(super) struct Sending {
    frame: Vec<u8>,
    bits: usize,
    first_bit: Duration,
    last_bit: Duration,
    heard_until: Duration,
}

impl Sending {
    pub(super) fn time_to_be_covered(&self) -> (Duration, Duration) {
        (self.first_bit, self.heard_until)
    }
}

/// A frame that will be heard, or would be.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    frame: Vec<u8>,
    /// When its bits are at the far end.
    pub(super) heard: Range<Duration>,
    /// When it is given out there.
    time: Duration,
    verdict: Result<(), FrameDrop>,
    altered: bool,
}

impl OneWay {
    pub(super) fn new(config: DirectionConfig, seed: u64) -> Self {
        Self {
            errors: BitErrors::new(config.bit_error_rate, config.burst),
            rng: Rng::with_seed(seed),
            config,
            waiting: VecDeque::new(),
            sent_until: None,
            burst: None,
            travelling: VecDeque::new(),
            arrivals: BTreeMap::new(),
            last_arrival: Duration::ZERO,
            arrivals_made: 0,
            bytes_held: 0,
            statistics: DirectionStatistics::default(),
        }
    }

    pub(super) fn offer(&mut self, now: Duration, frame: Vec<u8>) {
        self.statistics.offered += 1;
        self.bytes_held += bytes_held(&frame);
        self.waiting.push_back((now, frame));
    }

    /// What waits or is on the way, by [`bytes_held`].
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes_held
    }

    /// Frames that wait, and the one on the air.
    pub(super) fn frames_sending(&self, now: Duration) -> usize {
        self.waiting.len() + usize::from(self.sends_until(now).is_some())
    }

    /// When the first waiting frame may begin, as far as this station knows. A
    /// frame that was there before the last one ended follows it at once; else
    /// the station keys down first.
    pub(super) fn next_start(&self) -> Option<Duration> {
        let (offered, _) = self.waiting.front()?;
        Some(match self.sent_until {
            Some(end) if *offered <= end => end,
            Some(end) => (end + self.config.tx_tail).max(*offered),
            None => *offered,
        })
    }

    /// Whether a frame that begins at `start` follows the last one at once.
    pub(super) fn continues_burst(&self, start: Duration) -> bool {
        self.sent_until == Some(start)
    }

    /// Until when the other station hears that this one is keyed.
    pub(super) fn heard_keyed_until(&self) -> Option<Duration> {
        let end = self.sent_until?;
        Some(end + self.config.tx_tail + self.config.delay)
    }

    /// Whether this station was keyed, or its receiver not yet back after
    /// `turnaround`, in some of the time that now ends. The last burst tells: one
    /// before it ended earlier.
    pub(super) fn was_keyed_during(&self, time: &Range<Duration>, turnaround: Duration) -> bool {
        let mut burst = self.burst.iter();
        burst.any(|burst| burst.start < time.end && time.start < burst.end + turnaround)
    }

    /// Begins the transmission of the first waiting frame.
    pub(super) fn begin(&mut self, start: Duration) -> Option<Sending> {
        let (_, frame) = self.waiting.pop_front()?;
        let continues = self.continues_burst(start);
        let first_bit = match continues {
            true => start,
            false => start + self.config.tx_delay + self.air_time(FLAG_BITS),
        };
        // The flag that ends the frame is that of the next, if it follows at once.
        let bits = hdlc::frame_bits(&frame) + FLAG_BITS;
        let last_bit = first_bit + self.air_time(bits);
        let keyed_until = last_bit + self.config.tx_tail;
        let burst = self.burst.get_or_insert(start..keyed_until);
        burst.end = keyed_until;
        if !continues {
            burst.start = start;
        }
        self.sent_until = Some(last_bit);
        self.statistics.bits += bits as u64;
        Some(Sending {
            frame,
            bits,
            first_bit,
            last_bit,
            heard_until: last_bit + self.config.delay,
        })
    }

    /// Decides the fate of a frame that is being sent, but for what the far end
    /// does when it arrives.
    pub(super) fn send(&mut self, sending: Sending, in_contact: bool) {
        let config = &self.config;
        let rng = &mut self.rng;
        // Always the same draws, so that one setting does not change the fates
        // that another decides.
        let lost = rng.f64() < config.frame_loss;
        let duplicated = rng.f64() < config.duplication;
        let held_back = rng.f64() < config.reordering;
        let hold = config.reordering_delay.mul_f64(rng.f64());
        let jitter = config.jitter.mul_f64(rng.f64());
        let Sending {
            frame,
            bits,
            first_bit,
            last_bit,
            heard_until,
        } = sending;
        let places = self.errors.places(rng, first_bit, last_bit, bits);
        let damaged = (!places.is_empty()).then(|| damage(&frame, &places));
        let (heard_frame, altered, verdict) = match damaged {
            _ if !in_contact => (frame, false, Err(FrameDrop::NoContact)),
            _ if lost => (frame, false, Err(FrameDrop::ChannelLoss)),
            None => (frame, false, Ok(())),
            Some(None) => (frame, false, Err(FrameDrop::Fcs)),
            Some(Some(altered)) => {
                self.bytes_held += altered.len();
                self.bytes_held -= frame.len();
                (altered, true, Ok(()))
            }
        };
        let time = match held_back {
            true => heard_until + jitter + hold,
            false => (heard_until + jitter).max(self.last_arrival),
        };
        if !held_back {
            self.last_arrival = time;
        }
        let arrival = Arrival {
            frame: heard_frame,
            heard: first_bit + config.delay..heard_until,
            time,
            verdict,
            altered,
        };
        if duplicated && verdict.is_ok() {
            self.statistics.duplicated += 1;
            self.bytes_held += bytes_held(&arrival.frame);
            self.travelling.push_back(arrival.clone());
        }
        self.travelling.push_back(arrival);
    }

    /// When the last bit of the next frame is at the far end.
    pub(super) fn next_heard(&self) -> Option<Duration> {
        self.travelling.front().map(|arrival| arrival.heard.end)
    }

    /// The last bit of a frame is at the far end, which may have been deaf.
    pub(super) fn hear(&mut self, deaf_during: impl FnOnce(&Range<Duration>) -> bool) {
        let Some(mut arrival) = self.travelling.pop_front() else {
            return;
        };
        if arrival.verdict.is_ok() && deaf_during(&arrival.heard) {
            arrival.verdict = Err(FrameDrop::HalfDuplex);
        }
        let key = (arrival.time, self.arrivals_made);
        self.arrivals.insert(key, arrival);
        self.arrivals_made += 1;
    }

    /// What became of the next frame that is given out up to `now`.
    pub(super) fn next_fate(&mut self, now: Duration) -> Option<Fate> {
        let first = self.arrivals.first_entry()?;
        let arrival = (first.get().time <= now).then(|| first.remove())?;
        self.bytes_held -= bytes_held(&arrival.frame).min(self.bytes_held);
        Some(match arrival.verdict {
            Ok(()) => {
                self.statistics.delivered += 1;
                self.statistics.altered += u64::from(arrival.altered);
                Fate::Delivered(arrival.frame)
            }
            Err(reason) => {
                self.statistics.drop_for(reason);
                let bytes = arrival.frame.len();
                Fate::Dropped { bytes, reason }
            }
        })
    }

    /// When the next frame is given out, as far as that is decided.
    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.arrivals.keys().next().map(|(time, _)| *time)
    }

    /// When the frame on the air ends.
    pub(super) fn sends_until(&self, now: Duration) -> Option<Duration> {
        self.sent_until.filter(|end| *end > now)
    }

    pub(super) fn statistics(&self) -> DirectionStatistics {
        DirectionStatistics {
            in_flight: (self.waiting.len() + self.travelling.len() + self.arrivals.len()) as u64,
            ..self.statistics.clone()
        }
    }

    fn air_time(&self, bits: usize) -> Duration {
        match self.config.bit_rate_bps {
            None => Duration::ZERO,
            Some(bit_rate_bps) => {
                let nanos = bits as u128 * 1_000_000_000 / u128::from(bit_rate_bps.max(1));
                Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
        }
    }
}

/// Octets that a frame in the channel counts for.
pub(super) fn bytes_held(frame: &[u8]) -> usize {
    frame.len() + FRAME_BYTES
}

/// What a receiver makes of a frame of whose bits, its last flag among them, those
/// at `places` are wrong: a frame whose FCS is good by chance, or none.
fn damage(frame: &[u8], places: &[usize]) -> Option<Vec<u8>> {
    let mut bits = Bits::new();
    put_flag(&mut bits);
    hdlc::put_frame(frame, &mut bits);
    put_flag(&mut bits);
    for place in places {
        bits.flip(FLAG_BITS + place);
    }
    // What follows: so that a frame whose own flag is hit ends, too.
    put_flag(&mut bits);
    let mut decoder = hdlc::Decoder::new(frame.len() + FLAG_BITS, &HdlcConfig::default());
    decoder.push(bits.octets());
    while let Some(outcome) = decoder.next_frame() {
        if let Ok(frame) = outcome {
            return Some(frame.to_vec());
        }
    }
    None
}

fn put_flag(bits: &mut Bits) {
    (0..FLAG_BITS).for_each(|place| bits.push(FLAG >> place & 1 != 0));
}
