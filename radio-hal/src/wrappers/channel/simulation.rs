//! A channel in real time, around any radio.
//!
//! What the receiver gives has come through the channel, and what the transmitter
//! takes goes through it. A thread stands between the channel and the transmitter
//! of the radio inside, since a frame arrives when it is time, not when somebody
//! calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::{Channel, ChannelConfig, ChannelStatistics, Direction, Fate};
use crate::counters::{FrameCounters, FrameDrop};
use crate::deframer::Deframer;
use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::framer::Framer;
use crate::framing::FramingConfig;
use crate::radio::{Radio, RadioReceiver, RadioTransmitter};
use crate::transmission::Transmission;

/// When nothing is due, the channel is looked at this often.
const IDLE_WAIT: Duration = Duration::from_secs(60);
/// How long what is on its way still leaves after the radio was closed.
pub const LINGER_MAX_MS: u64 = 10_000;
/// How long a frame that arrives waits for the radio inside to have room.
const ROOM_WAIT: Duration = Duration::from_secs(1);
/// Frames that one call gives at most.
const RECEIVED_FRAMES_MAX: usize = 32;
/// The shortest wait between two looks.
const WAIT_MIN: Duration = Duration::from_micros(50);

/// Puts a channel in front of `radio`, whose host's side has `framing`: the frames
/// in it are what the channel carries, the AX.25 frames with their addresses. The
/// channel's time begins now.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`] if a setting cannot work; [`ErrorKind::Io`] if the
/// system gives no thread.
pub fn simulate(
    radio: Radio,
    framing: &FramingConfig,
    config: &ChannelConfig,
) -> Result<(Radio, ChannelMonitor), RadioError> {
    let channel = Channel::new(config)
        .map_err(|error| RadioError::new(ErrorKind::InvalidConfig, error.to_string()))?;
    let frames = framing.without_ax25();
    let air = Arc::new(Air {
        began: Instant::now(),
        channel: Mutex::new(channel),
    });
    let mut properties = radio.properties;
    properties.bit_rate_bps = config.transmit.bit_rate_bps;
    properties.duplex = config.duplex;
    properties.tx_delay = config.transmit.tx_delay;
    properties.tx_tail = config.transmit.tx_tail;
    properties.frames_in_flight_max = config.frames_in_flight_max();
    properties.frames_per_call_max = 1;

    let far_end = FarEnd {
        air: Arc::clone(&air),
        transmission: Transmission::new(
            radio.transmitter,
            Framer::new(&frames, properties.frame_bytes_max)?,
            properties.medium,
        ),
        counters: Arc::clone(&radio.counters),
        in_contact: true,
    };
    let (wake, woken) = bounded(1);
    let thread = std::thread::Builder::new()
        .name("channel".to_owned())
        .spawn(move || far_end.run(&woken))
        .map_err(|error| RadioError::new(ErrorKind::Io, format!("no thread: {error}")))?;
    let transmitter = ChannelTransmitter {
        air: Arc::clone(&air),
        frame_bytes_max: properties.frame_bytes_max,
        deframer: Deframer::new(&frames)?,
        wake: Some(wake),
        thread: Some(thread),
    };
    let receiver = ChannelReceiver {
        air: Arc::clone(&air),
        receiver: radio.receiver,
        counters: Arc::clone(&radio.counters),
        pieces: FrameBuffer::new(),
        deframer: Deframer::new(&frames)?,
        framer: Framer::new(&frames, None)?,
    };
    let simulated = Radio::new(properties, receiver, transmitter).with_counters(radio.counters);
    Ok((simulated, ChannelMonitor { air }))
}

/// Looks at a channel that is being simulated.
#[derive(Debug, Clone)]
pub struct ChannelMonitor {
    air: Arc<Air>,
}

impl ChannelMonitor {
    /// What became of every frame so far.
    pub fn statistics(&self) -> ChannelStatistics {
        self.air.channel().0.statistics()
    }

