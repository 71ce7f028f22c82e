//! The packets that are with the radio, until `write` is done with them.

use super::outgoing::{Departure, Origin, SentAs};
use super::{Begun, TransmitQueue};
use crate::accounting::DropReason;

/// A packet that was handed out.
#[derive(Debug)]
pub(super) struct HandedOut {
    pub(super) sent_as: SentAs,
    /// The message that ends with it. One that goes on stays the begun message of
    /// its channel.
    pub(super) ends: Option<Begun>,
}

impl TransmitQueue {
    /// The radio is done with the first of its packets. Gives the message that ended
    /// with it: one that is not sent for `failure` cannot be used without it.
    pub(crate) fn written(&mut self, failure: Option<DropReason>) -> Option<Departure> {
        let HandedOut { sent_as, ends } = self.with_radio.pop_front()?;
        if failure.is_some() {
            self.pacer.take_back(self.with_radio.len());
        }
        let (begun, result) = match (ends, failure) {
            (Some(begun), None) => (begun, Ok(())),
            (Some(begun), Some(reason)) => {
                let reason = begun.given_up.unwrap_or(reason);
                (begun, Err(reason))
            }
            (None, failure) => {
                let given_up = self.begun.get(&sent_as.channel)?.given_up;
                let reason = given_up.or(failure)?;
                (self.begun.remove(&sent_as.channel)?, Err(reason))
            }
        };
        self.release(&begun);
        Some(Departure {
            origin: begun.outgoing.origin,
            class: begun.outgoing.class,
            sent_as: result.is_ok().then_some(sent_as),
            result,
        })
    }

    /// Whether the first packet with the radio is of a message that was taken back.
    pub(crate) fn is_withdrawn(&self) -> bool {
        let first = self.with_radio.front();
        let begun = first.and_then(|first| {
            let begun = self.begun.get(&first.sent_as.channel);
            first.ends.as_ref().or(begun)
        });
        begun.is_some_and(|begun| begun.outgoing.origin == Origin::Withdrawn)
    }

    pub(crate) fn packets_with_radio(&self) -> usize {
        self.with_radio.len()
    }

    /// Whether the begun message of a channel has a packet with the radio.
    pub(super) fn has_begun_with_radio(&self, channel: u16) -> bool {
        let mut packets = self.with_radio.iter();
        packets.any(|packet| packet.sent_as.channel == channel && packet.ends.is_none())
    }
}
