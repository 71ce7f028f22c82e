//! Clients that are not ours.

use std::process::Command;

use crate::site::Site;

#[test]
fn a_foreign_client_sends_its_octets_and_obeys_the_content_type() {
    let site = Site::new();
    let agent = site.start(&[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oort_agent/client.py");
    let output = Command::new("python3")
        .args(["-B", "-W", "error", script, &agent.port.to_string()])
        .args([site.path("payload"), site.path("work")])
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
