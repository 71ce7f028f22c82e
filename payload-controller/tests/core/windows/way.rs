//! The way of a window, where all is well.

use payload_controller::core::*;

use super::rig::*;
use crate::rig::*;

fn log(field: &Field) -> Vec<(u64, &str)> {
    field
        .log
        .iter()
        .map(|(at, deed)| (*at, deed.as_str()))
        .collect()
}

#[test]
fn a_window_has_its_steps_in_their_order_and_at_their_times() {
    let mut field = Field::camera();
    field.window("1304893", 1000, 300);
    field.pass_until(879);
    assert_eq!(field.state("1304893"), WindowState::Scheduled);
    assert_eq!(field.log, []);
    field.pass_until(890);
    assert_eq!(field.state("1304893"), WindowState::Ready);
    field.pass_until(1001);
    assert_eq!(field.state("1304893"), WindowState::Running);
    field.pass_until(1310);
    assert_eq!(field.state("1304893"), WindowState::Executed);
    assert!(field.is_on());
    field.pass_until(1400);
    assert!(!field.is_on());
    assert_eq!(
        log(&field),
        [
            (880, "on"),
            (880, "Config 1304893"),
            (880, "configure 1304893 until 895"),
            (1000, "start 1304893 until 1300"),
            (1300, "End 1304893"),
            (1330, "off"),
        ]
    );
    let record = field.record("1304893");
    assert_eq!(record.reason, "");
    let configure = record.configure.unwrap();
    assert_eq!(configure.began, Field::at(880) * 1000);
    assert_eq!(configure.ended, Some(done()));
    let execution = record.execution.unwrap();
    assert_eq!(execution.began, Field::at(1000) * 1000);
    assert_eq!(execution.ended.unwrap().outcome, StepOutcome::Killed);
    assert_eq!(record.stop, None);
}

#[test]
fn a_payload_elsewhere_is_reached_then_its_clock_is_set_then_it_gets_its_files() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.is_remote = true;
    rules.sets_clock = true;
    rules.has_inbox = true;
    let mut field = Field::new(vec![rules]);
    field.window("1", 1000, 300);
    field.pass_until(900);
    let wanted = [
        "on",
        "Reach 1",
        "Clock 1",
        "Config 1",
        "Uploads 1",
        "configure 1 until 895",
    ];
    assert_eq!(field.deeds(), wanted);
}

#[test]
fn what_was_started_may_end_before_its_window_and_the_window_goes_on_to_its_end() {
    let mut field = Field::camera();
    field.calls.insert(Step::Start, Some((done(), 20)));
    field.window("1", 1000, 300);
    field.pass_until(1299);
    assert_eq!(field.state("1"), WindowState::Running);
    assert!(field.is_on());
    field.pass_until(1301);
    assert_eq!(field.state("1"), WindowState::Executed);
    let execution = field.record("1").execution.unwrap();
    assert_eq!(execution.ended.unwrap().exit_code, Some(0));
}

#[test]
fn a_payload_that_wants_it_is_told_to_stop_before_it_is_ended() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.has_stop = true;
    let mut field = Field::new(vec![rules]);
    field.window("1", 1000, 300);
    field.pass_until(1400);
    let wanted = [(1300, "stop 1 until 1315"), (1301, "End 1"), (1331, "off")];
    assert_eq!(log(&field)[4..], wanted);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(field.record("1").stop.unwrap().ended, Some(done()));
}

#[test]
fn a_stop_that_hangs_keeps_no_window_from_its_end() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.has_stop = true;
    let mut field = Field::new(vec![rules]);
    field.calls.insert(Step::Stop, None);
    field.window("1", 1000, 300);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert!(!field.is_on());
    let stop = field.record("1").stop.unwrap().ended.unwrap();
    assert_eq!(stop.outcome, StepOutcome::Unknown);
}

