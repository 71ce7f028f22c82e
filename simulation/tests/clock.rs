//! Virtual time is all the time there is: what decides asks no clock.

use std::fs;
use std::path::{Path, PathBuf};

/// What decides, in `comms-service`; the shell around it has the clock.
const ENGINE: [&str; 10] = [
    "accounting.rs",
    "budget",
    "graphql_error.rs",
    "link",
    "link_control",
    "message.rs",
    "packet",
    "reassembly",
    "security",
    "telemetry.rs",
];
const CLOCKS: [&str; 4] = ["Instant::now", "SystemTime", "thread::sleep", "UNIX_EPOCH"];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
    } else if let Ok(entries) = fs::read_dir(path) {
        for entry in entries {
            sources(&entry.expect("an entry").path(), found);
        }
    }
}

/// So a jump of the wall clock is nothing to it.
#[test]
fn the_engine_asks_no_clock() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../comms-service/src");
    let mut found = Vec::new();
    for name in ENGINE {
        sources(&source.join(name), &mut found);
    }
    assert!(found.len() >= 15, "{found:?}");
    for path in found {
        let text = fs::read_to_string(&path).expect("a source file");
        let decides = text.split("#[cfg(test)]").next().unwrap_or_default();
        for clock in CLOCKS {
            assert!(!decides.contains(clock), "{}: {clock}", path.display());
        }
    }
}
