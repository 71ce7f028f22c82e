//! What is asked of requests that were made: how they stand, and that they end.

use std::sync::PoisonError;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::Desk;
use super::state::{Known, State};
use super::view::TransferView;
use super::watch::Event;
use crate::folders::Folders;
use crate::journal::{Journal, JournalError};
use crate::names::AppId;
use crate::policy::{Party, Question};
use crate::record::{Order, TransferId};
use crate::request::Priority;

/// Why something is not done about a transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It is not this app's, is forgotten, or never was.
    #[error("there is no such request of yours")]
    Unknown,
    /// Nothing more becomes of it.
    #[error("it has ended")]
    Ended,
    /// No rule of the policy allows it.
    #[error("no rule allows that")]
    Forbidden,
    /// It is not done, or perhaps until the next restart only; it may be asked again.
    #[error(transparent)]
    NotKept(#[from] JournalError),
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// The transfer of a request of `sender`, by the id that it gave.
    #[must_use]
    pub fn find(&self, sender: &AppId, request_id: &str) -> Option<TransferId> {
        let key = (sender.clone(), request_id.to_owned());
        match self.state().keys.get(&key) {
            Some(Known::Transfer(id)) => Some(*id),
            _ => None,
        }
    }

    /// How a transfer of `sender` stands.
    ///
    /// # Errors
    /// [`AskError::Unknown`].
    pub fn status(&self, sender: &AppId, id: TransferId) -> Result<TransferView, AskError> {
        view(&self.state(), sender, id).ok_or(AskError::Unknown)
    }

    /// The same, once it has ended, or after that time.
    ///
    /// # Errors
    /// [`AskError::Unknown`].
    pub fn wait(
        &self,
        sender: &AppId,
        id: TransferId,
        time: Duration,
    ) -> Result<TransferView, AskError> {
        let view = self.status(sender, id)?;
        if view.has_ended() {
            return Ok(view);
        }
        let (tell, told) = bounded(1);
        let call = move || {
            let _ = tell.try_send(());
        };
        let _watch = self.watch(Event::Ended(id), Box::new(call));
        // Told or not: how it stands is asked anew.
        let _ = told.recv_timeout(time);
        self.status(sender, id)
    }

    /// Those of `sender` from number `from` on, at most so many, the oldest first.
    #[must_use]
    pub fn list(&self, sender: &AppId, from: TransferId, most: usize) -> Vec<TransferView> {
        self.list_where(sender, from, most, |_| true)
    }

    /// The same, of those that are wanted.
    #[must_use]
    pub fn list_where(
        &self,
        sender: &AppId,
        from: TransferId,
        most: usize,
        is_wanted: impl Fn(&TransferView) -> bool,
    ) -> Vec<TransferView> {
        let state = self.state();
        let of_sender = state.transfers.range(from..);
        let of_sender = of_sender.filter(|(_, entry)| entry.sender == *sender);
        let views = of_sender.filter_map(|(id, _)| view(&state, sender, *id));
        views.filter(is_wanted).take(most).collect()
    }

    /// The same, of all senders: for the operator.
    #[must_use]
    pub fn list_all(
        &self,
        from: TransferId,
        most: usize,
        is_wanted: impl Fn(&TransferView) -> bool,
    ) -> Vec<TransferView> {
        let state = self.state();
        let all = state.transfers.range(from..);
        let views =
            all.filter_map(|(id, entry)| TransferView::of(entry, state.queue.standing(*id)));
        views.filter(is_wanted).take(most).collect()
    }

    /// Who made the request of a transfer: for the operator, who may ask for any.
    #[must_use]
    pub fn sender(&self, id: TransferId) -> Option<AppId> {
        let state = self.state();
        let entry = state.transfers.get(&id)?;
        Some(entry.sender.clone())
    }

    /// It is not to be delivered. Who has it already, has it. When it returns, a power cut
    /// does not undo that; so it is with what else is asked.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn cancel(&self, sender: &AppId, id: TransferId) -> Result<(), AskError> {
        self.ask(sender, id, |order| order.cancelled = true)
    }

    /// It is not to go on until it is [let go](Self::release).
    ///
    /// # Errors
    /// [`AskError`].
    pub fn hold(&self, sender: &AppId, id: TransferId) -> Result<(), AskError> {
        self.ask(sender, id, |order| order.held = true)
    }

    /// It may go on.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn release(&self, sender: &AppId, id: TransferId) -> Result<(), AskError> {
        self.ask(sender, id, |order| order.held = false)
    }

    /// It has another priority from now on; one with which it might have been handed in.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn reprioritise(
        &self,
        sender: &AppId,
        id: TransferId,
        priority: Priority,
    ) -> Result<(), AskError> {
        let view = self.status(sender, id)?;
        let access = self.access.current();
        let transfer = &view.transfer;
        let is_allowed = transfer.request.recipients.iter().all(|to| {
            let question = Question {
                from: &Party::App(sender.clone()),
                to,
                link_type: transfer.request.link_type,
                size: transfer.bytes(),
                priority,
            };
            access.decide(&question).is_allowed()
        });
        match is_allowed {
            true => self.reprioritise_unasked(sender, id, priority),
            false => Err(AskError::Forbidden),
        }
    }

    /// The same, with any priority: for the operator.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn reprioritise_unasked(
        &self,
        sender: &AppId,
        id: TransferId,
        priority: Priority,
    ) -> Result<(), AskError> {
        self.ask(sender, id, |order| order.priority = Some(priority))
    }

    fn ask(
        &self,
        sender: &AppId,
        id: TransferId,
        change: impl FnOnce(&mut Order),
    ) -> Result<(), AskError> {
        // One after the other, so that the journal has them in the order of the state.
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let order = {
            let state = self.state();
            let entry = state.transfers.get(&id);
            let entry = entry.filter(|entry| entry.sender == *sender);
            let entry = entry.ok_or(AskError::Unknown)?;
            if entry.has_ended() {
                return Err(AskError::Ended);
            }
            let mut order = entry.order;
            change(&mut order);
            order
        };
        self.mover.journal().order(id, order)?;
        self.state().give_order(self.clock.now(), id, order);
        self.shared.work.notify_one();
        Ok(())
    }
}

fn view(state: &State, sender: &AppId, id: TransferId) -> Option<TransferView> {
    let entry = state.transfers.get(&id)?;
    let is_own = entry.sender == *sender;
    is_own
        .then(|| TransferView::of(entry, state.queue.standing(id)))
        .flatten()
}
