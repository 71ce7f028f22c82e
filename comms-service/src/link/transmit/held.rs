//! What one class of a queue holds.

use super::class::ClassLimits;
use super::flows::Flows;
use super::outgoing::Sender;

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
    /// PDUs, begun or not.
    pub(super) pdus: Held,
}

impl ClassQueue {
    pub(super) fn held(&self, sender: Sender) -> &Held {
        match sender {
            Sender::Link => &self.own,
            Sender::App => &self.apps,
            Sender::FileEntity => &self.pdus,
        }
    }

    pub(super) fn held_mut(&mut self, sender: Sender) -> &mut Held {
        match sender {
            Sender::Link => &mut self.own,
            Sender::App => &mut self.apps,
            Sender::FileEntity => &mut self.pdus,
        }
    }

    pub(super) fn messages_held(&self) -> usize {
        self.own.messages + self.apps.messages + self.pdus.messages
    }

    pub(super) fn bytes_held(&self) -> usize {
        self.own.bytes + self.apps.bytes + self.pdus.bytes
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
