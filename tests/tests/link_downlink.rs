//! A file goes from an app's outbox through the link service down to the ground: through
//! lost frames, and the end of either process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A satellite with the link service and one app, and a ground station.
struct Site {
    folder: TempDir,
}

fn octets(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 251 + at) as u8).collect()
}

impl Site {
    fn new(channel: &str, bit_rate_bps: u32) -> Self {
        let site = Site {
            folder: TempDir::new().expect("a folder"),
        };
        let [satellite, ground] = [free_udp_port(), free_udp_port()];
        let text = format!(
            "[link-service]\napps-root = \"{apps}\"\njournal = \"{journal}\"\n\
             [[link-service.apps]]\nid = \"camera\"\n\
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
            port = free_tcp_port(),
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_satellite(&self) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.env_remove("RUST_LOG");
        let service =
            ChildGuard::spawn(command.args(["run", "-c"]).arg(self.path("satellite.toml")));
        service.wait_for_line("GraphQL", PATIENCE);
        service
    }

    fn start_ground(&self) -> ChildGuard {
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

    fn put(&self, name: &str, octets: &[u8]) {
        let outbox = self.path("apps/camera/outbox");
        let part = outbox.join(format!("{name}.part"));
        fs::write(&part, octets).expect("a file");
        fs::rename(part, outbox.join(name)).expect("a name");
    }

    /// What the service answers at the socket of the app.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
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

    fn send_down(&self, name: &str) -> String {
        let request = json!({ "linkType": "DOWNLINK", "fileName": name });
        let answer = self.ask("POST", "/v1/links", &request);
        assert_eq!(answer["code"], "ACCEPTED", "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    fn wait_for_end(&self, id: &str) -> Value {
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
    fn assert_arrived(&self, name: &str, octets: &[u8]) {
        let path = self.path("ground/camera").join(name);
        let arrived = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(arrived == octets, "{name} is another file");
        assert!(
            !self.path("apps/camera/outbox").join(name).exists(),
            "the source is there"
        );
    }
}

#[test]
fn a_file_goes_down_through_lost_frames_and_its_source_is_released() {
    let site = Site::new("channel = { frame-loss = 0.05 }", 2_000_000);
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let image = octets(100_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    assert_eq!(ended["responseHeader"]["status"], "SUCCESSFUL", "{ended}");
    site.assert_arrived("image.raw", &image);
}

#[test]
fn a_file_that_was_accepted_goes_down_though_both_ends_are_killed_in_the_middle() {
    let site = Site::new(
        "channel = { frame-loss = 0.02, bit-rate-bps = 400_000 }",
        400_000,
    );
    let mut satellite = site.start_satellite();
    let image = octets(200_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let mut ground = site.start_ground();
    // Something of it has come.
    let is_coming = || {
        let entries = fs::read_dir(site.path("ground/camera")).ok()?;
        (entries.count() > 0).then_some(())
    };
    eventually(PATIENCE, is_coming);
    satellite.signal("KILL");
    satellite.wait_for_exit(PATIENCE);
    ground.signal("KILL");
    ground.wait_for_exit(PATIENCE);
    assert!(
        !site.path("ground/camera/image.raw").exists(),
        "it was too quick"
    );

    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    site.assert_arrived("image.raw", &image);
}

#[test]
fn a_file_that_is_cancelled_does_not_go_down_and_its_source_is_there() {
    let site = Site::new("", 9_600);
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let image = octets(200_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let cancel = format!("/v1/links/{id}/cancel");
    site.ask("POST", &cancel, &json!({}));
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "CANCELLED", "{ended}");
    let outbox = site.path("apps/camera/outbox/image.raw");
    assert_eq!(fs::read(outbox).expect("the source"), image);
    assert!(!site.path("ground/camera/image.raw").exists());
}
