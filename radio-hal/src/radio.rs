//! What a radio driver provides: a receiver, a transmitter, and what they are
//! like.
//!
//! The halves are two values, each with its own lock in a
//! [`RadioConnection`](crate::RadioConnection), so that a receiver waiting for
//! octets never delays a transmission. The module `conformance` (feature
//! `conformance`) proves the rules below against a driver, in one call.
//!
//! A radio for which two plain functions are enough needs none of this: bring a
//! `read` and a `write` to the crate `comms-service`, or make a radio of them by
//! [`Radio::from_functions`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::counters::FrameCounters;
use crate::error::RadioError;
use crate::frame_buffer::FrameBuffer;

/// What a receiver's octets are cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// A stream: a piece that `receive` gives is any part of it.
    Stream,
    /// Datagrams: a piece that `receive` gives is one whole frame.
    Datagrams,
}

/// Whether a radio hears while it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplex {
    /// It hears while it sends.
    #[default]
    Full,
    /// It is deaf while it sends.
    Half,
}

/// What a radio is like. Nothing of it changes over the radio's life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RadioProperties {
    /// What the receiver's octets are cut into.
    pub medium: Medium,
    /// MTU: the most octets of one `transmit`, with all of the framing; `None`
    /// if the radio has no limit.
    pub frame_bytes_max: Option<usize>,
    /// Bits per second on the air; `None` if the driver does not know.
    pub bit_rate_bps: Option<u64>,
    /// Whether it hears while it sends.
    pub duplex: Duplex,
    /// TXDELAY: from keying up to the first bit of a frame.
    pub tx_delay: Duration,
    /// TXTAIL: from the last bit of a frame to keying down.
    pub tx_tail: Duration,
    /// Credits: frames that the radio may have taken and not yet sent; at least
    /// one. With one, the air is idle from the end of each frame until the next
    /// `transmit`: 23 µs of that cost 1 % of a link of 1 Mbit/s with frames of
    /// 256 octets.
    ///
    /// What is urgent waits behind as many frames, so this is also how far ahead
    /// of the air a service hands frames over.
    pub frames_in_flight_max: usize,
    /// Frames worth offering to one `transmit_all`, where they are more than may
    /// be in flight. It says how much a call can do, and nothing of the air: a
    /// radio over datagrams sends 32 in one system call and has none in flight
    /// afterwards.
    pub frames_per_call_max: usize,
}

impl RadioProperties {
    /// A full-duplex radio on `medium`, with one frame in flight and by each call,
    /// and nothing known of its bit rate.
    pub fn new(medium: Medium) -> Self {
        Self {
            medium,
            frame_bytes_max: None,
            bit_rate_bps: None,
            duplex: Duplex::Full,
            tx_delay: Duration::ZERO,
            tx_tail: Duration::ZERO,
            frames_in_flight_max: 1,
            frames_per_call_max: 1,
        }
    }

    /// The same with an MTU, in octets.
    pub fn with_frame_bytes_max(mut self, frame_bytes_max: usize) -> Self {
        self.frame_bytes_max = Some(frame_bytes_max);
        self
    }

    /// The same with so many credits.
    pub fn with_frames_in_flight_max(mut self, frames_in_flight_max: usize) -> Self {
        self.frames_in_flight_max = frames_in_flight_max;
        self
    }

    /// The same with so many frames by each call.
    pub fn with_frames_per_call_max(mut self, frames_per_call_max: usize) -> Self {
        self.frames_per_call_max = frames_per_call_max;
        self
    }

    /// The most credits that the radio ever gives: what it holds ahead of the air
    /// or takes by one call, whichever is more.
    pub fn credits_max(&self) -> usize {
        self.frames_in_flight_max.max(self.frames_per_call_max)
    }
}

/// The receiving half of a radio.
///
/// # For driver authors
///
/// - `receive` MUST return within about `timeout`. When it gives nothing, it
///   MUST NOT return much earlier: the caller asks again at once, and would
///   spin. So it is while the device is gone.
///   One that deframes itself MAY return early after what is no packet.
/// - It MUST return as soon as there are octets; it does not wait for a certain
///   number of them. A read that got a part of a frame is a good read.
/// - On [`Medium::Datagrams`] it MUST push each frame as one piece. On
///   [`Medium::Stream`] the pieces may be cut anywhere.
/// - It MAY push several pieces at once, when they are there already. It SHOULD
///   push a bounded number of octets (some kibibytes, or some tens of frames).
/// - It MUST give each octet once and in the order of arrival.
/// - Noise is not an error: hand it over. Nor is a peer that is silent or, on
///   datagrams, gone away.
/// - An error says: this device cannot receive now, or octets are missing from
///   here on. A stream that was interrupted, such as a line that was unplugged,
///   MUST give one error before the first octet after the interruption; the
///   caller then drops the frame that was cut. Octets received before it MUST
///   be given first, by a call of their own: what is pushed along with an error
///   is dropped.
/// - A driver that can reopen its device SHOULD do so within later calls, with a
///   pause between tries, and give nothing meanwhile.
/// - It MUST NOT wait for the transmitter, and MUST NOT panic, whatever the air
///   brings.
///
/// # For service authors
///
/// Octets come in the order of arrival, on a stream cut anywhere, and may be
/// damaged, repeated, missing or not for you; framing and packet layer sort
/// that out. After an error call again, after a pause: what comes then does not
/// continue what came before. [`ErrorKind`](crate::ErrorKind) says which errors
/// may pass.
pub trait RadioReceiver: Send {
    /// Waits up to `timeout` for octets and pushes them to `received`; pushes
    /// nothing if none came.
    ///
    /// # Errors
    /// [`RadioError`] if the device cannot receive.
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError>;
}

