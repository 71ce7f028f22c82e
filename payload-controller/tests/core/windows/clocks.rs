//! A clock that jumps, or is not set.

use payload_controller::core::*;

use super::rig::*;
use crate::rig::*;

#[test]
fn a_clock_that_jumps_past_the_start_is_seen_soon_and_the_start_is_late_or_missed() {
    for (jump, state) in [(30, WindowState::Running), (200, WindowState::Failed)] {
        let mut field = Field::camera();
        field.window("1", 1000, 300);
        field.pass_until(990);
        assert_eq!(field.state("1"), WindowState::Ready);
        field.jump(jump);
        field.pass(11);
        assert_eq!(field.state("1"), state, "{jump}");
    }
}

#[test]
fn a_clock_that_jumps_past_a_whole_window_fails_it() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(500);
    field.jump(5000);
    field.pass(11);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert!(
        field.reason("1").starts_with("missed: its start was 45"),
        "{}",
        field.reason("1")
    );
    assert_eq!(field.deeds(), Vec::<&str>::new());
}

#[test]
fn a_clock_that_goes_back_before_the_start_has_the_window_wait() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(990);
    field.jump(-100);
    field.pass_until(999);
    assert_eq!(field.state("1"), WindowState::Ready);
    field.pass_until(1001);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn a_clock_that_jumps_in_a_window_makes_it_neither_shorter_nor_longer() {
    for jump in [-5000, -100, 100, 5000] {
        let mut field = Field::camera();
        field.window("1", 1000, 300);
        field.pass_until(1100);
        field.jump(jump);
        field.pass(199);
        assert_eq!(field.state("1"), WindowState::Running, "{jump}");
        field.pass(2);
        assert_eq!(field.state("1"), WindowState::Executed, "{jump}");
        field.pass(31);
        assert!(!field.is_on());
        let starts = field
            .deeds()
            .into_iter()
            .filter(|deed| deed.starts_with("start"));
        assert_eq!(starts.count(), 1);
    }
}

#[test]
fn while_the_clock_is_not_set_a_window_waits_and_is_not_missed() {
    let mut field = Field::camera();
    let wall = field.world.now.wall;
    field.world.now.wall = secs(100);
    field.window("1", 1000, 300);
    field.pass(5000);
    assert_eq!(field.state("1"), WindowState::Scheduled);
    field.world.now.wall = wall + secs(890);
    field.pass(12);
    assert_eq!(field.state("1"), WindowState::Ready);
    // It is lost again.
    field.world.now.wall = secs(5);
    field.pass(300);
    assert_eq!(field.state("1"), WindowState::Ready);
    field.world.now.wall = wall + secs(1005);
    field.pass(11);
    assert_eq!(field.state("1"), WindowState::Running);
}
