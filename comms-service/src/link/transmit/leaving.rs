//! What leaves the queue without being sent: it makes room, expires, is taken back or
//! does not fit any more.

use std::time::Instant;

use super::class::{ClassLimits, QueueClass, WhenFull};
use super::flows::Waiting;
use super::held::Held;
use super::outgoing::{Departure, Origin, Outgoing};
use super::{Begun, TransmitQueue};
use crate::accounting::DropReason;
use crate::message::Message;
use crate::packet::LinkPacket;

impl TransmitQueue {
    /// Whether there is room for one more message without any policy.
    pub(crate) fn has_room(&self, class: QueueClass, origin: Origin, bytes: usize) -> bool {
        let queue = self.classes.of(class);
        queue.held(origin.sender()).has_room(&queue.limits, bytes)
    }

    /// Makes room for a message, by the policy of its class; gives those that made
    /// room for it.
    ///
    /// # Errors
    /// The limits that do not allow it.
    pub(crate) fn make_room(
        &mut self,
        class: QueueClass,
        origin: Origin,
        bytes: usize,
    ) -> Result<Vec<Departure>, ClassLimits> {
        let sender = origin.sender();
        let queue = self.classes.of(class);
        let limits = queue.limits;
        let held = *queue.held(sender);
        let fits = |held: Held| held.has_room(&limits, bytes);
        if fits(held) {
            return Ok(Vec::new());
        }
        if limits.when_full != WhenFull::Oldest {
            return Err(limits);
        }
        let waiting = queue.flows.waiting();
        let mut older: Vec<_> = waiting
            .filter(|one| one.sender() == sender)
            .map(|one| (one.arrival, one.outgoing.bytes()))
            .collect();
        older.sort_unstable();
        let mut left = held;
        let newest_to_go = older.into_iter().find_map(|(arrival, bytes)| {
            left.messages -= 1;
            left.bytes -= bytes;
            fits(left).then_some(arrival)
        });
        let Some(newest_to_go) = newest_to_go else {
            return Err(limits);
        };
        let meant = |one: &Waiting| one.sender() == sender && one.arrival <= newest_to_go;
        Ok(self.drop_waiting(Some(class), DropReason::Displaced, meant))
    }

    /// Goes over to another format. Gives the messages that are dropped: those
    /// begun in the old one, and those that the new one cannot carry. One whose
    /// packet is with the radio goes when that is back.
    pub(crate) fn reformat(&mut self, format: &dyn LinkPacket) -> Vec<Departure> {
        let reason = DropReason::Reconfigured;
        let mut gone = Vec::new();
        let mut ended = Vec::new();
        let with_radio = self.begun_with_radio();
        for (channel, begun) in &mut self.begun {
            if with_radio.contains(channel) {
                begun.given_up.get_or_insert(reason);
            } else {
                gone.push(begun.outgoing.dropped(reason));
                ended.push(*channel);
            }
        }
        let last = self.with_radio.iter_mut();
        for begun in last.filter_map(|packet| packet.ends.as_mut()) {
            begun.given_up.get_or_insert(reason);
        }
        ended.into_iter().for_each(|channel| self.end(channel));
        let mut waiting = self.take_waiting(None, |_| true);
        waiting.sort_unstable_by_key(|one| one.arrival);
        for Waiting { mut outgoing, .. } in waiting {
            let Message { head, payload } = &mut outgoing.message;
            *head = format.classify(*head, payload.len());
            match format.packet_count(head, payload.len()) {
                Ok(packets) => self.push(
                    format,
                    Outgoing {
                        packets,
                        ..outgoing
                    },
                ),
                Err(_) => gone.push(outgoing.dropped(reason)),
            }
        }
        gone
    }

    /// It is `now`: frames have left the radio, and messages their time to live.
    pub(crate) fn pass(&mut self, now: Instant) -> Vec<Departure> {
        self.pacer.pass(now);
        if self.next_expiry.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let overdue = |one: &Waiting| one.outgoing.expires.is_some_and(|at| at <= now);
        let expired = self.drop_waiting(None, DropReason::Expired, overdue);
        let waiting = self
            .classes
            .iter()
            .flat_map(|(_, class)| class.flows.waiting());
        self.next_expiry = waiting.filter_map(|one| one.outgoing.expires).min();
        expired
    }

