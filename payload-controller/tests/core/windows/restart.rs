//! The controller is killed, and another one goes on.

use payload_controller::core::*;

use super::rig::*;
use crate::rig::*;

fn starts(field: &Field) -> usize {
    let deeds = field.deeds().into_iter();
    deeds.filter(|deed| deed.starts_with("start")).count()
}

#[test]
fn a_window_that_waits_is_not_forgotten() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.kill(5);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(starts(&field), 1);
}

#[test]
fn a_preparation_begins_anew() {
    let mut field = Field::camera();
    field.parts.insert(Part::Config, (Ok(()), 20));
    field.window("1", 1000, 300);
    field.pass_until(890);
    assert_eq!(field.state("1"), WindowState::Preparing);
    field.kill(1);
    field.pass_until(1001);
    assert_eq!(field.count("Config 1"), 2);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn a_configure_that_goes_on_is_waited_for_and_not_made_again() {
    let mut field = Field::camera();
    field.calls.insert(Step::Configure, Some((done(), 10)));
    field.window("1", 1000, 300);
    field.pass_until(885);
    field.kill(1);
    assert_eq!(field.state("1"), WindowState::Configuring);
    field.pass_until(892);
    assert_eq!(field.state("1"), WindowState::Ready);
    assert_eq!(field.count("configure 1 until 895"), 1);
    assert_eq!(field.count("attach configure 1"), 1);
}

#[test]
fn a_window_that_is_ready_is_started_by_the_next_controller() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(900);
    field.kill(20);
    field.pass_until(1001);
    assert_eq!(field.state("1"), WindowState::Running);
    assert_eq!(field.count("configure 1 until 895"), 1);
}

#[test]
fn a_controller_that_is_away_over_the_start_starts_late_or_not_at_all() {
    for (away, state) in [(60, WindowState::Running), (171, WindowState::Failed)] {
        let mut field = Field::camera();
        field.window("1", 1000, 300);
        field.pass_until(950);
        field.kill(away);
        field.pass(60);
        assert_eq!(field.state("1"), state, "{away}");
        if state == WindowState::Failed {
            assert!(!field.is_on());
        }
    }
}

#[test]
fn a_controller_that_is_away_over_the_preparation_prepares_and_starts_late() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(800);
    field.kill(230);
    field.pass_until(1040);
    assert_eq!(field.state("1"), WindowState::Running);
    assert_eq!(field.said("31 s late"), 1);
}

#[test]
fn a_controller_that_is_away_over_a_whole_window_says_that_it_was_missed() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.kill(2000);
    field.pass(1);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "missed: its start was 1000 s ago");
}

#[test]
fn a_window_that_runs_goes_on_to_its_end_and_is_not_started_again() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(1100);
    field.kill(10);
    field.pass_until(1299);
    assert_eq!(field.state("1"), WindowState::Running);
    field.pass_until(1305);
    assert_eq!(field.state("1"), WindowState::Executed);
    field.pass_until(1400);
    assert!(!field.is_on());
    assert_eq!(starts(&field), 1);
    assert_eq!(field.count("attach start 1"), 1);
}

#[test]
fn a_window_that_ended_meanwhile_is_ended_now() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(1100);
    field.kill(1000);
    field.pass(40);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(field.count("End 1"), 1);
    assert!(!field.is_on());
}

/// The record of a start is on the disk, and whoever was to make it is no more.
#[test]
fn a_start_that_was_recorded_and_never_made_is_not_made_any_more() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(999);
    // Only the record is kept.
    field.world.now.monotonic += secs(1);
    field.world.now.wall += secs(1);
    let mut kept = field.world.kept.clone();
    while let Some(action) = field.world.controller.poll(field.world.now) {
        if let Action::Record(record) = action {
            kept.keep(record);
        }
    }
    field.world.kept = kept;
    field.kill(1);
    field.pass(40);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "start: it was never begun");
    assert_eq!(starts(&field), 0);
    assert!(!field.is_on());
}

#[test]
fn a_cancelled_window_that_is_being_ended_is_cancelled_by_the_next_controller() {
    let mut field = Field::camera();
    field.parts.insert(Part::End, (Ok(()), 10));
    field.window("1", 1000, 300);
    field.pass_until(1100);
    field.cancel("1").unwrap();
    field.kill(1);
    field.pass(100);
    assert_eq!(field.state("1"), WindowState::Cancelled);
    assert!(!field.is_on());
}

#[test]
fn a_device_that_was_to_go_off_goes_off() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(1310);
    assert!(field.is_on());
    field.kill(1);
    field.pass(31);
    assert!(!field.is_on());
}

#[test]
fn a_window_of_a_payload_that_is_not_configured_any_more_has_failed() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.world.rules.signalled = vec![signalled("radar", SignalVersion::V1)];
    field.kill(1);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "its payload is not configured any more");
    field.kill(1);
    assert_eq!(field.state("1"), WindowState::Failed);
}
