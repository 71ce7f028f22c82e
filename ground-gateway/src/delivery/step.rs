//! The steps of a delivery: after each of them the process may end, and nothing is lost or
//! delivered twice.

use std::sync::Arc;

/// A step that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The bundle is whole.
    Inspected,
    /// Its key is in the journal.
    Chosen,
    /// Its data is in the directory, by another name.
    Staged,
    /// What is known of it is beside where it will be.
    MetaThere,
    /// Its parts in a bucket are begun, and the journal knows them.
    Begun,
    /// It is at its place.
    Put,
    /// The journal knows where it is.
    Delivered,
    /// So does it that its receipt is due.
    Acknowledged,
    /// Its receipt is ordered up.
    Ordered,
    /// The key of a manifest is in the journal.
    ManifestChosen,
    /// The manifest is at its place.
    ManifestPut,
}

/// All of them.
#[cfg(test)]
pub(crate) const ALL: [Step; 11] = [
    Step::Inspected,
    Step::Chosen,
    Step::Staged,
    Step::MetaThere,
    Step::Begun,
    Step::Put,
    Step::Delivered,
    Step::Acknowledged,
    Step::Ordered,
    Step::ManifestChosen,
    Step::ManifestPut,
];

/// Who is called after each step: tests.
pub(crate) type AtStep = Arc<dyn Fn(Step) + Send + Sync>;

/// Nobody.
pub(crate) fn unwatched() -> AtStep {
    Arc::new(|_| {})
}
