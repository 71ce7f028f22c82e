//! What payloads call.

use heliograph_tests::payload::Payload;
use payload_controller::grpc::{GrpcEvent, Refusal};
use payload_controller::provision::Protection;
use payload_interface::extension::SessionStatus;
use payload_interface::messages::{AntarisSdkVersion, ReqRegisterParams};
use payload_interface::{Answer, Profile, Request, ReturnCode};
use serde_json::{Value, json};

use crate::rig::Site;

/// Each call, with fields in which every number and text is another one.
fn all() -> Vec<(&'static str, Value)> {
    vec![
        (
            "PC_register",
            json!({"health_check_fail_action": 1,
                   "sdk_version": {"major": 1, "minor": 2, "patch": 3}}),
        ),
        ("PC_get_current_location", json!({})),
        (
            "PC_stage_file_download",
            json!({"file_path": "a.bin", "file_priority": "FILE_DL_PRIORITY_IMMEDIATE",
                   "file_dl_band": "FILE_DL_XBAND"}),
        ),
        ("PC_sequence_done", json!({"sequence_id": "Image"})),
        (
            "PC_payload_power_control",
            json!({"power_operation": 1, "hw_id": 0x4001}),
        ),
        ("PC_response_health_check", json!({"application_state": 4})),
        ("PC_response_shutdown", json!({"req_status": 0})),
        (
            "PC_response_payload_metrics",
            json!({"timestamp": "1800000000", "used_counter": 1,
                   "metrics": [{"counter": 7, "names": "shots"}]}),
        ),
        ("PC_gnss_eph_stop_req", json!({})),
        (
            "PC_gnss_eph_start_req",
            json!({"periodicity_in_ms": 1000, "eph2_enable": 1}),
        ),
        ("PC_get_eps_voltage_stop_req", json!({})),
        (
            "PC_get_eps_voltage_start_req",
            json!({"periodicity_in_ms": 500}),
        ),
        (
            "PC_start_ses_therm_mgmnt_req",
            json!({"hardware_id": 1, "duration": 60, "lower_threshold": -10,
                   "upper_threshold": 20}),
        ),
        ("PC_stop_ses_therm_mgmnt_req", json!({"hardware_id": 1})),
        ("PC_ses_temp_req", json!({"hardware_id": 1})),
        ("PC_ps_temp_req", json!({})),
        (
            "PC_pa_satos_message",
            json!({"command_id": 9, "payload_data": "AAEC/w=="}),
        ),
        (
            "PC_host_to_peer_fcm_operation",
            json!({"peer_app_id": 2, "fcm_src": 1, "fcm_dest": 2, "no_of_files": 1,
                   "file_input": [{"filename_length": 1, "filename": "YQ=="}]}),
        ),
        (
            "PC_satos_pa_message",
            json!({"app_id": 3, "command_id": 9, "req_status": 5}),
        ),
        (
            "ReportProgress",
            json!({"run": {"sequence_id": "Image", "correlation_id": 4}, "percent": 50}),
        ),
        (
            "ReportResult",
            json!({"run": {"sequence_id": "Image", "correlation_id": 4},
                   "outcome": "OUTCOME_FAILED", "text": "no light"}),
        ),
        ("GetSession", json!({})),
        ("CloseSession", json!({"reason": "done"})),
    ]
}

#[track_caller]
fn all_arrive(site: &Site, payload: &Payload) {
    let running = site.start();
    let mut app = payload.start();
    for (rpc, fields) in all() {
        assert_eq!(app.call(rpc, fields), 0, "{rpc}");
    }
    let taken = running.desk.taken();
    let rpcs: Vec<_> = taken.iter().map(Request::rpc).collect();
    assert_eq!(rpcs, Request::RPCS);
    // Python counts from 1.
    let registered = Request::from(ReqRegisterParams {
        correlation_id: 1,
        health_check_fail_action: 1,
        sdk_version: Some(AntarisSdkVersion {
            major: 1,
            minor: 2,
            patch: 3,
        }),
    });
    assert_eq!(taken[0], registered);
    assert!(matches!(&taken[12], Request::SesThermalStart(start) if start.lower_threshold == -10));
    assert!(matches!(&taken[16], Request::PaSatOsMessage(it) if it.payload_data == [0, 1, 2, 255]));
}

