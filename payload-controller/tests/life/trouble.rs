//! Payloads that are late, silent, killed, or of another mind.

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use payload_controller::core::RunState;
use serde_json::json;

use crate::rig::{Site, register};

const EAGER: &str = "health = { every-ms = 200, deadline-ms = 150, misses-max = 3 }";

#[test]
fn a_payload_that_hangs_is_asked_to_shut_down_after_so_many_misses() {
    let mut site = Site::new();
    let camera = site.app("camera", "", EAGER);
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    app.on("PA_ProcessHealthCheck", json!({"sleep": 5}));
    app.called("PA_ShutdownApp");
    assert_ne!(controller.view("camera").life, "up");
}

/// C++ payloads return garbage, and Python's say how they are by what they return.
#[test]
fn a_payload_that_says_it_is_ill_is_as_ill_as_one_that_says_nothing() {
    let mut site = Site::new();
    let camera = site.app("camera", "", EAGER);
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    app.on("PA_ProcessHealthCheck", json!({"code": 36}));
    eventually(PATIENCE, || {
        (controller.view("camera").misses > 0).then_some(())
    });
    app.called("PA_ShutdownApp");
}

/// A start that was not answered in time is not made again: the sequence may run.
#[test]
fn a_sequence_whose_start_is_not_answered_is_unknown_and_started_once() {
    let mut site = Site::new();
    let more = "outbox = { deadline-ms = 300 }";
    let camera = site.app("camera", "", more);
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    app.on("PA_StartSequence", json!({"sleep": 1.5}));
    let run = controller.begin("camera", "Image");
    controller.wait_for_run("camera", run, &RunState::Unknown);
    // It ran all the same, and says so.
    assert_eq!(
        app.call("PC_sequence_done", json!({"sequence_id": "Image"})),
        0
    );
    controller.wait_for_run("camera", run, &RunState::Done { late: false });
    let said = app.said();
    let starts = said.iter().filter(|it| it["called"] == "PA_StartSequence");
    assert_eq!(starts.count(), 1);
}

/// The SDK for Python holds a lock while it says that a sequence is done, and the start of the
/// next one waits for it.
#[test]
fn a_payload_that_says_that_it_is_done_is_not_called_before_it_has_its_answer() {
    let mut site = Site::new();
    let camera = site.app("camera", "", "");
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    app.on("PA_StartSequence", json!({"locked": true}));
    let mut run = controller.begin("camera", "s0");
    for number in 1..=20 {
        let (sequence, next) = (format!("s{}", number - 1), format!("s{number}"));
        app.called_with("PA_StartSequence", |it| it["sequence_id"] == *sequence);
        // The end of the one and the start of the next, at once.
        let tag = app.begin(
            "PC_sequence_done",
            json!({"sequence_id": sequence}),
            json!({}),
        );
        let started = controller.begin("camera", &next);
        assert_eq!(app.outcome(tag)["code"], 0);
        controller.wait_for_run("camera", run, &RunState::Done { late: false });
        controller.wait_for_run("camera", started, &RunState::Accepted);
        run = started;
    }
}

#[test]
fn a_payload_that_is_killed_and_started_anew_registers_again_and_its_runs_are_lost() {
    let mut site = Site::new();
    let camera = site.app("camera", "", "");
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    let run = controller.begin("camera", "Image");
    app.called("PA_StartSequence");
    drop(app);
    let mut app = camera.start();
    register(&mut app);
    controller.wait_for_run("camera", run, &RunState::Lost);
    assert_eq!(controller.view("camera").session.unwrap().number, 2);
    let run = controller.begin("camera", "Image");
    app.called("PA_StartSequence");
    assert_eq!(
        app.call("PC_sequence_done", json!({"sequence_id": "Image"})),
        0
    );
    controller.wait_for_run("camera", run, &RunState::Done { late: false });
}

#[test]
fn a_payload_of_another_version_is_refused_with_the_code_of_the_original() {
    let mut site = Site::new();
    let camera = site.app("camera", "", "sdk = '>=2.0.0'");
    let controller = site.start();
    let mut app = camera.start();
    let version = json!({"major": 1, "minor": 1, "patch": 1});
    let answer = app.call_as("PC_register", json!({"sdk_version": version}), json!({}));
    let refused = match answer["code"].as_i64() {
        Some(-6) => true,
        _ => app.called("PA_ProcessResponseRegister")["req_status"] == 1,
    };
    assert!(refused, "{answer}");
    assert_ne!(controller.view("camera").life, "up");
}
