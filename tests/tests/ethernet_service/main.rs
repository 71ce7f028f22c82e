//! The mock radio as it is installed: its binary, its configuration file, its
//! log, its endpoint, and `ground` at the other end of the radio.

mod book;
mod channel;
mod contact_plan;
mod contacts;
mod file_service;
mod reload;
mod restart;
mod security;
mod threads;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use heliograph_tests::binaries::{ChildGuard, Stream, binary};
use heliograph_tests::ports::{bind_udp, free_udp_port};
use heliograph_tests::wait::eventually;
use radio_hal::config::Transport;
use radio_hal::{Ax25Config, FrameDrop, FramingConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a stop may take: 3 s for the endpoint, then the radio's read time-out
/// and `timeout`, which are below a second here; and slack for a loaded machine.
const STOP_BOUND: Duration = Duration::from_secs(8);

/// Where a service of these tests is.
struct Site {
    folder: TempDir,
    radio: u16,
    ground: u16,
    downlink: u16,
}

impl Site {
    /// Free ports, and a folder with a `config.toml` for both ends.
    fn new(framing: &str) -> Site {
        let site = Site {
            folder: TempDir::new().unwrap(),
            radio: free_udp_port(),
            ground: free_udp_port(),
            downlink: free_udp_port(),
        };
        site.write(&site.satellite(framing), "");
        site
    }

    /// Writes the configuration: `satellite` as its radio, and `more` after
    /// the keys of `[ethernet-service.comms]`.
    fn write(&self, satellite: &str, more: &str) {
        let text = format!(
            "{satellite}\n\
             [ethernet-service.comms]\n\
             handler-port-min = 0\n\
             handler-port-max = 0\n\
             downlink-ports = [{}]\n\
             ground-port = {}\n\
             {more}\n",
            self.downlink, self.ground
        );
        fs::write(self.config(), text).unwrap();
    }

    /// The endpoint, on any port, and the radio, which `ground` has as well.
    fn satellite(&self, framing: &str) -> String {
        let (radio, ground) = (self.radio, self.ground);
        let end = |bind, peer, ours, theirs| {
            let ax25 = if framing.contains("ax25") {
                format!("ax25 = {{ callsign = \"{ours}\", peer = \"{theirs}\" }}")
            } else {
                String::new()
            };
            format!(
                "kind = \"udp\"\nbind = \"127.0.0.1:{bind}\"\npeer = \"127.0.0.1:{peer}\"\n\
                 framing = \"{framing}\"\nread-timeout-ms = 100\n{ax25}\n"
            )
        };
        format!(
            "[[link]]\nname = \"test\"\nsatellite = \"test\"\n[link.radio]\n{}\n\
             [ethernet-service.addr]\nport = 0\n[ethernet-service.radio]\n{}",
            end(ground, radio, "GROUND", "HELIO-1"),
            end(radio, ground, "HELIO-1", "GROUND"),
        )
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// The service with this site's configuration.
    fn start(&self) -> Service {
        let mut command = service();
        command.arg("-c").arg(self.config());
        Service::spawn(&mut command)
    }

    /// What `ground query` prints for `query` to the service at `port`.
    fn ground_query(&self, port: u16, query: &str) -> Value {
        let mut ground = ChildGuard::spawn(
            Command::new(binary("ground"))
                .arg("-c")
                .arg(self.config())
                .args(["query", "--timeout", "30s", "--service", &port.to_string()])
                .arg(query)
                .env("HELIOGRAPH_RUNTIME_DIR", self.folder.path().join("run"))
                .env("XDG_STATE_HOME", self.folder.path().join("state")),
        );
        let status = ground.wait_for_exit(PATIENCE);
        assert!(status.success(), "{:?}", ground.lines());
        let answer = ground.lines().into_iter();
        let answer: Vec<String> = answer
            .filter(|line| line.stream == Stream::Stdout)
            .map(|line| line.text)
            .collect();
        serde_json::from_str(&answer.join("\n")).unwrap()
    }
}

/// The service's binary; its log must not depend on who runs the tests.
fn service() -> Command {
    let mut command = Command::new(binary("ethernet-service"));
    command.env_remove("RUST_LOG");
    command
}

/// A service that has started.
struct Service {
    child: ChildGuard,
    http: u16,
}

impl Service {
    #[track_caller]
    fn spawn(command: &mut Command) -> Service {
        let child = ChildGuard::spawn(command);
        let line = child.wait_for_line("at http://127.0.0.1:", PATIENCE);
        let (_, port) = line.trim_end_matches('/').rsplit_once(':').unwrap();
        let http = port.parse().unwrap();
        Service { child, http }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    fn post(&self, path: &str, query: &str) -> Value {
        let request = json!({ "query": query }).to_string();
        let answer = ureq::post(self.url(path)).send(request).unwrap();
        let answer = answer.into_body().read_to_string().unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    fn get(&self, path: &str, accept: &str) -> String {
        let answer = ureq::get(self.url(path)).header("Accept", accept).call();
        answer.unwrap().into_body().read_to_string().unwrap()
    }
}

/// Runs the service with `arguments` until it fails, and gives the only line
/// that it wrote.
#[track_caller]
fn failure(arguments: &[&str]) -> String {
    let mut child = ChildGuard::spawn(service().args(["-l", "error"]).args(arguments));
    let status = child.wait_for_exit(PATIENCE);
    let lines = child.lines();
    assert_eq!(status.code(), Some(1), "{lines:?}");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].stream, Stream::Stderr);
    assert!(lines[0].text.starts_with("ethernet-service: "), "{lines:?}");
    lines[0].text.clone()
}

#[track_caller]
fn failure_with(config: &Path) -> String {
    failure(&["-c", config.to_str().unwrap()])
}

#[track_caller]
fn assert_names(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

#[test]
fn the_defaults_are_its_row_of_the_plan() {
    let defaults = ethernet_service::defaults().unwrap();
    assert_eq!(defaults.service, "ethernet-service");
    assert_eq!(
        defaults.addr.socket_addr(),
        "127.0.0.1:8150".parse().unwrap()
    );

    let udp = Transport::Udp {
        bind: "127.0.0.1:13000".parse().unwrap(),
        peer: "127.0.0.1:9001".parse().unwrap(),
    };
    assert_eq!(*defaults.radio.transport(), udp);
    let ax25 = Ax25Config::new("HELIO-1".parse().unwrap(), "GROUND".parse().unwrap());
    assert_eq!(*defaults.radio.framing(), FramingConfig::kiss_ax25(ax25));

    let comms = defaults.comms;
    assert_eq!(comms.handler_port_min, 13_100);
    assert_eq!(comms.handler_port_max, 13_149);
    assert_eq!(comms.downlink_ports, Some(vec![13_011]));
    assert_eq!(comms.ground_port, Some(9_001));
    assert_eq!(comms.max_num_handlers, 50);
    assert_eq!(comms.timeout, 1_500);
    assert_eq!(comms.ground_ip, "127.0.0.1");
    assert_eq!(comms.satellite_ip, "127.0.0.1");
}

/// The ground asks the service for its own counts over the radio with this
/// framing, and they fit what it did.
fn answers_the_ground_over(framing: &str) {
    let site = Site::new(framing);
    let service = site.start();
    let query = "{ ping errors packetsUp failedPacketsUp telemetry { packetsDown \
                 accounting { uplinkPackets { offered delivered inFlight queued dropped { count } } } } \
                 radio { received delivered dropped { count } transmitted transmitFailures } }";
    let answer = site.ground_query(service.http, query);
    let data = &answer["data"];
    assert_eq!(data["ping"], "pong", "{answer}");
    assert_eq!(data["failedPacketsUp"], 0, "{answer}");
    assert_eq!(data["telemetry"]["packetsDown"], 0, "{answer}");

    let errors = data["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    assert_names(errors[0].as_str().unwrap(), &["not given", "timeout"]);

    let up = &data["packetsUp"];
    assert!(up.as_u64().unwrap() > 0, "{answer}");
    let flow = &data["telemetry"]["accounting"]["uplinkPackets"];
    let settled = json!({
        "offered": up, "delivered": up, "inFlight": 0, "queued": 0, "dropped": []
    });
    assert_eq!(*flow, settled);
    let radio = json!({
        "received": up, "delivered": up, "dropped": [],
        "transmitted": 0, "transmitFailures": 0
    });
    assert_eq!(data["radio"], radio);

    // What the ground holds in hand was counted when the radio took it.
    eventually(PATIENCE, || {
        let answer = service.post("/", "{ packetsDown radio { transmitted } }");
        let down = &answer["data"]["packetsDown"];
        (down.as_u64() > Some(0) && answer["data"]["radio"]["transmitted"] == *down).then_some(())
    });
}

#[test]
fn the_ground_is_answered_over_kiss_and_ax25() {
    answers_the_ground_over("kiss-ax25");
}

#[test]
fn the_ground_is_answered_over_ax25() {
    answers_the_ground_over("ax25");
}

#[test]
fn the_ground_is_answered_over_kiss() {
    answers_the_ground_over("kiss");
}

#[test]
fn the_ground_is_answered_over_raw_datagrams() {
    answers_the_ground_over("raw");
}

#[test]
fn its_endpoint_answers_at_both_paths() {
    let service = Site::new("kiss-ax25").start();
    let query = "{ ping errors packetsUp \
                 telemetry { packetsUp accounting { memoryBytesMax } } \
                 radio { received dropped { reason count } } }";
    for path in ["/", "/graphql"] {
        let answer = service.post(path, query);
        let data = &answer["data"];
        assert_eq!(data["ping"], "pong", "{answer}");
        assert_eq!(data["errors"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(data["packetsUp"], 0, "{answer}");
        let telemetry = json!({"packetsUp": 0, "accounting": {"memoryBytesMax": 8_388_608}});
        assert_eq!(data["telemetry"], telemetry);
        assert_eq!(data["radio"], json!({"received": 0, "dropped": []}));

        let noop = service.post(path, "mutation { noop { success errors } }");
        let done = json!({"data": {"noop": {"success": true, "errors": ""}}});
        assert_eq!(noop, done);
    }
}

#[test]
fn its_metrics_hold_every_account_and_every_reason() {
    let service = Site::new("kiss-ax25").start();
    let page = service.get("/metrics", "*/*");
    let has = |sample: String| {
        let found = page.lines().any(|line| line == format!("{sample} 0"));
        assert!(found, "no {sample} in:\n{page}");
    };
    for flow in [
        "uplink-packets",
        "uplink-messages",
        "downlink-messages",
        "downlink-packets",
    ] {
        for account in ["offered_total", "delivered_total", "queued", "in_flight"] {
            has(format!("heliograph_{account}{{flow=\"{flow}\"}}"));
        }
        for reason in DropReason::ALL {
            let reason = reason.as_str();
            has(format!(
                "heliograph_dropped_total{{flow=\"{flow}\",reason=\"{reason}\"}}"
            ));
        }
    }
    for reason in FrameDrop::ALL {
        has(format!(
            "heliograph_radio_frames_dropped_total{{reason=\"{reason}\"}}"
        ));
    }
    for metric in [
        "sequence_gaps_total",
        "sender_restarts_total",
        "surplus_bytes_total",
        "read_errors_total",
        "radio_frames_received_total",
        "radio_frames_delivered_total",
        "radio_transmitted_total",
        "radio_transmit_failures_total",
    ] {
        has(format!("heliograph_{metric}"));
    }
}

#[test]
fn a_browser_gets_graphiql_that_needs_no_other_server() {
    let service = Site::new("kiss-ax25").start();
    let page = service.get("/", "text/html");
    assert_names(&page, &["<div id=\"graphiql\">"]);
    assert!(!page.contains("//"), "{page}");
}

#[test]
fn a_signal_ends_it_well_in_time_and_its_ports_are_free_again() {
    for signal in ["TERM", "INT"] {
        let site = Site::new("kiss-ax25");
        let mut service = site.start();
        assert_eq!(service.post("/", "{ ping }")["data"]["ping"], "pong");
        let begin = Instant::now();
        service.child.signal(signal);
        let status = service.child.wait_for_exit(PATIENCE);
        let taken = begin.elapsed();
        let lines = service.child.lines();
        assert_eq!(status.code(), Some(0), "{lines:?}");
        assert!(taken < STOP_BOUND, "{taken:?}: {lines:?}");
        service
            .child
            .wait_for_line(&format!("SIG{signal}"), PATIENCE);

        TcpListener::bind(("127.0.0.1", service.http)).unwrap();
        bind_udp(site.radio).unwrap();
        bind_udp(site.downlink).unwrap();
    }
}

#[test]
fn a_malformed_value_falls_back_and_says_so_first() {
    let site = Site::new("kiss-ax25");
    site.write(&site.satellite("kiss-ax25"), "timeout = \"soon\"");
    let service = site.start();
    let warning = service.child.wait_for_line("WARN", PATIENCE);
    let said = ["[ethernet-service.comms]", "`timeout`", "\"soon\"", "1500"];
    assert_names(&warning, &said);

    let answer = service.post("/", "{ errors }");
    assert_names(answer["data"]["errors"][0].as_str().unwrap(), &said);
}

#[test]
fn a_misspelt_name_stops_the_start_and_the_meant_one_is_named() {
    let site = Site::new("kiss-ax25");
    let config = site.config();
    let file = config.to_str().unwrap();
    for (text, said) in [
        (
            "[ethernet-servise.addr]\nport = 0\n",
            ["[ethernet-servise]", "[ethernet-service]"],
        ),
        (
            "[ethernet-service.radoi]\nkind = \"udp\"\n",
            ["`radoi`", "[ethernet-service.radio]"],
        ),
        ("[ethernet-service.addr]\nprot = 0\n", ["`prot`", "`port`"]),
        (
            "[ethernet-service.comms]\nmemory-byte-max = 1000000\n",
            ["`memory-byte-max`", "`memory-bytes-max`"],
        ),
        (
            "[ethernet-service.comms]\ntimeuot = 1000\n",
            ["`timeuot`", "`timeout`"],
        ),
    ] {
        fs::write(&config, text).unwrap();
        let error = failure_with(&config);
        assert_names(&error, &[file]);
        assert_names(&error, &said);
    }
}

#[test]
fn a_value_that_cannot_work_stops_the_start_and_the_file_is_named() {
    let site = Site::new("kiss-ax25");
    site.write(&site.satellite("kiss-ax25"), "timeout = 0");
    let error = failure_with(&site.config());
    assert_names(&error, &[site.config().to_str().unwrap(), "timeout"]);
}

#[test]
fn a_file_that_is_not_there_is_named_with_the_cause_once() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.toml");
    let error = failure_with(&missing);
    assert_names(&error, &[missing.to_str().unwrap()]);
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
}

#[test]
fn the_configuration_of_the_working_directory_is_found() {
    let site = Site::new("kiss-ax25");
    let service = Service::spawn(service().current_dir(site.folder.path()));
    service.child.wait_for_line("./config.toml", PATIENCE);
    let radio = format!("on UDP 127.0.0.1:{}", site.radio);
    service.child.wait_for_line(&radio, PATIENCE);
}

#[test]
fn a_radio_whose_address_another_program_has_says_so() {
    let site = Site::new("kiss-ax25");
    let _other: UdpSocket = bind_udp(site.radio).unwrap();
    let error = failure_with(&site.config());
    let address = format!("127.0.0.1:{}", site.radio);
    assert_names(&error, &[&address, "another program", "ethernet-service"]);
    assert_eq!(error.matches("in use").count(), 1, "{error}");
}
