//! A device, as the operator sees it.

use juniper::GraphQLObject;

use super::Context;
use crate::core::DeviceView;

/// A device that can be switched.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Device {
    /// Its number.
    id: i32,
    /// The app that may switch it; null where only the operator may.
    owner: Option<String>,
    /// Whether it is on.
    is_on: bool,
}

impl Device {
    pub(super) fn of(view: &DeviceView) -> Self {
        Device {
            id: view.id.into(),
            owner: view.owner.as_ref().map(ToString::to_string),
            is_on: view.is_on,
        }
    }
}
