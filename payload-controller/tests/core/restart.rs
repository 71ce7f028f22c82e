//! The controller is killed, and another one goes on.

use payload_controller::core::*;
use payload_interface::Callback;
use payload_interface::messages as msg;

use crate::rig::*;

fn with_process() -> AppRules {
    AppRules {
        has_process: true,
        ..rules("camera", 4)
    }
}

fn camera() -> World {
    let mut world = World::of([with_process()]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    world
}

#[test]
fn a_payload_is_found_again_without_registering_by_a_health_check_at_once() {
    let mut world = camera();
    world.kill_controller(secs(30));
    assert_eq!(world.life("camera"), "up");
    let attach = Action::Attach(name("camera"), Process { pid: 7, began: 1 });
    assert_eq!(world.take_actions(), [attach], "it is not started again");
    let calls = world.take_calls();
    assert!(
        matches!(calls.as_slice(), [Callback::HealthCheck(_)]),
        "{calls:?}"
    );
    assert_eq!(
        world.code("camera", msg::ReqGetCurrentLocationParams::default()),
        0
    );
}

#[test]
fn a_payload_that_ended_meanwhile_is_started_again() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 1000).unwrap();
    world.kill_controller(secs(30));
    world.event(Event::Exited(name("camera"), "it is no more".to_owned()));
    assert_eq!(world.run_state("camera", run), RunState::Lost);
    world.pass(secs(5));
    assert_eq!(
        world.take_actions().last(),
        Some(&Action::Start(name("camera")))
    );
}

#[test]
fn a_run_that_goes_on_is_done_after_the_restart_in_what_is_left_of_its_time() {
    let mut world = camera();
    let a = world.start_sequence("camera", "A", 1000).unwrap();
    let b = world.start_sequence("camera", "B", 1000).unwrap();
    world.pass(secs(300));
    world.kill_controller(secs(300));
    assert_eq!(world.run_state("camera", a), RunState::Accepted);
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(world.run_state("camera", a), RunState::Done { late: false });
    world.pass(secs(399));
    assert_eq!(world.run_state("camera", b), RunState::Accepted);
    world.pass(secs(1));
    assert_eq!(world.run_state("camera", b), RunState::Late);
}

#[test]
fn a_run_whose_start_may_have_left_is_unknown_and_not_started_again() {
    let mut world = camera();
    world.manner("camera", |_| None);
    let run = world.start_sequence("camera", "A", 1000).unwrap();
    world.manners.clear();
    world.kill_controller(secs(1));
    assert_eq!(world.run_state("camera", run), RunState::Unknown);
    assert!(world.rpcs().is_empty());
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
}

#[test]
fn no_number_of_a_run_is_given_twice() {
    let mut world = camera();
    let first = world.start_sequence("camera", "A", 1000).unwrap();
    world.kill_controller(secs(1));
    let second = world.start_sequence("camera", "B", 1000).unwrap();
    assert!(second > first);
}

