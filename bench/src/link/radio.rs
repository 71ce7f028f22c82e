//! A radio of a bit rate and of credits that sends into the void, and knows when it had
//! nothing to send.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use radio_hal::hdlc;
use radio_hal::{
    ErrorKind, FrameBuffer, Medium, Radio, RadioError, RadioProperties, RadioReceiver,
    RadioTransmitter,
};

/// Bits of the flag that ends a frame.
const FLAG_BITS: usize = 8;

/// A frame that a radio sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) taken: Instant,
    /// From the last bit of the frame before it until it was there; zero if it was there
    /// before.
    pub(super) gap: Duration,
}

/// What a radio sent so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Sending>);

#[derive(Debug, Default)]
struct Sending {
    all: Mutex<Vec<Sent>>,
    more: Condvar,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All frames, when there are so many, or when none came for `patience`.
    pub(super) fn wait_for(&self, frames: usize, patience: Duration) -> Vec<Sent> {
        let mut all = self.lock();
        while all.len() < frames {
            let before = all.len();
            let waited = self.0.more.wait_timeout(all, patience);
            all = waited.unwrap_or_else(PoisonError::into_inner).0;
            if all.len() == before {
                break;
            }
        }
        all.clone()
    }

    fn add(&self, sent: Sent) {
        self.lock().push(sent);
        self.0.more.notify_all();
    }
}

/// A radio of `credits` frames, one of them on the air, which gets AX.25 frames and sends
/// them as HDLC.
pub(super) fn paced(bit_rate_bps: u64, credits: usize) -> (Radio, Log) {
    let mut properties = RadioProperties::new(Medium::Datagrams).with_frames_in_flight_max(credits);
    properties.bit_rate_bps = Some(bit_rate_bps);
    let log = Log::default();
    let transmitter = Transmitter {
        bit_rate_bps,
        credits,
        ends: VecDeque::new(),
        idle_since: None,
        log: log.clone(),
    };
    (Radio::new(properties, Deaf, transmitter), log)
}

struct Deaf;

impl RadioReceiver for Deaf {
    fn receive(&mut self, _: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        thread::sleep(timeout);
        Ok(())
    }
}

struct Transmitter {
    bit_rate_bps: u64,
    credits: usize,
    /// When the frames that it has will have been sent, the oldest first.
    ends: VecDeque<Instant>,
    /// The last bit of the last frame.
    idle_since: Option<Instant>,
    log: Log,
}

impl Transmitter {
    fn free(&mut self, now: Instant) -> usize {
        while self.ends.front().is_some_and(|end| *end <= now) {
            self.ends.pop_front();
        }
        self.credits - self.ends.len().min(self.credits)
    }
}

impl RadioTransmitter for Transmitter {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        let now = Instant::now();
        if self.free(now) == 0 {
            return Err(RadioError::new(ErrorKind::Full, "still sending"));
        }
        let follows = self.idle_since.unwrap_or(now);
        let bits = (hdlc::frame_bits(frame) + FLAG_BITS) as u64;
        let nanos = bits * 1_000_000_000 / self.bit_rate_bps;
        let end = follows.max(now) + Duration::from_nanos(nanos);
        self.ends.push_back(end);
        self.idle_since = Some(end);
        self.log.add(Sent {
            taken: now,
            gap: now.saturating_duration_since(follows),
        });
        Ok(())
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            let now = Instant::now();
            let free = self.free(now);
            if free > 0 || now >= deadline {
                return Ok(free);
            }
            let until = self.ends.front().copied().unwrap_or(deadline);
            thread::sleep(until.min(deadline).saturating_duration_since(now));
        }
    }
}
