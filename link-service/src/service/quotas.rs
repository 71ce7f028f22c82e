//! What inboxes may hold, as the configuration has it now.

use std::sync::Arc;

use crate::access::LiveAccess;
use crate::mover::{Quota, Quotas};
use crate::names::AppId;
use crate::request::Priority;

/// Asks the configuration each time.
pub(super) struct InboxQuotas(pub(super) Arc<LiveAccess>);

impl Quotas for InboxQuotas {
    fn of(&self, app: &AppId) -> Quota {
        let access = self.0.current();
        let app = access.registry().app(app);
        app.map_or(Quota::UNLIMITED, |app| Quota {
            bytes_max: app.quota.bytes,
            files_max: app.quota.files,
        })
    }

    fn kept_free_bytes(&self, priority: Priority) -> u64 {
        let access = self.0.current();
        let settings = access.settings();
        match priority {
            Priority::Critical => settings.free_bytes_min,
            _ => settings
                .free_bytes_min
                .saturating_add(settings.reserved_critical_bytes),
        }
    }
}
