//! Files between apps of two spacecraft that see each other now and then, each a process of
//! the link service.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::{free_tcp_port, free_udp_port};
use heliograph_tests::wait::eventually;
use serde_json::json;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::app::App;
use crate::relay::Relay;
use crate::site::{octets, unpack};

/// The names of the two; the first calls.
const NODES: [&str; 2] = ["helio-1", "helio-2"];

/// Two spacecraft with an app each, `camera` and `analyser`.
struct Pair {
    folder: TempDir,
    relay: Relay,
    /// Of the operator's HTTP.
    http: [u16; 2],
}

/// A key that both have, as nobody else may read it.
fn write_key(path: &Path) {
    let mut file = OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(path);
    let line = format!("1 {}\n", "5a".repeat(32));
    file.expect("a file")
        .write_all(line.as_bytes())
        .expect("a key");
}

impl Pair {
    fn new(channel: &str) -> Self {
        Pair::with(channel, [true, false], false)
    }

    /// `calls`: of which it is said that they call.
    fn with(channel: &str, calls: [bool; 2], is_secured: bool) -> Self {
        let ports = [free_udp_port(), free_udp_port()];
        let relay = Relay::between(ports);
        let pair = Pair {
            folder: TempDir::new().expect("a folder"),
            relay,
            http: [free_tcp_port(), free_tcp_port()],
        };
        let key = pair.folder.path().join("link.key");
        write_key(&key);
        for end in 0..2 {
            let comms = match is_secured {
                true => format!(
                    "[link-service.peers.comms]\nstate-dir = \"{state}\"\n\
                     security = {{ key-file = \"{key}\", challenge-ms = 1000 }}\n",
                    state = pair.path(end, "state").display(),
                    key = key.display(),
                ),
                false => String::new(),
            };
            fs::create_dir(pair.path(end, "")).expect("a folder");
            let text = format!(
                "[link-service]\napps-root = \"{apps}\"\njournal = \"{journal}\"\n\
                 [[link-service.apps]]\nid = \"camera\"\nquota-bytes = 1_000_000\n\
                 [[link-service.apps]]\nid = \"analyser\"\nquota-bytes = 1_000_000\n\
                 [[link-service.apps]]\nid = \"private\"\n\
                 [[link-service.policy]]\nfrom = \"*\"\nto = \"*@*\"\n\
                 [[link-service.policy]]\nfrom = \"*@{peer}\"\nto = \"private\"\nallow = false\n\
                 [[link-service.policy]]\nfrom = \"*@{peer}\"\nto = \"*\"\n\
                 [link-service.addr]\nport = {port}\n\
                 [link-service.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{ground}\"\n\
                 peer = \"127.0.0.1:9\"\nframing = \"kiss\"\n\
                 [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
                 downlink-ports = [{downlink}]\n\
                 [[link-service.peers]]\nnode = \"{peer}\"\ninitiator = {initiator}\n\
                 call-ms = 200\n\
                 [link-service.peers.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{own}\"\n\
                 peer = \"127.0.0.1:{other}\"\nframing = \"kiss\"\nread-timeout-ms = 100\n{channel}\n\
                 {comms}[link-service.peers.files]\nroot = \"{files}\"\njournal = \"{files}.redb\"\n",
                apps = pair.path(end, "apps").display(),
                journal = pair.path(end, "link.redb").display(),
                files = pair.path(end, "files").display(),
                peer = NODES[1 - end],
                initiator = calls[end],
                port = pair.http[end],
                ground = free_udp_port(),
                downlink = free_udp_port(),
                own = ports[end],
                other = pair.relay.port(end),
            );
            fs::write(pair.path(end, "node.toml"), text).expect("a file");
        }
        pair
    }

    fn path(&self, end: usize, name: &str) -> PathBuf {
        self.folder.path().join(NODES[end]).join(name)
    }

    fn start(&self, end: usize) -> ChildGuard {
        let mut command = Command::new(binary("link-service"));
        command.env_remove("RUST_LOG").args(["run", "-c"]);
        let service = ChildGuard::spawn(command.arg(self.path(end, "node.toml")));
        service.wait_for_line("GraphQL", PATIENCE);
        service
    }

    /// What the service says to its operator.
    fn operator(&self, end: usize, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http[end])).expect("the port");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn app(&self, end: usize, name: &str) -> App {
        App {
            root: self.path(end, "apps").join(name),
        }
    }

    /// Whether something of a file has come to an end, and not all of it.
    fn is_coming(&self, end: usize) -> bool {
        let entries = fs::read_dir(self.path(end, "files"));
        let names = entries.into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.any(|name| name.starts_with(".cfdp-"))
    }

    #[track_caller]
    fn assert_nothing_is_held(&self, end: usize) {
        let arrived = self.path(end, "files/arrived");
        eventually(PATIENCE, || {
            let left = fs::read_dir(&arrived).map_or(0, Iterator::count);
            (left == 0).then_some(())
        });
    }
}

