//! What one class of a queue holds.

use super::class::ClassLimits;
use super::flows::Flows;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct ClassQueue {
    pub(super) limits: ClassLimits,
    pub(super) flows: Flows,
    /// What the link itself sends, begun or not.
    pub(super) own: Held,
    /// What apps send, begun or not.
    pub(super) apps: Held,
}

impl ClassQueue {
    pub(super) fn held(&self, app: bool) -> &Held {
        match app {
            true => &self.apps,
            false => &self.own,
        }
    }

    pub(super) fn held_mut(&mut self, app: bool) -> &mut Held {
        match app {
            true => &mut self.apps,
            false => &mut self.own,
        }
    }

    pub(super) fn messages_held(&self) -> usize {
        self.own.messages + self.apps.messages
    }
}

impl Held {
    /// Whether one more message of so many octets is within the limits.
    pub(super) fn has_room(&self, limits: &ClassLimits, bytes: usize) -> bool {
        let messages_max = limits.messages_max;
        let bytes_max = limits.bytes_max;
        messages_max.is_none_or(|max| self.messages < max)
            && bytes_max.is_none_or(|max| self.bytes.saturating_add(bytes) <= max)
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
