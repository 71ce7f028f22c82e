//! Who may register, with what, and in which time.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReturnCode};

use crate::rig::*;

#[test]
fn a_registration_is_accepted_and_answered_by_a_call_with_its_correlation_id() {
    let mut world = World::of([rules("camera", 4)]);
    assert_eq!(world.code("camera", register(77, 1)), 0);
    let calls = world.take_calls();
    let [Callback::ResponseRegister(response)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!((response.correlation_id, response.req_status), (77, 0));
    assert_eq!(world.life("camera"), "up");
}

#[test]
fn the_answer_of_a_request_leaves_before_the_call_with_its_result() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.answers_leave = false;
    let ask = msg::ReqGetCurrentLocationParams { correlation_id: 5 };
    let reply = world
        .controller
        .request(world.now, &name("camera"), ask.into());
    world.run();
    assert_eq!(world.rpcs(), [""; 0], "the answer has not left");
    let request = reply.request.unwrap();
    world.event(Event::Answered(name("camera"), request));
    assert_eq!(world.rpcs(), ["PA_ProcessResponseGetCurrentLocation"]);
}

#[test]
fn what_waits_for_no_answer_leaves_meanwhile() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    let ask = msg::ReqGetEpsVoltageStartReq {
        correlation_id: 6,
        periodicity_in_ms: 100,
    };
    assert_eq!(world.code("camera", ask), 0);
    world.calls.clear();
    world.answers_leave = false;
    let ask = msg::ReqGetCurrentLocationParams { correlation_id: 5 };
    world.request("camera", ask);
    world.pass(std::time::Duration::from_millis(100));
    assert_eq!(world.rpcs(), ["PA_ProcessGetEpsVoltage"]);
}

#[test]
fn the_result_of_a_request_is_called_though_nobody_says_that_the_answer_has_left() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.answers_leave = false;
    world.request(
        "camera",
        msg::ReqGetCurrentLocationParams { correlation_id: 5 },
    );
    assert_eq!(world.rpcs(), [""; 0]);
    world.pass(secs(1));
    assert_eq!(world.rpcs(), ["PA_ProcessResponseGetCurrentLocation"]);
}

#[test]
fn what_comes_of_an_app_that_is_not_registered_is_refused() {
    let mut world = World::of([rules("camera", 4)]);
    let code = world.code("camera", msg::ReqGetCurrentLocationParams::default());
    assert_eq!(code, ReturnCode::NOT_PERMITTED.0);
    assert_eq!(
        world.code("camera", stage("a")),
        ReturnCode::NOT_PERMITTED.0
    );
    assert_eq!(world.done("camera", "A"), ReturnCode::NOT_PERMITTED.0);
    assert!(world.take_actions().is_empty());
}

#[test]
fn a_message_may_come_before_the_payload_has_heard_that_it_is_registered() {
    let mut world = World::of([rules("camera", 4)]);
    world.manner("camera", |_| None);
    assert_eq!(world.code("camera", register(1, 0)), 0);
    let message = msg::PaSatOsMsg {
        correlation_id: 2,
        command_id: 7,
        payload_data: b"hello".to_vec(),
    };
    assert_eq!(world.code("camera", message), 0);
    let handed_on = Action::Message {
        app: name("camera"),
        command_id: 7,
        data: b"hello".to_vec(),
    };
    assert_eq!(world.take_actions().last(), Some(&handed_on));
}

#[test]
fn a_version_of_the_sdk_that_the_rules_do_not_allow_is_refused() {
    let with = |versions| AppRules {
        versions,
        ..rules("camera", 4)
    };
    let refused = ReturnCode::INCOMPATIBLE_VERSION.0;
    for (rule, version, code) in [
        (VersionRule::Exactly(Version(1, 1, 1)), (1, 1, 1), 0),
        (VersionRule::Exactly(Version(1, 1, 1)), (1, 1, 2), refused),
        (VersionRule::AtLeast(Version(1, 1, 1)), (1, 2, 0), 0),
        (VersionRule::AtLeast(Version(1, 1, 1)), (1, 1, 0), refused),
        (VersionRule::Any, (0, 0, 0), 0),
    ] {
        let mut world = World::of([with(rule)]);
        let (major, minor, patch) = version;
        let version = msg::AntarisSdkVersion {
            major,
            minor,
            patch,
        };
        let mut ask = register(1, 1);
        ask.sdk_version = Some(version);
        assert_eq!(world.code("camera", ask), code, "{rule:?}");
    }
    let mut world = World::of([with(VersionRule::AtLeast(Version(1, 1, 1)))]);
    let mut ask = register(1, 1);
    ask.sdk_version = None;
    assert_eq!(world.code("camera", ask), refused, "without a version");
}

#[test]
fn an_app_that_does_not_register_in_time_is_killed_and_started_again() {
    let mut world = World::of([AppRules {
        has_process: true,
        ..rules("camera", 4)
    }]);
    assert_eq!(world.take_actions(), [Action::Start(name("camera"))]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.pass(secs(59));
    assert_eq!(world.life("camera"), "starting");
    assert!(world.take_actions().is_empty());
    world.pass(secs(1));
    assert_eq!(world.take_actions(), [Action::Kill(name("camera"))]);
    world.event(Event::Exited(name("camera"), "killed".to_owned()));
    world.pass(secs(5));
    assert_eq!(world.take_actions(), [Action::Start(name("camera"))]);
}

#[test]
fn an_app_that_nobody_can_start_is_awaited_when_it_does_not_register() {
    let mut world = World::of([rules("camera", 4)]);
    world.pass(secs(60));
    assert_eq!(world.life("camera"), "awaited");
    world.pass(secs(100_000));
    world.register("camera");
    assert_eq!(world.life("camera"), "up");
}

#[test]
fn an_app_that_registers_anew_has_another_session_and_its_runs_are_lost() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.register("camera");
    assert_eq!(world.view("camera").session.unwrap().number, 2);
    assert_eq!(world.run_state("camera", run), RunState::Lost);
    assert!(
        world
            .take_actions()
            .contains(&Action::CloseChannel(name("camera")))
    );
}

#[test]
fn an_app_that_closes_its_channel_is_closed_and_called_no_more() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    let close = payload_interface::extension::CloseSessionRequest {
        reason: "bye".to_owned(),
    };
    assert_eq!(world.code("camera", close), 0);
    assert_eq!(world.life("camera"), "closed");
    world.calls.clear();
    world.pass(secs(60));
    assert!(world.calls.is_empty());
    world.register("camera");
}
