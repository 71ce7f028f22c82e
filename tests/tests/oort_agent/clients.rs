//! Clients that are not ours.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use heliograph_tests::generated_client::GeneratedClient;

use crate::site::Site;

#[track_caller]
fn succeeds(command: &mut Command) {
    let output = command.output().expect("python3");
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
