//! From registration to shutdown, with everything that may be asked in between.

use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::payload::{PATIENCE, Peer};
use heliograph_tests::wait::eventually;
use payload_controller::core::{Command, RunState};
use serde_json::{Value, json};

use crate::rig::{Controller, Site, name, register};

const DONE: RunState = RunState::Done { late: false };
/// Often enough for a test.
const HEALTH: &str = "health = { every-ms = 1000, deadline-ms = 900 }";

/// Asks something; what is called back for it has the same id.
#[track_caller]
fn asked(app: &mut Peer, rpc: &str, mut fields: Value, id: i64, callback: &str) -> Value {
    fields["correlation_id"] = json!(id);
    assert_eq!(app.call(rpc, fields), 0, "{rpc}");
    let told = app.called_with(callback, |it| it["correlation_id"] == id);
    told["fields"].clone()
}

#[track_caller]
fn whole_life(controller: &Controller, site: &Site, app: &mut Peer) {
    register(app);
    controller.wait_for_life("camera", "up");
    sequences(controller, app);
    telemetry(app);
    requests(controller, site, app);
    app.called("PA_ProcessHealthCheck");
    assert_eq!(controller.view("camera").misses, 0);

    // As the C++ SDK: the response comes before the call returns.
    let inner = json!({"call": "PC_response_shutdown", "fields": {"correlation_id": 1}});
    app.on("PA_ShutdownApp", json!({"calls": [inner], "sleep": 1.7}));
    let shutdown = Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 3,
    };
    controller.order(shutdown);
    let told = app.called("PA_ShutdownApp");
    assert_eq!(told["shutdown_reason"], 3);
    assert!(told["grace_time"].as_i64().unwrap() >= 7, "{told}");
}

fn sequences(controller: &Controller, app: &mut Peer) {
    let image = controller.begin("camera", "Image");
    let downlink = controller.begin("camera", "Downlink");
    for sequence in ["Image", "Downlink"] {
        let is_it = |it: &Value| it["sequence_id"] == sequence;
        let told = app.called_with("PA_StartSequence", is_it);
        assert_eq!(told["fields"]["sequence_params"], "exposure=5");
    }
    // The later one ends first.
    for (sequence, run) in [("Downlink", downlink), ("Image", image)] {
        assert_eq!(
            app.call("PC_sequence_done", json!({"sequence_id": sequence})),
            0
        );
        controller.wait_for_run("camera", run, &DONE);
    }
    // The same again, which is done before its start has returned.
    let done = json!({"call": "PC_sequence_done", "fields": {"sequence_id": "Image"}});
    app.on("PA_StartSequence", json!({"calls": [done]}));
    let again = controller.begin("camera", "Image");
    controller.wait_for_run("camera", again, &DONE);
}

fn telemetry(app: &mut Peer) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let place = asked(
        app,
        "PC_get_current_location",
        json!({}),
        101,
        "PA_ProcessResponseGetCurrentLocation",
    );
    assert!(place.get("req_status").is_none(), "{place}");
    let at: u64 = place["determined_at"].as_str().unwrap().parse().unwrap();
    assert!(at + 60 > now, "{place}");
    assert!(place["altitude"].as_f64().unwrap() > 100.0, "{place}");

    let eps = json!({"periodicity_in_ms": 0});
    let rpc = "PC_get_eps_voltage_start_req";
    let told = asked(app, rpc, eps, 102, "PA_ProcessRespGetEpsVoltageStartReq");
    assert!(told.get("req_status").is_none(), "{told}");
    assert!(
        app.called("PA_ProcessGetEpsVoltage")["eps_voltage"]
            .as_f64()
            .unwrap()
            > 0.0
    );

    let ephemeris = json!({"periodicity_in_ms": 0, "eph2_enable": 1});
    let rpc = "PC_gnss_eph_start_req";
    let told = asked(
        app,
        rpc,
        ephemeris,
        103,
        "PA_ProcessRespGnssEphStartDataReq",
    );
    assert!(told.get("req_status").is_none(), "{told}");
    let told = app.called("PA_ProcessGnssEphData");
    assert!(told.get("gps_eph_data").is_some(), "{told}");

    let told = asked(
        app,
        "PC_ps_temp_req",
        json!({}),
        104,
        "PA_ProcessRespPsTemp",
    );
    assert_eq!(told["correlation_id"], 104);
}

