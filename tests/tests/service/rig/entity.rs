//! A file entity that knows nothing of files: it notes what it is told.

use std::sync::Arc;

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::ContactState;
use comms_service::pdus::PduReceiver;
use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::PATIENCE;

/// What an entity is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Pdu(Vec<u8>),
    Departed(u64, Result<(), DropReason>),
    Contact(ContactState),
}

/// An entity, and what it was told and nobody took yet.
pub(crate) struct Entity {
    sender: Sender<Told>,
    told: Receiver<Told>,
}

struct Intake(Sender<Told>);

impl Default for Entity {
    fn default() -> Self {
        let (sender, told) = unbounded();
        Entity { sender, told }
    }
}

impl Entity {
    /// What a link is given.
    pub(crate) fn receiver(&self) -> Arc<dyn PduReceiver> {
        Arc::new(Intake(self.sender.clone()))
    }

    /// Only the link tells it anything from now on: `told` ends with the link.
    pub(crate) fn into_told(self) -> Receiver<Told> {
        self.told
    }

    /// The next that it is told beside of contact.
    #[track_caller]
    pub(crate) fn next(&self) -> Told {
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(Told::Contact(_)) => {}
                Ok(told) => return told,
                Err(_) => panic!("it is told nothing within {PATIENCE:?}"),
            }
        }
    }

    /// The next PDU; nothing else comes before it.
    #[track_caller]
    pub(crate) fn pdu(&self) -> Vec<u8> {
        match self.next() {
            Told::Pdu(octets) => octets,
            other => panic!("no PDU, but {other:?}"),
        }
    }

    /// The next departure; nothing else comes before it.
    #[track_caller]
    pub(crate) fn departure(&self) -> (u64, Result<(), DropReason>) {
        match self.next() {
            Told::Departed(token, result) => (token, result),
            other => panic!("no departure, but {other:?}"),
        }
    }

    /// What it is told of contact, if that is the next.
    #[track_caller]
    pub(crate) fn contact(&self) -> ContactState {
        match self.told.recv_timeout(PATIENCE) {
            Ok(Told::Contact(state)) => state,
            other => panic!("nothing of contact, but {other:?}"),
        }
    }
}

impl PduReceiver for Intake {
    fn pdu(&self, octets: HeldBytes) {
        let _ = self.0.send(Told::Pdu(octets.to_vec()));
    }

    fn departed(&self, token: u64, result: Result<(), DropReason>) {
        let _ = self.0.send(Told::Departed(token, result));
    }

    fn contact(&self, state: ContactState) {
        let _ = self.0.send(Told::Contact(state));
    }
}
