//! A bench for two radios that hear each other.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use super::bench::{Bench, FarEnd, Link, Setup};
use crate::error::RadioError;
use crate::frame_buffer::FrameBuffer;
use crate::radio::Radio;

/// How long the far end waits for room.
const PATIENCE: Duration = Duration::from_secs(8);

/// Two radios that hear each other: the first one is checked, the other one is
/// the far end. So are radios in memory, and what wraps them.
pub struct PairBench<F> {
    setup: Setup,
    open: F,
}

impl<F: FnMut() -> Result<(Radio, Radio), RadioError>> PairBench<F> {
    /// A bench whose radios `open` makes.
    pub fn new(setup: Setup, open: F) -> Self {
        Self { setup, open }
    }
}

impl<F: FnMut() -> Result<(Radio, Radio), RadioError>> Bench for PairBench<F> {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn connect(&mut self) -> Result<Link, RadioError> {
        let (radio, far) = (self.open)()?;
        let far = RadioFarEnd {
            radio: far,
            pieces: VecDeque::new(),
        };
        Ok(Link {
            radio,
            far: Box::new(far),
            reopen: None,
        })
    }
}

struct RadioFarEnd {
    radio: Radio,
    /// What one `receive` gave too much.
    pieces: VecDeque<Vec<u8>>,
}

impl FarEnd for RadioFarEnd {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        let transmitter = &mut self.radio.transmitter;
        let sent = transmitter
            .credits(PATIENCE)
            .and_then(|_| transmitter.transmit(octets));
        sent.map_err(io::Error::other)
    }

    fn receive(&mut self, timeout: Duration) -> Vec<u8> {
        if self.pieces.is_empty() {
            let mut received = FrameBuffer::new();
            // The driver may be gone, which is no error here.
            let _ = self.radio.receiver.receive(&mut received, timeout);
            self.pieces.extend(received.iter().map(<[u8]>::to_vec));
        }
        self.pieces.pop_front().unwrap_or_default()
    }
}
