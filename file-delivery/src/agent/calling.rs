//! Between two entities neither of which knows when the other is there: one calls, the other
//! answers, and files go only as long as each hears the other.

use std::time::{Duration, Instant};

use crate::pdu::{
    EntityId, Header, Pdu, Prompt, PromptResponse, TransactionId, TransactionSeq, TransmissionMode,
    Width, Widths,
};

/// How an entity speaks with one that may be out of reach most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calling {
    /// This entity.
    pub own: EntityId,
    /// The other one.
    pub peer: EntityId,
    /// Between two calls.
    pub every: Duration,
    /// Whether it calls though it hears nobody: one of the two does. The other calls as long
    /// as it hears something, so that it is heard.
    pub calls_first: bool,
}

/// The calls, and when the next one is due.
pub(super) struct Calls {
    calling: Calling,
    next: Instant,
}

impl Calls {
    pub(super) fn new(calling: Calling, now: Instant) -> Self {
        Calls { calling, next: now }
    }

    /// When one is due, if one will be.
    pub(super) fn next(&self, is_heard: bool) -> Option<Instant> {
        (self.calling.calls_first || is_heard).then_some(self.next)
    }

    /// The call, if it is due: a PDU that is nothing but heard.
    pub(super) fn poll(&mut self, now: Instant, is_heard: bool, out: &mut Vec<u8>) -> bool {
        if self.next(is_heard).is_none_or(|at| at > now) {
            return false;
        }
        self.next = now + self.calling.every;
        // Of a transaction that there is not: entities do not answer such a prompt.
        let width = |id: EntityId| Width::for_value(id.0);
        let Calling { own, peer, .. } = self.calling;
        let header = Header {
            mode: TransmissionMode::Acknowledged,
            crc: false,
            large_file: false,
            widths: Widths {
                entity_id: width(own).max(width(peer)),
                transaction_seq: Width::ONE,
            },
            transaction: TransactionId {
                source: own,
                number: TransactionSeq(0),
            },
            destination: peer,
        };
        let response = PromptResponse::KeepAlive;
        Pdu::build(&header, &Pdu::Prompt(Prompt { response }), out).is_ok()
    }
}
