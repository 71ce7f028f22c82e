//! The controller is killed, and another one goes on. Payloads register once, and never again.

use std::fs::File;

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use serde_json::json;

use crate::process::Process;
use crate::rig::{Site, register};

#[test]
fn killed_in_the_middle_of_a_run_the_next_controller_finds_payload_run_and_power() {
    for security in ["cookie", "native"] {
        let mut site = Site::new();
        let connection = format!("security = '{security}'");
        let camera = site.app(
            "camera",
            &connection,
            "health = { every-ms = 1000, deadline-ms = 900 }",
        );
        let mut controller = Process::start(&site.file());
        let mut app = camera.start();
        app.tell(&json!({"channel": {"certificate": security == "native"}}));
        register(&mut app);
        let on = json!({"power_operation": 1, "hw_id": 134});
        assert_eq!(app.call("PC_payload_power_control", on), 0);
        app.called("PA_ProcessResponsePayloadPowerControl");
        assert!(controller.begin("camera", "Image").starts_with("Ok"));
        app.called("PA_StartSequence");
        eventually(PATIENCE, || {
            (controller.runs("camera") == "accepted").then_some(())
        });
        controller.kill();

        let checks = |app: &heliograph_tests::payload::Peer| {
            let said = app.said_so_far();
            let checks = said
                .iter()
                .filter(|it| it["called"] == "PA_ProcessHealthCheck");
            checks.count()
        };
        let before = checks(&app);
        let mut controller = Process::start(&site.file());
        // It is found without a word of its own.
        eventually(PATIENCE, || (checks(&app) > before + 1).then_some(()));
        assert!(controller.devices().contains("is_on: true"));
        let runs = controller.runs("camera");
        assert_eq!(runs, "accepted");
        app.tell(&json!({"channel": {"certificate": security == "native"}}));
        assert_eq!(
            app.call("PC_sequence_done", json!({"sequence_id": "Image"})),
            0
        );
        eventually(PATIENCE, || {
            (controller.runs("camera") == "done").then_some(())
        });
        let said = app.said();
        let starts = said.iter().filter(|it| it["called"] == "PA_StartSequence");
        assert_eq!(starts.count(), 1);
    }
}

#[test]
fn killed_in_the_middle_of_a_copy_the_next_controller_makes_it_and_the_payload_hears() {
    let mut site = Site::new();
    let camera = site.app("camera", "", "copies-to = ['camera']");
    let controller = Process::start(&site.file());
    let mut app = camera.start();
    register(&mut app);
    let octets = 512 << 20;
    let outbound = site.outbound("camera");
    let large = File::create(outbound.join("large")).unwrap();
    large.set_len(octets).unwrap();
    // Its name is `large`.
    let file = json!({"filename_length": 5, "filename": "bGFyZ2U="});
    let copy = json!({"peer_app_id": 1, "no_of_files": 1, "file_input": [file],
        "correlation_id": 77});
    assert_eq!(app.call("PC_host_to_peer_fcm_operation", copy), 0);
    let inbound = outbound.with_file_name("inbound").join("camera");
    let begun = inbound.join(".payload-controller.part");
    eventually(PATIENCE, || begun.exists().then_some(()));
    controller.kill();
    assert!(!inbound.join("large").exists(), "it was in the middle");

    let _controller = Process::start(&site.file());
    // Its fields that are 0, as a success is, are left out.
    let told = app.called("PA_ProcessHostToPeerFcmOperationNotify");
    assert_eq!(told, json!({"correlation_id": 77, "file_name": "large"}));
    let copied = std::fs::metadata(inbound.join("large")).unwrap();
    assert_eq!(copied.len(), octets);
    assert!(!begun.exists());
}
