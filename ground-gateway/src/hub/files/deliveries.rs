//! What is asked by who delivers what came from the agent on board.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use file_delivery::entity::Role;

use super::Files;
use crate::delivery::{Fate, Ground};
use crate::files::orders::End;
use crate::hub::protocol::PutFile;

impl Ground for Files {
    fn coming(&self) -> Option<BTreeSet<String>> {
        let reports = self.with_handle(super::Handle::transactions)?.ok()?;
        let coming = reports
            .into_iter()
            .filter(|report| report.role == Role::Receiver && !report.is_finished);
        Some(
            coming
                .filter_map(|report| Some(report.name?.to_string()))
                .collect(),
        )
    }

    fn is_heard(&self) -> bool {
        Files::is_heard(self)
    }

    fn order_up(&self, key: &str, local: &Path, remote: &str) -> Result<(), String> {
        let request = PutFile {
            key: key.to_owned(),
            local: local.to_owned(),
            remote: remote.to_owned(),
            overwrite: true,
            acknowledged: true,
            priority: RECEIPT_PRIORITY,
        };
        self.put(&request, |_| !self.is_stopping())
    }

    fn fates(&self, keys: &[&str]) -> Vec<Fate> {
        let state = self.state();
        let pending = state.orders.pending().map(|order| (&*order.key, None));
        let ended = state.orders.ended();
        let ended = ended.map(|order| (&*order.key, order.end.as_ref()));
        let known: HashMap<&str, Option<&End>> = pending.chain(ended).collect();
        let fate = |key: &&str| match known.get(key) {
            Some(None) => Fate::UnderWay,
            Some(Some(End { failure: None, .. })) => Fate::Arrived,
            Some(Some(End {
                failure: Some(why), ..
            })) => Fate::Failed(why.clone()),
            None => Fate::Failed("nobody knows what became of it".to_owned()),
        };
        keys.iter().map(fate).collect()
    }
}

/// Receipts are small, and free room on board.
const RECEIPT_PRIORITY: u8 = 200;
