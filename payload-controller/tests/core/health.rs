//! What is a miss, and what follows from misses: the ladder.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{CallOutcome, Callback, ReturnCode};

use crate::rig::*;

fn with_process() -> AppRules {
    AppRules {
        has_process: true,
        ..rules("camera", 4)
    }
}

/// A camera with a process, that registered.
fn camera(rules: AppRules) -> World {
    let mut world = World::new(Rules {
        devices: rules
            .host
            .map(|id| DeviceRules::new(id, None))
            .into_iter()
            .collect(),
        apps: vec![rules],
        ..Rules::default()
    });
    if world.life("camera") == "powering on" {
        world.pass(secs(5));
    }
    begin(&mut world);
    world
}

fn begin(world: &mut World) {
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    world.actions.clear();
}

fn hang(world: &mut World) {
    world.manner("camera", |_| Some(CallOutcome::TimedOut));
}

fn checks(world: &mut World) -> usize {
    let calls = world.take_calls().into_iter();
    calls
        .filter(|call| matches!(call, Callback::HealthCheck(_)))
        .count()
}

fn state(application_state: i32) -> msg::RespHealthCheckParams {
    msg::RespHealthCheckParams {
        application_state,
        ..Default::default()
    }
}

#[test]
fn it_is_asked_every_five_seconds() {
    let mut world = camera(with_process());
    world.pass(secs(50));
    assert_eq!(checks(&mut world), 10);
}

#[test]
fn each_way_to_fail_is_a_miss() {
    for outcome in [
        CallOutcome::TimedOut,
        gone(),
        CallOutcome::Refused("too large".to_owned()),
        CallOutcome::Unimplemented,
        CallOutcome::Returned(ReturnCode(36)),
        CallOutcome::Returned(ReturnCode::GENERIC_FAILURE),
    ] {
        let mut world = camera(with_process());
        let answer = outcome.clone();
        world.manner("camera", move |_| Some(answer.clone()));
        world.pass(secs(5));
        assert_eq!(world.view("camera").misses, 1, "{outcome:?}");
    }
}

#[test]
fn the_worst_of_what_is_returned_and_what_is_told_counts() {
    let mut world = camera(with_process());
    world.pass(secs(5));
    assert_eq!(world.view("camera").misses, 0);
    assert_eq!(world.code("camera", state(3)), 0);
    assert_eq!(world.view("camera").misses, 1, "told after it returned 0");
    world.manner("camera", |_| None);
    world.pass(secs(5));
    let (_, id, _) = world.calls.pop_back().unwrap();
    assert_eq!(world.code("camera", state(3)), 0);
    assert_eq!(world.view("camera").misses, 2, "told from inside the call");
    world.called(id, ok());
    assert_eq!(world.view("camera").misses, 2, "one check is one miss");
}

#[test]
fn what_is_told_is_not_waited_for() {
    let mut world = camera(with_process());
    world.pass(secs(100));
    let view = world.view("camera");
    assert_eq!((view.misses, view.counts.checks_missed), (0, 0));
}

#[test]
fn health_that_was_not_asked_for_is_refused() {
    let mut world = camera(with_process());
    assert_eq!(world.code("camera", state(0)), ReturnCode::NOT_PERMITTED.0);
    assert_eq!(world.view("camera").counts.unasked, 1);
}

#[test]
fn four_misses_and_a_success_are_forgotten() {
    let mut world = camera(with_process());
    let mut count = 0;
    world.manner("camera", move |_| {
        count += 1;
        Some(match count % 5 {
            0 => ok(),
            _ => CallOutcome::TimedOut,
        })
    });
    world.pass(secs(500));
    assert_eq!(world.life("camera"), "up");
    assert_eq!(world.view("camera").counts.checks_missed, 80);
}

#[test]
fn five_misses_in_a_row_end_an_app_that_wants_that() {
    let mut world = camera(with_process());
    hang(&mut world);
    world.pass(secs(24));
    assert_eq!(world.life("camera"), "up");
    world.pass(secs(1));
    assert_eq!(world.life("camera"), "shutting down");
    assert_eq!(world.rpcs(), ["PA_ShutdownApp"]);
}

