//! Each way to fail has its consequence.

use payload_controller::core::*;

use super::rig::*;
use crate::rig::*;

fn for_now(why: &str) -> PartManner {
    (Err(Setback::for_now(why)), 1)
}

#[test]
fn a_configure_that_fails_fails_the_window_and_the_device_goes_off() {
    let mut field = Field::camera();
    field.calls.insert(Step::Configure, Some((failed(2), 1)));
    field.window("1", 1000, 300);
    field.pass_until(890);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "configure ended with exit code 2");
    assert!(!field.is_on());
    field.pass_until(1400);
    assert!(field.record("1").execution.is_none());
}

#[test]
fn a_configure_that_fails_is_followed_by_the_start_where_the_rules_say_so() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.on_configure_failure = OnConfigureFailure::Start;
    let mut field = Field::new(vec![rules]);
    field.calls.insert(Step::Configure, Some((failed(2), 1)));
    field.window("1", 1000, 300);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(field.count("start 1 until 1300"), 1);
}

#[test]
fn a_configure_that_hangs_fails_the_window() {
    let late = StepEnd {
        took_ms: 15_000,
        ..end(StepOutcome::TimedOut, None)
    };
    for (manner, wanted) in [
        (Some((late, 15)), "configure took longer than its time"),
        // Not even its end is heard of.
        (None, "configure: nothing was heard of its end"),
    ] {
        let mut field = Field::camera();
        field.calls.insert(Step::Configure, manner);
        field.window("1", 1000, 300);
        field.pass_until(920);
        assert_eq!(field.state("1"), WindowState::Failed);
        assert!(field.reason("1").contains(wanted), "{}", field.reason("1"));
        assert!(!field.is_on());
    }
}

#[test]
fn a_configure_that_is_done_after_the_start_makes_the_start_late() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.pre_buffer = secs(5);
    let mut field = Field::new(vec![rules]);
    field.calls.insert(Step::Configure, Some((done(), 14)));
    field.window("1", 1000, 300);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(field.count("start 1 until 1300"), 1);
    assert!(field.log.contains(&(1009, "start 1 until 1300".to_owned())));
    assert_eq!(field.said("9 s late"), 1);
    let view = field.world.controller.signalled().next().unwrap();
    assert_eq!(view.late_starts, 1);
}

#[test]
fn a_start_that_would_be_too_late_is_none() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.pre_buffer = secs(5);
    rules.late_start_max = secs(8);
    let mut field = Field::new(vec![rules]);
    field.calls.insert(Step::Configure, Some((done(), 14)));
    field.window("1", 1000, 300);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "missed: its start was 9 s ago");
    assert!(field.record("1").execution.is_none());
}

#[test]
fn a_payload_that_is_not_reached_is_tried_until_it_is_too_late() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.is_remote = true;
    let mut field = Field::new(vec![rules]);
    field
        .parts
        .insert(Part::Reach, for_now("connection refused"));
    field.window("1", 1000, 300);
    field.pass_until(1050);
    assert_eq!(field.state("1"), WindowState::Preparing);
    assert!(field.count("Reach 1") > 20);
    assert_eq!(field.said("connection refused"), 1, "it is told once");
    field.pass_until(1070);
    assert_eq!(field.state("1"), WindowState::Failed);
    let reason = field.reason("1");
    assert!(reason.starts_with("missed: its start was 6"), "{reason}");
    assert!(
        reason.ends_with("reaching the payload: connection refused"),
        "{reason}"
    );
    assert!(!field.is_on());
}

#[test]
fn a_payload_that_is_reached_in_the_end_has_its_window() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.is_remote = true;
    let mut field = Field::new(vec![rules]);
    field
        .parts
        .insert(Part::Reach, for_now("connection refused"));
    field.window("1", 1000, 300);
    field.pass_until(950);
    field.parts.clear();
    field.pass_until(1001);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn without_the_directory_of_configurations_the_window_fails_at_once() {
    let mut field = Field::camera();
    let missing = Setback::for_good("/signaling/window_configs is no directory");
    field.parts.insert(Part::Config, (Err(missing), 0));
    field.window("1", 1000, 300);
    field.pass_until(881);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(
        field.reason("1"),
        "writing the window's configuration: /signaling/window_configs is no directory"
    );
    assert!(!field.is_on());
}

