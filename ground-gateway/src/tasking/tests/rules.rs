//! Which windows may be, and when.

use super::rig::{BEGIN_S, Ground, caller, order};
use crate::tasking::desk::{Asked, AvailabilityQuery, Key};
use crate::tasking::problem::Problem;
use crate::tasking::window::WindowOrder;

/// Buffers of PAYLOAD_SDR, and the usual lead time.
const PRE_S: i64 = 120;
const POST_S: i64 = 210;
const LEAD_S: i64 = 60;

fn ground() -> (tempfile::TempDir, Ground) {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path());
    (folder, ground)
}

fn refused(ground: &Ground, order: &WindowOrder) -> Problem {
    ground.order(order).unwrap_err()
}

#[test]
fn what_no_window_can_be_is_refused_with_what_can() {
    let (_folder, ground) = ground();
    let of = |change: &dyn Fn(&mut WindowOrder)| {
        let mut order = order(1_000);
        change(&mut order);
        refused(&ground, &order)
    };
    for (problem, status, part) in [
        (of(&|it| it.satellite = "FM9".to_owned()), 404, "`FM9`"),
        (
            of(&|it| it.window_type = "PAYLOAD_X".to_owned()),
            422,
            "`PAYLOAD_X`",
        ),
        (
            of(&|it| it.window_type = "LEASE_ADCS".to_owned()),
            422,
            "it has PAYLOAD_SDR, PAYLOAD_CAM",
        ),
        (of(&|it| it.duration_s = 29), 422, "30 to 86400 s"),
        (of(&|it| it.duration_s = 86_401), 422, "30 to 86400 s"),
        (of(&|it| it.duration_s = i64::MIN), 422, "30 to 86400 s"),
        (of(&|it| it.start_s = i64::MIN), 422, "at the earliest"),
        (of(&|it| it.start_s = i64::MAX), 422, "too far ahead"),
        (
            of(&|it| it.parameters = format!("{{\"a\":\"{}\"}}", "x".repeat(16_384))),
            422,
            "16384 are the most",
        ),
    ] {
        assert_eq!(problem.status, status, "{}", problem.detail);
        assert!(problem.detail.contains(part), "{part}: {}", problem.detail);
    }
    assert!(ground.windows().is_empty());
}

#[test]
fn a_window_starts_no_sooner_than_its_pre_buffer_and_the_lead_time_allow() {
    let (_folder, ground) = ground();
    let problem = refused(&ground, &order(PRE_S + LEAD_S - 1));
    assert!(
        problem.detail.contains("2027-01-15T08:03:00Z"),
        "{}",
        problem.detail
    );
    ground.order(&order(PRE_S + LEAD_S)).unwrap();
}

#[test]
fn a_window_that_meets_another_is_refused_and_told_which_and_why() {
    let (_folder, ground) = ground();
    let first = ground.order(&order(10_000)).unwrap();
    let apart_s = 60 + POST_S + PRE_S;
    for (start_s, part) in [
        (10_000, "it overlaps window"),
        (10_059, "it overlaps window"),
        (10_000 + apart_s - 1, "post-buffer of 210 s ends at"),
        (10_000 - apart_s + 1, "its own post-buffer of 210 s ends at"),
    ] {
        let problem = refused(&ground, &order(start_s));
        assert_eq!(problem.status, 409);
        assert!(
            problem.detail.contains(part),
            "{start_s}: {}",
            problem.detail
        );
        let conflict = &problem.more["conflicts"][0];
        assert_eq!(conflict["window"], first.to_string());
        assert_eq!(conflict["type"], "PAYLOAD_SDR");
        assert_eq!(conflict["start"], BEGIN_S + 10_000);
    }
    for start_s in [10_000 + apart_s, 10_000 - apart_s] {
        ground.order(&order(start_s)).unwrap();
    }
}

#[test]
fn payloads_and_satellites_are_busy_each_for_itself() {
    let (_folder, ground) = ground();
    ground.order(&order(1_000)).unwrap();
    for other in [
        WindowOrder {
            window_type: "PAYLOAD_CAM".to_owned(),
            ..order(1_000)
        },
        WindowOrder {
            satellite: "FM2".to_owned(),
            ..order(1_000)
        },
    ] {
        ground.order(&other).unwrap();
    }
}

