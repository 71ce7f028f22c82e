//! Configuration, and the command line.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;

use crate::assert_fails_with_one_line;
use crate::rig::{Child, Rig};

#[test]
fn an_unknown_link_lists_the_known_ones() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let outcome = rig.run(&["--link", "uhv", "query", "--service", "8020", "{ a }"]);
    assert_fails_with_one_line(outcome, &["`uhv`", "`uhf`", "config.toml"]);
}

#[test]
fn an_unknown_key_is_named() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    rig.configure("speed = 9600\n");
    let outcome = rig.run(&["listen"]);
    assert_fails_with_one_line(outcome, &["`speed`", "config.toml", "`uhf`"]);
}

#[test]
fn a_file_of_the_command_line_without_a_link_is_refused() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let text = fs::read_to_string(&rig.config).unwrap();
    for key in ["lnik", "radios"] {
        let mistyped = text.replace("[[link]]", &format!("[[{key}]]"));
        let mistyped = mistyped.replace("[link.radio]", &format!("[{key}.radio]"));
        fs::write(&rig.config, mistyped).unwrap();
        let outcome = rig.run(&["listen"]);
        assert_fails_with_one_line(outcome, &["config.toml", "[[link]]"]);
    }
}

#[test]
fn a_file_that_was_found_without_a_link_is_named_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "[[radios]]\na = 1\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ground"));
    command.args(["-l", "warn", "--link", "none", "listen"]);
    command.current_dir(folder.path()).env_remove("RUST_LOG");
    let (code, _, stderr) = Child::start(&mut command).finish();
    assert_eq!(code, 1);
    assert!(stderr.contains("./config.toml: no [[link]]"), "{stderr}");
}

#[test]
fn a_radio_that_somebody_else_has_is_one_line() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(&rig.config).unwrap();
    let bind = text.lines().find(|line| line.starts_with("bind")).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fs::write(
        &rig.config,
        text.replace(bind, &format!("bind = '{address}'")),
    )
    .unwrap();
    let outcome = rig.run(&["query", "--service", "8020", "{ a }"]);
    let whose = ["another `ground`", "HELIOGRAPH_RUNTIME_DIR", "flatsat"];
    assert_fails_with_one_line(
        outcome,
        &[&["radio of link `uhf`", &address], &whose[..]].concat(),
    );
}

#[test]
fn a_runtime_directory_too_deep_for_a_socket_is_refused_before_the_radio_is_opened() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let deep = rig.runtime_dir().join("d".repeat(100));
    let mut command = rig.command(&["listen"]);
    command.env("HELIOGRAPH_RUNTIME_DIR", &deep);
    let outcome = Child::start(&mut command).finish();
    let parts = ["runtime directory", "too long", "HELIOGRAPH_RUNTIME_DIR"];
    assert_fails_with_one_line(outcome, &parts);
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0, "a lock was taken");
}

#[test]
fn a_usage_error_is_exit_code_2() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    assert_eq!(rig.run(&["query"]).0, 2);
    assert_eq!(rig.run(&["listen", "--for", "soon"]).0, 2);
    assert_eq!(rig.run(&["--help"]).0, 0);
}
