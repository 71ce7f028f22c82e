//! The event loop of a downlink that is never idle.

use std::time::{Duration, Instant};

use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Command, HandlerId, Pace};
use comms_service::message::End as Which;
use comms_service::options::RadioPace;
use fastrand::Rng;
use radio_hal::channel::{Channel, ChannelConfig, Direction, DirectionConfig, Fate};
use radio_hal::hdlc;

use super::{FLAG_BITS, FOR_EVER, Goodput, QUESTION, Saturation};
use crate::end::End;

/// The endpoint of the bulk data.
const BULK_ENDPOINT: usize = 1;
/// Messages of bulk that wait.
const BACKLOG_MESSAGES: u64 = 4;
const SERVICE_PORT: u16 = 8020;
/// A run of more steps than this came to a halt.
const STEPS_MAX: u64 = 100_000_000;
/// Within it the ends of a link with security have keys.
const KEYING: Duration = Duration::from_secs(600);
/// The longest pause from one answer to the next question, in frame times.
const PAUSE_FRAMES: f64 = 6.0;

pub(super) struct Downlink {
    setup: Saturation,
    began: Instant,
    now: Duration,
    satellite: End,
    ground: End,
    channel: Channel,
    /// Bulk messages still to be queued.
    to_queue: usize,
    bulk_bytes: usize,
    payload_bytes: u64,
    messages: usize,
    /// Of the longest frame so far, with one flag.
    frame_bits: usize,
    answered: Option<u64>,
    asked: Option<HandlerId>,
    rng: Rng,
}

impl Downlink {
    pub(super) fn new(setup: &Saturation) -> Result<Self, String> {
        let plan = setup.blueprint()?;
        let radio_pace = RadioPace {
            bit_rate_bps: Some(setup.bit_rate_bps),
            credits: Some(setup.radio_frames),
            frame_overhead_bytes: plan.framing.channel_overhead_bytes(),
            is_bit_stuffed: true,
            tx_delay: setup.tx_delay,
        };
        let pace = plan.options.pace(&radio_pace).map(|pace| Pace {
            credits: setup.credits.unwrap_or(pace.credits),
            ..pace
        });
        let channel = ChannelConfig {
            frames_in_flight_max: Some(setup.radio_frames),
            transmit: DirectionConfig {
                bit_rate_bps: Some(setup.bit_rate_bps),
                tx_delay: setup.tx_delay,
                ..DirectionConfig::default()
            },
            ..ChannelConfig::default()
        };
        let mut downlink = Self {
            satellite: End::paced(Which::Satellite, &plan, setup.seed, None, pace)?,
            ground: End::new(Which::Ground, &plan, !setup.seed, None)?,
            channel: Channel::new(&channel).map_err(|error| error.to_string())?,
            began: Instant::now(),
            now: Duration::ZERO,
            to_queue: 0,
            bulk_bytes: setup.filling_bytes(setup.bulk_packets()),
            payload_bytes: 0,
            messages: 0,
            frame_bits: 0,
            answered: None,
            asked: None,
            rng: Rng::with_seed(setup.seed),
            setup: *setup,
        };
        for end in [&mut downlink.satellite, &mut downlink.ground] {
            end.link.handle_timeout(downlink.began);
        }
        if setup.security.is_some() {
            downlink.exchange_keys()?;
        }
        Ok(downlink)
    }

    /// Sends that many messages of bulk.
    pub(super) fn goodput(mut self, messages: usize) -> Result<Goodput, String> {
        let first_bit = self.now;
        let before = self.channel.statistics().transmit;
        self.to_queue = messages;
        self.run_until(FOR_EVER, |downlink| downlink.messages == messages)?;
        let after = self.channel.statistics().transmit;
        if after.dropped() > 0 || self.payload_bytes != (messages * self.bulk_bytes) as u64 {
            return Err(format!("something was lost: {after:?}"));
        }
        let took = self.now - first_bit;
        let bits = after.bits - before.bits;
        let rate = self.setup.bit_rate_bps as f64;
        Ok(Goodput {
            payload_bytes: self.payload_bytes,
            frames: after.offered - before.offered,
            took,
            bits,
            bytes_per_second: self.payload_bytes as f64 / took.as_secs_f64(),
            best_bytes_per_second: self.payload_bytes as f64 * rate / bits as f64,
            formula_bytes_per_second: self.setup.best_bytes_per_second(),
        })
    }

    /// How long each answer takes, in air times of the longest frame.
    pub(super) fn waits(mut self, answers: usize, packets: usize) -> Result<Vec<f64>, String> {
        self.to_queue = usize::MAX;
        let frame_time = self.setup.frame_bits() / self.setup.bit_rate_bps as f64;
        let frame_time = Duration::from_secs_f64(frame_time);
        self.run_until(self.now + frame_time * self.setup.frames_before, |_| false)?;
        let mut waits = Vec::new();
        for command_id in 1..=answers as u64 {
            let pause = frame_time.mul_f64(self.rng.f64() * PAUSE_FRAMES);
            self.run_until(self.now + pause, |_| false)?;
            self.ask(command_id);
            let asked = self.now;
            self.settle()?;
            let handler = self.asked.take().ok_or("the question did not arrive")?;
            let mut answer = vec![0; self.setup.filling_bytes(packets)];
            self.rng.fill(&mut answer);
            let budget = self.satellite.link.budget();
            let answer = HeldBytes::copy_of(budget, &answer).map_err(|spent| spent.to_string())?;
            self.satellite.link.handle_answer(handler, Ok(answer));
            self.run_until(FOR_EVER, |downlink| downlink.answered == Some(command_id))?;
            waits.push((self.now - asked).as_secs_f64());
        }
        waits.sort_by(f64::total_cmp);
        let frame_time = self.frame_bits as f64 / self.setup.bit_rate_bps as f64;
        Ok(waits.iter().map(|wait| wait / frame_time).collect())
    }