#[test]
fn a_device_stays_on_while_another_payloads_window_has_it() {
    let rules = [
        signalled("camera", SignalVersion::V1),
        signalled("radar", SignalVersion::V2),
    ];
    let mut field = Field::new(rules.to_vec());
    field.window("1", 1000, 300);
    let mut other = Field::order("2", 1200, 300);
    other.payload = name("radar");
    field.schedule(other).unwrap();
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert!(field.is_on());
    field.pass_until(1600);
    assert!(!field.is_on());
    assert_eq!(field.count("on"), 1);
    assert_eq!(field.count("off"), 1);
}

#[test]
fn a_window_without_a_device_switches_none() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.device = None;
    let mut field = Field::new(vec![rules]);
    field.window("1", 1000, 300);
    field.pass_until(1400);
    assert_eq!(field.state("1"), WindowState::Executed);
    assert_eq!(field.count("on") + field.count("off"), 0);
}

#[test]
fn a_running_window_that_is_cancelled_is_ended_as_at_its_end() {
    let mut rules = signalled("camera", SignalVersion::V1);
    rules.has_stop = true;
    let mut field = Field::new(vec![rules]);
    field.window("1", 1000, 300);
    field.pass_until(1100);
    field.cancel("1").unwrap();
    field.pass_until(1150);
    assert_eq!(field.state("1"), WindowState::Cancelled);
    assert_eq!(field.reason("1"), "it was cancelled while it ran");
    let wanted = [(1100, "stop 1 until 1115"), (1101, "End 1"), (1131, "off")];
    assert_eq!(log(&field)[4..], wanted);
}

#[test]
fn a_window_that_is_cancelled_before_its_start_does_not_run_and_its_device_goes_off() {
    for (at, state) in [
        (100, WindowState::Scheduled),
        (882, WindowState::Configuring),
        (950, WindowState::Ready),
    ] {
        let mut field = Field::camera();
        field.calls.insert(Step::Configure, Some((done(), 10)));
        field.window("1", 1000, 300);
        field.pass_until(at);
        assert_eq!(field.state("1"), state);
        field.cancel("1").unwrap();
        field.pass_until(1400);
        assert_eq!(field.state("1"), WindowState::Cancelled);
        assert!(!field.is_on());
        assert!(field.record("1").execution.is_none());
        let refused = field.cancel("1").unwrap_err();
        assert_eq!(refused.to_string(), "window 1 is cancelled already");
    }
}

#[test]
fn a_configure_that_goes_on_when_its_window_is_cancelled_is_ended() {
    let mut field = Field::camera();
    field.calls.insert(Step::Configure, Some((done(), 10)));
    field.window("1", 1000, 300);
    field.pass_until(882);
    field.cancel("1").unwrap();
    field.pass_until(884);
    assert_eq!(field.count("End 1"), 1);
    let configure = field.record("1").configure.unwrap();
    assert_eq!(configure.ended.unwrap().outcome, StepOutcome::Killed);
}

#[test]
fn windows_that_ended_long_ago_are_forgotten_and_the_newest_are_kept() {
    let mut field = Field::camera();
    let count = WINDOWS_KEPT_MAX as u64 + 3;
    for number in 0..count {
        field.window(&number.to_string(), 1000 + 300 * number, 60);
        field.pass_until(1000 + 300 * number + 100);
    }
    let known = field.world.controller.windows(usize::MAX, |_| true);
    assert_eq!(known.len(), WINDOWS_KEPT_MAX);
    assert_eq!(known[0].order.id.as_str(), "3");
    assert_eq!(field.count("forget 0"), 1);
    assert_eq!(field.world.kept.recovered().windows.len(), WINDOWS_KEPT_MAX);
}

#[test]
fn what_is_counted_adds_up() {
    let mut field = Field::camera();
    for number in 0..5 {
        field.window(&number.to_string(), 1000 + 1000 * number, 60);
    }
    field.pass_until(2500);
    field.cancel("4").unwrap();
    let view = field.world.controller.signalled().next().unwrap();
    assert_eq!(view.scheduled, 5);
    assert_eq!(view.ended[&WindowState::Executed], 2);
    assert_eq!(view.ended[&WindowState::Cancelled], 1);
    assert_eq!(view.windows[&WindowState::Scheduled], 2);
    assert_eq!(view.steps[&(Step::Configure, StepOutcome::Done)], 2);
}
