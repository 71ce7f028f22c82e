//! Which windows are taken.

use payload_controller::core::*;

use super::rig::*;
use crate::rig::*;

fn refused(field: &mut Field, order: WindowOrder) -> String {
    let known = field.world.controller.windows(usize::MAX, |_| true);
    let refused = field.schedule(order).unwrap_err().to_string();
    assert_eq!(field.world.controller.windows(usize::MAX, |_| true), known);
    refused
}

#[test]
fn the_same_order_again_changes_nothing_and_succeeds_at_any_time() {
    let mut field = Field::camera();
    let order = Field::order("1", 1000, 300);
    for at in [0, 890, 1100, 1500] {
        field.pass_until(at);
        let before = (at > 0).then(|| field.record("1"));
        assert_eq!(field.schedule(order.clone()), Ok(Done::Accepted));
        assert!(before.is_none_or(|before| before == field.record("1")));
    }
    assert_eq!(field.count("start 1 until 1300"), 1);
}

#[test]
fn another_order_with_a_known_id_is_refused() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    let why = refused(&mut field, Field::order("1", 2000, 300));
    assert!(why.contains("window 1 is known already"), "{why}");
}

#[test]
fn an_unknown_payload_is_refused() {
    let mut field = Field::camera();
    let mut order = Field::order("1", 1000, 300);
    order.payload = name("radar");
    let why = refused(&mut field, order);
    assert!(why.contains("there is no payload `radar`"), "{why}");
}

#[test]
fn a_window_whose_preparation_should_have_begun_is_refused() {
    let mut field = Field::camera();
    let why = refused(&mut field, Field::order("1", 120, 300));
    assert!(why.contains("too late"), "{why}");
    field.window("1", 121, 300);
}

#[test]
fn a_window_in_more_than_a_year_is_refused() {
    let mut field = Field::camera();
    let why = refused(&mut field, Field::order("1", 367 * 86_400, 300));
    assert!(why.contains("366 days"), "{why}");
}

#[test]
fn windows_of_a_payload_that_overlap_with_their_buffers_are_refused_and_neighbours_are_not() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    // The first one lasts from 880 to 1330.
    for (start, duration) in [(1000, 300), (1449, 60), (700, 151), (600, 1000)] {
        let why = refused(&mut field, Field::order("2", start, duration));
        assert!(why.contains("overlaps window 1"), "{why}");
        assert!(why.contains("from 1800000880 to 1800001330 s"), "{why}");
    }
    field.window("2", 1450, 60);
    field.window("3", 700, 150);
    field.cancel("1").unwrap();
    field.window("4", 1000, 300);
    let payloads: Vec<_> = [("camera", SignalVersion::V1), ("radar", SignalVersion::V2)]
        .map(|(name, version)| signalled(name, version))
        .into();
    let mut field = Field::new(payloads);
    field.window("1", 1000, 300);
    let mut other = Field::order("2", 1000, 300);
    other.payload = name("radar");
    assert_eq!(field.schedule(other), Ok(Done::Accepted));
}

#[test]
fn more_windows_than_there_may_be_are_refused_until_one_has_ended() {
    let mut field = Field::camera();
    for number in 0..WINDOWS_OPEN_MAX as u64 {
        field.window(&number.to_string(), 1000 + 300 * number, 60);
    }
    let late = Field::order("late", 300_000, 60);
    let why = refused(&mut field, late.clone());
    assert!(why.contains("256 windows have not ended"), "{why}");
    field.cancel("7").unwrap();
    field.schedule(late).unwrap();
}

#[test]
fn what_is_no_window_is_refused_and_says_why() {
    let mut field = Field::camera();
    let order = || Field::order("1", 1000, 300);
    let user = |user: &str| WindowOrder {
        user: user.to_owned(),
        ..order()
    };
    let parameters = |parameters: &str| WindowOrder {
        parameters: parameters.to_owned(),
        ..order()
    };
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(PARAMETERS_BYTES_MAX));
    for (order, wanted) in [
        (user(""), "no user"),
        (user("../etc"), "no user"),
        (user("-e"), "no user"),
        (user("a b"), "no user"),
        (user(&"x".repeat(65)), "no user"),
        (parameters("[]"), "no JSON object"),
        (parameters("{\"a\":1} x"), "no JSON object"),
        (parameters(""), "no JSON object"),
        (parameters(&long), "more than 16384"),
        (Field::order("1", 1000, 0), "lasts 1 to 604800 s"),
        (Field::order("1", 1000, 604_801), "lasts 1 to 604800 s"),
    ] {
        let why = refused(&mut field, order);
        assert!(why.contains(wanted), "{why}");
    }
    for id in ["", "-e", "a/b", "..", "a.b", "ä", &"1".repeat(65)] {
        assert!(id.parse::<WindowId>().is_err(), "{id}");
    }
}

#[test]
fn a_window_that_is_not_there_is_not_cancelled() {
    let mut field = Field::camera();
    let why = field.cancel("9").unwrap_err().to_string();
    assert!(why.contains("there is no window 9"), "{why}");
}
