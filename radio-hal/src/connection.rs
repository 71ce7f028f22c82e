//! A radio with its framing: whole packets in, whole packets out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::counters::{FrameCounters, FrameStatistics};
use crate::deframer::Deframer;
use crate::framer::Framer;
use crate::framing::FramingConfig;
use crate::radio::{ErrorKind, Radio, RadioError, RadioReceiver, RadioTransmitter};

/// How long [`RadioConnection::read`] waits when nothing else is configured.
pub const READ_TIMEOUT_MS: u64 = 1000;

/// A shared handle on a radio, to be cloned freely.
///
/// Receiver and transmitter have a lock each: a read that waits never delays a
/// write. Meant for one reading and one writing thread; more of either take
/// turns.
#[derive(Clone)]
pub struct RadioConnection {
    shared: Arc<Shared>,
}

struct Shared {
    receiving: Mutex<Receiving>,
    transmitting: Mutex<Transmitting>,
    counters: Arc<FrameCounters>,
    read_timeout: Duration,
    packet_bytes_max: Option<usize>,
}

struct Receiving {
    receiver: Box<dyn RadioReceiver>,
    deframer: Deframer,
    buffer: Vec<u8>,
}

struct Transmitting {
    transmitter: Box<dyn RadioTransmitter>,
    framer: Framer,
    frame: Vec<u8>,
}

impl RadioConnection {
    /// Puts `framing` around `radio`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the framing's settings do not fit each
    /// other or the radio's medium, or if `read_timeout` is zero.
    pub fn new(
        radio: Radio,
        framing: FramingConfig,
        read_timeout: Duration,
    ) -> Result<Self, RadioError> {
        if read_timeout.is_zero() {
            return Err(RadioError::new(
                ErrorKind::InvalidConfig,
                format!("the read timeout is 0: choose at least 1 ms (usual: {READ_TIMEOUT_MS})"),
            ));
        }
        framing.validate_on(radio.receiver.medium())?;
        let framer = Framer::new(&framing, radio.transmitter.frame_bytes_max())?;
        let deframer = Deframer::new(&framing)?;
        Ok(Self {
            shared: Arc::new(Shared {
                packet_bytes_max: framer.packet_bytes_max(),
                receiving: Mutex::new(Receiving {
                    receiver: radio.receiver,
                    deframer,
                    buffer: Vec::new(),
                }),
                transmitting: Mutex::new(Transmitting {
                    transmitter: radio.transmitter,
                    framer,
                    frame: Vec::new(),
                }),
                counters: radio.counters,
                read_timeout,
            }),
        })
    }

    /// One whole packet, or an empty vector if none came within the read
    /// timeout. Frames that hold no packet for us are counted and passed over;
    /// however many there are, they do not prolong the wait.
    ///
    /// # Errors
    /// [`RadioError`] if the radio cannot receive.
    pub fn read(&self) -> Result<Vec<u8>, RadioError> {
        let counters = &self.shared.counters;
        let mut receiving = lock(&self.shared.receiving);
        let started = Instant::now();
        // The first wait is the same each time, which spares a socket the
        // setting of its timeout.
        let mut remaining = self.shared.read_timeout;
        let Receiving {
            receiver,
            deframer,
            buffer,
        } = &mut *receiving;
        loop {
            if let Some(packet) = next_packet(deframer, counters) {
                return Ok(packet);
            }
            if remaining.is_zero() {
                return Ok(Vec::new());
            }
            buffer.clear();
            receiver.receive(buffer, remaining)?;
            if !buffer.is_empty() {
                deframer.push(buffer);
            }
            remaining = self.shared.read_timeout.saturating_sub(started.elapsed());
        }
    }

    /// Frames `packet` and sends it.
    ///
    /// # Errors
    /// [`ErrorKind::PacketTooLong`] above
    /// [`packet_bytes_max`](Self::packet_bytes_max) and
    /// [`ErrorKind::PacketEmpty`], before anything is sent; else what the
    /// radio's transmitter says.
    pub fn write(&self, packet: &[u8]) -> Result<(), RadioError> {
        let outcome = self.frame_and_transmit(packet);
        match outcome {
            Ok(()) => self.shared.counters.count_transmitted(),
            Err(_) => self.shared.counters.count_transmit_failure(),
        }
        outcome
    }

    fn frame_and_transmit(&self, packet: &[u8]) -> Result<(), RadioError> {
        let mut transmitting = lock(&self.shared.transmitting);
        let Transmitting {
            transmitter,
            framer,
            frame,
        } = &mut *transmitting;
        frame.clear();
        framer.frame(packet, frame)?;
        transmitter.transmit(frame)
    }

    /// The longest packet that [`write`](Self::write) takes, in octets; see
    /// [`Framer::packet_bytes_max`].
    pub fn packet_bytes_max(&self) -> Option<usize> {
        self.shared.packet_bytes_max
    }

    /// How long [`read`](Self::read) waits.
    pub fn read_timeout(&self) -> Duration {
        self.shared.read_timeout
    }

    /// What became of every frame so far.
    pub fn statistics(&self) -> FrameStatistics {
        self.shared.counters.snapshot()
    }
}

impl fmt::Debug for RadioConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RadioConnection")
            .field("packet_bytes_max", &self.shared.packet_bytes_max)
            .field("read_timeout", &self.shared.read_timeout)
            .finish_non_exhaustive()
    }
}

/// The next packet of what was pushed, every drop on the way counted.
fn next_packet(deframer: &mut Deframer, counters: &FrameCounters) -> Option<Vec<u8>> {
    loop {
        match deframer.next_packet()? {
            Ok(packet) => {
                counters.count_delivered();
                return Some(packet.to_vec());
            }
            Err(reason) => counters.count_dropped(reason),
        }
    }
}

/// A driver that panicked has lost its own octets at most: the buffers are
/// cleared before each use and the deframer resynchronises, so the next caller
/// goes on with what is there.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
