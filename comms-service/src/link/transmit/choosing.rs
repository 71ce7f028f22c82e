//! Whose turn it is.

use std::time::Instant;

use super::flows::{FlowKey, Turn, Waiting};
use super::held::ClassQueue;
use super::{Begun, QueueClass, TransmitQueue};

/// Of which classes apps and the file entity begin no message now, as there is no
/// contact. An answer is never held back: whoever asked is there.
pub(crate) type Holds<'a> = &'a dyn Fn(QueueClass) -> bool;

/// What to send next.
pub(super) enum Choice {
    /// The next packet of the message that is begun on a channel; on behalf of a
    /// flow of a higher class that waits behind it.
    Continue(u16, Option<(QueueClass, FlowKey)>),
    /// The first packet of a flow's next message.
    Begin(QueueClass, FlowKey),
}

impl TransmitQueue {
    /// Whether a packet could go to the radio now, when `holds` says which classes do
    /// not begin a message.
    pub(crate) fn has_packet(&self, now: Instant, holds: Holds) -> bool {
        let may_go = |(class, queue): (QueueClass, &ClassQueue)| {
            let is_held = holds(class);
            let next = queue
                .flows
                .next(|_, first| !(is_held && first.may_be_held()));
            next.is_some()
        };
        self.has_something()
            && self.pacer.free_at().is_none_or(|at| at <= now)
            && (!self.begun.is_empty() || self.classes.iter().any(may_go))
    }

    /// Whose turn it is: the most urgent class that has something, and in it the
    /// flow that was served least. A begun message that the other end would soon
    /// give up goes before everything but responses.
    pub(super) fn choose(&self, now: Instant, holds: Holds) -> Option<Choice> {
        self.choose_in(QueueClass::Response, holds)
            .or_else(|| self.choose_starving(now))
            .or_else(|| self.choose_in(QueueClass::Telemetry, holds))
            .or_else(|| self.choose_in(QueueClass::Bulk, holds))
    }

    /// The begun message that was served longest ago, if that is too long ago.
    pub(super) fn choose_starving(&self, now: Instant) -> Option<Choice> {
        let served = |begun: &Begun| begun.served_at.map(|at| at + self.pause_max);
        let starving = self.begun.iter().filter_map(|(channel, begun)| {
            let due = served(begun).filter(|due| *due <= now)?;
            Some((due, *channel))
        });
        let longest = starving.min();
        longest.map(|(_, channel)| Choice::Continue(channel, None))
    }

    pub(super) fn choose_in(&self, class: QueueClass, holds: Holds) -> Option<Choice> {
        let flows = &self.classes.of(class).flows;
        let own = self.begun.iter().filter_map(|(channel, begun)| {
            let mine = begun.outgoing.class == class;
            let turn: Turn = (flows.served_bytes(begun.flow), begun.arrival);
            mine.then_some((turn, Choice::Continue(*channel, None)))
        });
        let is_held = holds(class);
        let may_go = |channel: u16, first: &Waiting| {
            let behind_lower = |begun: &Begun| begun.outgoing.class > class;
            self.begun.get(&channel).is_none_or(behind_lower) && !(is_held && first.may_be_held())
        };
        let waiting = flows.next(may_go).map(|(turn, key)| {
            let choice = match self.begun.contains_key(&key.channel) {
                true => Choice::Continue(key.channel, Some((class, key))),
                false => Choice::Begin(class, key),
            };
            (turn, choice)
        });
        let first = own.chain(waiting).min_by_key(|(turn, _)| *turn);
        first.map(|(_, choice)| choice)
    }
}
