//! What an operator may order, and what not.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{CallOutcome, Callback, ReturnCode};

use crate::rig::*;

fn camera() -> World {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world
}

#[test]
fn a_sequence_of_an_app_that_is_not_there_or_not_registered_is_not_begun() {
    let mut world = World::of([rules("camera", 4)]);
    let unknown = world.start_sequence("radar", "A", 10);
    assert_eq!(unknown, Err(CommandError::UnknownApp(name("radar"))));
    let early = world.start_sequence("camera", "A", 10);
    assert!(matches!(early, Err(CommandError::NotRegistered { .. })));
}

#[test]
fn a_name_or_parameters_that_do_not_fit_are_refused_and_not_cut() {
    let mut world = camera();
    for (sequence, params) in [
        ("x".repeat(16), String::new()),
        (String::new(), String::new()),
        ("A".to_owned(), "x".repeat(128)),
        ("A\0".to_owned(), String::new()),
    ] {
        let order = Command::StartSequence {
            app: name("camera"),
            sequence,
            params,
            within: secs(10),
        };
        let refused = world.command(order);
        assert!(
            matches!(refused, Err(CommandError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert!(world.rpcs().is_empty());
}

#[test]
fn more_open_runs_than_there_may_be_are_refused() {
    let mut world = camera();
    for number in 0..16 {
        world
            .start_sequence("camera", &format!("S{number}"), 1000)
            .unwrap();
    }
    let refused = world.start_sequence("camera", "S16", 1000);
    assert!(matches!(
        refused,
        Err(CommandError::TooMany { most: 16, .. })
    ));
}

#[test]
fn a_message_reaches_the_payload_and_its_answer_is_known_by_its_number() {
    let mut world = camera();
    let message = Command::Message {
        app: name("camera"),
        command_id: 12,
        data: vec![0, 255],
    };
    world.command(message).unwrap();
    let calls = world.take_calls();
    let [Callback::SatOsPaMessage(sent)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(
        (sent.command_id, sent.payload_data.as_slice()),
        (12, &[0, 255][..])
    );
    let answer = msg::RespSatOsPaMsg {
        correlation_id: sent.correlation_id,
        app_id: 4,
        command_id: 12,
        req_status: 0,
    };
    assert_eq!(world.code("camera", answer), 0);
    assert_eq!(
        world.code("camera", answer),
        ReturnCode::NOT_PERMITTED.0,
        "once"
    );
}

#[test]
fn a_payload_without_the_call_for_messages_is_said_to_have_none() {
    let mut world = camera();
    world.manner("camera", |_| Some(CallOutcome::Unimplemented));
    let message = Command::Message {
        app: name("camera"),
        command_id: 12,
        data: Vec::new(),
    };
    world.command(message).unwrap();
    let told = |notice: &Notice| notice.to_string().contains("has no such call");
    assert!(world.notices.iter().any(told));
}

#[test]
fn a_message_of_more_than_1020_octets_is_refused() {
    let mut world = camera();
    let message = |length| Command::Message {
        app: name("camera"),
        command_id: 1,
        data: vec![0; length],
    };
    assert!(world.command(message(1020)).is_ok());
    assert!(matches!(
        world.command(message(1021)),
        Err(CommandError::Invalid(_))
    ));
}

#[test]
fn an_app_that_is_begun_by_command_is_off_until_then() {
    let mut rules = rules("camera", 4);
    rules.start = Start::Command;
    rules.has_process = true;
    let mut world = World::of([rules]);
    world.pass(secs(1000));
    assert_eq!(world.life("camera"), "off");
    assert!(world.take_actions().is_empty());
    world.command(Command::Start(name("camera"))).unwrap();
    assert_eq!(world.take_actions(), [Action::Start(name("camera"))]);
    let again = world.command(Command::Start(name("camera")));
    assert!(matches!(again, Err(CommandError::Already { .. })));
}
