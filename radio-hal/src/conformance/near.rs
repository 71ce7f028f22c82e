//! The driver under test: each call is timed, and its frames are ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bench::Setup;
use super::calls::Calls;
use super::heard::{Heard, Octets, deframe};
use super::rule::Rule;
use super::violation::Violation;
use crate::deframer::Deframer;
use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::framer::Framer;
use crate::radio::{Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};

/// How late a call may return on a busy machine.
pub(super) const LATE: Duration = Duration::from_secs(2);
/// What comes at all, comes within this time.
pub(super) const ARRIVAL: Duration = Duration::from_secs(3);

/// Before a frame is offered again that there was no room for.
const PAUSE_WHILE_FULL: Duration = Duration::from_millis(5);
/// Calls in a row that may give nothing before their time: a driver that deframes
/// itself may return so from frames without a packet.
const EARLY_MAX: usize = 16;

pub(super) const RECEIVE: &str = "receive";
pub(super) const TRANSMIT: &str = "transmit";

/// The driver under test.
pub(super) struct Near {
    pub(super) receiving: Receiving,
    pub(super) transmitting: Transmitting,
}

impl Near {
    pub(super) fn new(radio: Radio, setup: &Setup, calls: &Arc<Calls>) -> Result<Self, RadioError> {
        let framing = &setup.framing;
        framing.validate_on(radio.properties.medium)?;
        Ok(Self {
            receiving: Receiving {
                receiver: radio.receiver,
                deframer: Deframer::new(framing)?,
                own_wait: setup.own_wait,
                early: 0,
                early_max: EARLY_MAX,
                calls: Arc::clone(calls),
            },
            transmitting: Transmitting {
                transmitter: radio.transmitter,
                framer: Framer::new(framing, radio.properties.frame_bytes_max)?,
                properties: radio.properties,
                cut_short: false,
                calls: Arc::clone(calls),
            },
        })
    }
}

/// The driver's receiving half.
pub(super) struct Receiving {
    receiver: Box<dyn RadioReceiver>,
    deframer: Deframer,
    own_wait: Option<Duration>,
    /// Calls in a row that gave nothing before their time, and how many may.
    early: usize,
    pub(super) early_max: usize,
    pub(super) calls: Arc<Calls>,
}

impl Receiving {
    /// One call; gives the pieces it brought, and its error.
    pub(super) fn receive(
        &mut self,
        timeout: Duration,
    ) -> Result<(FrameBuffer, Option<RadioError>), Violation> {
        let mut received = FrameBuffer::new();
        let receiver = &mut self.receiver;
        let wait = self.own_wait.unwrap_or(timeout);
        let started = Instant::now();
        let outcome = self.calls.call(RECEIVE, Rule::ReceiveReturns, wait, || {
            receiver.receive(&mut received, timeout)
        })?;
        let elapsed = started.elapsed();
        if elapsed > wait + LATE {
            return Err(Violation::here(
                format!("`receive` returns within about {wait:?}"),
                format!("it took {elapsed:?}"),
            )
            .of(Rule::ReceiveReturns));
        }
        let is_early = outcome.is_ok() && received.is_empty() && elapsed < wait / 2;
        self.early = if is_early { self.early + 1 } else { 0 };
        if self.early > self.early_max {
            return Err(Violation::here(
                format!("`receive` waits {wait:?} while nothing comes"),
                format!("it gave nothing after {elapsed:?}"),
            )
            .of(Rule::EmptyReceiveWaits));
        }
        Ok((received, outcome.err()))
    }

    /// One call, with its pieces deframed.
    pub(super) fn hear(&mut self, timeout: Duration) -> Result<Vec<Heard>, Violation> {
        let (received, error) = self.receive(timeout)?;
        let mut heard = Vec::new();
        for piece in received.iter() {
            deframe(&mut self.deframer, piece, &mut heard);
        }
        if let Some(error) = error {
            self.deframer.reset();
            heard.push(Heard::Error(error));
        }
        Ok(heard)
    }
}

/// The driver's transmitting half.
pub(super) struct Transmitting {
    transmitter: Box<dyn RadioTransmitter>,
    framer: Framer,
    pub(super) properties: RadioProperties,
    /// A part of a frame may be on the stream.
    cut_short: bool,
    calls: Arc<Calls>,
}

impl Transmitting {
    pub(super) fn packet_bytes_max(&self) -> Option<usize> {
        self.framer.packet_bytes_max()
    }