    fn ask(&mut self, command_id: u64) {
        self.ground.command(Command {
            command_id,
            payload_type: QUESTION,
            port: SERVICE_PORT,
            payload: b"{ping}".to_vec(),
            timeout: FOR_EVER,
            retries: 0,
        });
    }

    fn exchange_keys(&mut self) -> Result<(), String> {
        let have_keys = |downlink: &Self| {
            let ends = [&downlink.satellite, &downlink.ground];
            ends.iter().all(|end| end.link.is_in_sync() == Some(true))
        };
        self.run_until(KEYING, have_keys)?;
        if !have_keys(self) {
            return Err("the ends have no keys".to_owned());
        }
        // What the exchange left on the air ends.
        let idle = |downlink: &Self| downlink.channel.statistics().transmit.in_flight == 0;
        self.run_until(KEYING, idle)
    }

    /// Lets happen what happens up to `end`, or until `is_over`.
    fn run_until(&mut self, end: Duration, is_over: impl Fn(&Self) -> bool) -> Result<(), String> {
        for _ in 0..STEPS_MAX {
            self.settle()?;
            if is_over(self) || self.now >= end {
                return Ok(());
            }
            let next = self.next_event().unwrap_or(end).min(end);
            self.now = self.now.max(next);
        }
        Err(format!("{STEPS_MAX} steps and no end"))
    }

    fn next_event(&self) -> Option<Duration> {
        let timeouts = [&self.satellite, &self.ground].map(|end| end.link.poll_timeout());
        let timeouts = timeouts.into_iter().flatten();
        let timeouts = timeouts.map(|due| due.saturating_duration_since(self.began));
        let channel = self.channel.poll_timeout(self.now);
        timeouts.chain(channel).min()
    }

    /// Everything that happens now, until nothing more does.
    fn settle(&mut self) -> Result<(), String> {
        let now = self.began + self.now;
        for end in [&mut self.satellite, &mut self.ground] {
            if end.link.poll_timeout().is_some_and(|due| due <= now) {
                end.link.handle_timeout(now);
            }
        }
        loop {
            self.feed();
            let mut quiet = self.transmit()?;
            quiet &= self.hear()?;
            quiet &= self.act()?;
            if quiet {
                return Ok(());
            }
        }
    }

    fn feed(&mut self) {
        if self.to_queue == 0 {
            return;
        }
        let queued = self.satellite.statistics().messages_out.queued;
        for _ in queued..BACKLOG_MESSAGES.min(self.to_queue as u64) {
            let mut payload = vec![0; self.bulk_bytes];
            self.rng.fill(&mut payload);
            let now = self.began + self.now;
            let link = &mut self.satellite.link;
            link.handle_datagram(now, BULK_ENDPOINT, &payload);
            self.to_queue -= 1;
        }
    }

    /// Both ends hand to the radio what it takes; true if that was nothing.
    fn transmit(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for direction in Direction::ALL {
            let end = match direction {
                Direction::Transmit => &mut self.satellite,
                Direction::Receive => &mut self.ground,
            };
            // A radio that is full blocks, so the engine is not asked.
            while direction == Direction::Receive || self.channel.credits(self.now) > 0 {
                let Some(outgoing) = end.next_packet(now)? else {
                    break;
                };
                quiet = false;
                let bits = hdlc::frame_bits(&outgoing.frame) + FLAG_BITS;
                self.frame_bits = self.frame_bits.max(bits);
                let taken = self
                    .channel
                    .handle_frame(self.now, direction, &outgoing.frame);
                end.written(now, taken.map_err(|full| full.to_string()));
            }
        }
        Ok(quiet)
    }

    /// Both ends hear what arrives; true if that was nothing.
    fn hear(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for direction in Direction::ALL {
            while let Some(fate) = self.channel.poll_fate(self.now, direction) {
                quiet = false;
                let Fate::Delivered(frame) = fate else {
                    return Err("a frame was lost".to_owned());
                };
                let end = match direction {
                    Direction::Transmit => &mut self.ground,
                    Direction::Receive => &mut self.satellite,
                };
                for piece in end.pieces(&frame)? {
                    end.hear(now, &piece);
                }
            }
        }
        Ok(quiet)
    }

    /// Does what the engines decided; true if that was nothing.
    fn act(&mut self) -> Result<bool, String> {
        let mut quiet = true;
        let now = self.began + self.now;
        for which in [Which::Satellite, Which::Ground] {
            let end = match which {
                Which::Satellite => &mut self.satellite,
                Which::Ground => &mut self.ground,
            };
            while let Some(action) = end.next_action() {
                quiet = false;
                match action {
                    Action::StoreSecurity { token, .. } => {
                        end.link.handle_security_stored(now, token, Ok(()));
                    }
                    Action::Post { handler, .. } => self.asked = Some(handler),
                    Action::Answered { command_id, .. } => self.answered = Some(command_id),
                    Action::Heard(message) => {
                        self.messages += 1;
                        self.payload_bytes += message.payload.len() as u64;
                    }
                    other => return Err(format!("an engine was to do {other:?}")),
                }
            }
        }
        Ok(quiet)
    }
}
