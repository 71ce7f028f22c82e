//! A payload application of its own process, by an independent stack: `grpcio` in Python. What
//! it can be told, and what it tells, is at the head of `tests/referees/payload.py`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use serde_json::{Value, json};

use crate::binaries::{ChildGuard, Stream};
use crate::wait::within;
use crate::{referee, workspace};

/// How long a payload may take for anything: Python and its gRPC take a while to begin.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The code that Python's `grpc_tools` makes of the `.proto` files, in a directory.
#[track_caller]
pub fn generate(folder: &Path) {
    let output = Command::new(referee::python())
        .args(["-m", "grpc_tools.protoc", "-I", "."])
        .arg(format!("--python_out={}", folder.display()))
        .arg(format!("--grpc_python_out={}", folder.display()))
        .args(["antaris_api.proto", "heliograph_payload.proto"])
        .current_dir(workspace().join("payload-interface/proto"))
        .output()
        .expect("protoc");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// How a payload is started.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Where the generated code is.
    pub generated: PathBuf,
    /// Where the app's files are.
    pub folder: PathBuf,
    /// Whether it serves the extension, too.
    pub has_extension: bool,
    /// Whether it refuses a port that the system keeps after its connections ended, as
    /// payloads of the SDK do. The ports of tests are used again and again.
    pub wants_a_free_port: bool,
    /// Whether who calls it is to show a certificate.
    pub wants_certificate: bool,
}

/// A running payload. Dropped, it is killed.
#[derive(Debug)]
pub struct Peer {
    /// Its process.
    pub process: ChildGuard,
    stdin: ChildStdin,
    tags: u64,
    told: u64,
}

impl Payload {
    /// One of the SDK, whose files are there.
    pub fn new(generated: &Path, folder: &Path) -> Self {
        Payload {
            generated: generated.to_owned(),
            folder: folder.to_owned(),
            has_extension: false,
            wants_a_free_port: false,
            wants_certificate: false,
        }
    }

    /// Starts it, and waits until it can be called.
    #[track_caller]
    pub fn start(&self) -> Peer {
        self.start_if_free().expect("the port of its callbacks")
    }

    /// The same where it can: none, where the port of its callbacks is not free.
    #[track_caller]
    pub fn start_if_free(&self) -> Option<Peer> {
        let peer = self.spawn();
        let is_ready = peer.wait_for("that it is ready, or its port occupied", |said| {
            let is_ready = said.get("ready").is_some();
            (is_ready || said.get("occupied").is_some()).then_some(is_ready)
        });
        is_ready.then_some(peer)
    }

    /// Starts it.
    #[track_caller]
    pub fn spawn(&self) -> Peer {
        let mut command = Command::new(referee::python());
        command.arg("-B").arg(referee::scripts().join("payload.py"));
        command.arg(&self.generated).arg(&self.folder);
        if self.has_extension {
            command.env("EXTENSION", "1");
        }
        if self.wants_a_free_port {
            command.env("WANTS_A_FREE_PORT", "1");
        }
        if self.wants_certificate {
            command.env("WANTS_CERTIFICATE", "1");
        }
        let mut process = ChildGuard::spawn(&mut command);
        let stdin = process.take_stdin().expect("its input");
        Peer {
            process,
            stdin,
            tags: 0,
            told: 0,
        }
    }

    /// The app's cookie.
    pub fn cookie(&self) -> String {
        let config = fs::read(self.folder.join("config.json")).expect("config.json");
        let config: Value = serde_json::from_slice(&config).expect("JSON");
        config["cookie"].as_str().expect("a cookie").to_owned()
    }
}

impl Peer {
    /// Tells it something, and waits until it has done so.
    #[track_caller]
    pub fn tell(&mut self, order: &Value) {
        self.write(order);
        self.told += 1;
        let told = self.told;
        self.wait_for("that it has obeyed", |said| {
            (said.get("obeyed").and_then(Value::as_u64) == Some(told)).then_some(())
        });
    }

    /// Has it end as one that is told to, and waits until it has.
    #[track_caller]
    pub fn stop(mut self) {
        self.write(&json!({"stop": true}));
        let status = self.process.wait_for_exit(PATIENCE);
        assert!(status.success(), "{status}");
    }

    #[track_caller]
    fn write(&mut self, order: &Value) {
        writeln!(self.stdin, "{order}").expect("its input");
    }

    /// What it does when `rpc` is called.
    #[track_caller]
    pub fn on(&mut self, rpc: &str, mut does: Value) {
        does["on"] = json!(rpc);
        self.tell(&does);
    }

    /// Has it call the controller; the number by which it tells what came of it.
    #[track_caller]
    pub fn begin(&mut self, rpc: &str, fields: Value, mut how: Value) -> u64 {
        self.tags += 1;
        let tag = self.tags;
        how["call"] = json!(rpc);
        how["tag"] = json!(tag);
        how["fields"] = fields;
        self.write(&how);
        tag
    }

    /// What came of a call: `returned` or `failed`.
    #[track_caller]
    pub fn outcome(&self, tag: u64) -> Value {
        self.wait_for("an answer", |said| {
            let is_of = |key: &str| said.get(key).and_then(Value::as_u64) == Some(tag);
            (is_of("returned") || is_of("failed")).then(|| said.clone())
        })
    }

    /// Has it call the controller, and waits for what comes of it.
    #[track_caller]
    pub fn call_as(&mut self, rpc: &str, fields: Value, how: Value) -> Value {
        let tag = self.begin(rpc, fields, how);
        self.outcome(tag)
    }

    /// The same as the app that it is; the code that was returned.
    #[track_caller]
    pub fn call(&mut self, rpc: &str, fields: Value) -> i64 {
        let outcome = self.call_as(rpc, fields, json!({}));
        outcome["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{rpc}: {outcome}"))
    }

    /// The fields of the first call to `rpc` for which they are `wanted`.
    #[track_caller]
    pub fn called_with(&self, rpc: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(rpc, |said| {
            let is_it = said.get("called").and_then(Value::as_str) == Some(rpc);
            (is_it && wanted(&said["fields"])).then(|| said.clone())
        })
    }

    /// The fields of the first call to `rpc`.
    #[track_caller]
    pub fn called(&self, rpc: &str) -> Value {
        self.called_with(rpc, |_| true)["fields"].clone()
    }

    /// All that it said until now.
    #[track_caller]
    pub fn said(&mut self) -> Vec<Value> {
        // What it said before comes before that.
        self.tell(&json!({"look": true}));
        self.said_so_far()
    }

    /// What was heard of it.
    pub fn said_so_far(&self) -> Vec<Value> {
        self.process
            .lines()
            .iter()
            .filter(|line| line.stream == Stream::Stdout)
            .filter_map(|line| serde_json::from_str(&line.text).ok())
            .collect()
    }

    #[track_caller]
    fn wait_for<T>(&self, what: &str, find: impl Fn(&Value) -> Option<T>) -> T {
        match within(PATIENCE, || self.said_so_far().iter().find_map(&find)) {
            Some(found) => found,
            None => {
                let lines = self.process.lines();
                let lines: Vec<_> = lines.iter().map(|line| &*line.text).collect();
                panic!("{what} is missing; the payload said:\n{}", lines.join("\n"));
            }
        }
    }
}
