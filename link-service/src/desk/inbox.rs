//! What has arrived at an app, until it says that it has taken it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Desk;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::names::{AppId, Subdirectory};
use crate::policy::Party;
use crate::record::{LegPhase, Transfer, TransferId};
use crate::request::Recipient;

/// What came to an app with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The number of the request.
    pub id: TransferId,
    /// Who sent it.
    pub sender: Party,
    /// Each file.
    pub files: Vec<DeliveredFile>,
    /// The directory beneath the inbox that they came to.
    pub subdirectory: Subdirectory,
    /// The sender's id of the request.
    pub request_id: String,
    /// The sender's.
    pub correlation_id: String,
    /// The sender's.
    pub metadata: BTreeMap<String, String>,
    /// When it arrived: since 1970; zero where nobody knows.
    pub delivered_at: Duration,
}

/// A file that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredFile {
    /// Its name.
    pub name: String,
    /// Where it is, beneath the inbox.
    pub path: String,
    /// Octets.
    pub size: u64,
    /// Of its octets, by BLAKE3.
    pub hash: Option<[u8; 32]>,
}

/// Why something that arrived is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcknowledgeError {
    /// Nothing that is known came to this app with it.
    #[error("nothing came to you with that number, or it is forgotten")]
    Unknown,
    /// The disk did not do it. It may be done again.
    #[error(transparent)]
    Failed(#[from] Refused),
}

impl From<AcknowledgeError> for Refused {
    fn from(error: AcknowledgeError) -> Self {
        match error {
            AcknowledgeError::Failed(refused) => refused,
            AcknowledgeError::Unknown => Refused {
                code: Code::UnknownRequest,
                text: error.to_string(),
            },
        }
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// What arrived at `app` and is not acknowledged: at most so many, the oldest request
    /// first.
    #[must_use]
    pub fn deliveries(&self, app: &AppId, most: usize) -> Vec<Delivery> {
        let state = self.state();
        let unread = state.inboxes.get(app).into_iter().flatten();
        let deliveries = unread.filter_map(|(id, leg)| {
            let entry = state.transfers.get(id)?;
            Some(delivery(&*entry.transfer()?, *leg))
        });
        deliveries.take(most).collect()
    }

    /// The same without what was `told`, which they are from then on. What was told and is
    /// acknowledged, is forgotten there.
    #[must_use]
    pub fn deliveries_untold(
        &self,
        app: &AppId,
        told: &mut BTreeSet<TransferId>,
        most: usize,
    ) -> Vec<Delivery> {
        let state = self.state();
        let unread = || state.inboxes.get(app).into_iter().flatten();
        let ids: BTreeSet<TransferId> = unread().map(|(id, _)| *id).collect();
        told.retain(|id| ids.contains(id));
        let deliveries = unread().filter(|(id, _)| !told.contains(id));
        let deliveries = deliveries.filter_map(|(id, leg)| {
            let transfer = state.transfers.get(id)?.transfer()?;
            Some(delivery(&transfer, *leg))
        });
        let deliveries: Vec<Delivery> = deliveries.take(most).collect();
        told.extend(deliveries.iter().map(|delivery| delivery.id));
        deliveries
    }

    /// `app` has taken what came to it with that request: it is not told of it again. With
    /// `remove`, the files are removed as well, but for those that are not the delivered
    /// ones any more. Done again, it is done.
    ///
    /// # Errors
    /// [`AcknowledgeError`].
    pub fn acknowledge(
        &self,
        app: &AppId,
        id: TransferId,
        remove: bool,
    ) -> Result<(), AcknowledgeError> {
        let (transfer, leg) = {
            let state = self.state();
            let entry = state.transfers.get(&id).ok_or(AcknowledgeError::Unknown)?;
            let transfer = entry.transfer().ok_or(AcknowledgeError::Unknown)?;
            let leg = leg_of(&transfer, app).ok_or(AcknowledgeError::Unknown)?;
            if state.acknowledged.contains(&(id, leg)) {
                return Ok(());
            }
            (transfer.into_owned(), leg)
        };
        if remove {
            self.mover.remove_delivered(&transfer, app)?;
        }
        let kept = self.mover.journal().acknowledge(id, leg);
        kept.map_err(|error| Refused {
            code: Code::IoError,
            text: error.to_string(),
        })?;
        self.state().note_acknowledged(app, id, leg);
        Ok(())
    }
}

/// The leg by which an app has the files.
fn leg_of(transfer: &Transfer, app: &AppId) -> Option<u32> {
    let mut legs = transfer.legs.iter();
    let leg = legs.position(|leg| {
        let is_to = matches!(&leg.recipient, Recipient::App(to) if to == app);
        is_to && leg.phase == LegPhase::Committed
    });
    leg.and_then(|leg| u32::try_from(leg).ok())
}

fn delivery(transfer: &Transfer, leg: u32) -> Delivery {
    let request = &transfer.request;
    let leg = usize::try_from(leg).ok();
    let leg = leg.and_then(|leg| transfer.legs.get(leg));
    let files = request.files.iter().zip(&transfer.files);
    let files = files.map(|(name, file)| DeliveredFile {
        name: name.to_string(),
        path: crate::mover::delivered_path(transfer, name),
        size: file.size,
        hash: file.hash,
    });
    Delivery {
        id: transfer.id,
        sender: transfer.from(),
        files: files.collect(),
        subdirectory: request.subdirectory.clone(),
        request_id: request.request_id.clone(),
        correlation_id: request.correlation_id.clone(),
        metadata: request.metadata.clone(),
        delivered_at: leg.map_or(Duration::ZERO, |leg| leg.ended_at),
    }
}
