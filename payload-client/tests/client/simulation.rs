//! `payload-controller simulate`, and payloads that are tried with it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;

use heliograph_tests::binaries::{ChildGuard, example};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use tempfile::TempDir;

use crate::rig::{HEALTH, PATIENCE, program};

const STEPS: &str = "\
    { app = 'camera', start = 'Image', params = 'exposure=5', within-s = 60 },\n\
    { app = 'camera', start = 'Nothing', expect = 'refused' },\n\
    { app = 'camera', metrics = true },\n\
    { app = 'camera', rest-s = 1 },\n\
    { app = 'camera', shutdown = { grace-s = 10, reason = 1 } },\n";

/// Plays that with an example; the exit code of the simulator.
fn simulate(steps: &str, payload: &[&str]) -> ExitCode {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("camera.toml");
    let (port, callbacks) = (free_tcp_port(), free_tcp_port());
    let config = format!(
        "[payload-controller.grpc]\n\
         addr = '127.0.0.1:{port}'\n\
         [[payload-controller.apps]]\n\
         name = 'camera'\n\
         number = 1\n\
         {HEALTH}\n\
         connection = {{ callbacks = '127.0.0.1:{callbacks}' }}\n\
         [simulation]\n\
         folder = 'here'\n\
         register-within-s = 30\n\
         steps = [\n{steps}]\n"
    );
    fs::write(&file, config).unwrap();
    let simulator = thread::spawn(move || program(&["simulate"], &file));
    let own: PathBuf = folder.path().join("here/credentials/apps/camera");
    // The last file that is made before the controller runs.
    eventually(PATIENCE, || own.join("sdk_env.conf").exists().then_some(()));
    eventually(PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let mut command = Command::new(example(payload[0]));
    command
        .arg(own)
        .arg(folder.path().join("here/apps/camera/outbound"));
    command.args(&payload[1..]);
    let _payload = ChildGuard::spawn(&mut command);
    simulator.join().unwrap()
}

#[test]
fn a_payload_that_keeps_the_rules_is_told_so() {
    assert_eq!(simulate(STEPS, &["payload"]), ExitCode::SUCCESS);
}

#[test]
fn a_sequence_that_ends_otherwise_than_it_is_to_is_told() {
    let steps = "{ app = 'camera', start = 'Image', expect = 'failed' }";
    assert_eq!(simulate(steps, &["payload"]), ExitCode::FAILURE);
}

#[test]
fn a_payload_that_is_silent_is_told() {
    let payload = ["faulty", "--fault", "silent"];
    let steps = "{ app = 'camera', rest-s = 3 }";
    assert_eq!(simulate(steps, &payload), ExitCode::FAILURE);
}

#[test]
fn a_plan_with_a_step_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plan.toml");
    fs::write(&file, "[simulation]\nsteps = [ { app = 'camera' } ]").unwrap();
    assert_eq!(program(&["simulate"], &file), ExitCode::FAILURE);
}
