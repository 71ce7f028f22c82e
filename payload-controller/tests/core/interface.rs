//! Payloads that were built with an older SDK.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Callback, Request, ReturnCode};

use crate::rig::*;

fn of(month: &str) -> World {
    let mut camera = rules("camera", 4);
    camera.interface = Interface::parse(month).unwrap();
    let mut world = World::of([camera]);
    world.register("camera");
    world
}

/// What is asked, the month since which its answer is as it is, and the one before.
fn reshaped() -> [(Request, &'static str, &'static str); 5] {
    [
        (
            msg::ReqGetCurrentLocationParams::default().into(),
            "2024-11",
            "2024-10",
        ),
        (
            msg::ReqGetEpsVoltageStartReq::default().into(),
            "2025-06",
            "2025-05",
        ),
        (
            msg::StartSesThermMgmntReq::default().into(),
            "2025-12",
            "2025-11",
        ),
        (msg::SesTempReq::default().into(), "2025-12", "2025-11"),
        (
            msg::ReqGnssEphStartDataReq::default().into(),
            "2026-02",
            "2026-01",
        ),
    ]
}

#[test]
fn what_an_older_sdk_would_misread_is_refused_and_not_sent() {
    for (request, since, before) in reshaped() {
        let mut world = of(since);
        assert_eq!(world.code("camera", request.clone()), 0, "{since}");
        assert!(!world.rpcs().is_empty());
        let mut world = of(before);
        let rpc = request.rpc();
        let answer = world.request("camera", request);
        assert_eq!(answer.code, ReturnCode::INCOMPATIBLE_VERSION, "{rpc}");
        let why = answer.reason.unwrap();
        assert!(why.contains(before) && why.contains(since), "{why}");
        assert!(world.rpcs().is_empty(), "{rpc}: nothing is sent");
        world.counters_add_up();
    }
}

#[test]
fn a_stream_that_the_app_is_said_to_misread_ends_with_the_restart_that_knows() {
    let mut world = of("2025-06");
    let ask = msg::ReqGetEpsVoltageStartReq {
        correlation_id: 6,
        periodicity_in_ms: 1000,
    };
    assert_eq!(world.code("camera", ask), 0);
    world.rules.apps[0].interface = Interface::parse("2025-05").unwrap();
    world.kill_controller(secs(1));
    world.pass(secs(10));
    assert!(world.rpcs().is_empty());
}

#[test]
fn what_never_changed_serves_the_oldest() {
    let mut world = of("2023-01");
    assert_eq!(world.code("camera", stage("a")), 0);
    let run = world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
    let stop = msg::ReqGnssEphStopDataReq::default();
    assert_eq!(world.code("camera", stop), 0);
}

#[test]
fn a_sequence_that_is_not_known_has_the_code_that_the_sdk_has() {
    let mut world = of("2026-04");
    assert_eq!(
        world.done("camera", "nothing"),
        ReturnCode::INVALID_PARAMS.0
    );
    let mut world = of("2026-05");
    assert_eq!(
        world.done("camera", "nothing"),
        ReturnCode::INVALID_SEQUENCE.0
    );
}

#[test]
fn a_deadline_is_told_in_the_unit_that_the_app_takes_it_for() {
    for (unit, expected) in [
        (DeadlineUnit::Seconds, 1_800_000_100),
        (DeadlineUnit::Milliseconds, 1_800_000_100_000),
    ] {
        let mut camera = rules("camera", 4);
        camera.deadline_unit = unit;
        let mut world = World::of([camera]);
        world.register("camera");
        world.start_sequence("camera", "A", 100).unwrap();
        let calls = world.take_calls();
        let [Callback::StartSequence(start)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(start.scheduled_deadline, expected);
    }
}

#[test]
fn a_version_is_taken_from_the_least_to_below_the_most() {
    let rule = VersionRule::Within(Version(1, 1, 1), Version(2, 0, 0));
    for (version, is_taken) in [
        (Version(1, 1, 0), false),
        (Version(1, 1, 1), true),
        (Version(1, 99, 0), true),
        (Version(2, 0, 0), false),
    ] {
        assert_eq!(rule.allows(version), is_taken, "{version}");
    }
    let mut camera = rules("camera", 4);
    camera.versions = VersionRule::Within(Version(1, 2, 0), Version(2, 0, 0));
    let mut world = World::of([camera]);
    let answer = world.request("camera", register(1, 1));
    assert_eq!(answer.code, ReturnCode::INCOMPATIBLE_VERSION);
    let why = answer.reason.unwrap();
    assert_eq!(why, "SDK 1.1.1 is not taken: >=1.2.0 <2.0.0 is");
}
