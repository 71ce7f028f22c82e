//! A radio with its framing: whole packets in, whole packets out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::channel::ChannelMonitor;
use crate::counters::{FrameCounters, FrameDrop, FrameStatistics};
use crate::deframer::Deframer;
use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::framer::Framer;
use crate::framing::FramingConfig;
use crate::radio::{Radio, RadioProperties, RadioReceiver};
use crate::transmission::Transmission;

/// How long [`RadioConnection::read`] waits for octets, and
/// [`write`](RadioConnection::write) for room, when nothing else is configured.
pub const READ_TIMEOUT_MS: u64 = 1000;
/// The longest read timeout: so that it can be added to any time.
pub const READ_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// The most packets that one [`RadioConnection::read_all`] gives.
pub const PACKETS_PER_READ_MAX: usize = 64;

/// A shared handle on a radio, to be cloned freely.
///
/// Receiver and transmitter have a lock each: a read that waits never delays a
/// write. Meant for one reading and one writing thread; more of either take
/// turns.
#[derive(Clone)]
pub struct RadioConnection {
    shared: Arc<Shared>,
    channel: Option<ChannelMonitor>,
}

struct Shared {
    receiving: Mutex<Receiving>,
    transmission: Mutex<Transmission>,
    counters: Arc<FrameCounters>,
    properties: RadioProperties,
    read_timeout: Duration,
    packet_bytes_max: Option<usize>,
    frame_overhead_bytes: usize,
    /// The same in a simulated channel.
    channel_overhead_bytes: usize,
    is_hdlc_on_air: bool,
}

struct Receiving {
    receiver: Box<dyn RadioReceiver>,
    deframer: Deframer,
    received: FrameBuffer,
    /// Pieces of `received` that the deframer has.
    deframed: usize,
}

impl Receiving {
    /// Delivers packets of what was received, up to `packets_max`, and gives how
    /// many; every drop on the way is counted.
    fn deliver(
        &mut self,
        packets_max: usize,
        counters: &FrameCounters,
        mut deliver: impl FnMut(&[u8]),
    ) -> usize {
        let mut delivered = 0;
        let mut take = |found: Result<&[u8], FrameDrop>| match found {
            Ok(packet) => {
                counters.count_delivered();
                deliver(packet);
                delivered += 1;
                delivered == packets_max
            }
            Err(reason) => {
                counters.count_dropped(reason);
                false
            }
        };
        'pieces: loop {
            while let Some(found) = self.deframer.next_packet() {
                if take(found) {
                    break 'pieces;
                }
            }
            let Some(piece) = self.received.get(self.deframed) else {
                break;
            };
            self.deframed += 1;
            match self.deframer.packet_in(piece) {
                None => self.deframer.push(piece),
                Some(found) if take(found) => break,
                Some(_) => {}
            }
        }
        delivered
    }

    /// Waits for pieces in place of those that were delivered.
    fn receive(&mut self, wait: Duration, counters: &FrameCounters) -> Result<(), RadioError> {
        self.received.clear();
        self.deframed = 0;
        let outcome = self.receiver.receive(&mut self.received, wait);
        if outcome.is_err() {
            self.received.clear();
            if let Some(reason) = self.deframer.reset() {
                counters.count_dropped(reason);
            }
        }
        outcome
    }
}

impl RadioConnection {
    /// Puts `framing` around `radio`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if the framing's settings do not fit each
    /// other or the radio's medium, or if `read_timeout` is zero or more than a day.
    pub fn new(
        radio: Radio,
        framing: FramingConfig,
        read_timeout: Duration,
    ) -> Result<Self, RadioError> {
        if read_timeout.is_zero() || read_timeout > READ_TIMEOUT_MAX {
            return Err(RadioError::new(
                ErrorKind::InvalidConfig,
                format!(
                    "the read timeout is {read_timeout:?}: choose 1 ms to a day \
                     (usual: {READ_TIMEOUT_MS} ms)"
                ),
            ));
        }
        if radio.properties.frames_in_flight_max == 0 {
            return Err(RadioError::new(
                ErrorKind::InvalidConfig,
                "the radio may have 0 frames in flight: it needs room for one at least",
            ));
        }
        framing.validate_on(radio.properties.medium)?;
        let framer = Framer::new(&framing, radio.properties.frame_bytes_max)?;
        let deframer = Deframer::new(&framing)?;
        Ok(Self {
            shared: Arc::new(Shared {
                packet_bytes_max: framer.packet_bytes_max(),
                frame_overhead_bytes: frame_overhead_bytes(&framing),
                channel_overhead_bytes: framing.channel_overhead_bytes(),
                is_hdlc_on_air: framing.framing.is_hdlc_on_air(),
                receiving: Mutex::new(Receiving {
                    receiver: radio.receiver,
                    deframer,
                    received: FrameBuffer::new(),
                    deframed: 0,
                }),
                transmission: Mutex::new(Transmission::new(
                    radio.transmitter,
                    framer,
                    radio.properties.medium,
                )),
                counters: radio.counters,
                properties: radio.properties,
                read_timeout,
            }),
            channel: None,
        })
    }

