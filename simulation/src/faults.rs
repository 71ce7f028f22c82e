//! Everything that can go wrong, drawn for one scenario: bad services, small limits,
//! bursts of apps, failing writes, failing storage, and reboots of either end.

use std::time::Duration;

use fastrand::Rng;

use crate::scenario::{Crash, Deed, KEYING, Query, Scenario, milliseconds};
use crate::services::Manner;
use crate::storage::StorageFaults;

/// Within this time things go wrong.
const TROUBLE: Duration = Duration::from_secs(90);

/// Makes `scenario` worse.
pub(crate) fn add(rng: &mut Rng, scenario: &mut Scenario) {
    limits(rng, scenario);
    let plan = &mut scenario.plan;
    // The deeds of a link with security come later.
    plan.calm_from = match plan.security {
        Some(_) => TROUBLE + KEYING,
        None => TROUBLE,
    };
    plan.service_timeout = Duration::from_millis(rng.u64(200..3000));
    plan.storage = StorageFaults {
        sync_failure: rng.f64() * 0.3,
        file_loss: [0.0, 0.0, 0.1][rng.usize(0..3)],
    };
    scenario.write_failure = [0.0, 0.02, 0.2][rng.usize(0..3)];
    scenario.satellite_crashes = crashes(rng);
    scenario.ground_crashes = crashes(rng);
    for (_, deed) in &mut scenario.deeds {
        match deed {
            Deed::Query(query) => worsen(rng, query),
            Deed::Message { wanted, .. } => *wanted = rng.u8(0..4) > 0,
            Deed::Datagrams { count, .. } => {
                *count = [1, 1, 3, 40][rng.usize(0..4)];
            }
        }
    }
}

fn worsen(rng: &mut Rng, query: &mut Query) {
    if rng.bool() {
        query.manner = Manner::BAD[rng.usize(0..Manner::BAD.len())];
    }
    query.timeout = Duration::from_millis(rng.u64(500..15_000));
    query.retries = rng.u32(0..4);
    query.insists = rng.u32(0..3);
}

fn limits(rng: &mut Rng, scenario: &mut Scenario) {
    let plan = &mut scenario.plan;
    let small = |rng: &mut Rng, of: &[usize]| rng.bool().then(|| of[rng.usize(0..of.len())]);
    plan.options.message_bytes_max = small(rng, &[600, 2000, 5000]);
    plan.options.memory_bytes_max = small(rng, &[8_000, 20_000, 60_000]);
    plan.options.transmit_queue_messages_max = small(rng, &[1, 2, 8]);
    plan.options.handler_queue_messages_max = small(rng, &[0, 1, 3]);
    plan.options.reassembly_timeout_ms = small(rng, &[500, 3000]).map(|ms| ms as u64);
    plan.handlers_max = small(rng, &[1, 2]).unwrap_or(plan.handlers_max);
    plan.commands_max = small(rng, &[1, 3]).unwrap_or(plan.commands_max);
}

/// Some reboots, each as likely early as late on a scale of powers, the earliest
/// last.
fn crashes(rng: &mut Rng) -> Vec<Crash> {
    let count = rng.usize(0..4);
    let mut crashes: Vec<_> = (0..count)
        .map(|_| Crash {
            after_calls: 10f64.powf(rng.f64() * 3.7) as u64,
            off: Duration::from_millis(1) + milliseconds(rng, 8000),
        })
        .collect();
    crashes.sort_by_key(|crash| std::cmp::Reverse(crash.after_calls));
    crashes
}
