//! What is called in payloads.

use std::time::Duration;

use heliograph_tests::payload::{PATIENCE, Payload};
use heliograph_tests::wait::eventually;
use payload_controller::grpc::GrpcEvent;
use payload_controller::provision::Protection;
use payload_interface::extension::{CancelSequenceRequest, SequenceRun};
use payload_interface::messages::*;
use payload_interface::{CallId, CallOutcome, Callback, ReturnCode};
use serde_json::json;

use crate::rig::{Running, Site, name};

const SUCCESS: CallOutcome = CallOutcome::Returned(ReturnCode::SUCCESS);

fn check() -> HealthCheckParams {
    HealthCheckParams::default()
}

fn start(sequence_id: &str) -> StartSequenceParams {
    StartSequenceParams {
        correlation_id: 7,
        sequence_id: sequence_id.to_owned(),
        sequence_params: "exposure=5".to_owned(),
        scheduled_deadline: 1_800_000_000,
    }
}

fn all() -> Vec<Callback> {
    vec![
        start("Image").into(),
        ShutdownParams {
            grace_time: 10,
            ..Default::default()
        }
        .into(),
        check().into(),
        RespRegisterParams::default().into(),
        RespGetCurrentLocationParams::default().into(),
        RespStageFileDownloadParams::default().into(),
        RespPayloadPowerControlParams::default().into(),
        ReqPayloadMetricsParams::default().into(),
        RespGnssEphStopDataReq::default().into(),
        RespGnssEphStartDataReq::default().into(),
        GnssEphData::default().into(),
        RespGetEpsVoltageStopReq::default().into(),
        RespGetEpsVoltageStartReq::default().into(),
        GetEpsVoltage::default().into(),
        RespStartSesThermMgmntReq::default().into(),
        RespStopSesThermMgmntReq::default().into(),
        RespSesTempReqParams::default().into(),
        RespPsTemp {
            correlation_id: 1,
            temperature: -5,
        }
        .into(),
        SesThermalStatusNtf::default().into(),
        RespPaSatOsMsg::default().into(),
        SatOsPaMsg::default().into(),
        NtfRemoteAcPwrStatus::default().into(),
        HostToPeerFcmOperationNotify::default().into(),
        CancelSequenceRequest {
            run: Some(SequenceRun {
                sequence_id: "Image".to_owned(),
                correlation_id: 7,
            }),
            ..Default::default()
        }
        .into(),
    ]
}

#[track_caller]
fn all_are_called(running: &Running, payload: &Payload) {
    let mut app = payload.start();
    for (id, callback) in (1..).zip(all()) {
        let rpc = callback.rpc();
        let outcome = running.called("camera", id, callback);
        // The SDK for Python has no such call.
        match rpc {
            "PA_ProcessSatOsPaMsg" => assert_eq!(outcome, CallOutcome::Unimplemented),
            _ => assert_eq!(outcome, SUCCESS, "{rpc}"),
        }
    }
    let said = app.said();
    let called: Vec<_> = said.iter().filter_map(|it| it["called"].as_str()).collect();
    let mut wanted = Callback::RPCS.to_vec();
    wanted.retain(|rpc| *rpc != "PA_ProcessSatOsPaMsg");
    assert_eq!(called, wanted);
    let started = app.called("PA_StartSequence");
    assert_eq!(
        started,
        json!({"correlation_id": 7, "sequence_id": "Image", "sequence_params": "exposure=5",
               "scheduled_deadline": "1800000000"})
    );
    assert_eq!(app.called("PA_ProcessRespPsTemp")["temperature"], -5);
}

#[test]
fn each_callback_arrives_over_tls_and_one_that_is_missing_is_said_to_be() {
    let (site, mut camera) = Site::with_camera();
    camera.has_extension = true;
    all_are_called(&site.start(), &camera);
}

#[test]
fn each_callback_arrives_in_plain_text() {
    let mut site = Site::new();
    let mut camera = site.app("camera", Protection::Plain);
    camera.has_extension = true;
    all_are_called(&site.start(), &camera);
}

#[test]
fn the_extension_is_not_implemented_where_a_payload_does_not_know_it() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let _app = camera.start();
    let cancel = all().pop().unwrap();
    assert_eq!(
        running.called("camera", 1, cancel),
        CallOutcome::Unimplemented
    );
}

/// C++ payloads return what stood in a register.
#[test]
fn whatever_a_payload_returns_is_told() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    for (id, code) in [(1, 36), (2, -1), (3, -7), (4, i32::MIN)] {
        app.on("PA_ProcessHealthCheck", json!({"code": code}));
        let outcome = running.called("camera", id, check());
        assert_eq!(outcome, CallOutcome::Returned(ReturnCode(code)));
    }
}

/// A sequence whose start was not answered in time runs all the same.
#[test]
fn of_a_callback_that_is_not_answered_in_time_nobody_knows() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    app.on("PA_StartSequence", json!({"sleep": 2}));
    let deadline = Duration::from_millis(300);
    let id = running.call_within("camera", 1, start("Image"), deadline);
    assert_eq!(running.desk.outcome(id), CallOutcome::TimedOut);
    let called = app.called_with("PA_StartSequence", |_| true);
    // It was told how long there was.
    let left = called["seconds_left"].as_f64().unwrap();
    assert!(left <= 0.3, "{left}");
}

