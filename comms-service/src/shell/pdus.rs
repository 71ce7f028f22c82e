//! To the file entity: PDUs, departures and contact, in the order in which the engine
//! decided on them, whichever threads bring them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, TryLockError};

use super::guard::panic_text;
use super::unpoisoned;
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::link::{Action, ContactState};
use crate::pdus::PduReceiver;

pub(super) struct PduDelivery {
    /// None after the end.
    receiver: Mutex<Option<Arc<dyn PduReceiver>>>,
    news: Mutex<VecDeque<News>>,
    /// Held by whoever tells the receiver. The others leave their news to it.
    telling: Mutex<()>,
}

enum News {
    Pdu(HeldBytes),
    Departed(u64, Result<(), DropReason>),
    Contact(ContactState),
    /// The link has stopped.
    End,
}

impl PduDelivery {
    pub(super) fn new(receiver: Arc<dyn PduReceiver>) -> Self {
        PduDelivery {
            receiver: Mutex::new(Some(receiver)),
            news: Mutex::default(),
            telling: Mutex::new(()),
        }
    }

    /// Keeps an action for the entity until [`tell`](Self::tell), while the engine is
    /// held; gives any other back.
    pub(super) fn keep(&self, action: Action) -> Option<Action> {
        let news = match action {
            Action::Pdu { octets } => News::Pdu(octets),
            Action::PduDeparted { token, result } => News::Departed(token, result),
            Action::ContactChanged(state) => News::Contact(state),
            other => return Some(other),
        };
        unpoisoned(&self.news).push_back(news);
        None
    }

    /// Tells the entity what is new, while the engine is not held: the entity may send
    /// a PDU from within. Gives what it panicked with, if it did.
    pub(super) fn tell(&self) -> Vec<String> {
        let mut panics = Vec::new();
        // Again, as somebody may have left news here just before the end.
        while self.has_news() {
            let _telling = match self.telling.try_lock() {
                Ok(telling) => telling,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => break,
            };
            while let Some(news) = self.next() {
                let receiver = unpoisoned(&self.receiver).clone();
                let tell = || match (receiver, news) {
                    (Some(receiver), News::Pdu(octets)) => receiver.pdu(octets),
                    (Some(receiver), News::Departed(token, result)) => {
                        receiver.departed(token, result);
                    }
                    (Some(receiver), News::Contact(state)) => receiver.contact(state),
                    (_, News::End) => drop(unpoisoned(&self.receiver).take()),
                    (None, _) => {}
                };
                let told = catch_unwind(AssertUnwindSafe(tell));
                panics.extend(told.err().map(|panic| panic_text(&*panic)));
            }
        }
        panics
    }

    pub(super) fn has_news(&self) -> bool {
        !unpoisoned(&self.news).is_empty()
    }

    fn next(&self) -> Option<News> {
        unpoisoned(&self.news).pop_front()
    }

    /// Lets go of the receiver, once it was told what is new.
    pub(super) fn close(&self) {
        unpoisoned(&self.news).push_back(News::End);
    }
}
