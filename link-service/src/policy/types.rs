//! Which types of transfer there can be between whom.

use super::pattern::{Pattern, Place};
use crate::request::{LinkType, Recipient};

/// Some of the types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypeSet(u8);

/// Where an end of a transfer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Here,
    Elsewhere,
    Ground,
}

impl TypeSet {
    /// Just that one.
    #[must_use]
    pub fn only(link_type: LinkType) -> TypeSet {
        TypeSet(match link_type {
            LinkType::Uplink => 1,
            LinkType::Crosslink => 2,
            LinkType::App2App => 4,
            LinkType::Downlink => 8,
        })
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, link_type: LinkType) -> bool {
        self.overlaps(TypeSet::only(link_type))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn overlaps(self, other: TypeSet) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn has_all(self, other: TypeSet) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn with(self, other: TypeSet) -> TypeSet {
        TypeSet(self.0 | other.0)
    }

    pub(super) fn and(self, other: TypeSet) -> TypeSet {
        TypeSet(self.0 & other.0)
    }

    /// The first of them, in the order uplink, crosslink, app2app, downlink.
    pub(crate) fn first(self) -> Option<LinkType> {
        use LinkType::{App2App, Crosslink, Downlink, Uplink};
        let all = [Uplink, Crosslink, App2App, Downlink];
        all.into_iter().find(|link_type| self.has(*link_type))
    }
}

/// What there can be from one to the other.
pub(crate) fn between(from: &Recipient, to: &Recipient) -> TypeSet {
    let place = |party: &Recipient| match party {
        Recipient::App(_) => Where::Here,
        Recipient::Remote { .. } => Where::Elsewhere,
        Recipient::Ground => Where::Ground,
    };
    types(place(from), place(to))
}

/// The same, for whoever fits the patterns.
pub(super) fn between_patterns(from: &Pattern, to: &Pattern) -> TypeSet {
    let place = |pattern: &Pattern| match pattern {
        Pattern::Ground => Where::Ground,
        Pattern::Apps {
            place: Place::Here, ..
        } => Where::Here,
        Pattern::Apps { .. } => Where::Elsewhere,
    };
    types(place(from), place(to))
}

/// A file between the ground and another spacecraft goes up or down, and across.
fn types(from: Where, to: Where) -> TypeSet {
    use LinkType::{App2App, Crosslink, Downlink, Uplink};
    let crosslink = TypeSet::only(Crosslink);
    match (from, to) {
        (Where::Ground, Where::Ground) => TypeSet::default(),
        (Where::Ground, Where::Here) => TypeSet::only(Uplink),
        (Where::Ground, Where::Elsewhere) => TypeSet::only(Uplink).with(crosslink),
        (Where::Here, Where::Ground) => TypeSet::only(Downlink),
        (Where::Elsewhere, Where::Ground) => TypeSet::only(Downlink).with(crosslink),
        (Where::Here, Where::Here) => TypeSet::only(App2App),
        (Where::Here | Where::Elsewhere, Where::Here | Where::Elsewhere) => crosslink,
    }
}
