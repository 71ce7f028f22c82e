//! What has arrived, and what arrives.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tonic::Status;
use tonic::metadata::MetadataMap;

use super::answer::time;
use super::calls::{Calls, Many};
use super::limits::DELIVERIES_MAX;
use super::messages::{DeliveredFile, Delivery};
use super::status::stopping;
use crate::api::waiting::Waiting;
use crate::desk::{self, Event};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::TransferId;
use crate::registry::App;

/// Who is told, and what it was told.
pub(super) struct Receiving<F: Folders + 'static, J: Journal + 'static> {
    pub(super) calls: Arc<Calls<F, J>>,
    pub(super) app: AppId,
    /// What it showed: asked again before it is told more.
    pub(super) shown: MetadataMap,
    pub(super) only_present: bool,
}

struct State<F: Folders + 'static, J: Journal + 'static> {
    of: Receiving<F, J>,
    told: BTreeSet<TransferId>,
    found: VecDeque<Delivery>,
}

impl<F: Folders + 'static, J: Journal + 'static> Receiving<F, J> {
    pub(super) fn stream(self) -> Many<Delivery> {
        let state = State {
            of: self,
            told: BTreeSet::new(),
            found: VecDeque::new(),
        };
        Box::pin(futures_util::stream::unfold(Some(state), |state| async {
            let mut state = state?;
            match state.next().await {
                Ok(delivery) => delivery.map(|delivery| (Ok(delivery), Some(state))),
                Err(status) => Some((Err(status), None)),
            }
        }))
    }
}

impl<F: Folders + 'static, J: Journal + 'static> State<F, J> {
    async fn next(&mut self) -> Result<Option<Delivery>, Status> {
        loop {
            if let Some(delivery) = self.found.pop_front() {
                return Ok(Some(delivery));
            }
            // From here on nothing is missed: what arrives before the look is seen, what
            // arrives after it is heard of.
            let desk = Arc::clone(&self.of.calls.desk);
            let arrival = Waiting::for_event(&desk, Event::Arrives(self.of.app.clone()));
            self.look().await?;
            if self.found.is_empty() {
                if self.of.only_present {
                    return Ok(None);
                }
                if desk.is_stopping() {
                    return Err(stopping());
                }
                arrival.over().await;
            }
        }
    }

    /// What was not told yet.
    async fn look(&mut self) -> Result<(), Status> {
        let calls = &self.of.calls;
        if calls.sender(&self.of.shown)? != self.of.app {
            return Err(Status::unauthenticated("the token is another app's now"));
        }
        let (desk, app) = (Arc::clone(&calls.desk), self.of.app.clone());
        let mut told = std::mem::take(&mut self.told);
        let looked = calls.pool.run(move || {
            let found = desk.deliveries_untold(&app, &mut told, DELIVERIES_MAX);
            let access = desk.access().current();
            let own = access.registry().app(&app);
            let found = found.iter().map(|delivery| message(delivery, own));
            (found.collect(), told)
        });
        (self.found, self.told) = looked.await?;
        Ok(())
    }
}

fn message(delivery: &desk::Delivery, app: Option<&App>) -> Delivery {
    let inbox = app.map(|app| std::path::absolute(&app.inbox));
    let inbox = inbox.and_then(Result::ok).unwrap_or_default();
    let files = delivery.files.iter().map(|file| DeliveredFile {
        name: file.name.clone(),
        path: inbox.join(&file.path).to_string_lossy().into_owned(),
        size_bytes: file.size,
        blake3: file.hash.map_or_else(Vec::new, Vec::from),
    });
    Delivery {
        id: delivery.id.to_string(),
        from_app_id: delivery.sender.to_string(),
        files: files.collect(),
        subdirectory: delivery.subdirectory.to_string(),
        tracking_id: delivery.request_id.clone(),
        correlation_id: delivery.correlation_id.clone(),
        metadata: delivery.metadata.clone(),
        delivered_time: time(delivery.delivered_at),
    }
}
