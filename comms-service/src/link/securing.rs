//! The security layer inside the engine: what is opened, what is stored, and what
//! the two ends tell each other about keys.

use std::collections::VecDeque;
use std::time::Instant;

use super::receiving::Whole;
use super::transmit::Origin;
use super::{Action, Link};
use crate::accounting::DropReason;
use crate::message::Head;
use crate::reassembly::Reassembly;
use crate::security::{CLEAR, Opened, Security, SecuritySettings, TRAILER_BYTES};

/// Most messages that wait for durable storage.
const UNSAVED_MESSAGES_MAX: usize = 64;

impl Link {
    /// The same link, every message of which `security` protects. The format must
    /// have room for a security header
    /// ([`SpacePacketFormat::secured`](crate::packet::SpacePacketFormat::secured)).
    pub fn with_security(mut self, security: Security) -> Self {
        self.reassembly = Reassembly::new(
            self.budget.clone(),
            self.config.message_bytes_max.saturating_add(TRAILER_BYTES),
            self.config.reassembly_timeout,
        );
        self.security = Some(security);
        self
    }

    /// Takes other keys; without security it does nothing. Messages that wait for durable
    /// storage were authentic under the keys before: with other keys they are dropped
    /// as `reconfigured`, so that none of them counts as a sign that the other end goes
    /// along with the change ([`is_proven`](Self::is_proven)).
    pub fn reconfigure_security(&mut self, now: Instant, settings: SecuritySettings) {
        let Some(security) = &mut self.security else {
            return;
        };
        let other_keys = security.reconfigure(settings);
        security.handle_timeout(now);
        let unsaved = match other_keys {
            true => std::mem::take(&mut self.unsaved),
            false => VecDeque::new(),
        };
        for whole in unsaved {
            self.drop_unproven(DropReason::Reconfigured, &whole.message.head);
        }
        self.drive_security(now);
    }

    /// Whether this end has keys in common with the other; none without security.
    pub fn is_in_sync(&self) -> Option<bool> {
        self.security.as_ref().map(Security::is_in_sync)
    }

    /// The operator wants new keys (ground): the next challenge of the satellite is
    /// answered, though we have keys.
    pub fn want_resync(&mut self) {
        if let Some(security) = &mut self.security {
            security.want_resync();
        }
    }

    /// Whether a resync that the operator wants has not succeeded yet.
    pub fn wants_resync(&self) -> bool {
        self.security.as_ref().is_some_and(Security::wants_resync)
    }

    /// The octets of [`Action::StoreSecurity`] are durable, or why not.
    pub fn handle_security_stored(&mut self, now: Instant, token: u64, result: Result<(), String>) {
        let Some(security) = &mut self.security else {
            return;
        };
        security.handle_stored(now, token, result.is_ok());
        if let Err(error) = result {
            self.note(format!("the security state could not be stored: {error}"));
            // Their senders will try again; a message must not run hours later.
            for whole in std::mem::take(&mut self.unsaved) {
                self.drop_unproven(DropReason::NotSaved, &whole.message.head);
            }
        }
        self.pass_saved(now);
        self.drive_security(now);
    }

    /// After [`handle_shutdown`](Self::handle_shutdown): the exact state, to be
    /// stored; nothing is sent or taken any more.
    pub fn close_security(&mut self) -> Option<Vec<u8>> {
        self.security.as_mut().map(Security::close)
    }

    fn pass_saved(&mut self, now: Instant) {
        for whole in std::mem::take(&mut self.unsaved) {
            let header = whole.message.head.security.unwrap_or(CLEAR);
            let security = self.security.as_ref();
            match security.map_or(Ok(true), |security| security.may_pass(header)) {
                Ok(true) => self.route(now, whole),
                Ok(false) => self.unsaved.push_back(whole),
                Err(reason) => self.drop_unproven(reason, &whole.message.head),
            }
        }
    }

    /// Whether a message with this unverified head is worth any memory.
    pub(super) fn may_begin(&self, head: &Head) -> Result<(), DropReason> {
        match &self.security {
            Some(security) => security.may_begin(head),
            // Nobody here could tell a good one from a forged one.
            None if head.security.is_some() => Err(DropReason::NoSecurity),
            None => Ok(()),
        }
    }

    /// Gives a message back that may be passed on now.
    pub(super) fn authenticate(&mut self, now: Instant, mut whole: Whole) -> Option<Whole> {
        let Some(security) = &mut self.security else {
            return Some(whole);
        };
        let message = &mut whole.message;
        let apid = self.format.channel_of(&message.head);
        let opened = security.open(now, apid, &message.head, &mut message.payload);
        // What is said in the clear is nobody's word.
        if opened.is_ok() && message.head.security != Some(CLEAR) {
            self.in_contact(now);
        }
        match opened {
            Ok(Opened::Now) => return Some(whole),
            Ok(Opened::Taken) => self.counted.messages_in.deliver(1),
            Ok(Opened::Later) if self.unsaved.len() < UNSAVED_MESSAGES_MAX => {
                self.unsaved.push_back(whole);
            }
            Ok(Opened::Later) => self.drop_unproven(DropReason::NotSaved, &whole.message.head),
            Err(reason) => self.drop_unproven(reason, &whole.message.head),
        }
        None
    }

    /// Octets that protection adds to a payload.
    pub(super) fn trailer_bytes(&self, head: &Head) -> usize {
        match self.security.is_some() && head.security != Some(CLEAR) {
            true => TRAILER_BYTES,
            false => 0,
        }
    }

    /// Whether nothing may be sent until numbers are durable.
    pub(super) fn waits_for_numbers(&self) -> bool {
        self.security.as_ref().is_some_and(Security::waits)
    }

    /// A command is sent again: a satellite that lost power may have given up the
    /// numbers that follow.
    pub(super) fn jump_ahead(&mut self, now: Instant, command_id: u64) {
        let timeout = self.commands.timeout(command_id);
        if let (Some(security), Some(timeout)) = (&mut self.security, timeout) {
            security.jump_ahead(now, timeout);
        }
    }

    /// Sends what the security layer has to say, and stores what it wants stored.
    pub(super) fn drive_security(&mut self, now: Instant) {
        while let Some((to, octets)) = self.security.as_mut().and_then(Security::poll_control) {
            let head = Head::link_control(to);
            // Counted there if it does not go; it is said again.
            let _ = self.enqueue_copy(0, head, &octets, Origin::Answer);
        }
        let security = self.security.as_mut();
        if let Some((token, octets)) = security.and_then(|security| security.poll_store(now)) {
            self.actions
                .push_back(Action::StoreSecurity { token, octets });
        }
    }
}
