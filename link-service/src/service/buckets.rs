//! `[[link-service.buckets]]`: the buckets that boxes of apps are in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bucket_store::Bucket;

use super::run::ServiceDesk;
use crate::bucket::{BucketCounter, BucketLimits, BucketThread};
use crate::names::AppId;
use crate::settings::{BucketSettings, SERVICE};

/// A bucket that nothing uses yet.
pub(super) struct Opened {
    name: AppId,
    poll: Duration,
    bucket: Bucket,
}

/// The counts of each bucket.
pub(super) type Counters = Vec<(AppId, BucketCounter)>;

/// Makes the clients, and reads the keys. Whether a bucket is there is found out by what is
/// put into it: a store that is away for a while is no reason not to start.
pub(super) fn open(buckets: &[BucketSettings]) -> anyhow::Result<Vec<Opened>> {
    let open = |settings: &BucketSettings| {
        let bucket = settings.store.open();
        let bucket =
            bucket.with_context(|| format!("[[{SERVICE}.buckets]] `{}`", settings.name))?;
        Ok(Opened {
            name: settings.name.clone(),
            poll: settings.poll,
            bucket,
        })
    };
    buckets.iter().map(open).collect()
}

/// Starts the thread of each.
pub(super) fn start(
    desk: &Arc<ServiceDesk>,
    buckets: Vec<Opened>,
) -> io::Result<Vec<(AppId, BucketThread)>> {
    let start = |opened: Opened| {
        let limits = BucketLimits {
            poll: opened.poll,
            ..BucketLimits::default()
        };
        let name = opened.name.clone();
        let thread = BucketThread::start(Arc::clone(desk), name, opened.bucket, limits)?;
        Ok((opened.name, thread))
    };
    buckets.into_iter().map(start).collect()
}

pub(super) fn counters(buckets: &[(AppId, BucketThread)]) -> Counters {
    let counters = buckets.iter();
    let counters = counters.map(|(name, thread)| (name.clone(), thread.counter()));
    counters.collect()
}
