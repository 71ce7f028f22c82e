//! A payload on another machine, by SSH.

use std::fs;

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use super::rig::*;
use super::sshd::{Sshd, mode};

#[test]
fn a_window_over_ssh_has_its_clock_its_configuration_its_calls_and_what_they_return() {
    let sshd = Sshd::new();
    let _daemon = sshd.start();
    let keys = format!("version = 2\n{}", sshd.transport());
    let script = "case \"$*\" in *-e*) echo ready;; *) echo shot; echo dim >&2; exit 4;; esac\n";
    let craft = Spacecraft::new(&keys, script);
    let _controller = craft.start();
    let start = craft.window("1304893", 6, 60);
    let window = craft.wait_for("1304893", "FAILED");
    assert_eq!(window["reason"], "start ended with exit code 4: dim");
    assert_eq!(window["configure"]["output"], "ready\n");
    assert_eq!(window["configure"]["exitCode"], 0);
    assert_eq!(window["execution"]["output"], "shot\n");
    assert_eq!(window["execution"]["errors"], "dim\n");
    assert_eq!(window["execution"]["exitCode"], 4);
    let calls = craft.calls();
    assert!(
        calls[0].starts_with("-u john -e -w 1304893 -t "),
        "{calls:?}"
    );
    assert_eq!(calls[1], format!("-u john -w 1304893 -t {}", start + 60));
    let config = craft.path("signaling/window_configs/1304893.json");
    let config: Value = serde_json::from_slice(&fs::read(config).unwrap()).unwrap();
    assert_eq!(config["version"], 2);
    assert_eq!(
        config["signal_parameters"]["tasking_parameters"]["deg"],
        json!(1.5)
    );
    let dates = sshd.dates();
    let set: u64 = dates
        .trim()
        .strip_prefix("-u -s @")
        .unwrap()
        .parse()
        .unwrap();
    assert!((start - 6..=start).contains(&set), "{dates}");
    craft.wait_until_off();
}

#[test]
fn paths_are_one_word_for_the_shell_there() {
    let sshd = Sshd::new();
    let _daemon = sshd.start();
    let craft = Spacecraft::new("version = 1", "");
    let odd = craft.path("it's $(touch here) a payload");
    fs::create_dir_all(odd.join("window_configs")).unwrap();
    executable(&odd.join("payload exec"), "#!/bin/sh\necho called\n");
    craft.configure_at(
        &format!("version = 1\n{}", sshd.transport()),
        &odd.join("payload exec"),
        &odd,
    );
    let _controller = craft.start();
    craft.window("1", 6, 10);
    let window = craft.wait_for("1", "EXECUTED");
    assert_eq!(window["configure"]["output"], "called\n");
    assert!(odd.join("window_configs/1.json").exists());
    assert_eq!(mode(&odd.join("window_configs/1.json")), 0o644);
}

#[test]
fn a_machine_with_another_key_is_not_spoken_to() {
    let sshd = Sshd::new();
    sshd.know(&sshd.another_key());
    let _daemon = sshd.start();
    let keys = format!("version = 1\nlate-start-max-s = 0\n{}", sshd.transport());
    let craft = Spacecraft::new(&keys, "");
    let _controller = craft.start();
    craft.window("1", 3, 60);
    let window = craft.wait_for("1", "FAILED");
    let reason = window["reason"].as_str().unwrap();
    assert!(
        reason.contains("reaching the payload: exit code 255"),
        "{reason}"
    );
    assert!(reason.contains("Host key verification failed"), "{reason}");
    assert_eq!(craft.calls(), Vec::<String>::new());
    craft.wait_until_off();
}

#[test]
fn a_machine_that_boots_is_waited_for() {
    let sshd = Sshd::new();
    let craft = Spacecraft::new(&format!("version = 1\n{}", sshd.transport()), "");
    let _controller = craft.start();
    craft.window("1", 2, 60);
    eventually(PATIENCE, || {
        let notices = craft.query("{ notices { text } }").to_string();
        notices.contains("Connection refused").then_some(())
    });
    let _daemon = sshd.start();
    craft.wait_for("1", "RUNNING");
}

#[test]
fn without_the_directory_of_configurations_there_a_window_fails() {
    let sshd = Sshd::new();
    let _daemon = sshd.start();
    let craft = Spacecraft::new(&format!("version = 1\n{}", sshd.transport()), "");
    fs::remove_dir(craft.path("signaling/window_configs")).unwrap();
    let _controller = craft.start();
    craft.window("1", 3, 60);
    let window = craft.wait_for("1", "FAILED");
    let reason = window["reason"].as_str().unwrap();
    assert!(
        reason.contains("window_configs is no directory"),
        "{reason}"
    );
}

#[test]
fn a_connection_that_is_cut_is_told_and_nothing_is_started_again() {
    let sshd = Sshd::new();
    let daemon = sshd.start();
    let script = "case \"$*\" in *-e*) ;; *) echo at work; sleep 60;; esac\n";
    let craft = Spacecraft::new(&format!("version = 1\n{}", sshd.transport()), script);
    let _controller = craft.start();
    craft.window("1", 6, 8);
    craft.wait_for("1", "RUNNING");
    eventually(PATIENCE, || (craft.calls().len() == 2).then_some(()));
    sshd.cut(daemon);
    let cut = eventually(PATIENCE, || {
        let window = craft.find("1");
        window["execution"]["outcome"].is_string().then_some(window)
    });
    assert_eq!(cut["state"], "RUNNING");
    assert_eq!(cut["execution"]["outcome"], "unknown");
    assert!(craft.is_on());
    let window = craft.wait_for("1", "FAILED");
    let reason = window["reason"].as_str().unwrap();
    assert!(
        reason.contains("the connection failed or was lost"),
        "{reason}"
    );
    assert_eq!(craft.calls().len(), 2);
    craft.wait_until_off();
}
