//! Who is who.

use payload_client::interface::messages::ShutdownParams;
use payload_client::{
    CallError, Channel, ChannelError, Files, OnFailedHealth, Payload, Run, create_channel,
    create_insecure_channel,
};
use payload_interface::{CallId, Callback};

use crate::rig::{HEALTH, PATIENCE, Site, hasty, name};

struct Quiet;

impl Payload for Quiet {
    fn sequence(&self, _: &Channel, _: &Run) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn an_app_that_is_provisioned_for_tls_does_not_speak_in_plain_text() {
    let mut site = Site::new();
    let camera = site.app("camera", "", "");
    let refused = create_insecure_channel(&camera, Quiet).unwrap_err();
    assert!(
        matches!(refused, ChannelError::OtherSecurity { flag: 1, .. }),
        "{refused}"
    );
}

#[test]
fn another_controller_than_the_one_that_is_known_is_not_called() {
    let mut site = Site::new();
    let mut camera = site.app("camera", "", "");
    let mut elsewhere = Site::new();
    let foreign: Files = elsewhere.app("camera", "", "");
    let _controller = site.start();
    camera.controller = foreign.controller;
    let channel = create_channel(&camera, Quiet).unwrap();
    let error = channel.register(OnFailedHealth::Nothing).unwrap_err();
    assert!(matches!(error, CallError::Unreachable { .. }), "{error}");
}

/// Weakness: whoever could connect, could shut a payload down.
#[test]
fn nobody_but_the_controller_can_call_a_payload() {
    let mut site = Site::new();
    let camera = site.app("camera", "", HEALTH);
    let controller = site.start();
    let channel = create_channel(&camera, Quiet).unwrap();
    channel.register(OnFailedHealth::Nothing).unwrap();

    // Another controller that knows the payload's certificate and where it is called.
    let mut elsewhere = Site::new();
    let port = hasty(&camera).listen;
    let _: Files = elsewhere.app("camera", "", "");
    let config = std::fs::read_to_string(elsewhere.file()).unwrap();
    let own = hasty(&Files::folder(&elsewhere.folder_of("camera"))).listen;
    let config = config.replace(&own.to_string(), &port.to_string());
    std::fs::write(elsewhere.file(), config).unwrap();
    let copied = elsewhere.folder_of("camera").join("client.crt");
    std::fs::copy(&camera.certificate, copied).unwrap();
    let spoofer = elsewhere.start();
    let shutdown = Callback::ShutdownApp(ShutdownParams::default());
    let payloads = spoofer.0.grpc.as_ref().unwrap().payloads();
    payloads.call(&name("camera"), CallId(77), shutdown, PATIENCE);
    assert!(!channel.wait_for_shutdown(Some(std::time::Duration::from_millis(500))));
    assert_eq!(controller.view("camera").life, "up");
}

/// Weakness: the cookie was printed.
#[test]
fn a_cookie_and_the_token_of_a_session_are_not_shown() {
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'native'", HEALTH);
    let _controller = site.start();
    let config = std::fs::read_to_string(&camera.config).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let cookie = config["cookie"].as_str().unwrap();
    let setup = hasty(&camera);
    assert!(!format!("{setup:?}").contains(cookie));
    let channel = Channel::open(setup, Quiet).unwrap();
    channel.register(OnFailedHealth::Nothing).unwrap();
    let shown = format!("{channel:?}");
    assert!(!shown.contains(cookie), "{shown}");
    assert!(shown.contains("data: Some(Secret)"), "{shown}");
}
