//! By which way a recipient is reached, as the configuration has it now.

use std::sync::Arc;

use crate::access::LiveAccess;
use crate::names::AppId;
use crate::queue::Route;
use crate::request::Recipient;

/// Clones know the same.
#[derive(Clone)]
pub(super) struct Ways(Arc<LiveAccess>);

impl Ways {
    pub(super) fn new(access: &Arc<LiveAccess>) -> Self {
        Ways(Arc::clone(access))
    }

    /// The way to a recipient.
    pub(super) fn to(&self, recipient: &Recipient) -> Route {
        match recipient {
            Recipient::App(app) => self.bucket_of(app).map_or(Route::Local, Route::Bucket),
            Recipient::Ground => Route::Downlink,
            Recipient::Remote { node, .. } => Route::Crosslink(node.clone()),
        }
    }

    /// Whether the inbox of an app is a directory. Nobody acknowledges what comes to another.
    pub(super) fn is_folder(&self, app: &AppId) -> bool {
        self.bucket_of(app).is_none()
    }

    fn bucket_of(&self, app: &AppId) -> Option<AppId> {
        let access = self.0.current();
        let bucket = access.registry().app(app)?.bucket.as_ref()?;
        Some(bucket.name.clone())
    }
}
