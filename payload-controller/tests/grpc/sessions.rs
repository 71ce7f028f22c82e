//! Who is known by a certificate and the token of a session.

use payload_controller::grpc::Refusal;
use payload_controller::provision::Protection;
use payload_interface::messages::RespRegisterParams;
use payload_interface::{CallOutcome, ReturnCode};
use serde_json::{Value, json};

use crate::rig::{Running, Site, name};

fn register(running: &Running, id: u64) -> CallOutcome {
    running.called("camera", id, RespRegisterParams::default())
}

#[test]
fn a_native_app_needs_its_certificate_and_then_the_token_of_its_session() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Native);
    let running = site.start();
    let mut app = camera.start();
    // Its `config.json` has a cookie, which is nobody's here.
    assert_eq!(app.call("PC_register", json!({})), -4);
    app.tell(&json!({"channel": {"certificate": true}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
    assert_eq!(app.call("PC_register", json!({})), 0);

    assert_eq!(
        register(&running, 1),
        CallOutcome::Returned(ReturnCode::SUCCESS)
    );
    let token = app.called("PA_ProcessResponseRegister")["auth_token"].clone();
    assert_eq!(token.as_str().unwrap().len(), 64);
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    assert_eq!(app.call("GetSession", json!({})), 0);

    for wrong in [json!("0".repeat(64)), json!("short"), Value::Null] {
        app.tell(&json!({"session": wrong}));
        assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
    }
    // The token without the certificate.
    app.tell(&json!({"session": token}));
    app.tell(&json!({"channel": {}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
    assert!(running.grpc.refusals()["no_session"] >= 4);
    let told = running.desk.events.lock().unwrap();
    let refused = |event: &payload_controller::grpc::GrpcEvent| match event {
        payload_controller::grpc::GrpcEvent::Refused { app, why, .. } => {
            *why == Refusal::NoSession && *app == Some(name("camera"))
        }
        _ => false,
    };
    assert!(told.iter().any(refused));
}

/// Payloads register once, and never again.
#[test]
fn a_session_holds_when_the_controller_is_another_process() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Native);
    let running = site.start();
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    assert_eq!(app.call("PC_register", json!({})), 0);
    register(&running, 1);
    app.called("PA_ProcessResponseRegister");
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    drop(running);
    let running = site.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    assert_eq!(running.desk.taken().len(), 1);
}

#[test]
fn the_token_of_an_earlier_session_and_of_one_that_is_forgotten_hold_no_more() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Native);
    let running = site.start();
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    register(&running, 1);
    let first = app.called("PA_ProcessResponseRegister")["auth_token"].clone();
    register(&running, 2);
    app.called_with("PA_ProcessResponseRegister", |it| it["auth_token"] != first);
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    app.tell(&json!({"session": first}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);

    register(&running, 3);
    running.grpc.payloads().forget(&name("camera"));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
    // Nor after a restart.
    drop(running);
    let _running = site.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
}

#[test]
fn an_app_whose_registration_failed_and_one_with_a_cookie_get_no_token() {
    let mut site = Site::new();
    let native = site.app("camera", Protection::Native);
    let cookie = site.app("cookie", Protection::Cookie);
    let running = site.start();
    let (native, cookie) = (native.start(), cookie.start());
    let failed = RespRegisterParams {
        req_status: 1,
        ..Default::default()
    };
    running.called("camera", 1, failed);
    assert_eq!(
        native.called("PA_ProcessResponseRegister"),
        json!({"req_status": 1})
    );
    running.called("cookie", 2, RespRegisterParams::default());
    assert_eq!(cookie.called("PA_ProcessResponseRegister"), json!({}));
}