    /// Gives up the message at whose packet the format panicked: it would do so
    /// again.
    pub(crate) fn discard_unbuilt(&mut self) -> Option<Departure> {
        let channel = self.building.take()?;
        let begun = self.begun.get(&channel)?;
        let departure = begun.outgoing.dropped(DropReason::InternalFault);
        self.end(channel);
        Some(departure)
    }

    /// Takes back the messages of a command; gives those that are gone at once. One
    /// whose packet is with the radio goes when that is back.
    pub(crate) fn withdraw(&mut self, command_id: u64) -> Vec<Departure> {
        let command = Origin::Command(command_id);
        let reason = DropReason::Withdrawn;
        let mut gone = self.drop_waiting(None, reason, |one| one.outgoing.origin == command);
        let mut ended = Vec::new();
        let with_radio = self.begun_with_radio();
        let begun = self.begun.iter_mut();
        let begun = begun.map(|(channel, begun)| (Some(*channel), begun));
        let last = self.with_radio.iter_mut();
        let last = last.filter_map(|packet| Some((None, packet.ends.as_mut()?)));
        for (channel, begun) in begun.chain(last) {
            if begun.outgoing.origin != command {
                continue;
            }
            match channel.filter(|channel| !with_radio.contains(channel)) {
                Some(channel) => {
                    gone.push(begun.outgoing.dropped(reason));
                    ended.push(channel);
                }
                None => {
                    begun.outgoing.origin = Origin::Withdrawn;
                    begun.given_up = Some(reason);
                }
            }
        }
        ended.into_iter().for_each(|channel| self.end(channel));
        gone
    }

    /// Drops everything; gives what that was.
    pub(crate) fn clear(&mut self) -> Vec<Departure> {
        let reason = DropReason::Shutdown;
        let mut gone = self.drop_waiting(None, reason, |_| true);
        let channels: Vec<u16> = self.begun.keys().copied().collect();
        for channel in channels {
            if let Some(begun) = self.begun.get(&channel) {
                gone.push(begun.outgoing.dropped(reason));
            }
            self.end(channel);
        }
        let last = self.with_radio.iter_mut();
        let last: Vec<Begun> = last.filter_map(|packet| packet.ends.take()).collect();
        for begun in last {
            gone.push(begun.outgoing.dropped(reason));
            self.release(&begun);
        }
        gone
    }

    /// The channels whose begun messages have a packet with the radio.
    fn begun_with_radio(&self) -> Vec<u16> {
        let packets = self.with_radio.iter();
        let going_on = packets.filter(|packet| packet.ends.is_none());
        going_on.map(|packet| packet.sent_as.channel).collect()
    }

    /// Drops those that wait, of one class or of all, and are `meant`.
    pub(super) fn drop_waiting(
        &mut self,
        only: Option<QueueClass>,
        reason: DropReason,
        meant: impl Fn(&Waiting) -> bool,
    ) -> Vec<Departure> {
        let taken = self.take_waiting(only, meant).into_iter();
        taken.map(|one| one.outgoing.dropped(reason)).collect()
    }

    /// Takes out those that wait, of one class or of all, and are `meant`.
    pub(super) fn take_waiting(
        &mut self,
        only: Option<QueueClass>,
        meant: impl Fn(&Waiting) -> bool,
    ) -> Vec<Waiting> {
        let mut taken = Vec::new();
        for class in QueueClass::ALL {
            if only.is_some_and(|only| only != class) {
                continue;
            }
            for waiting in self.classes.of_mut(class).flows.take_out(&meant) {
                self.forget_expiry(&waiting.outgoing);
                let queue = self.classes.of_mut(class);
                let held = queue.held_mut(waiting.sender());
                held.release(waiting.outgoing.bytes());
                taken.push(waiting);
            }
        }
        taken
    }

    /// A message with a time to live waits no longer.
    pub(super) fn forget_expiry(&mut self, outgoing: &Outgoing) {
        if outgoing.expires.is_some() {
            self.mortals = self.mortals.saturating_sub(1);
            if self.mortals == 0 {
                self.next_expiry = None;
            }
        }
    }
}
