//! `[[link-service.buckets]]`: a bucket that inboxes and outboxes of apps are in.

use std::time::Duration;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Problem, SERVICE, strict};
use crate::names::AppId;

/// Shortest time between two looks at an outbox, in ms.
const POLL_MS_MIN: u64 = 100;
/// Longest, in ms.
const POLL_MS_MAX: u64 = 3_600_000;

/// A bucket, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSettings {
    /// By which apps name it.
    pub name: AppId,
    /// From one look at an outbox in it to the next.
    pub poll: Duration,
    /// Where it is, and the keys of it.
    pub store: bucket_store::BucketSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OwnKeys {
    name: AppId,
    #[serde(default = "poll_ms")]
    poll_ms: u64,
}

/// Keys that are not of the bucket itself.
const OWN_KEYS: [&str; 2] = ["name", "poll-ms"];

fn poll_ms() -> u64 {
    5000
}

pub(super) fn read(index: usize, bucket: &Table) -> Result<BucketSettings, Problem> {
    let (own, rest): (Table, Table) = bucket
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .partition(|(key, _)| OWN_KEYS.contains(&key.as_str()));
    let place = || place(index, bucket);
    let store: bucket_store::BucketSettings = strict::read(rest, &OWN_KEYS, place)?;
    let own: OwnKeys = strict::read(own, &[], place)?;
    if !(POLL_MS_MIN..=POLL_MS_MAX).contains(&own.poll_ms) {
        let message = format!(
            "`poll-ms` = {}: {POLL_MS_MIN} to {POLL_MS_MAX} can be",
            own.poll_ms
        );
        let place = place();
        return Err(Problem::Value { place, message });
    }
    store.check().map_err(|error| Problem::Value {
        place: place(),
        message: error.to_string(),
    })?;
    Ok(BucketSettings {
        name: own.name,
        poll: Duration::from_millis(own.poll_ms),
        store,
    })
}

/// Where a bucket stands in the file: by its name, where it has one.
fn place(index: usize, bucket: &Table) -> String {
    let number = index + 1;
    match bucket.get("name").and_then(Value::as_str) {
        Some(name) => format!(
            "[[{SERVICE}.buckets]] number {number} (`{}`)",
            name.escape_debug()
        ),
        None => format!("[[{SERVICE}.buckets]] number {number}"),
    }
}
