//! Who is known by a certificate, in both directions.

use std::fs;

use payload_controller::provision::Protection;
use payload_interface::messages::{HealthCheckParams, StartSequenceParams};
use payload_interface::{CallOutcome, ReturnCode};
use serde_json::json;

use crate::rig::Site;

const SUCCESS: CallOutcome = CallOutcome::Returned(ReturnCode::SUCCESS);

/// Weakness: whoever reached a payload could start and stop what it does.
#[test]
fn a_payload_that_asks_for_the_controllers_certificate_is_called_by_nobody_else() {
    let mut site = Site::new();
    let mut camera = site.app("camera", Protection::Native);
    camera.wants_certificate = true;
    let running = site.start();
    let mut app = camera.start();
    let started = StartSequenceParams {
        sequence_id: "Image".to_owned(),
        ..Default::default()
    };
    assert_eq!(running.called("camera", 1, started), SUCCESS);

    // A spoofer has the payload's certificate, as everybody on the network, but no key.
    let folder = camera.folder.display();
    let generated = camera.generated.display();
    let script = format!(
        "import sys\nsys.path.insert(0, '{generated}')\n\
         import grpc, antaris_api_pb2 as api, antaris_api_pb2_grpc as stubs\n\
         conf = dict(line.strip().split('=') for line in open('{folder}/sdk_env.conf') if '=' in line)\n\
         root = open('{folder}/client.crt', 'rb').read()\n\
         credentials = grpc.ssl_channel_credentials(root)\n\
         channel = grpc.secure_channel('127.0.0.1:' + conf['APP_API_PORT'], credentials)\n\
         stub = stubs.AntarisapiApplicationCallbackStub(channel)\n\
         try:\n\
         \x20   stub.PA_ShutdownApp(api.ShutdownParams(), timeout=10)\n\
         \x20   raise SystemExit('shut down')\n\
         except grpc.RpcError as error:\n\
         \x20   assert error.code() == grpc.StatusCode.UNAVAILABLE, error\n"
    );
    let python = heliograph_tests::referee::python();
    let status = std::process::Command::new(python)
        .args(["-c", &script])
        .status();
    assert!(status.unwrap().success());
    let said = app.said();
    assert!(
        !said.iter().any(|it| it["called"] == "PA_ShutdownApp"),
        "{said:?}"
    );
}

/// Certificates that `rustls` by itself refuses, and gRPC takes.
#[test]
fn a_certificate_that_signed_itself_is_an_authority_or_names_nobody_is_known() {
    for subject in ["with_an_authority", "with_a_name_only"] {
        let (site, camera) = Site::with_camera();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        if subject == "with_an_authority" {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&key).unwrap();
        fs::write(camera.folder.join("client.crt"), certificate.pem()).unwrap();
        fs::write(camera.folder.join("client.key"), key.serialize_pem()).unwrap();
        let running = site.start();
        let _app = camera.start();
        let outcome = running.called("camera", 1, HealthCheckParams::default());
        assert_eq!(outcome, SUCCESS, "{subject}");
    }
}

#[test]
fn one_with_another_certificate_than_the_apps_is_not_called() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Cookie);
    let other = site.app("other", Protection::Cookie);
    // The same name and the same addresses, but not the same key.
    let running = site.start();
    for file in ["client.crt", "client.key"] {
        fs::copy(other.folder.join(file), camera.folder.join(file)).unwrap();
    }
    let mut app = camera.start();
    let outcome = running.called("camera", 1, HealthCheckParams::default());
    assert!(
        matches!(outcome, CallOutcome::Unreachable(_)),
        "{outcome:?}"
    );
    assert!(!app.said().iter().any(|it| it.get("called").is_some()));
}

#[test]
fn a_client_with_a_certificate_that_nobody_knows_is_not_served() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Cookie);
    let running = site.start();
    let mut strangers = Site::new();
    let stranger = strangers.app("camera", Protection::Cookie);
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true, "folder": stranger.folder}}));
    let outcome = app.call_as("PC_ps_temp_req", json!({}), json!({"timeout": 10}));
    assert!(outcome.get("failed").is_some(), "{outcome}");
    // Without one, the cookie says who it is.
    app.tell(&json!({"channel": {}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    assert_eq!(running.desk.taken().len(), 1);
}

#[test]
fn a_cookie_on_the_connection_of_another_apps_certificate_is_refused() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Cookie);
    let other = site.app("other", Protection::Cookie);
    let running = site.start();
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true, "folder": other.folder}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), -4);
    app.tell(&json!({"channel": {"certificate": true}}));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    let requests = running.desk.requests.lock().unwrap();
    assert!(requests[0].1.has_certificate && requests[0].1.is_encrypted);
}

#[test]
fn a_certificate_alone_is_no_cookie() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    app.tell(&json!({"channel": {"certificate": true}}));
    let answer = app.call_as("PC_ps_temp_req", json!({}), json!({"cookies": []}));
    assert_eq!(answer["code"], -4);
    assert!(running.desk.taken().is_empty());
}
