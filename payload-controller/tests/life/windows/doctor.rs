//! What the doctor says of a customer's `payload_exec`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::rig::executable;

struct Customer(TempDir);

struct Said {
    code: Option<i32>,
    text: String,
}

impl Customer {
    fn new(script: &str) -> Customer {
        let customer = Customer(TempDir::new().unwrap());
        executable(&customer.path(), script);
        customer
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("payload_exec")
    }

    fn examined(&self, more: &[&str]) -> Said {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_payload-controller"));
        doctor.arg("doctor").arg(self.path()).args(more);
        let ended = doctor.args(["--duration-s", "1"]).output().unwrap();
        let text = [ended.stdout, ended.stderr].concat();
        Said {
            code: ended.status.code(),
            text: String::from_utf8(text).unwrap(),
        }
    }
}

impl Said {
    #[track_caller]
    fn has(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.text);
        for words in words {
            assert!(self.text.contains(words), "no `{words}` in\n{}", self.text);
        }
    }
}

/// The example of the original, as far as it matters: its `-e` wants a word.
const BROKEN: &str = "#!/usr/bin/env python3\n\
    import argparse\n\
    parser = argparse.ArgumentParser()\n\
    parser.add_argument('-u', type=str)\n\
    parser.add_argument('-e', type=bool, default=False)\n\
    parser.add_argument('-w', type=int)\n\
    parser.add_argument('-t', type=int)\n\
    parser.parse_args()\n";

#[test]
fn the_example_of_the_original_fails_and_it_is_said_why() {
    let said = Customer::new(BROKEN).examined(&[]);
    said.has(
        1,
        &[
            "a script for /usr",
            "payload_exec -u john -e -w 1304893\n",
            "exit code 2",
            "argument -e: expected one argument",
            "the window fails, and is not started",
            "declare it by action=\"store_true\", not by type=bool",
            "a window would fail",
        ],
    );
}

#[test]
fn one_that_is_as_it_should_be_is_told_what_it_was_given() {
    let script = "#!/bin/sh\ncase \"$*\" in\n-u\\ mary\\ -e*) echo ready;;\n*) echo shot;;\nesac\n";
    let said = Customer::new(script).examined(&["--user", "mary", "--version", "2"]);
    said.has(
        0,
        &[
            "signalling version 2",
            "window_configs/1304893.json is there",
            "{\"version\":2,\"signal_parameters\":{\"window_id\":\"1304893\",\"payload\":\"payload\",\"user\":\"mary\"",
            "payload_exec -u mary -e -w 1304893 -t 1",
            "stdout | ready",
            "payload_exec -u mary -w 1304893 -t 1",
            "stdout | shot",
            "exit code 0 after 0.",
            "a window would be executed",
        ],
    );
}

#[test]
fn one_that_works_until_it_is_killed_does_and_is_told_so() {
    let script = "#!/bin/sh\ncase \"$*\" in *-e*) exit 0;; esac\nexec sleep 600\n";
    let said = Customer::new(script).examined(&[]);
    said.has(
        0,
        &[
            "was killed after 1.",
            "it is at work until the end of the window",
        ],
    );
}

#[test]
fn one_whose_start_fails_would_fail_its_window() {
    let script = "#!/bin/sh\ncase \"$*\" in *-e*) exit 0;; esac\necho no lens >&2\nexit 3\n";
    let said = Customer::new(script).examined(&[]);
    said.has(
        1,
        &[
            "exit code 3: the window fails, and ends at once",
            "stderr | no lens",
        ],
    );
}

#[test]
fn what_cannot_be_called_at_all_is_said_before_it_is_called() {
    for (script, words) in [
        (
            "#!/no/such/python\n",
            "its interpreter `/no/such/python` is not there",
        ),
        (
            "#!/usr/bin/env no-such-python\n",
            "its interpreter `no-such-python` is not in PATH",
        ),
        ("#!/bin/sh\r\nexit 0\r\n", "end with CR LF"),
        ("exit 0\n", "Exec format error"),
    ] {
        Customer::new(script)
            .examined(&[])
            .has(1, &[words, "a window would fail"]);
    }
    let customer = Customer::new("#!/bin/sh\n");
    fs::set_permissions(customer.path(), fs::Permissions::from_mode(0o644)).unwrap();
    customer
        .examined(&[])
        .has(1, &["not executable (mode 644): chmod 755 it"]);
    fs::remove_file(customer.path()).unwrap();
    customer
        .examined(&[])
        .has(1, &["No such file or directory"]);
}

#[test]
fn a_signaling_directory_without_window_configs_fails_as_on_board() {
    let customer = Customer::new("#!/bin/sh\n");
    let at = customer.0.path().to_str().unwrap();
    customer.examined(&["--signaling-dir", at]).has(
        1,
        &[
            "the window fails on board",
            "window_configs is no directory",
        ],
    );
    fs::create_dir(customer.0.path().join("window_configs")).unwrap();
    customer.examined(&["--signaling-dir", at]).has(0, &[]);
    let left = fs::read_dir(customer.0.path().join("window_configs")).unwrap();
    assert_eq!(left.count(), 0, "what was made is removed");
}

#[test]
fn programs_are_told_in_json() {
    let said = Customer::new("#!/bin/sh\necho $2\n").examined(&["--json"]);
    said.has(0, &[]);
    let report: Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(
        (&report["version"], &report["would_fail"]),
        (&json!(1), &json!(false))
    );
    let configure = &report["findings"][2];
    assert_eq!(configure["what"], "configure");
    assert_eq!(configure["level"], "ok");
    assert_eq!(configure["call"]["argv"][1], "-u");
    assert_eq!(configure["call"]["exit_code"], 0);
    assert_eq!(configure["call"]["output"], "john\n");
    let content = report["config"]["content"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(content).is_ok(), "{content}");
}
