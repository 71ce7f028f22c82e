//! In place of `buckets.rs` in a build without the feature `buckets`: nothing calls the client of
//! the store and its TLS, so that they are not in the program.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use anyhow::bail;

use super::run::ServiceDesk;
use crate::bucket::BucketCounter;
use crate::names::AppId;
use crate::settings::{BucketSettings, SERVICE};

/// The counts of each bucket.
pub(super) type Counters = Vec<(AppId, BucketCounter)>;

/// # Errors
/// There is one.
pub(super) fn open(buckets: &[BucketSettings]) -> anyhow::Result<Vec<Infallible>> {
    match buckets.first() {
        None => Ok(Vec::new()),
        Some(bucket) => bail!(
            "[[{SERVICE}.buckets]] `{}`: this program was built without the feature `buckets`",
            bucket.name
        ),
    }
}

pub(super) fn start(_: &Arc<ServiceDesk>, none: Vec<Infallible>) -> io::Result<Vec<Infallible>> {
    Ok(none)
}

pub(super) fn counters(_: &[Infallible]) -> Counters {
    Vec::new()
}