#[test]
fn each_call_arrives_with_its_fields_over_tls() {
    let (site, camera) = Site::with_camera();
    all_arrive(&site, &camera);
}

#[test]
fn each_call_arrives_with_its_fields_in_plain_text() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Plain);
    all_arrive(&site, &camera);
}

#[test]
fn what_is_answered_comes_back_with_its_reason() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    running.desk.does(|_, request, reply| {
        reply.answer(match request {
            Request::Register(_) => {
                Answer::refused(ReturnCode::INCOMPATIBLE_VERSION, "1.1.1 is too old")
            }
            Request::GetSession(_) => Answer::session(SessionStatus {
                health_misses: 3,
                ..Default::default()
            }),
            _ => Answer::refused(ReturnCode::INVALID_SEQUENCE, "was nie begann\n"),
        });
    });
    let mut app = camera.start();
    let answer = app.call_as("PC_register", json!({}), json!({}));
    assert_eq!(answer["code"], -6);
    assert_eq!(answer["reason"], "1.1.1 is too old");
    let answer = app.call_as("PC_sequence_done", json!({"sequence_id": "a"}), json!({}));
    assert_eq!(
        (&answer["code"], &answer["reason"]),
        (&json!(-7), &json!("was nie begann?"))
    );
    let answer = app.call_as("CloseSession", json!({}), json!({}));
    assert_eq!(answer["fields"]["return_code"], -7);
    let answer = app.call_as("GetSession", json!({}), json!({}));
    assert_eq!(answer["fields"]["health_misses"], 3);
}

/// Weakness: over-long strings, and numbers beyond their range, became other ones.
#[test]
fn what_does_not_fit_is_refused_with_a_reason_and_reaches_nobody() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    for (rpc, fields, field) in [
        (
            "PC_stage_file_download",
            json!({"file_path": "x".repeat(200)}),
            "file_path",
        ),
        (
            "PC_stage_file_download",
            json!({"file_path": "a", "file_priority": 77}),
            "file_priority",
        ),
        (
            "PC_sequence_done",
            json!({"sequence_id": "x".repeat(40)}),
            "sequence_id",
        ),
        (
            "PC_payload_power_control",
            json!({"power_operation": 70_000}),
            "power_operation",
        ),
        ("PC_payload_power_control", json!({"hw_id": -1}), "hw_id"),
    ] {
        let answer = app.call_as(rpc, fields, json!({}));
        assert_eq!(answer["code"], -5, "{answer}");
        assert!(
            answer["reason"].as_str().unwrap().starts_with(field),
            "{answer}"
        );
    }
    assert!(running.desk.taken().is_empty());
    let (told, why) = running.desk.refusal();
    assert_eq!(told.unwrap().as_str(), "camera");
    assert!(matches!(why, Refusal::Invalid(text) if text.contains("at most 191 fit")));
    assert_eq!(running.grpc.refusals()["invalid"], 5);
}

/// Weakness: a list with fewer entries than the original has room for ended its controller.
#[test]
fn lists_that_are_empty_though_they_are_said_not_to_be_are_refused() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    for (rpc, fields) in [
        ("PC_response_payload_metrics", json!({"used_counter": 8})),
        ("PC_host_to_peer_fcm_operation", json!({"no_of_files": 32})),
    ] {
        assert_eq!(app.call(rpc, fields), -5, "{rpc}");
    }
    assert!(running.desk.taken().is_empty());
    // Empty ones that are said to be empty are fine.
    assert_eq!(app.call("PC_response_payload_metrics", json!({})), 0);
    assert_eq!(app.call("PC_host_to_peer_fcm_operation", json!({})), 0);
}

