//! The last that happened, and the last messages of payloads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payload_interface::AppName;

use crate::core::{Notice, Severity};

/// Notices that are remembered.
pub const NOTICES_MAX: usize = 1024;
/// Messages of payloads that are remembered.
pub const MESSAGES_MAX: usize = 256;

/// A message of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Counted from 1, so that whoever reads knows what was missed.
    pub number: u64,
    /// Whose.
    pub app: AppName,
    /// As the payload gave it.
    pub command_id: i32,
    /// As the payload gave it.
    pub data: Vec<u8>,
}

/// What is remembered. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    notices: VecDeque<(u64, Notice)>,
    noticed: u64,
    messages: VecDeque<Heard>,
    heard: u64,
}

impl Log {
    /// It happened.
    pub fn notice(&self, notice: Notice) {
        let level = match notice.what.severity() {
            Severity::Usual => log::Level::Info,
            Severity::Warning => log::Level::Warn,
            Severity::Alarm => log::Level::Error,
        };
        log::log!(level, "{notice}");
        let mut kept = self.kept();
        kept.noticed += 1;
        let number = kept.noticed;
        kept.notices.push_back((number, notice));
        if kept.notices.len() > NOTICES_MAX {
            kept.notices.pop_front();
        }
    }

    /// A payload said it.
    pub fn hear(&self, app: AppName, command_id: i32, data: Vec<u8>) {
        let mut kept = self.kept();
        kept.heard += 1;
        let number = kept.heard;
        kept.messages.push_back(Heard {
            number,
            app,
            command_id,
            data,
        });
        if kept.messages.len() > MESSAGES_MAX {
            kept.messages.pop_front();
        }
    }

    /// What happened after that number, the oldest first.
    #[must_use]
    pub fn notices_after(&self, number: u64) -> Vec<(u64, Notice)> {
        let kept = self.kept();
        let after = kept.notices.iter().filter(|(one, _)| *one > number);
        after.cloned().collect()
    }

    /// Messages after that number, the oldest first.
    #[must_use]
    pub fn messages_after(&self, number: u64) -> Vec<Heard> {
        let kept = self.kept();
        let after = kept.messages.iter().filter(|one| one.number > number);
        after.cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
