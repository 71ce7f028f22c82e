//! Contacts as GraphQL shows and takes them.

use juniper::{GraphQLInputObject, GraphQLObject};

use super::{Contacts, Window};

/// When the ground is planned to listen.
#[derive(Clone, Debug, GraphQLObject)]
#[graphql(name = "Contacts")]
pub struct ContactsView {
    /// `configuration`, `operator` (who gave them by `setContacts`), or `nobody`.
    pub given_by: String,
    /// The windows.
    pub windows: Vec<WindowView>,
}

/// From `start` to before `end`.
#[derive(Clone, Debug, GraphQLObject)]
#[graphql(name = "ContactWindow")]
pub struct WindowView {
    /// As RFC 3339 has it.
    pub start: String,
    /// The same.
    pub end: String,
}

/// From `start` to before `end`.
#[derive(Clone, Debug, GraphQLInputObject)]
#[graphql(name = "ContactWindowInput")]
pub struct WindowInput {
    /// As RFC 3339 has it: `2026-11-27T10:00:00Z`.
    pub start: String,
    /// The same; after `start`.
    pub end: String,
}

impl Contacts {
    /// What counts now.
    pub(crate) fn view(&self) -> ContactsView {
        let state = self.state();
        let given_by = match (&state.of_operator, &state.of_file) {
            (Some(_), _) => "operator",
            (None, Some(_)) => "configuration",
            (None, None) => "nobody",
        };
        let windows = state.windows().unwrap_or_default().iter();
        let view = |window: &Window| WindowView {
            start: window.start.to_string(),
            end: window.end.to_string(),
        };
        ContactsView {
            given_by: given_by.to_owned(),
            windows: windows.map(view).collect(),
        }
    }
}
