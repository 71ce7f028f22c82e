//! How an app is ended when an operator wants it.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{CallOutcome, Callback, ReturnCode};

use crate::rig::*;

fn camera() -> World {
    let mut world = World::of([AppRules {
        has_process: true,
        ..rules("camera", 4)
    }]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    world.actions.clear();
    world
}

fn shutdown(world: &mut World) {
    let order = Command::Shutdown {
        app: name("camera"),
        grace: Some(secs(10)),
        reason: 3,
    };
    world.command(order).unwrap();
}

fn exited(world: &mut World) {
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
}

#[test]
fn grace_is_told_in_seconds_from_now_with_the_reason() {
    let mut world = camera();
    shutdown(&mut world);
    let calls = world.take_calls();
    let [Callback::ShutdownApp(ask)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!((ask.grace_time, ask.shutdown_reason), (10, 3));
}

#[test]
fn to_say_that_it_shut_down_is_not_to_be_gone() {
    let mut world = camera();
    shutdown(&mut world);
    assert_eq!(world.code("camera", msg::RespShutdownParams::default()), 0);
    assert_eq!(world.life("camera"), "shutting down");
    let closed = [Action::CloseChannel(name("camera"))];
    assert_eq!(world.take_actions(), closed, "we close first");
    exited(&mut world);
    assert_eq!(world.life("camera"), "off");
}

#[test]
fn it_may_say_so_before_its_call_has_returned() {
    let mut world = camera();
    world.manner("camera", |_| None);
    shutdown(&mut world);
    let (_, id, _) = world.calls.pop_back().unwrap();
    assert_eq!(world.code("camera", msg::RespShutdownParams::default()), 0);
    assert!(world.take_actions().is_empty(), "its call is open still");
    world.called(id, ok());
    assert_eq!(world.take_actions(), [Action::CloseChannel(name("camera"))]);
}

#[test]
fn its_call_may_time_out_and_it_says_so_later() {
    let mut world = camera();
    world.manner("camera", |_| Some(CallOutcome::TimedOut));
    shutdown(&mut world);
    world.pass(secs(8));
    assert_eq!(world.code("camera", msg::RespShutdownParams::default()), 0);
    assert_eq!(world.take_actions(), [Action::CloseChannel(name("camera"))]);
    exited(&mut world);
    assert_eq!(world.life("camera"), "off");
}

#[test]
fn one_that_hangs_is_killed_after_its_grace() {
    let mut world = camera();
    world.manner("camera", |_| Some(CallOutcome::TimedOut));
    shutdown(&mut world);
    world.pass(secs(24));
    assert!(world.take_actions().is_empty());
    world.pass(secs(1));
    assert_eq!(world.take_actions(), [Action::Kill(name("camera"))]);
    exited(&mut world);
    assert_eq!(world.life("camera"), "off");
}

#[test]
fn one_that_is_off_stays_off() {
    let mut world = camera();
    shutdown(&mut world);
    exited(&mut world);
    world.actions.clear();
    world.pass(secs(100_000));
    assert_eq!(world.life("camera"), "off");
    assert!(world.take_actions().is_empty());
    assert_eq!(
        world.code("camera", register(1, 1)),
        ReturnCode::NOT_PERMITTED.0
    );
}

#[test]
fn one_of_somebody_else_that_says_nothing_is_off_with_a_word_of_it() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.manner("camera", |_| Some(CallOutcome::TimedOut));
    shutdown(&mut world);
    world.pass(secs(25));
    assert_eq!(world.life("camera"), "off");
    let told = world.notices.iter().map(ToString::to_string);
    assert!(
        told.into_iter()
            .any(|told| told.contains("it may still run"))
    );
}

#[test]
fn an_end_that_was_not_asked_for_is_refused_and_told() {
    let mut world = camera();
    let code = world.code("camera", msg::RespShutdownParams::default());
    assert_eq!(code, ReturnCode::NOT_PERMITTED.0);
    assert_eq!(world.life("camera"), "up");
    let unasked = |notice: &Notice| matches!(notice.what, What::Unasked { .. });
    assert!(world.notices.iter().any(unasked));
}

#[test]
fn what_waits_for_an_app_that_is_gone_is_dropped_and_counted() {
    let mut world = camera();
    world.manner("camera", |_| None);
    for number in 0..10 {
        let ask = msg::ReqGetCurrentLocationParams {
            correlation_id: number,
        };
        assert_eq!(world.code("camera", ask), 0);
    }
    exited(&mut world);
    let calls = world.view("camera").counts.calls;
    assert_eq!(calls.gone, 9, "one was under way");
    world.pass(secs(10));
    world.counters_add_up();
}
