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

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    fn calls(calls_first: bool, now: Instant) -> Calls {
        let calling = Calling {
            own: EntityId(300),
            peer: EntityId(1),
            every: EVERY,
            calls_first,
        };
        Calls::new(calling, now)
    }

    #[test]
    fn the_one_that_calls_first_does_whoever_is_heard_and_the_other_only_when_it_hears() {
        let now = Instant::now();
        let mut out = Vec::new();
        for (calls_first, is_heard, is_called) in [
            (true, false, true),
            (true, true, true),
            (false, true, true),
            (false, false, false),
        ] {
            let mut calls = calls(calls_first, now);
            assert_eq!(calls.poll(now, is_heard, &mut out), is_called);
        }
    }

    #[test]
    fn between_two_calls_is_the_time_that_is_configured() {
        let now = Instant::now();
        let mut calls = calls(true, now);
        let mut out = Vec::new();
        assert!(calls.poll(now, false, &mut out));
        assert!(!calls.poll(now + EVERY - Duration::from_millis(1), false, &mut out));
        assert_eq!(calls.next(false), Some(now + EVERY));
        assert!(calls.poll(now + EVERY, false, &mut out));
    }

    #[test]
    fn a_call_is_a_prompt_that_an_entity_neither_takes_nor_answers() {
        use crate::entity::{Entity, EntityConfig, PduDropReason, Peer};
        use crate::store::memory::MemoryDisk;
        let now = Instant::now();
        let mut call = Vec::new();
        assert!(calls(true, now).poll(now, false, &mut call));
        let disk = MemoryDisk::new(1);
        let config = EntityConfig::new(EntityId(1));
        let peers = [Peer::new(EntityId(300))];
        let mut entity = Entity::new(now, config, peers, disk.store(), disk.journal()).unwrap();
        entity.handle_pdu(now, &call);
        let counts = entity.counts();
        assert_eq!(
            counts.dropped.get(&PduDropReason::UnknownTransaction),
            Some(&1)
        );
        assert!(entity.poll_directive(now, &mut call).is_none());
    }
}
