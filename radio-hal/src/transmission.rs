//! From packets to a transmitter: framed, within its credits, and never behind a part
//! of another frame.

use std::time::Duration;

use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::framer::Framer;
use crate::radio::{Medium, RadioTransmitter};

pub(crate) struct Transmission {
    transmitter: Box<dyn RadioTransmitter>,
    framer: Framer,
    frames: FrameBuffer,
    on_stream: bool,
    /// Whether a part of a frame may be on the stream that is to be given up.
    cut_short: bool,
}

impl Transmission {
    pub(crate) fn new(
        transmitter: Box<dyn RadioTransmitter>,
        framer: Framer,
        medium: Medium,
    ) -> Self {
        Self {
            transmitter,
            framer,
            frames: FrameBuffer::new(),
            on_stream: medium == Medium::Stream,
            cut_short: false,
        }
    }

    /// Sends packets from the front of `packets`, as many as there are credits for,
    /// and gives how many the transmitter took. Waits for room up to `wait`.
    pub(crate) fn send<'a>(
        &mut self,
        packets: impl IntoIterator<Item = &'a [u8]>,
        wait: Duration,
    ) -> Result<usize, RadioError> {
        let mut credits = self.wait_for_credits(wait)?;
        if self.cut_short {
            self.frames.clear();
            self.frames.push_with(|octets| self.framer.abort(octets));
            self.transmitter.transmit(self.frames.octets())?;
            self.cut_short = false;
            // That took one.
            credits = self.wait_for_credits(wait)?;
        }
        self.frames.clear();
        for (index, packet) in packets.into_iter().take(credits).enumerate() {
            let framer = &mut self.framer;
            match self.frames.push_with(|octets| framer.frame(packet, octets)) {
                Ok(()) => {}
                Err(error) if index == 0 => return Err(error.into()),
                Err(_) => break,
            }
        }
        let outcome = match self.frames.len() {
            1 => self.transmitter.transmit(self.frames.octets()).map(|()| 1),
            _ => self.transmitter.transmit_all(&self.frames),
        };
        self.cut_short = self.on_stream
            && match &outcome {
                Ok(taken) => *taken < self.frames.len(),
                Err(error) => error.kind().may_have_sent_a_part(),
            };
        outcome
    }

    /// At least one, or [`ErrorKind::Full`].
    fn wait_for_credits(&mut self, wait: Duration) -> Result<usize, RadioError> {
        match self.transmitter.credits(wait)? {
            0 => Err(RadioError::new(
                ErrorKind::Full,
                "the radio takes no frame now: it is busy",
            )),
            credits => Ok(credits),
        }
    }
}
