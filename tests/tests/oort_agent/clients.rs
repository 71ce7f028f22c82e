//! Clients: foreign ones, and ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::generated_client::GeneratedClient;
use heliograph_tests::ports::free_tcp_port;

use crate::site::{PATIENCE, Site};

#[track_caller]
pub(crate) fn succeeds(command: &mut Command) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

fn script(name: &str) -> String {
    format!("{}/tests/oort_agent/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_foreign_client_sends_its_octets_and_obeys_the_content_type() {
    let site = Site::new();
    let agent = site.start(&[]);
    succeeds(
        Command::new("python3")
            .args(["-B", "-W", "error", &script("client.py")])
            .arg(agent.port.to_string())
            .args([site.path("payload"), site.path("work")]),
    );
}

#[test]
fn a_client_that_a_public_generator_made_of_the_document_asks_all_that_it_describes() {
    let site = Site::new();
    let token = site.file("token", "0123456789abcdef");
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let agent = site.start(&["--token-file", token.to_str().unwrap()]);
    let document = ureq::get(agent.url("/sdk/v2/openapi.json"));
    let document = document.header("Authorization", "Bearer 0123456789abcdef");
    let mut document = document.call().unwrap();
    let document = document.body_mut().read_to_string().unwrap();
    let client = GeneratedClient::of("oort", &document);
    succeeds(
        client
            .python()
            .arg(script("generated.py"))
            .arg(agent.port.to_string())
            .args([site.path("payload"), site.path("work")])
            .arg("0123456789abcdef"),
    );
}

/// Where our clients are.
fn ours() -> PathBuf {
    heliograph_tests::workspace().join("clients")
}

#[test]
fn all_that_the_agent_does_is_asked_in_python() {
    let site = Site::new();
    let agent = site.start(&[]);
    succeeds(
        Command::new("python3")
            .args(["-B", "-W", "error", &script("ours.py")])
            .arg(agent.port.to_string())
            .args([site.path("payload"), site.path("work")])
            .env("PYTHONPATH", ours().join("python")),
    );
}

#[test]
fn a_file_that_is_sent_in_python_while_the_agent_is_away_is_sent_once_it_is_there() {
    let site = Site::new();
    let token = site.file("token", "0123456789abcdef");
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let port = free_tcp_port();
    let sends = "import sys, heliograph_oort as oort
agent = oort.Agent(f'127.0.0.1:{sys.argv[1]}', '0123456789abcdef', patience=60)
print('asks', flush=True)
print(agent.status(agent.send_file(sys.argv[2], 'images')).state)
";
    let mut python = Command::new("python3");
    python.args(["-B", "-W", "error", "-c", sends, &port.to_string()]);
    python.arg(site.file("a", "octets"));
    let mut client = ChildGuard::spawn(python.env("PYTHONPATH", ours().join("python")));
    client.wait_for_line("asks", PATIENCE);
    let _agent = site.start_at(port, &["--token-file", token.to_str().unwrap()]);
    client.wait_for_line("waiting", PATIENCE);
    assert!(client.wait_for_exit(PATIENCE).success());
}
