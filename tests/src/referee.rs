//! Independent decoders in Python: the scripts of `tests/referees`.
//!
//! A script is asked with JSON objects whose `ask` says what to do; the script
//! itself says which fields each takes and gives. Octets travel as hexadecimal
//! text (see [`crate::hex`]).

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::workspace;

/// CCSDS Space Packets by `spacepackets`: asks `decode`, `encode`, `error_control`.
pub const CCSDS: &str = "ccsds.py";
/// CFDP PDUs by `spacepackets` and checksums by `cfdp-py`: asks `decode`, `encode`,
/// `reserved`, `checksum`.
pub const CFDP: &str = "cfdp.py";
/// AX.25 frames by `aioax25`: asks `decode`, `encode`.
pub const AX25: &str = "ax25.py";
/// KISS by `kiss3` (asks `escape`, `unescape`) and `aioax25` (asks `decode`, `encode`).
pub const KISS: &str = "kiss_framing.py";

/// Protected messages by `hashlib`, `hmac` and `cryptography`: asks `open`, `resync`.
pub const SECURITY: &str = "security.py";

/// What schemathesis is told of the link service; no script, but a module.
pub const OPENAPI_HOOKS: &str = "openapi_hooks";
/// The same of a ground that serves tasking.
pub const TASKING_HOOKS: &str = "tasking_hooks";
/// Orbits by `sgp4`, `skyfield` and ERFA: asks `positions`, `sun`, `passes`,
/// `all_passes`, `looks`.
pub const ORBIT: &str = "orbit.py";

/// What a referee said: its answer, or why its library rejects what it was shown.
pub type Verdict = Result<Value, Refusal>;

/// Why a referee's library rejects what it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

/// The interpreter of the referees; panics when they are not installed.
#[track_caller]
pub fn python() -> PathBuf {
    let python = workspace().join("target/referees/bin/python");
    assert!(
        python.is_file(),
        "the Python referees are not installed: run `cargo xtask setup`"
    );
    python
}

/// Where the scripts are.
pub fn scripts() -> PathBuf {
    workspace().join("tests/referees")
}

/// Asks `script` one question. See [`ask_all`] for many: starting the
/// interpreter is what takes the time.
#[track_caller]
pub fn ask(script: &str, question: &Value) -> Verdict {
    let mut verdicts = ask_all(script, std::slice::from_ref(question));
    verdicts.remove(0)
}

/// Asks `script` all `questions` at once; one verdict for each, in order.
///
/// Panics when the referees are not installed, or when the script does not
/// understand a question.
#[track_caller]
pub fn ask_all(script: &str, questions: &[Value]) -> Vec<Verdict> {
    let python = python();
    let script = scripts().join(script);
    let spawned = Command::new(&python)
        // No compiled files beside the scripts.
        .arg("-B")
        .arg(&script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => panic!("cannot start {}: {error}", python.display()),
    };
    // A script reads all of its input before it says anything. One that ends
    // without doing so is told of below, with its last words.
    let input = json!(questions).to_string();
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the script's output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{} ended with {}; if a Python module is missing, run `cargo xtask setup`:\n{said}",
        script.display(),
        output.status,
    );
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).expect("a JSON list");
    assert_eq!(answers.len(), questions.len(), "one answer a question");
    answers.into_iter().map(verdict).collect()
}

fn verdict(mut answer: Value) -> Verdict {
    match answer.get("refused").and_then(Value::as_str) {
        Some(why) => Err(Refusal(why.to_owned())),
        None => Ok(answer["answer"].take()),
    }
}
