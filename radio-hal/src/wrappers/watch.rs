//! Looking on at what passes between a host and its radio: a wrapper of any radio
//! that shows each frame, both ways, to an observer, and changes nothing.
//!
//! Two observers stand ready: [`trace`], which logs a line for each frame with the
//! reason where it is dropped, and [`capture`](crate::capture), which writes them
//! for Wireshark.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ax25::UiFrame;
use crate::channel::Direction;
use crate::counters::FrameDrop;
use crate::deframer::{Deframed, Deframer};
use crate::error::RadioError;
use crate::frame_buffer::FrameBuffer;
use crate::framing::FramingConfig;
use crate::radio::{Radio, RadioReceiver, RadioTransmitter};

/// Is shown every frame.
pub trait Observer: Send + 'static {
    /// A frame passed. `deframed` is what a deframer of the radio's framing makes
    /// of it: on the way in with the fate it will have, on the way out without a
    /// look at whom it is for.
    fn observe(&mut self, direction: Direction, deframed: Deframed<'_>);
}

impl<F: FnMut(Direction, Deframed<'_>) + Send + 'static> Observer for F {
    fn observe(&mut self, direction: Direction, deframed: Deframed<'_>) {
        self(direction, deframed);
    }
}

/// Shows the frames of `radio`, whose host's side has `framing`, to `observer`.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`](crate::ErrorKind::InvalidConfig) if the framing's
/// settings do not fit each other.
pub fn watch(
    radio: Radio,
    framing: &FramingConfig,
    observer: impl Observer,
) -> Result<Radio, RadioError> {
    let observer = Arc::new(Mutex::new(observer));
    let receiver = WatchedReceiver {
        receiver: radio.receiver,
        deframer: Deframer::new(framing)?,
        pieces: FrameBuffer::new(),
        observer: Arc::clone(&observer),
    };
    let transmitter = WatchedTransmitter {
        transmitter: radio.transmitter,
        deframer: Deframer::new(&framing.without_ax25())?,
        observer,
    };
    Ok(Radio::new(radio.properties, receiver, transmitter).with_counters(radio.counters))
}

fn show<O: Observer>(
    observer: &Mutex<O>,
    direction: Direction,
    deframer: &mut Deframer,
    octets: &[u8],
) {
    deframer.push(octets);
    let mut observer = unpoisoned(observer);
    while let Some(deframed) = deframer.next_frame() {
        observer.observe(direction, deframed);
    }
}

/// An observer that panicked is shown the next frame all the same.
fn unpoisoned<O>(observer: &Mutex<O>) -> MutexGuard<'_, O> {
    observer.lock().unwrap_or_else(PoisonError::into_inner)
}

struct WatchedReceiver<O> {
    receiver: Box<dyn RadioReceiver>,
    deframer: Deframer,
    pieces: FrameBuffer,
    observer: Arc<Mutex<O>>,
}

impl<O: Observer> RadioReceiver for WatchedReceiver<O> {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        self.pieces.clear();
        if let Err(error) = self.receiver.receive(&mut self.pieces, timeout) {
            if let Some(reason) = self.deframer.reset() {
                let cut_off = Deframed {
                    frame: &[],
                    kiss_type: None,
                    packet: Err(reason),
                };
                let mut observer = unpoisoned(&self.observer);
                observer.observe(Direction::Receive, cut_off);
            }
            return Err(error);
        }
        for piece in self.pieces.iter() {
            show(
                &self.observer,
                Direction::Receive,
                &mut self.deframer,
                piece,
            );
            received.push(piece);
        }
        Ok(())
    }
}

struct WatchedTransmitter<O> {
    transmitter: Box<dyn RadioTransmitter>,
    deframer: Deframer,
    observer: Arc<Mutex<O>>,
}

impl<O: Observer> RadioTransmitter for WatchedTransmitter<O> {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        self.transmitter.transmit(frame)?;
        show(
            &self.observer,
            Direction::Transmit,
            &mut self.deframer,
            frame,
        );
        Ok(())
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        self.transmitter.credits(timeout)
    }

    fn transmit_all(&mut self, frames: &FrameBuffer) -> Result<usize, RadioError> {
        let taken = self.transmitter.transmit_all(frames)?;
        for frame in frames.iter().take(taken) {
            show(
                &self.observer,
                Direction::Transmit,
                &mut self.deframer,
                frame,
            );
        }
        Ok(taken)
    }
}

/// An observer that logs a line for each frame, at level info: its direction, its
/// octets, its callsigns if it is AX.25, and why it is dropped if it is.
pub fn trace() -> impl Observer {
    |direction: Direction, deframed: Deframed<'_>| {
        log::info!("{}", TraceLine(direction, deframed));
    }
}

/// What [`trace`] logs of a frame.
#[derive(Debug, Clone, Copy)]
pub struct TraceLine<'a>(pub Direction, pub Deframed<'a>);

impl std::fmt::Display for TraceLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(direction, deframed) = self;
        let frame = deframed.frame;
        write!(f, "{}: {} octets", direction.as_str(), frame.len())?;
        if let Ok(ui) = UiFrame::new_checked(frame, frame.len()) {
            write!(f, ", {} to {}", ui.source(), ui.destination())?;
        }
        match deframed.packet {
            Ok(_) => Ok(()),
            // Only the other end looks at whom a frame is for.
            Err(FrameDrop::Empty) if *direction == Direction::Transmit => Ok(()),
            Err(reason) => write!(f, ", dropped: {reason}"),
        }
    }
}