#[test]
fn of_a_callback_that_fails_in_the_payload_nobody_knows() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    app.on("PA_StartSequence", json!({"raises": true}));
    assert_eq!(
        running.called("camera", 1, start("Image")),
        CallOutcome::TimedOut
    );
    // The others are served on.
    assert_eq!(running.called("camera", 2, check()), SUCCESS);
}

#[test]
fn a_callback_to_nobody_never_left_and_neither_did_what_waits_behind_it() {
    let (site, _) = Site::with_camera();
    let running = site.start();
    for id in 1..=3 {
        running.call("camera", id, check());
    }
    for id in 1..=3 {
        let outcome = running.desk.outcome(CallId(id));
        assert!(
            matches!(outcome, CallOutcome::Unreachable(_)),
            "{outcome:?}"
        );
    }
    let outcome = running.called("stranger", 4, check());
    assert!(
        matches!(outcome, CallOutcome::Unreachable(_)),
        "{outcome:?}"
    );
}

#[test]
fn a_callback_that_does_not_fit_the_interface_is_not_made() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    let outcome = running.called("camera", 1, start("a-name-of-16-octs"));
    assert!(
        matches!(&outcome, CallOutcome::Refused(why) if why.contains("at most 15 fit")),
        "{outcome:?}"
    );
    assert_eq!(running.called("camera", 2, check()), SUCCESS);
    let said = app.said();
    assert!(
        !said.iter().any(|it| it["called"] == "PA_StartSequence"),
        "{said:?}"
    );
}

#[test]
fn callbacks_leave_in_the_order_in_which_they_are_asked_for() {
    let (mut site, camera) = Site::with_camera();
    site.limits.calls_max = 1;
    let running = site.start();
    let mut app = camera.start();
    for id in 1..=50 {
        running.call("camera", id, start(&format!("s{id}")));
    }
    assert_eq!(running.desk.outcome(CallId(50)), SUCCESS);
    let said = app.said();
    let called = said.iter().filter(|it| it["called"] == "PA_StartSequence");
    let called: Vec<_> = called
        .map(|it| it["fields"]["sequence_id"].clone())
        .collect();
    let wanted: Vec<_> = (1..=50).map(|id| json!(format!("s{id}"))).collect();
    assert_eq!(called, wanted);
}

#[test]
fn no_more_callbacks_are_under_way_than_may_be_and_no_more_wait() {
    let (mut site, camera) = Site::with_camera();
    site.limits.calls_max = 2;
    site.limits.calls_waiting_max = 3;
    let running = site.start();
    let mut app = camera.start();
    assert_eq!(running.called("camera", 100, check()), SUCCESS);
    app.on("PA_StartSequence", json!({"sleep": 1}));
    for id in 1..=2 {
        running.call("camera", id, start("Image"));
    }
    eventually(PATIENCE, || {
        let said = app.said_so_far();
        let called = said.iter().filter(|it| it["called"] == "PA_StartSequence");
        (called.count() == 2).then_some(())
    });
    for id in 3..=6 {
        running.call("camera", id, start("Image"));
    }
    let outcome = running.desk.outcome(CallId(6));
    assert!(
        matches!(&outcome, CallOutcome::Unreachable(why) if why.contains("too many")),
        "{outcome:?}"
    );
    for id in 1..=5 {
        assert_eq!(running.desk.outcome(CallId(id)), SUCCESS);
    }
}

#[test]
fn of_a_payload_that_is_killed_nobody_knows_and_another_one_is_found() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    app.on("PA_StartSequence", json!({"sleep": 30}));
    let id = running.call_within("camera", 1, start("Image"), PATIENCE);
    app.called("PA_StartSequence");
    drop(app);
    assert_eq!(running.desk.outcome(id), CallOutcome::TimedOut);
    let closed = GrpcEvent::ChannelClosed(name("camera"));
    running
        .desk
        .wait_for(|event| (*event == closed).then_some(()));
    let _app = camera.start();
    assert_eq!(running.called("camera", 2, check()), SUCCESS);
}

/// Both SDKs refuse to start while the port of their callbacks is in `TIME_WAIT`.
#[test]
fn after_the_channel_is_closed_a_payload_can_be_started_anew_at_once() {
    let (site, camera, mut app) = (0..10)
        .find_map(|_| {
            let (site, mut camera) = Site::with_camera();
            camera.wants_a_free_port = true;
            // Another test may have left the port occupied.
            let app = camera.start_if_free()?;
            Some((site, camera, app))
        })
        .unwrap();
    let running = site.start();
    app.on("PA_StartSequence", json!({"sleep": 30}));
    let left = running.call_within("camera", 1, start("Image"), PATIENCE);
    app.called("PA_StartSequence");
    running.grpc.payloads().close(&name("camera"));
    assert_eq!(running.desk.outcome(left), CallOutcome::TimedOut);
    let closed = GrpcEvent::ChannelClosed(name("camera"));
    running
        .desk
        .wait_for(|event| (*event == closed).then_some(()));
    // The payload's side has seen it, too, before it ends.
    app.call("PC_ps_temp_req", json!({}));
    drop(app);
    let _app = camera.start();
    assert_eq!(running.called("camera", 2, check()), SUCCESS);
}
