//! Where an agent of these tests is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_tcp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// In memory where the system has such a place: there a fifth of the disk is free, however
    /// full other disks are.
    pub(crate) fn new() -> Site {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        let folder = in_memory.or_else(|_| TempDir::new()).unwrap();
        for name in ["work", "payload"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Site { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path("payload").join(name);
        fs::write(&path, octets).unwrap();
        path
    }

    pub(crate) fn start(&self, more: &[&str]) -> Agent {
        self.start_at(free_tcp_port(), more)
    }

    pub(crate) fn start_at(&self, port: u16, more: &[&str]) -> Agent {
        self.run(Command::new(binary("oort-agent")), port, more)
    }

    /// By a command that runs it.
    pub(crate) fn start_by(&self, mut command: Command, more: &[&str]) -> Agent {
        command.arg(binary("oort-agent"));
        self.run(command, free_tcp_port(), more)
    }

    fn run(&self, mut command: Command, port: u16, more: &[&str]) -> Agent {
        command.arg("-w").arg(self.path("work"));
        command
            .args(["-p", &port.to_string(), "-l", "debug"])
            .args(more);
        let process = ChildGuard::spawn(&mut command);
        let agent = Agent { process, port };
        eventually(PATIENCE, || {
            std::net::TcpStream::connect(("127.0.0.1", port))
                .ok()
                .map(drop)
        });
        agent
    }
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// An agent that runs.
pub(crate) struct Agent {
    pub(crate) process: ChildGuard,
    pub(crate) port: u16,
}

impl Agent {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        answer(client().get(self.url(path)).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(client().post(self.url(path)).send(body.to_string()))
    }

    #[track_caller]
    pub(crate) fn send(&self, file: &Path, options: &Value) -> String {
        let mut body = json!({"destination": "ground", "filepath": file, "topic": "images"});
        if !options.is_null() {
            body["options"] = options.clone();
        }
        let (status, answer) = self.post("/sdk/v1/send_file", &body);
        assert_eq!(status, 200, "{answer}");
        answer["UUID"].as_str().unwrap().to_owned()
    }

    /// In which state an item is.
    pub(crate) fn state(&self, id: &str) -> String {
        let (_, answer) = self.get(&format!("/sdk/v2/files/{id}"));
        answer["state"].as_str().unwrap().to_owned()
    }
}

fn client() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.build().into()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    let mut response = response.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body = response.body_mut().read_to_string().unwrap();
    (
        response.status().as_u16(),
        serde_json::from_str(&body).unwrap(),
    )
}