    /// One whole packet, or an empty vector if none came within the read
    /// timeout. Frames that hold no packet for us are counted and passed over;
    /// however many there are, they do not prolong the wait.
    ///
    /// # Errors
    /// [`RadioError`] if the radio cannot receive, or was interrupted; a frame
    /// that was cut is dropped and counted. Call again.
    pub fn read(&self) -> Result<Vec<u8>, RadioError> {
        let mut packet = Vec::new();
        self.read_up_to(1, |octets| packet = octets.to_vec())?;
        Ok(packet)
    }

    /// Waits for a packet as [`read`](Self::read) does, and pushes to `packets`
    /// every whole packet that is there then, up to [`PACKETS_PER_READ_MAX`];
    /// nothing if none came within the read timeout.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); nothing was pushed then.
    pub fn read_all(&self, packets: &mut FrameBuffer) -> Result<(), RadioError> {
        self.read_up_to(PACKETS_PER_READ_MAX, |packet| packets.push(packet))
    }

    fn read_up_to(
        &self,
        packets_max: usize,
        mut deliver: impl FnMut(&[u8]),
    ) -> Result<(), RadioError> {
        let counters = &self.shared.counters;
        let mut receiving = lock(&self.shared.receiving);
        let started = Instant::now();
        // The first wait is the same each time, which spares a socket the
        // setting of its timeout.
        let mut remaining = self.shared.read_timeout;
        loop {
            let delivered = receiving.deliver(packets_max, counters, &mut deliver);
            if delivered > 0 || remaining.is_zero() {
                return Ok(());
            }
            receiving.receive(remaining, counters)?;
            remaining = self.shared.read_timeout.saturating_sub(started.elapsed());
        }
    }

    /// Frames `packet` and sends it. Waits for room as long as a read waits.
    ///
    /// # Errors
    /// [`ErrorKind::PacketTooLong`] above
    /// [`packet_bytes_max`](Self::packet_bytes_max) and
    /// [`ErrorKind::PacketEmpty`], before anything is sent;
    /// [`ErrorKind::Full`] if the radio had no room in that time; else what the
    /// radio's transmitter says. The packet was not sent whole then.
    pub fn write(&self, packet: &[u8]) -> Result<(), RadioError> {
        self.write_all([packet]).map(drop)
    }

    /// Frames packets from the front of `packets`, as many as the radio has
    /// credits for, and sends them; gives how many it took. Waits for room for
    /// the first as long as a read waits.
    ///
    /// A [`FrameBuffer`] is such packets, and what is left of one is offered by
    /// `buffer.iter().skip(taken)`.
    ///
    /// # Errors
    /// Those of [`write`](Self::write), where they concern the first packet.
    /// Packets before one that cannot be sent are sent and counted; the error
    /// comes back when that one is offered again.
    pub fn write_all<'a>(
        &self,
        packets: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<usize, RadioError> {
        let counters = &self.shared.counters;
        let mut transmission = lock(&self.shared.transmission);
        let outcome = transmission.send(packets, self.shared.read_timeout);
        match &outcome {
            Ok(taken) => counters.count_transmitted(*taken as u64),
            Err(error) if error.kind().may_be_tried_again() => {}
            Err(_) => counters.count_transmit_failure(),
        }
        outcome
    }

    pub(crate) fn with_channel(self, channel: Option<ChannelMonitor>) -> Self {
        Self { channel, ..self }
    }

    /// What happens in the simulated channel, if there is one.
    pub fn channel(&self) -> Option<&ChannelMonitor> {
        self.channel.as_ref()
    }

    /// What the radio is like.
    pub fn properties(&self) -> &RadioProperties {
        &self.shared.properties
    }

    /// The longest packet that [`write`](Self::write) takes, in octets; see
    /// [`Framer::packet_bytes_max`].
    pub fn packet_bytes_max(&self) -> Option<usize> {
        self.shared.packet_bytes_max
    }

    /// Octets that the framing puts around a packet, at least: what is escaped or
    /// stuffed inside comes on top. Where a channel is simulated, those in the channel.
    pub fn frame_overhead_bytes(&self) -> usize {
        match &self.channel {
            Some(_) => self.shared.channel_overhead_bytes,
            None => self.shared.frame_overhead_bytes,
        }
    }

    /// Whether bits are stuffed into the packet on the air, as HDLC does.
    pub fn is_bit_stuffed(&self) -> bool {
        self.shared.is_hdlc_on_air || self.channel.is_some()
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
            .field("properties", &self.shared.properties)
            .field("packet_bytes_max", &self.shared.packet_bytes_max)
            .field("read_timeout", &self.shared.read_timeout)
            .finish_non_exhaustive()
    }
}

/// What a frame has beside a packet of zeros, in which nothing is escaped.
fn frame_overhead_bytes(framing: &FramingConfig) -> usize {
    let packet = [0; 32];
    let mut frame = Vec::new();
    let framed =
        Framer::new(framing, None).and_then(|mut framer| framer.frame(&packet, &mut frame));
    match framed {
        Ok(()) => frame.len().saturating_sub(packet.len()),
        Err(_) => 0,
    }
}

/// A driver that panicked has lost its own octets at most: the buffers are
/// cleared before each use and the deframer resynchronises, so the next caller
/// goes on with what is there.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
