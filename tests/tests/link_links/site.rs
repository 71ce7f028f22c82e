//! A satellite with the link service and two apps, and a ground station.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::PATIENCE;

/// A satellite with the link service and one app, and a ground station.
pub(crate) struct Site {
    folder: TempDir,
    /// Of the service's GraphQL.
    port: u16,
}

pub(crate) fn octets(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 251 + at) as u8).collect()
}

/// Unpacks an archive as people do.
#[track_caller]
pub(crate) fn unpack(archive: &Path, folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let mut tar = Command::new("tar");
    let unpacked = tar.arg("-xf").arg(archive).arg("-C").arg(folder).output();
    let unpacked = unpacked.expect("tar runs");
    assert!(unpacked.status.success(), "{unpacked:?}");
}

impl Site {
    pub(crate) fn new(channel: &str, bit_rate_bps: u32) -> Self {
        let site = Site {
            folder: TempDir::new().expect("a folder"),
            port: free_tcp_port(),
        };
        let [satellite, ground] = [free_udp_port(), free_udp_port()];
        let text = format!(
            "[link-service]\napps-root = \"{apps}\"\njournal = \"{journal}\"\n\
             [[link-service.apps]]\nid = \"camera\"\nquota-bytes = 1_000_000\n\
             [[link-service.apps]]\nid = \"analyser\"\n\
             [[link-service.policy]]\nfrom = \"ground\"\nto = \"camera\"\n\
             [[link-service.policy]]\nfrom = \"camera\"\nto = \"ground\"\nsize-max = 1_000_000\n\
             [link-service.addr]\nport = {port}\n\
             [link-service.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{satellite}\"\n\
             peer = \"127.0.0.1:{ground}\"\nframing = \"kiss-ax25\"\nread-timeout-ms = 100\n\
             ax25 = {{ callsign = \"HELIO-1\", peer = \"GROUND\" }}\n{channel}\n\
             [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{downlink}]\nbit-rate-bps = {bit_rate_bps}\n\
             [link-service.files]\nroot = \"{files}\"\njournal = \"{files}.redb\"\n",
            apps = site.path("apps").display(),
            journal = site.path("link.redb").display(),
            files = site.path("files").display(),
            port = site.port,
            downlink = free_udp_port(),
        );
        fs::write(site.path("satellite.toml"), text).expect("a file");
        let text = format!(
            "[[link]]\nname = \"uhf\"\nsatellite = \"helio\"\n\
             [link.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{ground}\"\n\
             peer = \"127.0.0.1:{satellite}\"\nframing = \"kiss-ax25\"\n\
             ax25 = {{ callsign = \"GROUND\", peer = \"HELIO-1\" }}\n\
             [link.files]\nroot = \"{}\"\njournal = \"{}\"\n",
            site.path("ground").display(),
            site.path("ground.redb").display(),
        );
        fs::write(site.path("ground.toml"), text).expect("a file");
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start_satellite(&self) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.env_remove("RUST_LOG");
        let service =
            ChildGuard::spawn(command.args(["run", "-c"]).arg(self.path("satellite.toml")));
        service.wait_for_line("GraphQL", PATIENCE);
        service
    }

    pub(crate) fn start_ground(&self) -> ChildGuard {
        let mut command = Command::new(binary("ground"));
        command
            .arg("-c")
            .arg(self.path("ground.toml"))
            .arg("serve")
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"));
        ChildGuard::spawn(&mut command)
    }

    /// `ground put` of a file with these octets: what it says, where it was put.
    pub(crate) fn ground_put(&self, name: &str, octets: &[u8], to: &str) -> Result<String, String> {
        self.ground_put_with(name, octets, &[to])
    }

    pub(crate) fn ground_put_with(
        &self,
        name: &str,
        octets: &[u8],
        arguments: &[&str],
    ) -> Result<String, String> {
        let file = self.path(name);
        fs::write(&file, octets).expect("a file");
        let mut put = Command::new(binary("ground"));
        put.arg("-c")
            .arg(self.path("ground.toml"))
            .arg("put")
            .arg(file)
            .args(arguments);
        self.end(&mut put)
    }

    /// What the link service answers to a query that goes over the radio.
    pub(crate) fn ground_query(&self, query: &str) -> Value {
        let mut command = Command::new(binary("ground"));
        command.arg("-c").arg(self.path("ground.toml"));
        let port = self.port.to_string();
        command.args(["query", "--timeout", "30s", "--service", &port, query]);
        command.env("HELIOGRAPH_RUNTIME_DIR", self.path("run"));
        command.env("XDG_STATE_HOME", self.path("state"));
        let ended = command.output().expect("ground runs");
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
    }

    /// What a command of the ground says to its end.
    fn end(&self, command: &mut Command) -> Result<String, String> {
        let ended = command
            .env_remove("RUST_LOG")
            .env("HELIOGRAPH_RUNTIME_DIR", self.path("run"))
            .env("XDG_STATE_HOME", self.path("state"))
            .output()
            .expect("ground runs");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        match ended.status.success() {
            true => Ok(said),
            false => Err(said),
        }
    }

    /// What is in the inbox of an app under that name.
    pub(crate) fn inbox(&self, app: &str, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path("apps").join(app).join("inbox").join(name)).ok()
    }

    /// Nothing that came up is still beneath the folder of the link.
    #[track_caller]
    pub(crate) fn assert_nothing_is_held(&self) {
        let arrived = self.path("files/arrived");
        eventually(PATIENCE, || {
            let left = fs::read_dir(&arrived).map_or(0, Iterator::count);
            (left == 0).then_some(())
        });
    }

    pub(crate) fn put(&self, name: &str, octets: &[u8]) {
        let outbox = self.path("apps/camera/outbox");
        let part = outbox.join(format!("{name}.part"));
        fs::write(&part, octets).expect("a file");
        fs::rename(part, outbox.join(name)).expect("a name");
    }

    /// What the service answers at the socket of `camera`.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream =
            UnixStream::connect(self.path("apps/camera/link.sock")).expect("the app's socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: link\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        stream.write_all(body.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    pub(crate) fn send_down(&self, name: &str) -> String {
        let request = json!({ "linkType": "DOWNLINK", "fileName": name });
        let answer = self.ask("POST", "/v1/links", &request);
        assert_eq!(answer["code"], "ACCEPTED", "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    pub(crate) fn wait_for_end(&self, id: &str) -> Value {
        eventually(PATIENCE, || {
            let answer = self.ask(
                "GET",
                &format!("/v1/links/{id}?waitSeconds=5"),
                &Value::Null,
            );
            (answer["code"] != "ACCEPTED").then_some(answer)
        })
    }

    #[track_caller]
    pub(crate) fn assert_arrived(&self, name: &str, octets: &[u8]) {
        let path = self.path("ground/camera").join(name);
        let arrived = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(arrived == octets, "{name} is another file");
        assert!(
            !self.path("apps/camera/outbox").join(name).exists(),
            "the source is there"
        );
    }
}