    /// Whether the stations see each other now.
    pub fn is_in_contact(&self) -> bool {
        let (channel, now) = self.air.channel();
        channel.is_in_contact(now)
    }
}

#[derive(Debug)]
struct Air {
    began: Instant,
    channel: Mutex<Channel>,
}

impl Air {
    /// The channel, and its time.
    fn channel(&self) -> (MutexGuard<'_, Channel>, Duration) {
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        // Read behind the lock, so that the channel's time never goes back.
        (channel, self.began.elapsed())
    }
}

/// Hands what went through the channel to the radio inside.
struct FarEnd {
    air: Arc<Air>,
    transmission: Transmission,
    counters: Arc<FrameCounters>,
    in_contact: bool,
}

impl FarEnd {
    /// Runs until nobody transmits any more and nothing is on the way.
    fn run(mut self, woken: &Receiver<()>) {
        let mut closing: Option<Instant> = None;
        loop {
            let (fate, idle, wait) = self.look();
            let wait = match fate {
                Some(Fate::Delivered(frame)) => {
                    self.transmit(&frame);
                    Duration::ZERO
                }
                Some(Fate::Dropped { bytes, reason }) => {
                    log::info!("channel: frame of {bytes} octets lost on its way out: {reason}");
                    Duration::ZERO
                }
                None if closing.is_some() && idle => return,
                None => wait.max(WAIT_MIN),
            };
            match closing {
                Some(until) if until < Instant::now() + wait => {
                    log::warn!("channel: closed before all frames had arrived");
                    return;
                }
                Some(_) => std::thread::sleep(wait),
                None => {
                    let woken = woken.recv_timeout(wait);
                    closing = (woken == Err(RecvTimeoutError::Disconnected))
                        .then(|| Instant::now() + Duration::from_millis(LINGER_MAX_MS));
                }
            }
        }
    }

    /// The next fate, whether nothing is on the way, and how long until more may
    /// happen.
    fn look(&mut self) -> (Option<Fate>, bool, Duration) {
        let (mut channel, now) = self.air.channel();
        let fate = channel.poll_fate(now, Direction::Transmit);
        let idle = channel.statistics().transmit.in_flight == 0;
        let in_contact = channel.is_in_contact(now);
        let next = [
            channel.next_fate(Direction::Transmit),
            channel.contacts.next_change(now),
        ];
        drop(channel);
        self.tell_contact(in_contact, now);
        let next = next.into_iter().flatten().min();
        let wait = next.map_or(IDLE_WAIT, |next| next.saturating_sub(now));
        (fate, idle, wait)
    }

    fn tell_contact(&mut self, in_contact: bool, now: Duration) {
        if self.in_contact != in_contact {
            self.in_contact = in_contact;
            let what = if in_contact { "AOS" } else { "LOS" };
            log::info!("channel: {what} at {:.1} s", now.as_secs_f64());
        }
    }

    fn transmit(&mut self, frame: &[u8]) {
        if let Err(error) = self.transmission.send([frame], ROOM_WAIT) {
            self.counters.count_transmit_failure();
            log::warn!("channel: the radio inside did not take a frame: {error}");
        }
    }
}

