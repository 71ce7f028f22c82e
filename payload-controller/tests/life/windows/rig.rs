//! The program with payloads that are called through `payload_exec`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::payload::PATIENCE;
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A spacecraft with one signalled payload, `camera`.
pub(super) struct Spacecraft {
    folder: TempDir,
    port: u16,
}

/// What a script of a payload begins with: it notes what it is called with.
const NOTE: &str = "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/calls\"\n";

pub(super) fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// A script that can be called.
pub(super) fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

impl Spacecraft {
    /// One whose payload has these keys, too, and this script behind what notes its calls.
    pub(super) fn new(keys: &str, script: &str) -> Spacecraft {
        let craft = Spacecraft {
            folder: TempDir::new().unwrap(),
            port: free_tcp_port(),
        };
        fs::create_dir_all(craft.path("signaling/window_configs")).unwrap();
        executable(&craft.path("payload_exec"), &format!("{NOTE}{script}"));
        craft.configure(keys);
        craft
    }

    pub(super) fn configure(&self, keys: &str) {
        self.configure_at(keys, &self.path("payload_exec"), &self.path("signaling"));
    }

    /// With that `payload_exec`, and that directory.
    pub(super) fn configure_at(&self, keys: &str, executable: &Path, signaling_dir: &Path) {
        let at = self.folder.path().display();
        let mut text = format!(
            "[payload-controller]\njournal = '{at}/journal.redb'\napps-root = '{at}/apps'\n\
             windows = '{at}/windows'\n\
             [payload-controller.addr]\nport = {}\n\
             [payload-controller.radio]\nkind = 'udp'\nbind = '127.0.0.1:{}'\n\
             peer = '127.0.0.1:{}'\nframing = 'raw'\n\
             [payload-controller.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{}]\n\
             [[payload-controller.devices]]\nid = 7\n\
             [[payload-controller.signalled]]\nname = 'camera'\ndevice = 7\n\
             pre-buffer-s = 1\npost-buffer-s = 0\n\
             executable = {executable:?}\nsignaling-dir = {signaling_dir:?}\n",
            self.port,
            free_udp_port(),
            free_udp_port(),
            free_udp_port(),
        );
        writeln!(text, "{keys}").unwrap();
        fs::write(self.path("config.toml"), text).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn start(&self) -> ChildGuard {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payload-controller"));
        command.env_remove("RUST_LOG");
        command.args(["run", "-c"]).arg(self.path("config.toml"));
        let controller = ChildGuard::spawn(&mut command);
        controller.wait_for_line("GraphQL", PATIENCE);
        controller
    }

    #[track_caller]
    pub(super) fn query(&self, query: &str) -> Value {
        let url = format!("http://127.0.0.1:{}/graphql", self.port);
        let request = ureq::post(&url).header("Content-Type", "application/json");
        let mut answer = request.send(json!({"query": query}).to_string()).unwrap();
        let answer = answer.body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["errors"].is_null(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// Orders a window; its start, in s since 1970.
    #[track_caller]
    pub(super) fn window(&self, id: &str, in_s: u64, duration_s: u64) -> u64 {
        let start = now_s() + in_s;
        let ordered = self.order(id, start, duration_s);
        assert_eq!(ordered, json!({"success": true, "errors": ""}));
        start
    }

    pub(super) fn order(&self, id: &str, start: u64, duration_s: u64) -> Value {
        let parameters = r#"{\"executable\":\"shoot\", \"deg\": 1.50}"#;
        self.query(&format!(
            "mutation {{ it: scheduleWindow(window: {{id: \"{id}\", payload: \"camera\", \
             user: \"john\", start: {start}, durationS: {duration_s}, \
             parameters: \"{parameters}\"}}) {{ success errors }} }}"
        ))["it"]
            .clone()
    }

    pub(super) fn find(&self, id: &str) -> Value {
        let windows = self.query(&format!(
            "{{ windows(ids: [\"{id}\"]) {{ id payload user start durationS state reason \
             configure {{ beganAt tookMs exitCode outcome output errors }} \
             execution {{ beganAt tookMs exitCode outcome output errors }} \
             stop {{ exitCode outcome }} }} }}"
        ));
        windows["windows"][0].clone()
    }

    #[track_caller]
    pub(super) fn wait_for(&self, id: &str, state: &str) -> Value {
        eventually(PATIENCE, || {
            let window = self.find(id);
            let has_ended =
                ["EXECUTED", "FAILED", "CANCELLED"].contains(&window["state"].as_str()?);
            assert!(!has_ended || window["state"] == state, "{window}");
            (window["state"] == state).then_some(window)
        })
    }

    /// What `payload_exec` was called with.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    pub(super) fn is_on(&self) -> bool {
        self.query("{ devices { isOn } }")["devices"][0]["isOn"] == true
    }

    #[track_caller]
    pub(super) fn wait_until_off(&self) {
        eventually(PATIENCE, || (!self.is_on()).then_some(()));
    }

    pub(super) fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.port);
        let mut answer = ureq::get(&url).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }
}
