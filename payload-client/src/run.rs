//! One run of a sequence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use payload_interface::extension as ext;
use payload_interface::messages as msg;

use crate::asks::Asks;
use crate::error::CallError;

/// One run of a sequence.
#[derive(Debug)]
pub struct Run {
    pub(crate) started: msg::StartSequenceParams,
    pub(crate) is_cancelled: Arc<AtomicBool>,
    pub(crate) asks: Arc<Asks>,
}

impl Run {
    /// Which sequence.
    #[must_use]
    pub fn sequence(&self) -> &str {
        &self.started.sequence_id
    }

    /// With what.
    #[must_use]
    pub fn params(&self) -> &str {
        &self.started.sequence_params
    }

    /// Until when it is to be done.
    #[must_use]
    pub fn deadline(&self) -> SystemTime {
        let seconds = u64::try_from(self.started.scheduled_deadline).unwrap_or(0);
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Whether it is to end early.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Tells how far it is. A controller that has no ear for it is none the worse.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn progress(&self, percent: u32, text: &str) -> Result<(), CallError> {
        let progress = ext::SequenceProgress {
            run: Some(self.named()),
            percent,
            text: text.to_owned(),
        };
        match self.asks.call(progress) {
            Err(CallError::Unimplemented { .. }) => Ok(()),
            told => told,
        }
    }

    pub(crate) fn named(&self) -> ext::SequenceRun {
        ext::SequenceRun {
            sequence_id: self.started.sequence_id.clone(),
            correlation_id: self.started.correlation_id,
        }
    }
}
