//! What an earlier process left.
//!
//! The journal says which transfers there are; how far each is, its next run finds out from
//! what is on the disk. What belongs to none is cleared.

use std::collections::BTreeMap;

use super::Mover;
use super::delivered::done_id;
use super::places::{self, OWN};
use super::stop::Stop;
use crate::folders::{Folders, Side};
use crate::journal::{Journal, JournalError};
use crate::names::AppId;
use crate::record::{Phase, Transfer, TransferId};
use crate::request::Recipient;

/// What there was at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Transfers that the journal knows, ended ones among them.
    pub transfers: Vec<Transfer>,
    /// Stagings that belonged to none, and were removed.
    pub stagings_removed: u64,
    /// Files that were taken out of an outbox for a transfer that nobody knows: they are
    /// beneath its `returned` now.
    pub files_returned: u64,
    /// What could not be cleared, and why, the first [`LEFT_MAX`] of it: it is tried again at
    /// the next start.
    pub left: Vec<String>,
    /// How much more of that there is.
    pub left_more: u64,
}

/// Where what is of no transfer goes, among what was returned.
const UNKNOWN: &str = "unknown";

/// Most entries of [`Recovered::left`].
pub const LEFT_MAX: usize = 64;

impl Recovered {
    fn leave(&mut self, what: String) {
        match self.left.len() < LEFT_MAX {
            true => self.left.push(what),
            false => self.left_more += 1,
        }
    }
}

impl<F: Folders, J: Journal> Mover<F, J> {
    /// To be called once at the start, before the first transfer runs, with all apps.
    ///
    /// # Errors
    /// [`JournalError`]: the journal cannot be read.
    pub fn recover<'a>(
        &self,
        apps: impl IntoIterator<Item = &'a AppId>,
    ) -> Result<Recovered, JournalError> {
        let transfers = self.journal.load()?;
        let known = transfers.iter().map(|transfer| (transfer.id, transfer));
        let known: BTreeMap<TransferId, &Transfer> = known.collect();
        let mut recovered = Recovered::default();
        for transfer in &transfers {
            // Whoever was told of the end was told before a cut of the power undid it.
            if let Phase::Ended(outcome) = &transfer.phase
                && let Err(stop) = self.leave_nothing(transfer, outcome.code)
            {
                let of = transfer.id;
                recovered.leave(format!("transfer {of}: {}", text(stop)));
            }
        }
        for app in apps {
            if let Err(stop) = self.clear_inbox(app, &known, &mut recovered) {
                recovered.leave(format!("inbox of {app}: {}", text(stop)));
            }
            if let Err(stop) = self.clear_outbox(app, &known, &mut recovered) {
                recovered.leave(format!("outbox of {app}: {}", text(stop)));
            }
        }
        recovered.transfers = transfers;
        Ok(recovered)
    }

    fn clear_inbox(
        &self,
        app: &AppId,
        known: &BTreeMap<TransferId, &Transfer>,
        recovered: &mut Recovered,
    ) -> Result<(), Stop> {
        let inbox = self.folders.open_box(app, Side::Inbox)?;
        let Some(own) = places::open_if_there(&self.folders, &inbox, OWN)? else {
            return Ok(());
        };
        for (name, _) in self.folders.list(&own)? {
            if let Some(id) = done_id(&name) {
                let of = known.get(&id).copied();
                if let Err(stop) = self.clear_done(of, app, &own, &name) {
                    let why = text(stop);
                    recovered.leave(format!("inbox of {app}: {why}"));
                }
                continue;
            }
            let of = TransferId::of_name(&name).and_then(|id| known.get(&id));
            if !of.is_some_and(|transfer| is_on_its_way(transfer, app)) {
                places::discard(&self.folders, &own, &name)?;
                recovered.stagings_removed += 1;
            }
        }
        Ok(())
    }

    fn clear_outbox(
        &self,
        app: &AppId,
        known: &BTreeMap<TransferId, &Transfer>,
        recovered: &mut Recovered,
    ) -> Result<(), Stop> {
        let outbox = self.folders.open_box(app, Side::Outbox)?;
        let Some(own) = places::open_if_there(&self.folders, &outbox, OWN)? else {
            return Ok(());
        };
        for (claim, _) in self.folders.list(&own)? {
            // In which subdirectory it was, nobody knows.
            let (id, name) = match places::claimed_by(&claim) {
                Some((id, _)) if known.get(&id).is_some_and(|of| of.sender == *app) => continue,
                Some((id, name)) => (id.to_string(), name),
                // Nothing that the service put there.
                None => (UNKNOWN.to_string(), claim.as_str()),
            };
            self.set_aside(app, &outbox, (&own, &claim), (&id, name))?;
            recovered.files_returned += 1;
        }
        Ok(())
    }
}

/// Whether an inbox's staging is still needed.
fn is_on_its_way(transfer: &Transfer, app: &AppId) -> bool {
    let is_to = |recipient: &Recipient| matches!(recipient, Recipient::App(to) if to == app);
    let legs = transfer.legs.iter();
    let mut legs = legs.filter(|leg| is_to(&leg.recipient) && leg.phase.code().is_none());
    legs.next().is_some()
}

fn text(stop: Stop) -> String {
    match stop {
        Stop::Final(code, text) | Stop::Retry(code, text) => format!("{code:?}: {text}"),
        Stop::Preempted => "preempted".to_string(),
    }
}
