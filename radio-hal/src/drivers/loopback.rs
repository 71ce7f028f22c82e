//! Two radios in memory, each hearing what the other sends: for tests and
//! simulations.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::radio::{Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};

/// Frames that one direction of a [`LoopbackRadio::pair`] holds.
pub const LOOPBACK_FRAMES_MAX: usize = 1024;
/// The longest frame of a loopback radio, in octets: that of a UDP datagram.
pub const LOOPBACK_FRAME_BYTES_MAX: usize = 65_507;

/// The most frames that one `receive` gives.
const RECEIVED_FRAMES_MAX: usize = 64;
/// Between two looks whether there is room.
const ROOM_PAUSE: Duration = Duration::from_millis(1);

/// Makes pairs of connected radios; each frame arrives whole, once and in order.
#[derive(Debug)]
pub struct LoopbackRadio(());

impl LoopbackRadio {
    /// Two radios that hear each other, with room for
    /// [`LOOPBACK_FRAMES_MAX`] frames each way.
    pub fn pair() -> (Radio, Radio) {
        Self::pair_with_room(LOOPBACK_FRAMES_MAX)
    }

    /// Two radios that hear each other, with room for `frames_max` frames each
    /// way. A further frame is refused with [`ErrorKind::Full`].
    pub fn pair_with_room(frames_max: usize) -> (Radio, Radio) {
        let (to_second, second_hears) = bounded(frames_max);
        let (to_first, first_hears) = bounded(frames_max);
        let properties = RadioProperties::new(Medium::Datagrams)
            .with_frame_bytes_max(LOOPBACK_FRAME_BYTES_MAX)
            .with_frames_in_flight_max(frames_max);
        (
            Radio::new(
                properties.clone(),
                LoopbackReceiver(first_hears),
                LoopbackTransmitter(to_second),
            ),
            Radio::new(
                properties,
                LoopbackReceiver(second_hears),
                LoopbackTransmitter(to_first),
            ),
        )
    }
}

struct LoopbackReceiver(Receiver<Vec<u8>>);

impl RadioReceiver for LoopbackReceiver {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        match self.0.recv_timeout(timeout) {
            Ok(frame) => received.push(&frame),
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return Err(other_end_gone()),
        }
        // What is there already comes along.
        for frame in self.0.try_iter().take(RECEIVED_FRAMES_MAX - 1) {
            received.push(&frame);
        }
        Ok(())
    }
}

struct LoopbackTransmitter(Sender<Vec<u8>>);

impl RadioTransmitter for LoopbackTransmitter {
    fn transmit(&mut self, frame: &[u8]) -> Result<(), RadioError> {
        if frame.len() > LOOPBACK_FRAME_BYTES_MAX {
            return Err(RadioError::new(
                ErrorKind::PacketTooLong,
                format!(
                    "frame of {} octets is longer than a loopback radio takes \
                     ({LOOPBACK_FRAME_BYTES_MAX})",
                    frame.len()
                ),
            ));
        }
        self.0
            .try_send(frame.to_vec())
            .map_err(|error| match error {
                TrySendError::Full(_) => RadioError::new(
                    ErrorKind::Full,
                    "the loopback radio is full: the other end does not read fast enough",
                ),
                TrySendError::Disconnected(_) => other_end_gone(),
            })
    }

    fn credits(&mut self, timeout: Duration) -> Result<usize, RadioError> {
        let deadline = Instant::now() + timeout;
        loop {
            let frames_max = self.0.capacity().unwrap_or(usize::MAX);
            let credits = frames_max.saturating_sub(self.0.len());
            let remaining = deadline.saturating_duration_since(Instant::now());
            if credits > 0 || remaining.is_zero() {
                return Ok(credits);
            }
            // A channel tells nobody that it has room again.
            std::thread::sleep(remaining.min(ROOM_PAUSE));
        }
    }
}

fn other_end_gone() -> RadioError {
    RadioError::new(
        ErrorKind::Disconnected,
        "the other end of the loopback radio was dropped",
    )
}