#[test]
fn an_app_that_wants_nothing_done_is_only_told_of() {
    let mut world = World::of([with_process()]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    assert_eq!(world.code("camera", register(1, 0)), 0);
    world.actions.clear();
    hang(&mut world);
    world.pass(secs(1000));
    assert_eq!(world.life("camera"), "up");
    assert!(world.take_actions().is_empty());
}

#[test]
fn the_rules_may_have_it_otherwise_than_the_app() {
    for (action, life) in [
        (HealthAction::Tell, "up"),
        (HealthAction::Restart, "shutting down"),
    ] {
        let mut rules = with_process();
        rules.health.action = action;
        let mut world = World::of([rules]);
        world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
        let says = i32::from(action == HealthAction::Tell);
        assert_eq!(world.code("camera", register(1, says)), 0);
        hang(&mut world);
        world.pass(secs(25));
        assert_eq!(world.life("camera"), life);
    }
}

#[test]
fn an_ill_app_that_does_not_shut_down_is_killed_and_then_started() {
    let mut world = camera(with_process());
    hang(&mut world);
    world.pass(secs(25));
    world.pass(secs(34));
    assert!(
        world.take_actions().is_empty(),
        "grace and allowance are not over"
    );
    world.pass(secs(1));
    assert_eq!(world.take_actions(), [Action::Kill(name("camera"))]);
    world.event(Event::Exited(name("camera"), "killed".to_owned()));
    world.pass(secs(5));
    let actions = world.take_actions();
    assert!(actions.contains(&Action::CloseChannel(name("camera"))));
    assert_eq!(actions.last(), Some(&Action::Start(name("camera"))));
}

/// It is begun, registers, and hangs until it is killed; true where it got as far.
fn relapse(world: &mut World) -> bool {
    world.manners.clear();
    begin(world);
    hang(world);
    world.pass(secs(25));
    true
}

#[test]
fn each_relapse_takes_the_next_rung_up_to_a_quarantine() {
    let mut rules = with_process();
    rules.host = Some(134);
    let mut world = camera(rules);
    let rung = |world: &mut World| {
        let rungs = world.notices.drain(..);
        let rungs = rungs.filter_map(|notice| match notice.what {
            What::Rung { rung, .. } => Some(rung),
            _ => None,
        });
        rungs.collect::<Vec<_>>()
    };
    hang(&mut world);
    world.notices.clear();
    world.pass(secs(25));
    assert_eq!(rung(&mut world), [Rung::Shutdown]);
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
    world.pass(secs(5));

    assert!(relapse(&mut world));
    assert_eq!(rung(&mut world), [Rung::Kill]);
    world.event(Event::Exited(name("camera"), "killed".to_owned()));
    world.pass(secs(10));

    assert!(relapse(&mut world));
    assert_eq!(rung(&mut world), [Rung::PowerCycle]);
    assert!(world.take_actions().contains(&Action::Switch {
        device: 134,
        on: false
    }));
    world.event(Event::Exited(name("camera"), "killed".to_owned()));
    world.pass(secs(10));
    assert!(world.take_actions().contains(&Action::Switch {
        device: 134,
        on: true
    }));
    world.pass(secs(5));

    assert!(relapse(&mut world));
    assert_eq!(rung(&mut world), [Rung::Quarantine]);
    assert_eq!(world.life("camera"), "quarantined");
    assert_eq!(
        world.code("camera", register(1, 1)),
        ReturnCode::NOT_PERMITTED.0
    );
}

#[test]
fn an_app_that_is_well_for_ten_minutes_begins_at_the_lowest_rung_again() {
    let mut world = camera(with_process());
    hang(&mut world);
    world.pass(secs(25));
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
    world.pass(secs(5));
    world.manners.clear();
    begin(&mut world);
    world.pass(secs(700));
    world.calls.clear();
    hang(&mut world);
    world.pass(secs(30));
    assert_eq!(world.rpcs(), ["PA_ShutdownApp"], "not killed at once");
}

#[test]
fn an_app_that_cannot_be_killed_loses_its_power() {
    let mut rules = with_process();
    rules.host = Some(134);
    let mut world = camera(rules);
    hang(&mut world);
    world.pass(secs(25 + 35));
    assert!(world.take_actions().contains(&Action::Kill(name("camera"))));
    world.pass(secs(5));
    assert!(world.take_actions().contains(&Action::Switch {
        device: 134,
        on: false
    }));
    assert_eq!(world.life("camera"), "power cycling");
}

#[test]
fn an_app_that_ends_again_and_again_is_left_alone_for_longer_each_time() {
    let mut world = World::of([with_process()]);
    let crash = |world: &mut World| {
        world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
        world.register("camera");
        world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
    };
    let mut starts = 1;
    for quarantine in [60, 120, 240] {
        for _ in 0..4 {
            crash(&mut world);
            world.actions.clear();
            world.pass(secs(40));
            starts += world
                .take_actions()
                .iter()
                .filter(|action| matches!(action, Action::Start(_)))
                .count();
        }
        assert_eq!(world.life("camera"), "quarantined");
        // It began within the 40 s that were let pass.
        world.pass(secs(quarantine - 40));
        assert_eq!(world.life("camera"), "quarantined");
        world.pass(secs(41));
        assert_eq!(world.life("camera"), "starting");
        starts += 1;
        world.actions.clear();
    }
    assert_eq!(starts, 1 + 3 * 4);
}

#[test]
fn the_port_of_a_payload_may_be_taken_for_some_time_after_it_ended() {
    let mut world = camera(with_process());
    hang(&mut world);
    world.pass(secs(25));
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
    world.manners.clear();
    for _ in 0..12 {
        world.pass(secs(5));
        assert_eq!(
            world.take_actions().last(),
            Some(&Action::Start(name("camera")))
        );
        let taken = "exit 1: Callback endpoint is not free";
        world.event(Event::Exited(name("camera"), taken.to_owned()));
        assert_eq!(world.life("camera"), "pausing");
    }
    world.pass(secs(5));
    begin(&mut world);
    assert_eq!(world.life("camera"), "up");
    assert!(world.view("camera").counts.boots > 12);
}

#[test]
fn an_operator_releases_an_app_from_its_quarantine() {
    let mut rules = with_process();
    rules.restart.boots_max = 1;
    let mut world = camera(rules);
    world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
    world.pass(secs(5));
    assert_eq!(world.life("camera"), "quarantined");
    world.actions.clear();
    world.command(Command::Release(name("camera"))).unwrap();
    assert_eq!(world.take_actions(), [Action::Start(name("camera"))]);
}

#[test]
fn a_payload_of_somebody_else_that_is_gone_is_awaited() {
    let mut world = World::of([rules("camera", 4)]);
    assert_eq!(world.code("camera", register(1, 0)), 0);
    let run = world.start_sequence("camera", "A", 1000).unwrap();
    world.manner("camera", |_| Some(gone()));
    world.pass(secs(25));
    assert_eq!(world.life("camera"), "awaited");
    assert_eq!(world.run_state("camera", run), RunState::Lost);
}

#[test]
fn a_long_silence_of_the_controller_is_one_check_and_no_miss() {
    let mut world = camera(with_process());
    world.calls.clear();
    // As when what is recorded could not be written for a while.
    world.now.monotonic += secs(1000);
    world.run();
    assert_eq!(checks(&mut world), 1);
    assert_eq!(world.view("camera").misses, 0);
}

#[test]
fn a_clock_that_jumps_makes_no_app_ill() {
    let mut world = camera(with_process());
    for jump in [1_000_000_000, 5, 2_000_000_000] {
        world.now.wall = secs(jump);
        world.pass(secs(20));
    }
    let view = world.view("camera");
    assert_eq!(
        (view.life, view.counts.checks, view.counts.checks_missed),
        ("up", 12, 0)
    );
}