/// The transmitting half of a radio.
///
/// # For driver authors
///
/// - `transmit` MUST send all octets of the frame in order, or return an error.
///   On a datagram medium it sends them as one datagram. `Ok` means that the
///   radio, or a buffer that loses nothing, has the frame; it need not wait
///   until the last octet has left the antenna.
/// - After an error a part of the frame may have been sent on a stream, but
///   MUST NOT have been sent whole: the same frame may be offered again. Before
///   that, a stream's part is given up by a `transmit` of a few octets, which
///   takes a credit as a frame does.
/// - More octets than [`frame_bytes_max`](RadioProperties::frame_bytes_max)
///   MUST be refused with [`ErrorKind::PacketTooLong`](crate::ErrorKind) before
///   one of them is sent.
/// - It MAY block while the device is busy, for that is how a radio of one
///   credit sets the pace; it MUST NOT block for ever: a device that takes
///   nothing for some seconds is an error. It MUST NOT wait for the receiver.
/// - A radio of more than one credit MUST tell by `credits` how many frames it
///   takes now, at most [`credits_max`](RadioProperties::credits_max). So many `transmit` calls that follow MUST NOT block for the air
///   and MUST NOT end with [`ErrorKind::Full`](crate::ErrorKind). Without a
///   credit `transmit` gives that error, and nothing is sent.
/// - While the device is gone, `credits` SHOULD wait for it and then give
///   [`ErrorKind::Disconnected`](crate::ErrorKind).
/// - `transmit_all` MUST take frames from the front, in order, and count exactly
///   those that it took. It is there for drivers that hand over several frames
///   in one system call; what stands here does so one by one.
///
/// # For service authors
///
/// Ask for credits, then transmit at most so many frames. `Ok` means that the
/// radio has taken the frame, not that anyone heard it. After an error part of a
/// stream frame may have been sent: the other end must be able to tell that
/// part from a frame, which a [`Framer`](crate::Framer) sees to.
pub trait RadioTransmitter: Send {
    /// Sends one frame.
    ///
    /// # Errors
    /// [`RadioError`] if the frame is too long or the device did not take it.
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError>;

    /// How many frames the radio takes now. Waits up to `timeout` while there is
    /// room for none, and gives 0 if there is none then.
    ///
    /// # Errors
    /// [`RadioError`] if the device is gone, or cannot send for another reason than
    /// that it is busy.
    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let _ = timeout;
        Ok(1)
    }

    /// Sends frames from the front of `frames` and gives how many the radio
    /// took.
    ///
    /// # Errors
    /// That of the first frame, with none taken. An error at a later frame ends
    /// the call: the frames before it are counted, and the error comes back when
    /// that frame is offered again.
    fn transmit_all(&mut self, frames: &FrameBuffer) -> Result<usize, RadioError> {
        for (index, frame) in frames.iter().enumerate() {
            match self.transmit(frame) {
                Ok(()) => {}
                Err(error) if index == 0 => return Err(error),
                Err(_) => return Ok(index),
            }
        }
        Ok(frames.len())
    }
}

/// A radio: two independent halves, what they are like, and the counters of its
/// frames.
pub struct Radio {
    /// The receiving half.
    pub receiver: Box<dyn RadioReceiver>,
    /// The transmitting half.
    pub transmitter: Box<dyn RadioTransmitter>,
    /// What the radio is like.
    pub properties: RadioProperties,
    /// Where the driver counts what it drops itself (such as datagrams from a
    /// foreign source), and the connection everything else.
    pub counters: Arc<FrameCounters>,
}

impl Radio {
    /// A radio whose driver drops nothing itself.
    pub fn new(
        properties: RadioProperties,
        receiver: impl RadioReceiver + 'static,
        transmitter: impl RadioTransmitter + 'static,
    ) -> Self {
        Self {
            receiver: Box::new(receiver),
            transmitter: Box::new(transmitter),
            properties,
            counters: Arc::default(),
        }
    }

    /// The same radio, whose driver counts drops in `counters`.
    pub fn with_counters(mut self, counters: Arc<FrameCounters>) -> Self {
        self.counters = counters;
        self
    }

    /// A radio of two functions, each of whole packets. `read` waits as long as
    /// it likes and gives an empty vector for "nothing yet".
    pub fn from_functions(
        read: impl FnMut() -> Result<Vec<u8>, RadioError> + Send + 'static,
        write: impl FnMut(&[u8]) -> Result<(), RadioError> + Send + 'static,
    ) -> Self {
        Self::new(
            RadioProperties::new(Medium::Datagrams),
            ReadFunction(read),
            WriteFunction(write),
        )
    }
}

impl fmt::Debug for Radio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Radio")
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

struct ReadFunction<F>(F);

impl<F> RadioReceiver for ReadFunction<F>
where
    F: FnMut() -> Result<Vec<u8>, RadioError> + Send,
{
    fn receive(
        &mut self,
        received: &mut FrameBuffer,
        _timeout: Duration,
    ) -> Result<(), RadioError> {
        received.push(&(self.0)()?);
        Ok(())
    }
}

struct WriteFunction<F>(F);

impl<F> RadioTransmitter for WriteFunction<F>
where
    F: FnMut(&[u8]) -> Result<(), RadioError> + Send,
{
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        (self.0)(frame)
    }
}
