//! Two radios in memory, each hearing what the other sends: for tests and
//! simulations.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::radio::{ErrorKind, Medium, Radio, RadioError, RadioReceiver, RadioTransmitter};

/// Frames that one direction of a [`LoopbackRadio::pair`] holds.
pub const LOOPBACK_FRAMES_MAX: usize = 1024;
/// The longest frame of a loopback radio, in octets: that of a UDP datagram.
pub const LOOPBACK_FRAME_BYTES_MAX: usize = 65_507;

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
        (
            Radio::new(
                LoopbackReceiver(first_hears),
                LoopbackTransmitter(to_second),
            ),
            Radio::new(
                LoopbackReceiver(second_hears),
                LoopbackTransmitter(to_first),
            ),
        )
    }
}

struct LoopbackReceiver(Receiver<Vec<u8>>);

impl RadioReceiver for LoopbackReceiver {
    fn receive(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<usize, RadioError> {
        match self.0.recv_timeout(timeout) {
            Ok(frame) => {
                buffer.extend_from_slice(&frame);
                Ok(frame.len())
            }
            Err(RecvTimeoutError::Timeout) => Ok(0),
            Err(RecvTimeoutError::Disconnected) => Err(other_end_gone()),
        }
    }

    fn medium(&self) -> Medium {
        Medium::Datagrams
    }
}

struct LoopbackTransmitter(Sender<Vec<u8>>);

impl RadioTransmitter for LoopbackTransmitter {
    fn transmit(&mut self, octets: &[u8]) -> Result<(), RadioError> {
        if octets.len() > LOOPBACK_FRAME_BYTES_MAX {
            return Err(RadioError::new(
                ErrorKind::PacketTooLong,
                format!(
                    "frame of {} octets is longer than a loopback radio takes \
                     ({LOOPBACK_FRAME_BYTES_MAX})",
                    octets.len()
                ),
            ));
        }
        self.0
            .try_send(octets.to_vec())
            .map_err(|error| match error {
                TrySendError::Full(_) => RadioError::new(
                    ErrorKind::Full,
                    "the loopback radio is full: the other end does not read fast enough",
                ),
                TrySendError::Disconnected(_) => other_end_gone(),
            })
    }

    fn frame_bytes_max(&self) -> Option<usize> {
        Some(LOOPBACK_FRAME_BYTES_MAX)
    }
}

fn other_end_gone() -> RadioError {
    RadioError::new(
        ErrorKind::Disconnected,
        "the other end of the loopback radio was dropped",
    )
}
