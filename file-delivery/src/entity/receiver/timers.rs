//! What time brings, and contact.

use std::time::Duration;

use super::{Fault, Phase, Receiver};
use crate::entity::config::Peer;
use crate::entity::sent::{Leave, Sent};
use crate::pdu::ConditionCode;

impl<Staged> Receiver<Staged> {
    pub(super) fn start_nak_timer(&mut self, contact: Duration, peer: &Peer) {
        let least = self.round_trip.timeout(peer.round_trip_guess);
        self.timer.start_doubling(contact, least, peer.nak_timeout);
    }

    /// Where something may be asked for, it is when file data ceases to come: EOF is lost.
    pub(super) fn start_inactivity_timer(&mut self, contact: Duration, peer: &Peer) {
        let most = peer.inactivity_timeout;
        match self.is_acknowledged() {
            true => {
                let least = self.round_trip.silence();
                self.timer.start_doubling(contact, least, most);
            }
            false => self.timer.start(contact, most),
        }
    }

    pub(super) fn hear(&mut self, contact: Duration, peer: &Peer) {
        if std::mem::replace(&mut self.rests, false) {
            self.timer.reset();
            self.ask_if_needed();
        }
        if self.eof.is_none() && self.phase == Phase::Receiving {
            self.timer.reset();
            self.start_inactivity_timer(contact, peer);
        }
    }

    /// Contact began: what is missing is asked for at once, and what is not acknowledged
    /// goes again.
    pub(in crate::entity) fn handle_aos(&mut self, contact: Duration, peer: &Peer) {
        self.timer.reset();
        self.hear(contact, peer);
        self.ask_if_needed();
        if self.finished_leaves == Leave::Left {
            self.finished_leaves = Leave::Due;
        }
        if !self.is_acknowledged() && self.eof.is_some() {
            self.timer.start(contact, peer.check_timeout);
        }
    }

    pub(in crate::entity) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Verifying | Phase::Delivering => Some(Duration::ZERO),
            _ => self.timer.due().filter(|_| !self.suspended),
        }
    }

    pub(in crate::entity) fn handle_timeout(
        &mut self,
        contact: Duration,
        peer: &Peer,
    ) -> Result<(), Fault> {
        let before = self.timer.expiries();
        if self.suspended || !self.timer.has_run_out(contact) {
            return Ok(());
        }
        if self.rests {
            self.handle_aos(contact, peer);
            return Ok(());
        }
        let expiries = self.timer.expiries();
        let (limit, condition, text) = match (self.phase, self.eof.is_some()) {
            (Phase::Finished, _) => (
                peer.ack_limit,
                ConditionCode::PositiveAckLimitReached,
                "Finished is not acknowledged",
            ),
            (_, true) if !self.is_acknowledged() => (
                peer.check_limit,
                ConditionCode::CheckLimitReached,
                "the file is not whole after EOF",
            ),
            (_, true) => (
                peer.nak_limit,
                ConditionCode::NakLimitReached,
                "what is asked for does not come",
            ),
            (_, false) => (
                peer.inactivity_limit,
                ConditionCode::InactivityDetected,
                "the sender is silent",
            ),
        };
        if expiries > limit {
            return Err(Fault::new(condition, text));
        }
        match self.phase {
            Phase::Finished if self.finished_leaves == Leave::Left => {
                self.finished_leaves = Leave::Due;
            }
            Phase::Receiving if !self.is_acknowledged() => {
                self.timer.start(contact, peer.check_timeout);
            }
            // A list that is on its way to the radio is none that brought nothing.
            Phase::Receiving if self.nak.is_due && self.eof.is_some() => {
                self.start_nak_timer(contact, peer);
            }
            Phase::Receiving => {
                self.ask_if_needed();
                if self.eof.is_none() {
                    // One that knows nothing of it any more says so.
                    self.keep_alive_due |= !self.nak.is_due && expiries > before;
                    self.start_inactivity_timer(contact, peer);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Nothing is done until contact begins anew, the sender is heard, or for long.
    pub(in crate::entity) fn rest(&mut self, contact: Duration, peer: &Peer) {
        self.rests = true;
        self.timer.start(contact, peer.rest_timeout);
    }

    pub(in crate::entity) fn suspend(&mut self) {
        self.suspended = true;
    }

    pub(in crate::entity) fn resume(&mut self, contact: Duration, peer: &Peer) {
        self.suspended = false;
        self.handle_aos(contact, peer);
    }
    /// A PDU left the radio, or was dropped.
    pub(in crate::entity) fn handle_departed(
        &mut self,
        sent: Sent,
        left: bool,
        contact: Duration,
        peer: &Peer,
    ) {
        match (sent, left) {
            (Sent::AckOfEof, false) => {
                let end = self.eof.as_ref().map(|(_, end)| end.condition);
                self.ack_of_eof_due = self.ack_of_eof_due.or(end);
            }
            (Sent::Nak { .. }, false) => self.ask_if_needed(),
            (Sent::Nak { is_last: true }, true) if self.phase == Phase::Receiving => {
                self.nak.left_at = Some(contact);
                if self.eof.is_some() {
                    self.start_nak_timer(contact, peer);
                }
            }
            (Sent::Finished, left) => {
                self.finished_leaves.depart(left);
                if left {
                    self.finished_left_at.leave(contact);
                    let least = self.round_trip.timeout(peer.round_trip_guess);
                    self.timer.start_doubling(contact, least, peer.ack_timeout);
                }
            }
            _ => {}
        }
    }
}
