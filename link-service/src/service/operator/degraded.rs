//! A box that is on no disk of this machine, as the operator sees it.

use juniper::GraphQLObject;

use super::Context;
use crate::service::shares::Share;

/// An inbox or outbox that is on no disk of this machine.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct DegradedBox {
    /// Whose.
    app: String,
    /// `inbox` or `outbox`.
    side: String,
    /// On what: `nfs`, `smb2`, `fuse`; the number of `statfs` where it is none that is known.
    file_system: String,
}

impl DegradedBox {
    pub(super) fn of(share: &Share) -> Self {
        DegradedBox {
            app: share.app.to_string(),
            side: share.side.to_owned(),
            file_system: share.file_system.to_string(),
        }
    }
}
