//! `ground serve` gives the plan of contacts to the services on board, and what waits there
//! follows it, within what is known.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::{PATIENCE, Service, Site, service};

/// A site where telemetry and bulk wait for contact, and the port of an app whose messages are
/// bulk.
fn site() -> (Site, u16) {
    let site = Site::new("kiss-ax25");
    let bulk = free_udp_port();
    let state = site.folder.path().join("satellite");
    let keys = format!(
        "hold-outside-contact = ['telemetry', 'bulk']\ncontact-hold-ms = 300\n\
         state-dir = {state:?}\n[[ethernet-service.comms.downlink]]\nport = {bulk}\n\
         class = 'bulk'\n"
    );
    site.write(&site.satellite("kiss-ax25"), &keys);
    (site, bulk)
}

fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

fn utc(second: u64) -> String {
    let text = Command::new("date")
        .args(["-u", "-d", &format!("@{second}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .unwrap();
    String::from_utf8(text.stdout).unwrap().trim().to_owned()
}

/// The configuration of the ground: these contacts are to be known on board, from and to so many
/// seconds after `now`.
fn plan(site: &Site, service: &Service, now: u64, contacts: &[(u64, u64)]) {
    let contacts = contacts.iter();
    let contacts = contacts.map(|(start, end)| {
        let (start, end) = (utc(now + start), utc(now + end));
        format!("{{ start = {start}, end = {end} }}")
    });
    let contacts: Vec<String> = contacts.collect();
    let link = site.satellite("kiss-ax25");
    let (link, _) = link.split_once("[ethernet-service").unwrap();
    let satellite = "satellite = \"test\"\n";
    let keys = format!(
        "{satellite}contact-services = [{}]\ncontacts = [{}]\n",
        service.http,
        contacts.join(", ")
    );
    let text = link.replace(satellite, &keys) + "[link.files]\n";
    fs::write(site.folder.path().join("ground.toml"), text).unwrap();
}

fn ground(site: &Site, arguments: &[&str]) -> ChildGuard {
    let folder = site.folder.path();
    let mut command = Command::new(binary("ground"));
    command
        .arg("-c")
        .arg(folder.join("ground.toml"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("HELIOGRAPH_RUNTIME_DIR", folder.join("run"))
        .env("XDG_STATE_HOME", folder.join("state"));
    ChildGuard::spawn(&mut command)
}

fn listen(site: &Site) -> ChildGuard {
    let listener = ground(site, &["-l", "info", "listen"]);
    listener.wait_for_line("listening", PATIENCE);
    listener
}

/// Whoever asks afterwards asks by this process, or by one that stays as long.
fn start_serving(site: &Site) -> ChildGuard {
    let serve = ground(site, &["-l", "info", "serve"]);
    serve.wait_for_line("serving files", PATIENCE);
    serve
}

/// The satellite answers the ground, and is heard by that.
fn hear(site: &Site, service: &Service) {
    let port = service.http.to_string();
    let arguments = ["query", "--timeout", "30s", "--service", &port, "{ ping }"];
    let mut query = ground(site, &arguments);
    let status = query.wait_for_exit(PATIENCE);
    assert!(status.success(), "{:?}", query.lines());
}

fn send(port: u16, octets: &[u8]) {
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    app.send_to(octets, ("127.0.0.1", port)).unwrap();
}

impl Service {
    fn ask(&self, query: &str) -> Value {
        self.post("/graphql", query)["data"].clone()
    }

    fn why(&self) -> Value {
        self.ask("{ telemetry { contact { reason } } }")["telemetry"]["contact"]["reason"].clone()
    }

    #[track_caller]
    fn wait_for_reason(&self, reason: &str) {
        eventually(PATIENCE, || (self.why() == reason).then_some(()));
    }

    /// The windows that the operator gave.
    fn given(&self) -> Vec<Value> {
        let contacts = &self.ask("{ contacts { givenBy windows { start } } }")["contacts"];
        match contacts["givenBy"] == "operator" {
            true => contacts["windows"].as_array().unwrap().clone(),
            false => Vec::new(),
        }
    }

    #[track_caller]
    fn wait_until_it_holds(&self, messages: u64) {
        let waits = "{ telemetry { accounting { downlinkMessages { queued } } } }";
        eventually(PATIENCE, || {
            let queued = &self.ask(waits)["telemetry"]["accounting"]["downlinkMessages"]["queued"];
            (queued.to_string().trim_matches('"') == messages.to_string()).then_some(())
        });
    }

    #[track_caller]
    fn set(&self, start: &str, end: &str) {
        let windows = format!("setContacts(windows: [{{ start: {start:?}, end: {end:?} }}])");
        let set = self.ask(&format!("mutation {{ it: {windows} {{ success }} }}"));
        assert_eq!(set["it"]["success"], true);
    }
}

fn has_heard(listener: &ChildGuard, text: &str) -> bool {
    let lines = listener.lines();
    lines.iter().any(|line| line.text.contains(text))
}

#[test]
fn the_plan_goes_up_when_the_satellite_is_heard_and_what_waits_leaves_when_the_pass_begins() {
    let (site, bulk) = site();
    let service = site.start();
    let now = now_s();
    plan(&site, &service, now, &[(25, 3600), (7200, 7800)]);
    let _serve = start_serving(&site);
    let listener = listen(&site);
    hear(&site, &service);
    eventually(PATIENCE, || (service.given().len() == 2).then_some(()));
    assert_eq!(service.given()[0], json!({ "start": utc(now + 25) }));

    service.wait_for_reason("between-windows");
    send(site.downlink, b"beacon");
    send(bulk, b"picture");
    service.wait_until_it_holds(2);
    assert!(!has_heard(&listener, "beacon") && !has_heard(&listener, "picture"));
    listener.wait_for_line("picture", PATIENCE);
    assert!(now_s() >= now + 25, "{} s too early", now + 25 - now_s());
    listener.wait_for_line("beacon", PATIENCE);
    assert_eq!(service.why(), "planned");
}

#[test]
fn a_plan_that_has_changed_is_given_in_the_pass_and_bulk_leaves_in_it() {
    let (site, bulk) = site();
    let service = site.start();
    let now = now_s();
    plan(&site, &service, now, &[(3600, 4200)]);
    let serve = start_serving(&site);
    hear(&site, &service);
    eventually(PATIENCE, || (service.given().len() == 1).then_some(()));
    service.wait_for_reason("between-windows");
    send(bulk, b"held");
    service.wait_until_it_holds(1);
    drop(serve);

    // By another schedule, this is a pass: nobody need be heard first.
    plan(&site, &service, now - 60, &[(0, 3600), (7200, 7800)]);
    let listener = listen(&site);
    let _serve = start_serving(&site);
    eventually(PATIENCE, || (service.given().len() == 2).then_some(()));
    listener.wait_for_line("held", PATIENCE);
    service.wait_for_reason("planned");
    send(bulk, b"at once");
    listener.wait_for_line("at once", PATIENCE);
}

#[test]
fn what_is_heard_lets_what_waits_leave_whatever_the_plan_says() {
    let (site, bulk) = site();
    let service = site.start();
    plan(&site, &service, now_s(), &[(3600, 4200)]);
    service.set("2090-01-01T00:00:00Z", "2090-01-01T00:10:00Z");
    let listener = listen(&site);
    service.wait_for_reason("between-windows");
    send(bulk, b"picture");
    service.wait_until_it_holds(1);
    assert!(!has_heard(&listener, "picture"));
    hear(&site, &service);
    listener.wait_for_line("picture", PATIENCE);
}

#[test]
fn a_plan_that_is_used_up_holds_nothing() {
    let (site, bulk) = site();
    let service = site.start();
    plan(&site, &service, now_s(), &[(3600, 4200)]);
    service.set("2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z");
    assert_eq!(service.why(), "plan-used-up");
    let listener = listen(&site);
    send(bulk, b"picture");
    listener.wait_for_line("picture", PATIENCE);
}

#[test]
fn a_clock_that_is_not_set_holds_nothing() {
    let (site, bulk) = site();
    let library = site.folder.path().join("clock_not_set.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ethernet_service");
    let built = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source.join("clock_not_set.c"))
        .arg("-ldl")
        .status();
    assert!(built.unwrap().success());
    let mut command = service();
    command.arg("-c").arg(site.config());
    let service = Service::spawn(command.env("LD_PRELOAD", &library));
    plan(&site, &service, now_s(), &[(3600, 4200)]);
    service.set("2090-01-01T00:00:00Z", "2090-01-01T00:10:00Z");
    assert_eq!(service.why(), "clock-not-set");
    let listener = listen(&site);
    send(bulk, b"picture");
    listener.wait_for_line("picture", PATIENCE);
}