struct ChannelTransmitter {
    air: Arc<Air>,
    frame_bytes_max: Option<usize>,
    deframer: Deframer,
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RadioTransmitter for ChannelTransmitter {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        if let Some(frame_bytes_max) = self.frame_bytes_max.filter(|max| frame.len() > *max) {
            let octets = frame.len();
            return Err(RadioError::new(
                ErrorKind::PacketTooLong,
                format!("frame of {octets} octets: the radio takes {frame_bytes_max} at most"),
            ));
        }
        self.deframer.push(frame);
        let (mut channel, now) = self.air.channel();
        if channel.credits(now) == 0 {
            while self.deframer.next_frame().is_some() {}
            return Err(RadioError::new(
                ErrorKind::Full,
                "the simulated radio is still sending",
            ));
        }
        while let Some(deframed) = self.deframer.next_frame() {
            match deframed.packet {
                Ok(content) => channel
                    .handle_frame(now, Direction::Transmit, content)
                    .map_err(|error| RadioError::new(ErrorKind::Full, error.to_string()))?,
                // Such as a parameter for a TNC.
                Err(reason) => log::info!("channel: what is no frame is not sent: {reason}"),
            }
        }
        drop(channel);
        let woken = self.wake.as_ref().map(|wake| wake.try_send(()));
        match woken {
            Some(Err(TrySendError::Disconnected(()))) => Err(RadioError::new(
                ErrorKind::Io,
                "the simulated radio is broken: the transmitter inside panicked",
            )),
            _ => Ok(()),
        }
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            let (credits, next) = {
                let (mut channel, now) = self.air.channel();
                let credits = channel.credits(now);
                let next = channel.next_credit(now);
                (credits, next.map(|next| next.saturating_sub(now)))
            };
            let remaining = deadline.saturating_duration_since(Instant::now());
            if credits > 0 || remaining.is_zero() {
                return Ok(credits);
            }
            std::thread::sleep(
                next.unwrap_or(remaining)
                    .clamp(WAIT_MIN, remaining.max(WAIT_MIN)),
            );
        }
    }
}

impl Drop for ChannelTransmitter {
    /// What the radio has taken still leaves the antenna, within
    /// [`LINGER_MAX_MS`].
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct ChannelReceiver {
    air: Arc<Air>,
    receiver: Box<dyn RadioReceiver>,
    counters: Arc<FrameCounters>,
    pieces: FrameBuffer,
    deframer: Deframer,
    framer: Framer,
}

impl ChannelReceiver {
    /// What has come through the channel by now; gives how long until more may.
    fn take_arrivals(&mut self, received: &mut FrameBuffer) -> Option<Duration> {
        let (mut channel, now) = self.air.channel();
        while received.len() < RECEIVED_FRAMES_MAX {
            let Some(fate) = channel.poll_fate(now, Direction::Receive) else {
                break;
            };
            match fate {
                Fate::Delivered(frame) => {
                    let framed = received.push_with(|octets| self.framer.frame(&frame, octets));
                    if let Err(error) = framed {
                        log::debug!("channel: frame not handed to the host: {error}");
                    }
                }
                Fate::Dropped { bytes, reason } => {
                    log::info!("channel: frame of {bytes} octets lost on its way in: {reason}");
                    self.counters.count_dropped(reason);
                }
            }
        }
        channel
            .next_fate(Direction::Receive)
            .map(|next| next.saturating_sub(now))
    }

    fn put_on_air(&mut self) {
        let (mut channel, now) = self.air.channel();
        for piece in self.pieces.iter() {
            self.deframer.push(piece);
            while let Some(deframed) = self.deframer.next_frame() {
                let taken = match deframed.packet {
                    Ok(frame) => channel
                        .handle_frame(now, Direction::Receive, frame)
                        .map_err(|_| FrameDrop::ChannelFull),
                    Err(reason) => Err(reason),
                };
                if let Err(reason) = taken {
                    self.counters.count_dropped(reason);
                }
            }
        }
    }
}

impl RadioReceiver for ChannelReceiver {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            let next = self.take_arrivals(received);
            let remaining = deadline.saturating_duration_since(Instant::now());
            if !received.is_empty() || remaining.is_zero() {
                return Ok(());
            }
            let wait = next
                .unwrap_or(remaining)
                .clamp(WAIT_MIN, remaining.max(WAIT_MIN));
            self.pieces.clear();
            if let Err(error) = self.receiver.receive(&mut self.pieces, wait) {
                if let Some(reason) = self.deframer.reset() {
                    self.counters.count_dropped(reason);
                }
                return Err(error);
            }
            self.put_on_air();
        }
    }
}