/// The C++ SDK has garbage above 8 bits, 32 names that are filled up, and messages of 1020
/// octets.
#[test]
fn what_the_binding_for_cpp_makes_of_fields_is_undone() {
    let mut site = Site::new();
    let camera = site.app_with("camera", |connection| connection.profile = Profile::Cpp);
    let running = site.start();
    let mut app = camera.start();
    // "a.bin", and zeros up to 128 octets.
    let name = format!("YS5iaW4{}=", "A".repeat(164));
    let padded = json!({"filename_length": 5, "filename": name});
    let empty = json!({"filename": format!("{}==", "A".repeat(170))});
    let mut files = vec![padded];
    files.resize(32, empty);
    let message = "A".repeat(1360);
    for (rpc, fields) in [
        ("PC_gnss_eph_start_req", json!({"eph2_enable": 32_513})),
        (
            "PC_host_to_peer_fcm_operation",
            json!({"no_of_files": 1, "file_input": files}),
        ),
        ("PC_pa_satos_message", json!({"payload_data": message})),
        (
            "PC_response_payload_metrics",
            json!({"used_counter": 2, "metrics": vec![json!({"names": "shots"}); 8]}),
        ),
    ] {
        assert_eq!(app.call(rpc, fields), 0, "{rpc}");
    }
    let taken = running.desk.taken();
    assert!(matches!(&taken[0], Request::GnssEphStart(it) if it.eph2_enable == 1));
    let Request::FcmOperation(copy) = &taken[1] else {
        panic!("{:?}", taken[1]);
    };
    assert_eq!(copy.file_input.len(), 1);
    assert_eq!(copy.file_input[0].filename, b"a.bin");
    assert!(matches!(&taken[2], Request::PaSatOsMessage(it) if it.payload_data.len() == 1020));
    assert!(matches!(&taken[3], Request::ResponsePayloadMetrics(it) if it.metrics.len() == 2));
}

/// Weakness: an id beyond 65535 was answered with another one, for which nobody waited.
#[test]
fn an_id_beyond_16_bits_is_the_same_when_it_comes_back() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    assert_eq!(
        app.call("PC_get_current_location", json!({"correlation_id": 65_541})),
        0
    );
    let taken = running.desk.taken();
    let Request::GetCurrentLocation(asked) = &taken[0] else {
        panic!("{taken:?}");
    };
    let location = payload_interface::messages::RespGetCurrentLocationParams {
        correlation_id: asked.correlation_id,
        ..Default::default()
    };
    running.called("camera", 1, location);
    let told = app.called("PA_ProcessResponseGetCurrentLocation");
    assert_eq!(told["correlation_id"], 65_541);
}

#[test]
fn octets_that_are_no_message_are_refused_and_the_connection_serves_on() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    let too_large = "00".repeat(20_000);
    for octets in ["0aff", "08ffffffffffffffffffffffff01", &too_large] {
        let outcome = app.call_as("PC_sequence_done", json!({}), json!({"octets": octets}));
        assert!(outcome.get("failed").is_some(), "{outcome}");
    }
    assert!(running.desk.taken().is_empty());
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
}

#[test]
fn a_call_of_a_service_that_is_not_there_is_not_implemented() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let app = camera.start();
    let at = running.grpc.local_plain_addr().unwrap();
    // What the peer cannot be told to do, a few lines of its Python can.
    let script = format!(
        "import grpc\nchannel = grpc.insecure_channel('{at}')\n\
         for path in ('/a.B/C', '/grpc.health.v1.Health/Check'):\n\
         \x20   try:\n\
         \x20       channel.unary_unary(path)(b'')\n\
         \x20       raise SystemExit('answered')\n\
         \x20   except grpc.RpcError as error:\n\
         \x20       assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error\n"
    );
    let python = heliograph_tests::referee::python();
    let status = std::process::Command::new(python)
        .args(["-c", &script])
        .status();
    assert!(status.unwrap().success());
    drop(app);
    let events = running.desk.events.lock().unwrap();
    assert!(!events.iter().any(|it| matches!(it, GrpcEvent::Answered(_))));
}