#[test]
fn a_window_that_is_tried_is_told_and_not_taken() {
    let (_folder, ground) = ground();
    let caller = caller();
    let tried = |start_s| {
        let asked = ground.asked(&caller);
        ground.desk.order_window(&asked, &order(start_s), true)
    };
    let answer = tried(1_000).unwrap();
    for part in [
        "\"dry_run\":true",
        "\"busy_from\":1800000880",
        "\"busy_to\":1800001270",
    ] {
        assert!(answer.body.contains(part), "{}", answer.body);
    }
    assert!(ground.windows().is_empty());
    ground.order(&order(1_000)).unwrap();
    assert_eq!(tried(1_000).unwrap_err().status, 409);
}

#[test]
fn the_same_order_with_the_same_key_is_one_and_another_is_refused() {
    let (_folder, ground) = ground();
    let caller = caller();
    let tell = |start_s: i64, key: &Key| {
        let asked = Asked {
            key: Some(key),
            ..ground.asked(&caller)
        };
        ground.desk.order_window(&asked, &order(start_s), false)
    };
    let key = |asked: &[u8]| Key::new(b"a-key", &[asked]).unwrap();
    let first = tell(1_000, &key(b"one")).unwrap();
    assert_eq!(tell(1_000, &key(b"one")).unwrap(), first);
    assert_eq!(tell(5_000, &key(b"other")).unwrap_err().status, 422);
    assert_eq!(ground.windows().len(), 1);
}

fn free(ground: &Ground, start_s: i64, duration_s: i64) -> Vec<(i64, i64)> {
    let caller = caller();
    let query = AvailabilityQuery {
        satellite: "FM1".to_owned(),
        paired_satellite: None,
        window_type: "PAYLOAD_SDR".to_owned(),
        start_s: BEGIN_S.saturating_add(start_s),
        duration_s,
    };
    let found = ground.desk.availability(&ground.asked(&caller), &query);
    let found = found.unwrap().into_iter();
    found
        .map(|free| (free.start_s - BEGIN_S, free.end_s - BEGIN_S))
        .collect()
}

#[test]
fn what_is_available_is_what_can_be_ordered_and_no_more() {
    let (_folder, ground) = ground();
    assert_eq!(free(&ground, 0, 10_000), [(PRE_S + LEAD_S, 10_000)]);
    ground.order(&order(5_000)).unwrap();
    let before_s = 5_000 - PRE_S - POST_S;
    let after_s = 5_060 + POST_S + PRE_S;
    let all = free(&ground, 0, 10_000);
    assert_eq!(all, [(PRE_S + LEAD_S, before_s), (after_s, 10_000)]);
    // Gaps that are too short for a window are none.
    assert_eq!(free(&ground, before_s - 29, 30), []);
    assert_eq!(free(&ground, 0, -5), []);
    for (start_s, end_s) in all {
        let at = |start_s| order(start_s);
        assert_eq!(refused(&ground, &at(start_s - 1)).status / 100, 4);
        if end_s < 10_000 {
            assert_eq!(refused(&ground, &at(end_s - 59)).status, 409);
        }
    }
    ground.order(&order(before_s - 60)).unwrap();
    ground.order(&order(after_s)).unwrap();
}

#[test]
fn what_is_available_ends_where_the_horizon_does() {
    let (_folder, ground) = ground();
    let all = free(&ground, 0, i64::MAX);
    assert_eq!(all, [(PRE_S + LEAD_S, 31 * 86_400)]);
}

#[test]
fn two_satellites_are_free_together_where_both_are() {
    let (_folder, ground) = ground();
    let of_other = WindowOrder {
        satellite: "FM2".to_owned(),
        ..order(5_000)
    };
    ground.order(&of_other).unwrap();
    ground.order(&order(8_000)).unwrap();
    let caller = caller();
    let query = AvailabilityQuery {
        satellite: "FM1".to_owned(),
        paired_satellite: Some("FM2".to_owned()),
        window_type: "PAYLOAD_SDR".to_owned(),
        start_s: BEGIN_S,
        duration_s: 10_000,
    };
    let found = ground.desk.availability(&ground.asked(&caller), &query);
    let found: Vec<_> = found
        .unwrap()
        .into_iter()
        .map(|free| free.start_s - BEGIN_S)
        .collect();
    assert_eq!(found, [180, 5_390, 8_390]);
}