#[test]
fn a_file_waits_for_contact_then_crosses_through_lost_frames_and_both_are_told() {
    let pair = Pair::new("channel = { frame-loss = 0.05 }");
    let _nodes = [pair.start(0), pair.start(1)];
    let image = octets(100_000);
    let camera = pair.app(0, "camera");
    let id = camera.send("image.raw", &image, "analyser@helio-2");
    // It calls, and nobody hears.
    eventually(PATIENCE, || (pair.relay.stopped(0) > 3).then_some(()));
    assert_eq!(camera.status(&id)["code"], "ACCEPTED");
    assert!(!pair.is_coming(1));

    pair.relay.set_open(true);
    let ended = camera.end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    assert!(!camera.has_source("image.raw"));
    let analyser = pair.app(1, "analyser");
    let delivery = analyser.delivery();
    assert_eq!(delivery["fromAppId"], "camera@helio-1", "{delivery}");
    assert_eq!(analyser.inbox("image.raw").expect("the file"), image);
    pair.assert_nothing_is_held(1);
}

#[test]
fn the_one_that_does_not_call_is_silent_until_it_is_called_and_then_sends() {
    let pair = Pair::new("");
    let called = pair.start(1);
    let analyser = pair.app(1, "analyser");
    let report = octets(20_000);
    let id = analyser.send("report.txt", &report, "camera@helio-1");
    let waits = || (analyser.status(&id)["standing"] == "running").then_some(());
    eventually(PATIENCE, waits);
    let caller = pair.start(0);
    eventually(PATIENCE, || (pair.relay.stopped(0) > 3).then_some(()));
    assert_eq!(pair.relay.stopped(1), 0, "it spoke though it heard nobody");

    pair.relay.set_open(true);
    let ended = analyser.end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    let camera = pair.app(0, "camera");
    assert_eq!(camera.delivery()["fromAppId"], "analyser@helio-2");
    assert_eq!(camera.inbox("report.txt").expect("the file"), report);
    drop((called, caller));
}

#[test]
fn a_file_crosses_once_in_several_passes_though_either_end_is_killed_between_them() {
    let pair = Pair::new("channel = { frame-loss = 0.05, bit-rate-bps = 400_000 }");
    let mut nodes = [pair.start(0), pair.start(1)];
    let image = octets(400_000);
    let camera = pair.app(0, "camera");
    let id = camera.send("image.raw", &image, "analyser@helio-2");
    for killed in [0, 1] {
        pair.relay.set_open(true);
        let before = pair.relay.passed();
        let is_on_its_way = || pair.is_coming(1) && pair.relay.passed() > before + 20;
        eventually(PATIENCE, || is_on_its_way().then_some(()));
        pair.relay.set_open(false);
        nodes[killed].signal("KILL");
        nodes[killed].wait_for_exit(PATIENCE);
        assert_eq!(
            pair.app(1, "analyser").inbox("image.raw"),
            None,
            "too quick"
        );
        nodes[killed] = pair.start(killed);
    }
    pair.relay.set_open(true);
    let ended = camera.end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    assert!(!camera.has_source("image.raw"));
    let analyser = pair.app(1, "analyser");
    analyser.delivery();
    assert_eq!(analyser.inbox("image.raw").expect("the file"), image);
    pair.assert_nothing_is_held(1);
}

#[test]
fn what_the_peer_does_not_let_in_goes_back_and_its_sender_hears_it() {
    let pair = Pair::new("");
    let _nodes = [pair.start(0), pair.start(1)];
    pair.relay.set_open(true);
    let camera = pair.app(0, "camera");
    let image = octets(2_000);
    for to in ["private@helio-2", "nobody@helio-2"] {
        let id = camera.send("image.raw", &image, to);
        let ended = camera.end(&id);
        assert_eq!(ended["code"], "FORBIDDEN", "{to}: {ended}");
        assert!(camera.has_source("image.raw"), "{to}");
    }
    assert_eq!(pair.app(1, "private").inbox("image.raw"), None);
    pair.assert_nothing_is_held(1);
}

