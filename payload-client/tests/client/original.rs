//! A controller that knows the original's interface and no extension, by an independent stack.

use std::path::Path;
use std::process::Command as Program;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::payload::generate;
use heliograph_tests::{referee, workspace};
use payload_client::{Channel, OnFailedHealth, Payload, Run, create_insecure_channel};

use crate::rig::{PATIENCE, Site};

struct Camera;

impl Payload for Camera {
    fn sequence(&self, _: &Channel, run: &Run) -> Result<(), String> {
        let told = run.progress(50, "half");
        told.map_err(|error| format!("the extension is missed: {error}"))?;
        match run.sequence() {
            "Broken" => Err("the shutter is stuck".to_owned()),
            _ => Ok(()),
        }
    }
}

/// It begins the sequences one after the other, each when the one before is done, and then has
/// the payload shut down.
fn controller(generated: &Path, site: &Site) -> ChildGuard {
    let controller = ChildGuard::spawn(
        Program::new(referee::python())
            .arg("-B")
            .arg(referee::scripts().join("original_controller.py"))
            .args([generated, &site.folder_of("camera")])
            .args(["Quick", "Broken"]),
    );
    controller.wait_for_line("ready", PATIENCE);
    controller
}

/// All that the payload said, in that order.
fn said(controller: &mut ChildGuard) -> String {
    let said = controller.wait_for_line("said", PATIENCE);
    assert!(controller.wait_for_exit(PATIENCE).success());
    said
}

/// An answer that nobody asked for is `An_INVALID_PARAMS`.
const SAID: &str = "said PC_register PC_sequence_done:Quick PC_sequence_done:Broken \
                    PC_response_shutdown unasked:-5";

#[test]
fn a_controller_without_the_extension_hears_that_sequences_are_done() {
    let generated = tempfile::TempDir::new().unwrap();
    generate(generated.path());
    let mut site = Site::new();
    let camera = site.app("camera", "security = 'plain'", "");
    let mut controller = controller(generated.path(), &site);
    let channel = create_insecure_channel(&camera, Camera).unwrap();
    channel.register(OnFailedHealth::Nothing).unwrap();
    assert!(channel.wait_for_shutdown(Some(PATIENCE)));
    channel.delete_channel();
    assert_eq!(said(&mut controller), SAID);
}

#[test]
fn a_controller_without_the_extension_hears_it_from_python_too() {
    let generated = tempfile::TempDir::new().unwrap();
    generate(generated.path());
    let mut site = Site::new();
    site.app("camera", "security = 'plain'", "");
    let mut controller = controller(generated.path(), &site);
    let script = workspace().join("payload-client/tests/client/camera.py");
    let mut camera = ChildGuard::spawn(
        Program::new(referee::python())
            .arg("-B")
            .arg(script)
            .arg(workspace().join("clients/python"))
            .arg(site.folder_of("camera"))
            .arg("plain"),
    );
    assert!(camera.wait_for_exit(PATIENCE).success());
    assert_eq!(said(&mut controller), SAID);
}
