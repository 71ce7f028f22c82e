//! What is asked by who delivers what came from the agent on board.

use std::collections::BTreeSet;
use std::path::Path;

use file_delivery::entity::Role;

use super::Files;
use crate::delivery::Ground;
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
}

/// Receipts are small, and free room on board.
const RECEIPT_PRIORITY: u8 = 200;