#[test]
fn a_batch_crosses_as_one_archive() {
    let pair = Pair::new("channel = { frame-loss = 0.05 }");
    let _nodes = [pair.start(0), pair.start(1)];
    pair.relay.set_open(true);
    let camera = pair.app(0, "camera");
    let files = [("image.raw", octets(50_000)), ("times.csv", octets(700))];
    for (name, octets) in &files {
        fs::write(camera.root.join("outbox").join(name), octets).expect("a file");
    }
    let request = json!({
        "requestHeader": { "trackingId": "pass-7" }, "linkType": "CROSSLINK",
        "fileNames": files.each_ref().map(|(name, _)| name),
        "destinationAppId": "analyser@helio-2", "subdirectory": "",
    });
    let answer = camera.ask("POST", "/v1/links", &request);
    assert_eq!(answer["code"], "ACCEPTED", "{answer}");
    let ended = camera.end(answer["id"].as_str().expect("an id"));
    assert_eq!(ended["code"], "OK", "{ended}");
    let analyser = pair.app(1, "analyser");
    let delivery = analyser.delivery();
    let archive = analyser.root.join("inbox/camera.pass-7.batch.tar");
    assert_eq!(delivery["files"][0]["name"], "camera.pass-7.batch.tar");
    let folder = pair.path(1, "unpacked");
    unpack(&archive, &folder);
    for (name, octets) in &files {
        assert!(
            fs::read(folder.join(name)).expect(name) == *octets,
            "{name}"
        );
        assert!(!camera.has_source(name), "{name}");
    }
}

#[test]
fn what_waits_for_contact_can_be_cancelled_and_its_source_is_there() {
    let pair = Pair::new("");
    let _node = pair.start(0);
    let camera = pair.app(0, "camera");
    let id = camera.send("image.raw", &octets(2_000), "analyser@helio-2");
    let waits = || (camera.status(&id)["standing"] == "running").then_some(());
    eventually(PATIENCE, waits);
    camera.ask("POST", &format!("/v1/links/{id}/cancel"), &json!({}));
    assert_eq!(camera.end(&id)["code"], "CANCELLED");
    assert!(camera.has_source("image.raw"));
}

#[test]
fn a_name_that_is_too_long_for_the_link_is_refused_at_once() {
    let pair = Pair::new("");
    let _node = pair.start(0);
    let camera = pair.app(0, "camera");
    let name = "x".repeat(200);
    fs::write(camera.root.join("outbox").join(&name), b"x").expect("a file");
    let request = json!({
        "linkType": "CROSSLINK", "fileName": name, "destinationAppId": "analyser@helio-2"
    });
    let answer = camera.ask("POST", "/v1/links", &request);
    assert_eq!(answer["code"], "INVALID_NAME", "{answer}");
    let text = answer.to_string();
    assert!(text.contains("213 are the most"), "{text}");
}

#[test]
fn two_that_both_call_are_told_what_is_wrong() {
    let pair = Pair::with("", [true, true], false);
    let nodes = [pair.start(0), pair.start(1)];
    pair.relay.set_open(true);
    for node in &nodes {
        node.wait_for_line("at one end `initiator` is to be true", PATIENCE);
    }
}

#[test]
fn files_cross_between_two_that_prove_who_they_are_both_ways_and_after_a_restart() {
    let pair = Pair::with("", [true, false], true);
    let mut nodes = [pair.start(0), pair.start(1)];
    pair.relay.set_open(true);
    let ends = [
        (0, "camera", "analyser@helio-2"),
        (1, "analyser", "camera@helio-1"),
    ];
    for round in 0..2 {
        for (end, app, to) in ends {
            let app = pair.app(end, app);
            let name = format!("report-{round}.txt");
            let id = app.send(&name, &octets(5_000), to);
            let ended = app.end(&id);
            assert_eq!(ended["code"], "OK", "{ended}");
        }
        for (end, node) in nodes.iter_mut().enumerate() {
            node.signal("KILL");
            node.wait_for_exit(PATIENCE);
            *node = pair.start(end);
        }
    }
}

#[test]
fn the_operator_sees_whether_a_peer_is_heard_and_what_the_link_to_it_counts() {
    let pair = Pair::new("");
    let _nodes = [pair.start(0), pair.start(1)];
    let query = json!({ "query": "{ peers { node isHeard problem packetsIn } }" }).to_string();
    let heard = |is_heard: bool| {
        let answer = pair.operator(1, "POST", "/", &query);
        let expected = format!("\"isHeard\":{is_heard}");
        (answer.contains("helio-1") && answer.contains(&expected)).then_some(())
    };
    eventually(PATIENCE, || heard(false));
    pair.relay.set_open(true);
    eventually(PATIENCE, || heard(true));
    let page = pair.operator(1, "GET", "/metrics", "");
    assert!(
        page.contains("link_peer_heard{peer=\"helio-1\"} 1"),
        "{page}"
    );
    let help = page.lines().filter(|line| line.starts_with("# HELP"));
    let mut names: Vec<&str> = help.filter_map(|line| line.split(' ').nth(2)).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "a metric has two heads");
    pair.relay.set_open(false);
    eventually(PATIENCE, || heard(false));
}
