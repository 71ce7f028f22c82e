//! A payload on the controller's own machine.

use std::fs;

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use payload_controller::process::began;
use serde_json::{Value, json};

use super::rig::*;

/// Waits until its end, whoever ends it.
const AT_WORK: &str = "case \"$*\" in *-e*) echo ready;; *) echo at work; sleep 600;; esac\n";

#[test]
fn a_window_is_configured_started_with_the_documented_arguments_and_ended() {
    let craft = Spacecraft::new("version = 1", AT_WORK);
    let _controller = craft.start();
    let start = craft.window("1304893", 2, 2);
    let end = start + 2;
    craft.wait_for("1304893", "RUNNING");
    assert!(craft.is_on());
    let config = fs::read_to_string(craft.path("signaling/window_configs/1304893.json")).unwrap();
    assert!(config.contains(r#""tasking_parameters":{"executable":"shoot", "deg": 1.50}"#));
    let config: Value = serde_json::from_str(&config).unwrap();
    let wanted = json!({
        "version": 1,
        "signal_parameters": {
            "window_id": "1304893", "payload": "camera", "user": "john",
            "start": start, "end": end, "duration": 2,
            "tasking_parameters": {"executable": "shoot", "deg": 1.5},
        },
    });
    assert_eq!(config, wanted);
    let window = craft.wait_for("1304893", "EXECUTED");
    assert_eq!(
        craft.calls(),
        [
            "-u john -e -w 1304893".to_owned(),
            format!("-u john -w 1304893 -t {end}")
        ]
    );
    assert_eq!(window["reason"], "");
    let configure = &window["configure"];
    assert_eq!(
        (&configure["outcome"], &configure["exitCode"]),
        (&json!("done"), &json!(0))
    );
    assert_eq!(configure["output"], "ready\n");
    let execution = &window["execution"];
    assert_eq!(
        (&execution["outcome"], &execution["exitCode"]),
        (&json!("killed"), &Value::Null)
    );
    assert_eq!(execution["output"], "at work\n");
    assert!(execution["tookMs"].as_u64().unwrap() >= 1000, "{execution}");
    craft.wait_until_off();
}

#[test]
fn in_the_second_edition_configure_is_told_when_it_is_to_have_returned() {
    let craft = Spacecraft::new("version = 2\nconfigure-max-s = 9", "exit 0\n");
    let _controller = craft.start();
    let start = craft.window("7", 2, 1);
    craft.wait_for("7", "EXECUTED");
    let calls = craft.calls();
    let step_end: u64 = calls[0]
        .rsplit_once("-e -w 7 -t ")
        .unwrap()
        .1
        .parse()
        .unwrap();
    assert!((start + 8..=start + 9).contains(&step_end), "{calls:?}");
    assert_eq!(calls[1], format!("-u john -w 7 -t {}", start + 1));
    let config = fs::read_to_string(craft.path("signaling/window_configs/7.json")).unwrap();
    assert!(config.starts_with("{\"version\":2,"), "{config}");
}

#[test]
fn what_a_payload_returns_and_says_comes_down() {
    let craft = Spacecraft::new(
        "version = 1",
        "case \"$*\" in *-e*) exit 0;; esac\nyes 'a long story' | head -n 5000\n\
         echo 'the lens is stuck' >&2\nexit 3\n",
    );
    let _controller = craft.start();
    craft.window("1", 2, 60);
    let window = craft.wait_for("1", "FAILED");
    assert_eq!(
        window["reason"],
        "start ended with exit code 3: the lens is stuck"
    );
    let execution = &window["execution"];
    assert_eq!(
        (&execution["outcome"], &execution["exitCode"]),
        (&json!("failed"), &json!(3))
    );
    assert_eq!(execution["errors"], "the lens is stuck\n");
    let output = execution["output"].as_str().unwrap();
    assert_eq!(output.len(), 4096);
    assert!(output.ends_with("a long story\n"));
    craft.wait_until_off();
}

#[test]
fn a_payload_that_hangs_in_configure_is_killed_with_its_children() {
    let craft = Spacecraft::new(
        "version = 1\nconfigure-max-s = 1",
        "trap '' TERM\nsleep 600 &\necho $! > \"$(dirname \"$0\")/pid\"\nwait\nsleep 600\n",
    );
    let _controller = craft.start();
    craft.window("1", 2, 60);
    let window = craft.wait_for("1", "FAILED");
    assert!(
        window["reason"]
            .as_str()
            .unwrap()
            .contains("longer than its time"),
        "{window}"
    );
    assert_eq!(window["configure"]["outcome"], "timed-out");
    let pid = fs::read_to_string(craft.path("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    eventually(PATIENCE, || began(pid).is_none().then_some(()));
    assert_eq!(craft.calls().len(), 1);
}

#[test]
fn a_payload_that_is_not_there_fails_its_window() {
    let craft = Spacecraft::new("version = 1\non-configure-failure = 'start'", "");
    fs::remove_file(craft.path("payload_exec")).unwrap();
    let _controller = craft.start();
    craft.window("1", 2, 60);
    let window = craft.wait_for("1", "FAILED");
    let reason = window["reason"].as_str().unwrap();
    assert!(
        reason.contains("payload_exec could not be begun: No such file"),
        "{reason}"
    );
    assert_eq!(window["execution"]["outcome"], "failed");
}

#[test]
fn without_the_directory_of_configurations_a_window_fails() {
    let craft = Spacecraft::new("version = 1", "");
    fs::remove_dir(craft.path("signaling/window_configs")).unwrap();
    let _controller = craft.start();
    craft.window("1", 2, 60);
    let window = craft.wait_for("1", "FAILED");
    let reason = window["reason"].as_str().unwrap();
    assert!(
        reason.contains("window_configs is no directory"),
        "{reason}"
    );
    assert_eq!(craft.calls(), Vec::<String>::new());
}

#[test]
fn a_payload_inherits_nothing() {
    let craft = Spacecraft::new(
        "version = 1",
        "env | sort; pwd; for fd in /proc/$$/fd/*; do echo \"fd $(readlink $fd)\"; done; \
         read line || echo nothing to read\n",
    );
    let _controller = craft.start();
    craft.window("1", 2, 1);
    let window = craft.wait_for("1", "EXECUTED");
    let said = window["configure"]["output"].as_str().unwrap();
    let lines: Vec<&str> = said.lines().collect();
    let variables = lines.iter().filter(|line| line.contains('='));
    let names: Vec<_> = variables
        .map(|line| line.split('=').next().unwrap())
        .collect();
    // A shell sets the others itself.
    let own = ["PWD", "OLDPWD", "SHLVL", "_"];
    assert_eq!(
        names
            .iter()
            .filter(|name| !own.contains(name))
            .collect::<Vec<_>>(),
        [&"PATH"]
    );
    assert!(lines.contains(&"/"), "{said}");
    assert!(lines.contains(&"nothing to read"), "{said}");
    let files = lines.iter().filter_map(|line| line.strip_prefix("fd "));
    let is_ours = |file: &&str| {
        let is_its_own = file.ends_with("/payload_exec");
        file.starts_with("socket:") || file.contains("/.tmp") && !is_its_own
    };
    assert_eq!(
        files.filter(is_ours).collect::<Vec<_>>(),
        Vec::<&str>::new(),
        "{said}"
    );
}

#[test]
fn a_running_window_is_cancelled() {
    let craft = Spacecraft::new("version = 1\nstop = true", AT_WORK);
    let _controller = craft.start();
    craft.window("1", 2, 600);
    craft.wait_for("1", "RUNNING");
    eventually(PATIENCE, || (craft.calls().len() == 2).then_some(()));
    // The stop of this payload hangs, too: it is not waited for longer than its time.
    let cancelled = craft.query("mutation { cancelWindow(id: \"1\") { success errors } }");
    assert_eq!(
        cancelled["cancelWindow"],
        json!({"success": true, "errors": ""})
    );
    let window = craft.wait_for("1", "CANCELLED");
    assert_eq!(window["execution"]["outcome"], "killed");
    assert_eq!(window["stop"]["outcome"], "timed-out");
    assert!(craft.calls()[2].starts_with("-u john -s -w 1 -t "));
    craft.wait_until_off();
}

#[test]
fn orders_that_cannot_be_followed_say_why() {
    let craft = Spacecraft::new("version = 1", "");
    let _controller = craft.start();
    let late = craft.order("1", now_s(), 60);
    assert_eq!(late["success"], false);
    assert!(
        late["errors"].as_str().unwrap().contains("too late"),
        "{late}"
    );
    let start = now_s() + 1000;
    assert_eq!(craft.order("1", start, 60)["success"], true);
    assert_eq!(craft.order("1", start, 60)["success"], true);
    let other = craft.order("1", start, 61);
    assert!(
        other["errors"].as_str().unwrap().contains("known already"),
        "{other}"
    );
    let none = craft.query("{ windows(ids: [\"9\"]) { id } }");
    assert_eq!(none["windows"], json!([]));
    let scheduled = craft.query("{ windows(state: SCHEDULED) { id start } }");
    assert_eq!(scheduled["windows"], json!([{"id": "1", "start": start}]));
    let none = craft.query("{ windows(state: RUNNING) { id } }");
    assert_eq!(none["windows"], json!([]));
}

#[test]
fn what_becomes_of_windows_is_on_the_metrics_page_and_among_the_notices() {
    let craft = Spacecraft::new("version = 1", "");
    let _controller = craft.start();
    craft.window("1", 2, 1);
    craft.wait_for("1", "EXECUTED");
    let page = craft.metrics();
    for line in [
        "payload_windows_total{payload=\"camera\"} 1",
        "payload_windows_ended_total{payload=\"camera\",state=\"executed\"} 1",
        "payload_exec_calls_total{payload=\"camera\",step=\"start\",outcome=\"done\"} 1",
    ] {
        assert!(page.contains(line), "{page}");
    }
    let notices = craft.query("{ notices { text severity } }").to_string();
    assert!(
        notices.contains("window 1 of camera is running"),
        "{notices}"
    );
}