fn requests(controller: &Controller, site: &Site, app: &mut Peer) {
    let on = json!({"power_operation": 1, "hw_id": 134});
    let rpc = "PC_payload_power_control";
    let told = asked(app, rpc, on, 201, "PA_ProcessResponsePayloadPowerControl");
    assert!(told.get("req_status").is_none(), "{told}");
    // Nobody switches what is another's.
    let others = json!({"power_operation": 1, "hw_id": 135});
    assert_eq!(app.call(rpc, others), -4);

    // Weakness: a path led anywhere.
    std::fs::write(site.outbound("camera").join("image.raw"), b"an image").unwrap();
    for path in ["../../../etc/shadow", "/etc/shadow", "a/../../b"] {
        let staged = json!({"file_path": path, "correlation_id": 203});
        assert_eq!(app.call("PC_stage_file_download", staged), -5, "{path}");
    }

    let told = asked(
        app,
        "PC_pa_satos_message",
        json!({"command_id": 9, "payload_data": "AAEC"}),
        204,
        "PA_ProcessRespPaSatOsMsg",
    );
    assert_eq!(told["command_id"], 9);

    let metrics = json!({"used_counter": 1, "metrics": [{"counter": 7, "names": "shots"}]});
    let inner = json!({"call": "PC_response_payload_metrics", "fields": metrics});
    app.on("PA_ProcessReqPayloadMetrics", json!({"calls": [inner]}));
    controller.order(Command::Metrics(name("camera")));
    eventually(PATIENCE, || {
        (controller.view("camera").metrics == [("shots".to_owned(), 7)]).then_some(())
    });
}

#[test]
fn a_whole_life_with_a_cookie_over_tls() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'cookie'", HEALTH);
    let controller = site.start();
    whole_life(&controller, &site, &mut camera.start());
}

#[test]
fn a_whole_life_in_plain_text() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'plain'", HEALTH);
    let controller = site.start();
    whole_life(&controller, &site, &mut camera.start());
}

#[test]
fn a_whole_life_with_certificates_and_a_session() {
    let mut site = Site::new();
    let mut camera = site.app("camera", "security = 'native'", HEALTH);
    camera.wants_certificate = true;
    let controller = site.start();
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    whole_life(&controller, &site, &mut app);
}

#[test]
fn a_payload_that_knows_the_extension_tells_how_far_it_is_and_is_cancelled() {
    let mut site = Site::new();
    let mut camera = site.app("camera", "", HEALTH);
    camera.has_extension = true;
    let controller = site.start();
    let mut app = camera.start();
    register(&mut app);
    let run = controller.begin("camera", "Image");
    let started = app.called("PA_StartSequence");
    let this = json!({"sequence_id": "Image", "correlation_id": started["correlation_id"]});
    let progress = json!({"run": this, "percent": 40, "text": "exposing"});
    assert_eq!(app.call("ReportProgress", progress), 0);
    controller.wait_for_run("camera", run, &RunState::Running);
    let session = app.call_as("GetSession", json!({}), json!({}));
    assert_eq!(session["fields"]["is_registered"], true);
    assert_eq!(session["fields"]["runs"][0]["percent"], 40);

    controller.order(Command::CancelRun(run, "clouds".to_owned()));
    let told = app.called("CancelSequence");
    assert_eq!((&told["run"], &told["reason"]), (&this, &json!("clouds")));
    let result = json!({"run": this, "outcome": "OUTCOME_CANCELLED"});
    assert_eq!(app.call("ReportResult", result), 0);
    controller.wait_for_run("camera", run, &RunState::Cancelled);

    assert_eq!(app.call("CloseSession", json!({"reason": "done"})), 0);
    controller.wait_for_life("camera", "closed");
}
