//! How transactions stand, for people and programs.

use std::fmt;

use super::Entity;
use super::event::Role;
use super::record::Verdict;
use crate::StoreName;
use crate::pdu::{EntityId, TransactionId};
use crate::store::{FileStore, Journal};

/// How one transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionReport {
    /// Which.
    pub transaction: TransactionId,
    /// Which end this is.
    pub role: Role,
    /// The other end.
    pub peer: EntityId,
    /// The file's name here; none where it is not known, or there is no file.
    pub name: Option<StoreName>,
    /// The transaction that this one answers: at the sender, one by which another entity
    /// asked for it.
    pub originating: Option<TransactionId>,
    /// Octets of the file, where that is known.
    pub size: Option<u64>,
    /// Octets that were received, or sent once.
    pub octets: u64,
    /// Holes in what was received.
    pub holes: usize,
    /// Octets that the other end asked for again, and that are still to be sent.
    pub octets_to_repeat: u64,
    /// Whether it is suspended.
    pub is_suspended: bool,
    /// Whether it only waits for the other end's last word.
    pub is_finished: bool,
}

/// A line for each thing that is known.
impl fmt::Display for TransactionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "transaction: {}", self.transaction)?;
        let role = match self.role {
            Role::Sender => "sender",
            Role::Receiver => "receiver",
        };
        writeln!(f, "role: {role}")?;
        writeln!(f, "peer: {}", self.peer)?;
        if let Some(name) = &self.name {
            writeln!(f, "name: {name}")?;
        }
        if let Some(originating) = self.originating {
            writeln!(f, "originating transaction: {originating}")?;
        }
        if let Some(size) = self.size {
            writeln!(f, "size: {size}")?;
        }
        writeln!(f, "octets: {}", self.octets)?;
        writeln!(f, "holes: {}", self.holes)?;
        writeln!(f, "octets to repeat: {}", self.octets_to_repeat)?;
        writeln!(f, "suspended: {}", self.is_suspended)?;
        writeln!(f, "finished: {}", self.is_finished)
    }
}

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Whether a file that this entity sent arrived, of one of the last transactions that
    /// are over; none where that is not known here any more, or was never. For whoever was
    /// not there for [`Event::Finished`](super::Event::Finished).
    pub fn arrived(&self, transaction: TransactionId) -> Option<bool> {
        match self.ended.verdict(&transaction)? {
            verdict if verdict == Verdict::Arrived as u8 => Some(true),
            verdict if verdict == Verdict::NotArrived as u8 => Some(false),
            _ => None,
        }
    }

    /// All transactions that are under way, in the order of their ids.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionReport> + '_ {
        let sending = self.sending.iter().map(|(id, sender)| TransactionReport {
            transaction: *id,
            role: Role::Sender,
            peer: sender.header().destination,
            name: sender.name().cloned(),
            originating: sender.on_behalf,
            size: Some(sender.size()),
            octets: sender.octets_sent(),
            holes: 0,
            octets_to_repeat: sender.octets_to_repeat(),
            is_suspended: sender.is_suspended(),
            is_finished: false,
        });
        let receiving = self
            .receiving
            .iter()
            .map(|(id, receiver)| TransactionReport {
                transaction: *id,
                role: Role::Receiver,
                peer: id.source,
                name: receiver.name().cloned(),
                originating: receiver.originating(),
                size: receiver.size(),
                octets: receiver.octets_received(),
                holes: receiver.holes(),
                octets_to_repeat: 0,
                is_suspended: receiver.is_suspended(),
                is_finished: receiver.finished().is_some(),
            });
        sending.chain(receiving)
    }
}
