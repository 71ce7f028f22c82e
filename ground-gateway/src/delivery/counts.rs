//! What became of what came down.

use serde::{Deserialize, Serialize};

/// `arrived` = `delivered` + `repeated` + `dead`: whatever waits is not counted yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Bundles, and what came as one.
    pub(crate) arrived: u64,
    /// Files that are at their place.
    pub(crate) delivered: u64,
    /// Octets of them.
    pub(crate) delivered_bytes: u64,
    /// Bundles of files that were there already.
    pub(crate) repeated: u64,
    /// Files that are no bundles, and are kept aside.
    pub(crate) dead: u64,
    /// Receipts that were ordered up, each time.
    pub(crate) receipts: u64,
    /// Orders of these that ended without success, and were made again.
    #[serde(default)]
    pub(crate) receipts_failed: u64,
    pub(crate) manifests: u64,
    /// Times that a place did not take a file, which is tried again.
    pub(crate) failures: u64,
}
