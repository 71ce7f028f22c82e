//! A message in the queue before `write`, and its end.

use std::time::Instant;

use super::class::QueueClass;
use crate::accounting::DropReason;
use crate::message::Message;

/// Who gave a message to the queue, and is told what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An answer to the ground, or link control.
    Answer,
    /// A part of an answer that the ground asked for again.
    Resent,
    /// A datagram of an app.
    Datagram,
    /// A message that an app submitted, by the number of the submission.
    Submission(u64),
    /// A PDU of the file entity, by its token.
    Pdu(u64),
    /// A command of the ground, by its id.
    Command(u64),
    /// A command that was taken back while the radio had a packet of it: it goes
    /// no further, and its id may be somebody else's by now.
    Withdrawn,
}

/// Who sends a message. Each has the limits of a class for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Link,
    App,
    FileEntity,
}

impl Origin {
    pub(crate) fn sender(self) -> Sender {
        match self {
            Origin::Datagram | Origin::Submission(_) => Sender::App,
            Origin::Pdu(_) => Sender::FileEntity,
            Origin::Answer | Origin::Resent | Origin::Command(_) | Origin::Withdrawn => {
                Sender::Link
            }
        }
    }
}

/// The end of a message: `write` took all of it, or it was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) origin: Origin,
    pub(crate) class: QueueClass,
    pub(crate) result: Result<(), DropReason>,
    /// Where its last packet was sent.
    pub(crate) sent_as: Option<SentAs>,
}

/// How a packet is known to the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SentAs {
    pub(crate) channel: u16,
    pub(crate) count: u16,
    /// Packets of the channel that were handed out until then, with this one.
    pub(crate) sent_packets: u64,
}

/// A message, and how it is to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) message: Message,
    pub(crate) packets: u32,
    pub(crate) origin: Origin,
    pub(crate) class: QueueClass,
    /// When it is not worth sending any more, unless begun.
    pub(crate) expires: Option<Instant>,
}

impl Outgoing {
    pub(super) fn bytes(&self) -> usize {
        self.message.payload.len()
    }

    pub(super) fn dropped(&self, reason: DropReason) -> Departure {
        Departure {
            origin: self.origin,
            class: self.class,
            result: Err(reason),
            sent_as: None,
        }
    }
}