    /// The octets of the frame of `packet`.
    pub(super) fn frame(&mut self, packet: &[u8]) -> Result<Vec<u8>, Violation> {
        let mut frame = Vec::new();
        let framed = self.framer.frame(packet, &mut frame);
        framed.map_err(|error| {
            Violation::here(
                format!("the framing takes {} octets", packet.len()),
                error.to_string(),
            )
        })?;
        Ok(frame)
    }

    pub(super) fn credits(&mut self, timeout: Duration) -> Result<usize, Violation> {
        let transmitter = &mut self.transmitter;
        let outcome = self
            .calls
            .call("credits", Rule::TransmitReturns, timeout, || {
                transmitter.credits(timeout)
            })?;
        let credits = outcome.unwrap_or(0);
        let credits_max = self.properties.credits_max();
        if credits > credits_max {
            return Err(Violation::here(
                format!("at most {credits_max} credits, which is `credits_max`"),
                format!("{credits} credits"),
            )
            .of(Rule::CreditsAreGood));
        }
        Ok(credits)
    }

    /// One call with the octets of a frame.
    pub(super) fn transmit(&mut self, frame: &[u8]) -> Result<Result<(), RadioError>, Violation> {
        let transmitter = &mut self.transmitter;
        self.calls
            .call(TRANSMIT, Rule::TransmitReturns, Duration::ZERO, || {
                transmitter.transmit(frame)
            })
    }

    /// Offers a packet once, as a connection does: after an error on a stream
    /// the frame that was cut short is given up first.
    pub(super) fn offer(&mut self, packet: &[u8]) -> Result<Result<(), RadioError>, Violation> {
        if let Err(error) = self.give_up_part()? {
            return Ok(Err(error));
        }
        let frame = self.frame(packet)?;
        let outcome = self.transmit(&frame)?;
        self.cut_short = self.properties.medium == Medium::Stream
            && matches!(&outcome, Err(error) if error.kind().may_have_sent_a_part());
        Ok(outcome)
    }

    /// Offers several packets in one call; gives how many were taken.
    pub(super) fn offer_all(
        &mut self,
        packets: &[Vec<u8>],
    ) -> Result<Result<usize, RadioError>, Violation> {
        if let Err(error) = self.give_up_part()? {
            return Ok(Err(error));
        }
        let mut frames = FrameBuffer::new();
        for packet in packets {
            frames.push(&self.frame(packet)?);
        }
        let transmitter = &mut self.transmitter;
        let outcome = self
            .calls
            .call(TRANSMIT, Rule::TransmitReturns, Duration::ZERO, || {
                transmitter.transmit_all(&frames)
            })?;
        self.cut_short = self.properties.medium == Medium::Stream
            && match &outcome {
                Ok(taken) => *taken < frames.len(),
                Err(error) => error.kind().may_have_sent_a_part(),
            };
        Ok(outcome)
    }

    fn give_up_part(&mut self) -> Result<Result<(), RadioError>, Violation> {
        if !self.cut_short {
            return Ok(Ok(()));
        }
        let mut abort = Vec::new();
        self.framer.abort(&mut abort);
        let outcome = self.transmit(&abort)?;
        self.cut_short = outcome.is_err();
        Ok(outcome)
    }

    /// Sends a packet over a line that works.
    pub(super) fn send(&mut self, packet: &[u8]) -> Result<(), Violation> {
        let tells_by_credits = self.properties.credits_max() > 1;
        let started = Instant::now();
        let mut happened = "the radio has no credit".to_owned();
        while started.elapsed() < ARRIVAL {
            if self.credits(ARRIVAL / 10)? == 0 {
                continue;
            }
            // That takes a credit, too.
            if self.cut_short && self.give_up_part()?.is_ok() {
                continue;
            }
            let Err(error) = self.offer(packet)? else {
                return Ok(());
            };
            happened = format!("an error: {error}");
            if error.kind() != ErrorKind::Full {
                break;
            }
            if tells_by_credits {
                return Err(
                    Violation::here("a frame is taken for each credit", happened)
                        .of(Rule::CreditsAreGood),
                );
            }
            // A radio of one credit may tell by the error that it is busy.
            std::thread::sleep(PAUSE_WHILE_FULL);
        }
        let expected = format!("`Ok` for a frame with {}", Octets(packet));
        Err(Violation::here(expected, happened))
    }
}
