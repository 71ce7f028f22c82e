//! What the service counts, beside its link, on the metrics page.

use service_host::prometheus::Page;

use super::shares::Share;
use crate::bucket::BucketCounts;
use crate::code::Code;
use crate::desk::{Counts, Depths};
use crate::dropbox::DropboxCounts;
use crate::names::AppId;

pub(super) fn write(
    page: &mut Page,
    counts: &Counts,
    depths: Depths,
    dropped: &DropboxCounts,
    buckets: &[(AppId, BucketCounts)],
) {
    let accepted = "link_requests_total";
    let help = "Link requests that were handed in, by what became of them at once.";
    page.counter(accepted, help, &[("code", "ACCEPTED")], counts.accepted)
        .counter(accepted, help, &[("code", "KNOWN")], counts.known);
    for (code, count) in &counts.turned_away {
        let help = "Files that came over a link and were not let in, by why.";
        let labels = [("code", &*code.to_string())];
        page.counter("link_turned_away_total", help, &labels, *count);
    }
    for (code, count) in &counts.refused {
        page.counter(accepted, help, &[("code", &code.to_string())], *count);
    }
    let help = "Transfers that ended, by how.";
    page.counter(
        "link_transfers_ended_total",
        help,
        &[("code", "OK")],
        counts.ended.get(&Code::Ok).copied().unwrap_or_default(),
    );
    for (code, count) in counts.ended.iter().filter(|(code, _)| **code != Code::Ok) {
        let labels = [("code", &*code.to_string())];
        page.counter("link_transfers_ended_total", help, &labels, *count);
    }
    page.counter(
        "link_delivered_bytes_total",
        "Octets that recipients have, of transfers that ended.",
        &[],
        counts.delivered_bytes,
    )
    .counter(
        "link_unread_forgotten_total",
        "Transfers that were forgotten although not all that they delivered was acknowledged.",
        &[],
        counts.unread_forgotten,
    )
    .gauge(
        "link_transfers_open",
        "Transfers that have not ended.",
        &[],
        as_f64(depths.open),
    )
    .gauge(
        "link_transfers_running",
        "Transfers that run from folder to folder.",
        &[],
        as_f64(depths.running),
    )
    .gauge(
        "link_mover_silent_seconds",
        "The longest time since one that runs gave a sign of life: a disk that hangs is seen here.",
        &[],
        depths.silent.as_secs_f64(),
    )
    .gauge(
        "link_transfers_known",
        "Transfers that are known, ended ones among them.",
        &[],
        as_f64(depths.known),
    )
    .gauge(
        "link_deliveries_unread",
        "Deliveries that their recipients have not acknowledged.",
        &[],
        as_f64(depths.unread),
    );
    dropbox(page, dropped);
    of_buckets(page, buckets);
}

/// Of requests that are dropped as files.
fn dropbox(page: &mut Page, counts: &DropboxCounts) {
    let name = "link_dropped_requests_total";
    let help = "Link requests that were dropped as files, by what became of them.";
    for (what, count) in [
        ("taken", counts.taken),
        ("accepted", counts.accepted),
        ("refused", counts.refused),
        ("unread", counts.unread),
        ("ended", counts.ended),
        ("taken-away", counts.taken_away),
    ] {
        page.counter(name, help, &[("is", what)], count);
    }
    let name = "link_receipts_lost_total";
    let help = "Receipts that were not written, or were removed as there were too many.";
    page.counter(name, help, &[("why", "no-place")], counts.untold)
        .counter(name, help, &[("why", "too-many")], counts.receipts_removed);
    page.counter(
        "link_dropbox_errors_total",
        "What failed with requests that are dropped as files, and is tried again.",
        &[],
        counts.failed,
    );
}

/// Of buckets that boxes of apps are in.
fn of_buckets(page: &mut Page, buckets: &[(AppId, BucketCounts)]) {
    type Value = (&'static str, fn(&BucketCounts) -> u64);
    let mut counters = |name: &str, help: &str, label: &str, values: &[Value]| {
        for (bucket, counts) in buckets {
            for (value, of) in values {
                let labels = [("bucket", bucket.as_str()), (label, *value)];
                page.counter(name, help, &labels, of(counts));
            }
        }
    };
    counters(
        "link_bucket_objects_total",
        "Objects in inboxes of a bucket: put, or found as an earlier run had put them.",
        "is",
        &[
            ("put", |counts| counts.put),
            ("found", |counts| counts.found),
        ],
    );
    counters(
        "link_bucket_bytes_total",
        "Octets that were put into inboxes of a bucket, and fetched out of outboxes.",
        "way",
        &[
            ("put", |counts| counts.put_bytes),
            ("fetched", |counts| counts.fetched_bytes),
        ],
    );
    counters(
        "link_bucket_requests_total",
        "Link requests in outboxes of a bucket, by what became of them.",
        "is",
        &[
            ("taken", |counts| counts.taken),
            ("accepted", |counts| counts.accepted),
            ("refused", |counts| counts.refused),
            ("unread", |counts| counts.unread),
            ("ended", |counts| counts.ended),
        ],
    );
    for (bucket, counts) in buckets {
        page.counter(
            "link_bucket_errors_total",
            "What failed with a bucket, and is tried again.",
            &[("bucket", bucket.as_str())],
            counts.failed,
        );
    }
}

/// Boxes whose file systems give less than a disk does.
pub(super) fn shares(page: &mut Page, shares: &[Share]) {
    for share in shares {
        let file_system = share.file_system.to_string();
        let labels = [
            ("app", share.app.as_str()),
            ("box", share.side),
            ("file_system", &file_system),
        ];
        let help = "1 for each inbox or outbox that is on no disk of this machine.";
        page.gauge("link_box_degraded", help, &labels, 1.0);
    }
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
