//! `link-service explain`: what an operator is told.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::with_rules;

const RULES: [&str; 3] = [
    "from = 'camera', to = 'analyser', size-max = 1000",
    "from = 'camera', to = 'ground', priority-max = 'critical'",
    "from = '*', to = 'camera', allow = false",
];

struct Rig {
    directory: TempDir,
}

impl Rig {
    fn new(text: &str) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("config.toml"), text).unwrap();
        Rig { directory }
    }

    /// Runs it with the words of `line`, where the configuration is.
    fn explain(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_link-service"));
        command.arg("explain").args(line.split_whitespace());
        command.current_dir(self.directory.path()).output().unwrap()
    }

    fn says(&self, line: &str) -> (i32, String) {
        let output = self.explain(line);
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }
}

#[test]
fn it_says_in_words_which_rule_decides() {
    let rig = Rig::new(&with_rules(&RULES));
    for (line, code, words) in [
        (
            "--from camera --to analyser --size 1000",
            0,
            &["allowed by rule 1", "size-max = 1000"][..],
        ),
        (
            "--from camera --to analyser --size 1001",
            1,
            &["denied by rule 1", "1001 octets"],
        ),
        (
            "--from camera --to ground --priority critical",
            0,
            &["allowed by rule 2"],
        ),
        (
            "--from analyser --to camera",
            1,
            &["denied by rule 3", "allow = false"],
        ),
        (
            "--from camera --to analyser --priority critical",
            1,
            &["rule 1", "critical", "high"],
        ),
        (
            "--from analyser --to ground",
            1,
            &["denied: no rule is about downlink from analyser"],
        ),
        (
            "--from camera --to ground --type app2app",
            1,
            &["nothing goes", "app2app"],
        ),
        (
            "--from stranger --to camera",
            1,
            &["no app `stranger` to send"],
        ),
        (
            "--from camera --to stranger",
            1,
            &["no app `stranger` to receive"],
        ),
        (
            "-c config.toml --from x@node-b --to camera",
            1,
            &["crosslink from x@node-b"],
        ),
    ] {
        let (status, said) = rig.says(line);
        assert_eq!(status, code, "{line}: {said}");
        assert!(
            words.iter().all(|word| said.contains(word)),
            "{line}: {said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn it_says_the_same_as_json() {
    let rig = Rig::new(&with_rules(&RULES));
    let answer = |line: &str| -> Value {
        serde_json::from_slice(&rig.explain(&format!("--json {line}")).stdout).unwrap()
    };
    let text = "from = \"camera\", to = \"analyser\", type = \"*\", size-max = 1000";
    assert_eq!(
        answer("--from camera --to analyser --size 5"),
        json!({
            "allowed": true,
            "by": "rule",
            "rule": { "number": 1, "text": text },
            "reason": format!("allowed by rule 1: {text}"),
        })
    );
    for (line, code, status, by) in [
        (
            "--from camera --to analyser --size 2000",
            "TOO_LARGE",
            "REJECTED",
            "size-max",
        ),
        (
            "--from camera --to analyser --priority critical",
            "FORBIDDEN",
            "FORBIDDEN",
            "priority-max",
        ),
        (
            "--from analyser --to camera",
            "FORBIDDEN",
            "FORBIDDEN",
            "rule",
        ),
        (
            "--from analyser --to ground",
            "FORBIDDEN",
            "FORBIDDEN",
            "default",
        ),
        (
            "--from camera --to ground --type uplink",
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            "type",
        ),
        (
            "--from x --to camera",
            "UNKNOWN_SENDER",
            "UNAUTHORIZED",
            "sender",
        ),
        (
            "--from camera --to x",
            "UNKNOWN_RECIPIENT",
            "NOT_FOUND",
            "recipient",
        ),
    ] {
        let answer = answer(line);
        assert_eq!(answer["allowed"], false, "{line}");
        let told = [&answer["code"], &answer["status"], &answer["by"]];
        assert_eq!(told, [code, status, by], "{line}");
    }
}

#[test]
fn a_question_that_cannot_be_is_no_denial() {
    let rig = Rig::new(&with_rules(&RULES));
    for (line, words) in [
        ("--from camera", "--to"),
        ("--from Camera --to ground", "Camera"),
        ("--from camera --to ground --type sideways", "sideways"),
        ("--from camera --to ground --priority top", "top"),
        ("--from camera --to ground --size -1", "-1"),
        ("-c nowhere.toml --from camera --to ground", "nowhere.toml"),
    ] {
        let (status, said) = rig.says(line);
        assert_eq!(status, 2, "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
    }
}

#[test]
fn a_configuration_that_the_service_would_refuse_decides_nothing() {
    let rig = Rig::new(&with_rules(&["from = 'camra', to = 'ground'"]));
    let (status, said) = rig.says("--from camera --to ground");
    assert_eq!(status, 2, "{said}");
    assert!(
        said.contains("`camera`?") && said.starts_with("link-service: "),
        "{said}"
    );
}
