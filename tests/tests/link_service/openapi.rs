//! The interface of apps is what its document says, whatever is asked.

use std::fs;
use std::process::Command;

use heliograph_tests::referee::{self, OPENAPI_HOOKS};

use crate::site::{Site, TOKEN};

/// Of each path, in each phase.
const EXAMPLES: &str = "25";
/// Each run asks the same.
const SEED: &str = "7";

#[test]
fn schemathesis_finds_no_answer_that_is_not_as_the_document_says() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", b"an image");
    let python = referee::python();
    let scripts = referee::scripts();
    let output = Command::new(python.with_file_name("st"))
        .args(["run", &format!("{}/v1/openapi.json", service.url)])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args([
            "--checks",
            "all",
            "--max-examples",
            EXAMPLES,
            "--seed",
            SEED,
        ])
        .args(["--generation-database", "none", "--no-color"])
        .env("PYTHONPATH", scripts)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", OPENAPI_HOOKS)
        // What it remembers is of this run.
        .current_dir(site.path(""))
        .output()
        .expect("schemathesis");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    // It did ask: requests were accepted, and nothing was found.
    let (_, metrics) = service.get("/metrics", None);
    let accepted = metrics
        .lines()
        .find_map(|line| line.strip_prefix("link_requests_total{code=\"ACCEPTED\"} "));
    let accepted: u32 = accepted.unwrap().parse().unwrap();
    assert!(accepted >= 5, "{accepted} were accepted:\n{said}");
    assert!(said.contains("11 selected / 11 total"), "{said}");
    let left = fs::read(site.path("apps/camera/outbox/image.raw"));
    assert_eq!(left.unwrap(), b"an image");
    service.stop();
}
