//! The package for Python, and the controller as it is.

use std::fs;
use std::process::Command as Program;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::wait::eventually;
use heliograph_tests::{referee, workspace};
use payload_controller::core::{Command, RunState};
use payload_interface::ReturnCode;

use crate::rig::{Controller, HEALTH, PATIENCE, Site, name};

const DONE: RunState = RunState::Done { late: false };

#[track_caller]
fn ends(controller: &Controller, sequence: &str, state: RunState) -> String {
    let run = controller.begin("camera", sequence);
    let run = controller.ended("camera", run);
    assert_eq!(run.state, state, "{sequence}: {}", run.text);
    run.text
}

fn whole_life(security: &str, kind: &str) {
    let mut site = Site::new();
    site.app("camera", &format!("security = '{security}'"), HEALTH);
    let controller = site.start();
    fs::write(site.outbound("camera").join("image.raw"), "an image").unwrap();
    let script = workspace().join("payload-client/tests/client/camera.py");
    let mut camera = ChildGuard::spawn(
        Program::new(referee::python())
            .arg("-B")
            .arg(script)
            .arg(workspace().join("clients/python"))
            .arg(site.folder_of("camera"))
            .arg(kind),
    );
    camera.wait_for_line("registered", PATIENCE);
    controller.wait_for_life("camera", "up");
    ends(&controller, "Image", DONE);
    ends(&controller, "Devices", DONE);
    let why = ends(&controller, "Broken", RunState::Failed);
    assert_eq!(why, "the shutter is stuck");
    let code = Some(ReturnCode::INVALID_SEQUENCE);
    ends(&controller, "Nothing", RunState::Refused { code });
    ends(&controller, "Lost", DONE);
    let long = controller.begin("camera", "Long");
    eventually(PATIENCE, || {
        let app = name("camera");
        let runs = controller.0.door.look(move |it| it.runs(&app)).unwrap();
        let run = runs.into_iter().find(|it| it.id == long)?;
        (run.percent == 40).then_some(())
    });
    controller.order(Command::CancelRun(long, "clouds".to_owned()));
    assert_eq!(controller.ended("camera", long).state, RunState::Cancelled);

    controller.order(Command::Metrics(name("camera")));
    eventually(PATIENCE, || {
        (controller.view("camera").metrics == [("shots".to_owned(), 7)]).then_some(())
    });
    controller.order(Command::Message {
        app: name("camera"),
        command_id: 3,
        data: vec![1],
    });
    camera.wait_for_line("message 3", PATIENCE);
    assert_eq!(controller.view("camera").misses, 0);
    controller.order(Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 2,
    });
    camera.wait_for_line("shutdown 2", PATIENCE);
    assert!(camera.wait_for_exit(PATIENCE).success());
}

#[test]
fn a_whole_life_in_python_with_a_cookie_over_tls() {
    whole_life("cookie", "secure");
}

#[test]
fn a_whole_life_in_python_in_plain_text() {
    whole_life("plain", "plain");
}

#[test]
fn a_whole_life_in_python_with_certificates_and_the_token_of_a_session() {
    whole_life("native", "secure");
}

#[test]
fn the_example_in_python_takes_an_image_and_shuts_down() {
    let mut site = Site::new();
    site.app("camera", "", HEALTH);
    let controller = site.start();
    let mut example = ChildGuard::spawn(
        Program::new(referee::python())
            .arg("-B")
            .arg(workspace().join("clients/python/hosted_payload.py"))
            .arg(site.folder_of("camera"))
            .arg(site.outbound("camera")),
    );
    controller.wait_for_life("camera", "up");
    ends(&controller, "Image", DONE);
    controller.order(Command::Shutdown {
        app: name("camera"),
        grace: None,
        reason: 0,
    });
    assert!(example.wait_for_exit(PATIENCE).success());
}

/// The package holds the interface as a description, which is made of the `.proto` files.
#[test]
fn the_description_of_the_interface_is_that_of_the_proto_files() {
    let made = tempfile::NamedTempFile::new().unwrap();
    let output = Program::new(referee::python())
        .args(["-m", "grpc_tools.protoc", "-I", "."])
        .arg(format!("--descriptor_set_out={}", made.path().display()))
        .args(["antaris_api.proto", "heliograph_payload.proto"])
        .current_dir(workspace().join("payload-interface/proto"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let package = workspace().join("clients/python/heliograph_payload/interface.binpb");
    let is_it = fs::read(made.path()).unwrap() == fs::read(package).unwrap();
    assert!(
        is_it,
        "make interface.binpb anew, with protoc --descriptor_set_out"
    );
}
