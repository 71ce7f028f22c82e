//! Frames in the order of the capture, until their fate is known.

use std::collections::VecDeque;

use super::Replayed;
use super::fate::Fate;

/// Frames whose fate is open, and those behind them, at most.
pub(super) const FRAMES_PENDING_MAX: usize = 65_536;

/// The fate of too many frames is open.
#[derive(Debug, thiserror::Error)]
#[error(
    "the message that frame {frame} belongs to is still open {FRAMES_PENDING_MAX} frames later: \
     cut the capture there (`editcap -r`)"
)]
pub(crate) struct TooManyOpen {
    /// The oldest open frame.
    frame: u64,
}

/// Frames whose fate is open, and those behind them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    frames: VecDeque<Replayed>,
    /// Frames that left already.
    popped: u64,
}

impl Pending {
    /// Adds the next frame, gives it its number.
    pub(super) fn push(&mut self, mut frame: Replayed) -> Result<u64, TooManyOpen> {
        if self.frames.len() >= FRAMES_PENDING_MAX {
            return Err(TooManyOpen {
                frame: self.popped + 1,
            });
        }
        frame.number = self.popped + self.frames.len() as u64 + 1;
        let number = frame.number;
        self.frames.push_back(frame);
        Ok(number)
    }

    pub(super) fn settle(&mut self, number: u64, fate: Fate) {
        let index = number.checked_sub(self.popped + 1);
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(frame) = index.and_then(|index| self.frames.get_mut(index)) {
            frame.fate = fate;
        }
    }

    pub(super) fn pop_settled(&mut self) -> Option<Replayed> {
        if self.frames.front()?.fate == Fate::Undecided {
            return None;
        }
        self.popped += 1;
        self.frames.pop_front()
    }
}
