//! A radio without a radio: packets go through channels, one each way, none is
//! lost, changed or delayed.

use comms_service::{CommsError, CommsResult};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::READ_TIMEOUT;
use crate::PATIENCE;

/// One end. It is what a user's `read` and `write` are called with.
#[derive(Clone, Debug)]
pub(crate) struct Radio {
    pub(crate) receives: Receiver<Vec<u8>>,
    sends: Sender<Vec<u8>>,
}

impl Radio {
    /// The two ends: what one sends, the other receives.
    pub(crate) fn pair() -> (Radio, Radio) {
        let ((up, from_ground), (down, from_satellite)) = (unbounded(), unbounded());
        let satellite = Radio {
            receives: from_ground,
            sends: down,
        };
        let ground = Radio {
            receives: from_satellite,
            sends: up,
        };
        (satellite, ground)
    }

    /// A `read` as the author of a driver writes it.
    pub(crate) fn read(&self) -> CommsResult<Vec<u8>> {
        match self.receives.recv_timeout(READ_TIMEOUT) {
            Ok(packet) => Ok(packet),
            Err(RecvTimeoutError::Timeout) => Err(CommsError::NoData),
            Err(RecvTimeoutError::Disconnected) => {
                Err(CommsError::Radio("the other end is gone".into()))
            }
        }
    }

    /// A `write` as the author of a driver writes it.
    pub(crate) fn write(&self, packet: &[u8]) -> CommsResult<()> {
        let sent = self.sends.send(packet.to_vec());
        sent.map_err(|_| CommsError::Radio("the other end is gone".into()))
    }

    /// Sends a packet of the test's own making.
    pub(crate) fn send(&self, packet: impl Into<Vec<u8>>) {
        self.write(&packet.into()).expect("the other end listens");
    }

    /// The next packet; panics when none comes.
    #[track_caller]
    pub(crate) fn expect(&self) -> Vec<u8> {
        match self.receives.recv_timeout(PATIENCE) {
            Ok(packet) => packet,
            Err(_) => panic!("no packet within {PATIENCE:?}"),
        }
    }
}