#[test]
fn a_configuration_that_cannot_be_written_now_is_written_later() {
    let mut field = Field::camera();
    field
        .parts
        .insert(Part::Config, for_now("no space left on device"));
    field.window("1", 1000, 300);
    field.pass_until(900);
    field.parts.clear();
    field.pass_until(1001);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn uploads_that_cannot_be_fetched_are_tried_three_times_and_the_window_goes_on() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.has_inbox = true;
    let mut field = Field::new(vec![rules]);
    field
        .parts
        .insert(Part::Uploads, for_now("the agent: connection refused"));
    field.window("1", 1000, 300);
    field.pass_until(1001);
    assert_eq!(field.count("Uploads 1"), 3);
    assert_eq!(field.said("delivering uploads: the agent"), 1);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn a_clock_that_cannot_be_set_is_told_and_the_window_goes_on() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.sets_clock = true;
    let mut field = Field::new(vec![rules]);
    field.parts.insert(Part::Clock, for_now("not permitted"));
    field.window("1", 1000, 300);
    field.pass_until(1001);
    assert_eq!(field.said("setting the payload's clock: not permitted"), 1);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn an_interlock_of_the_device_is_waited_for_and_fails_the_window_when_it_is_too_late() {
    let mut field = Field::camera();
    field.world.bus.battery(Some(6.5));
    field.window("1", 1000, 300);
    field.pass_until(1055);
    assert_eq!(field.state("1"), WindowState::Preparing);
    field.pass_until(1070);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert!(
        field.reason("1").contains("the battery has 6.50 V"),
        "{}",
        field.reason("1")
    );
    assert_eq!(field.count("on"), 0);

    let mut field = Field::camera();
    field.world.bus.battery(Some(6.5));
    field.window("1", 1000, 300);
    field.pass_until(950);
    field.world.bus.battery(Some(7.5));
    field.pass_until(1001);
    assert_eq!(field.state("1"), WindowState::Running);
}

#[test]
fn a_device_that_does_not_switch_is_tried_again() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(870);
    let switched = |result| Event::Switched {
        device: CAMERA_DEVICE,
        on: true,
        result,
    };
    field.world.devices_obey = false;
    field.pass_until(880);
    field.world.event(switched(Err("no answer".to_owned())));
    field.settle();
    field.world.devices_obey = true;
    field.pass_until(890);
    assert_eq!(field.count("on"), 2);
    assert_eq!(field.state("1"), WindowState::Ready);
}

#[test]
fn a_device_that_does_not_go_off_is_tried_until_it_does() {
    let mut field = Field::camera();
    field.window("1", 1000, 300);
    field.pass_until(1320);
    field.world.devices_obey = false;
    field.pass_until(1400);
    assert!(field.count("off") > 5);
    assert!(field.is_on());
    field.world.devices_obey = true;
    field.pass_until(1410);
    assert!(!field.is_on());
    field.take_log();
    field.pass_until(2000);
    assert_eq!(field.log, []);
}

#[test]
fn what_cannot_be_started_fails_the_window_and_is_not_started_again() {
    let mut field = Field::camera();
    let why = "/usr/bin/payload_exec could not be begun: No such file or directory";
    let never = StepEnd::without(StepOutcome::Failed, why);
    field.calls.insert(Step::Start, Some((never, 0)));
    field.window("1", 1000, 300);
    field.pass_until(1032);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert!(field.reason("1").contains(why));
    assert!(!field.is_on());
    field.pass_until(1400);
    assert_eq!(field.count("start 1 until 1300"), 1);
}

#[test]
fn a_payload_that_says_that_it_failed_ends_its_window_early() {
    let mut field = Field::camera();
    field.calls.insert(Step::Start, Some((failed(3), 20)));
    field.window("1", 1000, 300);
    field.pass_until(1021);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert_eq!(field.reason("1"), "start ended with exit code 3");
    field.pass_until(1051);
    assert!(!field.is_on());
}

#[test]
fn a_connection_that_is_lost_leaves_the_payload_its_power_to_the_end_of_the_window() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.is_remote = true;
    let mut field = Field::new(vec![rules]);
    let lost = StepEnd::without(StepOutcome::Unknown, "the connection failed or was lost");
    field.calls.insert(Step::Start, Some((lost, 20)));
    field.window("1", 1000, 300);
    field.pass_until(1290);
    assert_eq!(field.state("1"), WindowState::Running);
    assert!(field.is_on());
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Failed);
    assert!(field.reason("1").contains("the connection failed"));
    assert!(!field.is_on());
}

#[test]
fn a_payload_that_outlives_its_window_is_ended_and_the_window_was_executed() {
    let mut field = Field::camera();
    // Nothing is heard of what was to be ended.
    field.parts.insert(Part::End, (Ok(()), 1000));
    field.window("1", 1000, 300);
    field.pass_until(1310);
    assert_eq!(field.count("End 1"), 1);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert!(!field.is_on());
}
