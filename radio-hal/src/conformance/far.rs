//! The far end of the line, with the framing that is spoken there.

use std::time::{Duration, Instant};

use super::bench::{FarEnd, Setup};
use super::heard::{Heard, deframe, packets};
use super::near::ARRIVAL;
use super::violation::Violation;
use crate::deframer::Deframer;
use crate::error::RadioError;
use crate::framer::Framer;

/// After so much silence nothing more is on its way.
const SILENCE: Duration = Duration::from_millis(150);

/// The far end of the line.
pub(super) struct Far {
    pub(super) end: Box<dyn FarEnd>,
    framer: Framer,
    deframer: Deframer,
}

impl Far {
    pub(super) fn new(end: Box<dyn FarEnd>, setup: &Setup) -> Result<Self, RadioError> {
        Ok(Self {
            end,
            framer: Framer::new(&setup.line_framing, None)?,
            deframer: Deframer::new(&setup.line_framing)?,
        })
    }

    /// The octets of the frame of `packet`.
    pub(super) fn frame(&mut self, packet: &[u8]) -> Result<Vec<u8>, Violation> {
        let mut frame = Vec::new();
        let framed = self.framer.frame(packet, &mut frame);
        framed.map_err(|error| Violation::here("the far end can frame", error.to_string()))?;
        Ok(frame)
    }

    /// Puts octets on the line in one piece.
    pub(super) fn send(&mut self, octets: &[u8]) -> Result<(), Violation> {
        self.end.send(octets).map_err(|error| {
            Violation::here(
                "the driver takes what the far end sends",
                format!("the far end cannot send: {error}"),
            )
        })
    }

    pub(super) fn send_packet(&mut self, packet: &[u8]) -> Result<(), Violation> {
        let frame = self.frame(packet)?;
        self.send(&frame)
    }

    /// One call, with what it brought deframed.
    pub(super) fn hear(&mut self, timeout: Duration) -> Vec<Heard> {
        let octets = self.end.receive(timeout);
        let mut heard = Vec::new();
        if !octets.is_empty() {
            deframe(&mut self.deframer, &octets, &mut heard);
        }
        heard
    }

    /// Hears until `count` packets are there, or nothing comes; and a little
    /// longer, for what is too much.
    pub(super) fn hear_packets(&mut self, count: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut deadline = Instant::now() + ARRIVAL;
        while packets(&heard) < count && Instant::now() < deadline {
            let more = self.hear(SILENCE);
            if !more.is_empty() {
                deadline = Instant::now() + ARRIVAL;
            }
            heard.extend(more);
        }
        heard.extend(self.hear_rest());
        heard
    }

    /// Hears until nothing comes any more.
    pub(super) fn hear_rest(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut quiet_since = Instant::now();
        while quiet_since.elapsed() < SILENCE {
            let octets = self.end.receive(SILENCE);
            if !octets.is_empty() {
                deframe(&mut self.deframer, &octets, &mut heard);
                quiet_since = Instant::now();
            }
        }
        heard
    }

    /// Cuts the line; what the far end had of a frame is gone with it.
    pub(super) fn cut(&mut self) {
        self.end.cut();
        self.deframer.reset();
    }

    pub(super) fn restore(&mut self) -> Result<(), Violation> {
        self.end
            .restore()
            .map_err(|error| Violation::here("the bench can restore the line", error.to_string()))
    }
}
