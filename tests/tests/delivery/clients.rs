//! Payloads wait for the ground's receipts.

use std::fs;
use std::path::Path;
use std::process::Command;

use heliograph_tests::c_client::CClient;
use heliograph_tests::generated_client::GeneratedClient;
use heliograph_tests::workspace;

use crate::site::{Site, files};

/// What a client writes.
#[track_caller]
fn said(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Hands a file over, waits until it is delivered, and says what the receipt does.
const WAITS: &str = "import sys, heliograph_oort
agent = heliograph_oort.Agent(f'http://127.0.0.1:{sys.argv[1]}')
item = agent.wait(agent.send_file(sys.argv[2], 'images'), 90)
receipt = agent.receipt(item.uuid)
assert item.state == 'delivered' and receipt.said == item.receipt.said, item.said
print(receipt.uuid, receipt.sha256, receipt.size, receipt.bucket, receipt.key, end='')
";

const READS: &str = "import sys, oort
from oort.api.sdk_v2 import file_receipt
client = oort.Client(f'http://127.0.0.1:{sys.argv[1]}', raise_on_unexpected_status=True)
receipt = file_receipt.sync(sys.argv[2], client=client)
print(receipt.uuid, receipt.sha256, receipt.size, receipt.bucket, receipt.key, end='')
";

#[test]
fn a_payload_waits_for_its_receipt_in_python_and_reads_it_in_c_and_by_a_generated_client() {
    let document = workspace().join("oort-agent/src/api/openapi.json");
    let generated = GeneratedClient::of("oort", &fs::read_to_string(document).unwrap());
    let library = CClient::build();
    let reads = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery/receipt.c");
    let reads = library.program(&reads);
    let site = Site::new(0, |folder| {
        format!("directory = \"{}\"\n", folder.join("out").display())
    });
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let file = site.path("payload/image.raw");
    fs::write(&file, "an image").unwrap();
    let port = site.agent_port.to_string();
    let in_python = said(
        Command::new("python3")
            .args(["-B", "-W", "error", "-c", WAITS, &port])
            .arg(file)
            .env("PYTHONPATH", workspace().join("clients/python")),
    );
    let words: Vec<&str> = in_python.split(' ').collect();
    let [id, _, "8", _, key] = words[..] else {
        panic!("{in_python}");
    };
    assert_eq!(files(&site.path("out"))[key], b"an image");
    assert_eq!(said(Command::new(reads).args([&port, id])), in_python);
    let by_generated = said(generated.python().args(["-c", READS, &port, id]));
    assert_eq!(by_generated, in_python);
}