#[test]
fn a_file_that_was_asked_for_or_accepted_is_looked_after_again() {
    let mut world = camera();
    world.code("camera", stage("a"));
    world.code("camera", stage("b"));
    world.code("camera", stage("c"));
    let files = world.controller.files(&name("camera"));
    for file in &files[1..] {
        let mark = file.path.clone();
        world.event(Event::FileAccepted {
            file: file.id,
            mark,
            bytes: 1,
        });
    }
    world.event(Event::FileOnGround(files[2].id));
    world.kill_controller(secs(1));
    let actions = world.take_actions();
    let what: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Stage(file) => Some(("stage", file.path.as_str())),
            Action::Discard(file) => Some(("discard", file.path.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(what, [("stage", "a"), ("stage", "b"), ("discard", "c")]);
    let code = world.code("camera", stage("d"));
    assert_eq!(code, 0);
    let last = world.controller.files(&name("camera")).pop().unwrap();
    assert!(last.id > files[2].id, "no number is given twice");
}

/// What is told of copies: whether it is the last, the status and the name.
fn told_of_copies(world: &mut World) -> Vec<(i32, i32, String)> {
    let calls = world.take_calls().into_iter();
    let notes = calls.filter_map(|call| match call {
        Callback::FcmOperationNotify(note) => Some(note),
        _ => None,
    });
    notes
        .map(|note| (note.fcm_complete, note.req_status, note.file_name))
        .collect()
}

/// The copy that is to be made.
fn to_copy(world: &mut World) -> (CopyId, String) {
    match world.take_actions().pop() {
        Some(Action::Copy { copy, name, .. }) => (copy, name),
        action => panic!("{action:?}"),
    }
}

/// A camera that copies two files to the radar.
fn copying() -> World {
    let mut camera = with_process();
    camera.copies_to = vec![name("radar")];
    let mut world = World::of([camera, rules("radar", 5)]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    let file = |name: &str| msg::FileInput {
        filename_length: name.len() as i32,
        filename: name.into(),
    };
    let ask = msg::HostToPeerFcmOperation {
        correlation_id: 11,
        peer_app_id: 5,
        no_of_files: 2,
        file_input: vec![file("a"), file("b")],
        ..Default::default()
    };
    assert_eq!(world.code("camera", ask), 0);
    world
}

#[test]
fn files_that_are_being_copied_are_copied_all_the_same_and_told() {
    let mut world = copying();
    world.kill_controller(secs(30));
    for file in ["a", "b"] {
        let (copy, name_of_it) = to_copy(&mut world);
        assert_eq!(name_of_it, file);
        world.event(Event::Copied(name("camera"), copy, Ok(())));
    }
    let expected = [(1, 0, "a".to_owned()), (0, 0, "b".to_owned())];
    assert_eq!(told_of_copies(&mut world), expected);
    world.kill_controller(secs(30));
    assert!(told_of_copies(&mut world).is_empty(), "once is enough");
}

#[test]
fn a_copy_of_which_the_app_has_not_heard_is_told_and_not_made_again() {
    let mut world = copying();
    world.manner("camera", |_| None);
    let (copy, _) = to_copy(&mut world);
    world.event(Event::Copied(name("camera"), copy, Ok(())));
    world.manners.clear();
    world.kill_controller(secs(30));
    assert_eq!(told_of_copies(&mut world), [(1, 0, "a".to_owned())]);
    assert_eq!(to_copy(&mut world).1, "b");
}

#[test]
fn a_copy_that_the_app_may_not_make_any_more_is_told_as_failed() {
    let mut world = copying();
    world.rules.apps[0].copies_to.clear();
    world.kill_controller(secs(30));
    let expected = [(1, 1, "a".to_owned()), (0, 1, "b".to_owned())];
    assert_eq!(told_of_copies(&mut world), expected);
}

#[test]
fn copies_of_a_payload_that_ended_are_not_made_for_the_next_one() {
    let mut world = copying();
    world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
    world.actions.clear();
    world.kill_controller(secs(1));
    let actions = world.take_actions();
    let is_copy = |action: &Action| matches!(action, Action::Copy { .. });
    assert!(!actions.iter().any(is_copy), "{actions:?}");
}

#[test]
fn a_device_is_switched_again_as_it_was_recorded() {
    let mut world = World::new(Rules {
        apps: vec![rules("camera", 4)],
        devices: vec![DeviceRules::new(134, Some(name("camera")))],
        thermal: Vec::new(),
        signalled: Vec::new(),
    });
    world.register("camera");
    let on = msg::ReqPayloadPowerControlParams {
        correlation_id: 1,
        power_operation: 1,
        hw_id: 134,
    };
    // Killed between the record and the switch.
    world.devices_obey = false;
    world.code("camera", on);
    world.devices_obey = true;
    world.kill_controller(secs(1));
    let switch = Action::Switch {
        device: 134,
        on: true,
    };
    assert!(world.take_actions().contains(&switch));
    assert!(world.controller.devices().next().unwrap().is_on);
}

#[test]
fn a_stream_goes_on() {
    let mut world = camera();
    let ask = msg::ReqGetEpsVoltageStartReq {
        correlation_id: 6,
        periodicity_in_ms: 1000,
    };
    world.code("camera", ask);
    world.kill_controller(secs(1));
    world.calls.clear();
    world.pass(secs(4));
    assert_eq!(world.rpcs(), ["PA_ProcessGetEpsVoltage"; 4]);
}

#[test]
fn a_quarantine_outlives_the_controller_and_its_steps_are_remembered() {
    let mut rules = with_process();
    rules.restart.boots_max = 1;
    rules.restart.quarantine_first = secs(1000);
    let mut world = World::of([rules]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
    world.pass(secs(5));
    assert_eq!(world.life("camera"), "quarantined");
    world.kill_controller(secs(400));
    assert_eq!(world.life("camera"), "quarantined");
    world.pass(secs(599));
    assert_eq!(world.life("camera"), "quarantined");
    world.pass(secs(1));
    assert_eq!(world.life("camera"), "starting");
}

#[test]
fn starts_are_counted_over_restarts_of_the_controller() {
    let mut rules = with_process();
    rules.restart.boots_max = 2;
    let mut world = World::of([rules]);
    for _ in 0..2 {
        world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
        world.register("camera");
        world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
        world.kill_controller(secs(10));
    }
    assert_eq!(world.life("camera"), "quarantined");
}

#[test]
fn an_app_that_was_shut_down_stays_off() {
    let mut world = camera();
    let order = Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 0,
    };
    world.command(order).unwrap();
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
    world.kill_controller(secs(10));
    assert_eq!(world.life("camera"), "off");
    assert!(world.take_actions().is_empty());
}

#[test]
fn an_app_that_was_being_shut_down_is_asked_again() {
    let mut world = camera();
    let order = Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 0,
    };
    world.command(order).unwrap();
    world.kill_controller(secs(1));
    assert_eq!(world.rpcs(), ["PA_ShutdownApp"]);
    world.event(Event::Exited(name("camera"), "exit 0".to_owned()));
    assert_eq!(world.life("camera"), "off");
}

#[test]
fn a_clock_that_went_back_meanwhile_gives_a_run_all_its_time_again() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.now.wall = secs(1000);
    world.kill_controller(secs(0));
    world.pass(secs(99));
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    world.pass(secs(1));
    assert_eq!(world.run_state("camera", run), RunState::Late);
}

#[test]
fn what_is_of_an_app_that_is_not_configured_any_more_is_forgotten() {
    let mut world = camera();
    world.start_sequence("camera", "A", 1000).unwrap();
    world.code("camera", stage("a"));
    world.rules.apps = vec![rules("radar", 5)];
    world.kill_controller(secs(1));
    let kept = world.kept.recovered();
    assert!(kept.runs.is_empty() && kept.files.is_empty());
}
