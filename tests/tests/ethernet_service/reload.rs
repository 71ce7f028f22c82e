//! The configuration of the service changes while it runs.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, Line, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use super::{PATIENCE, Service, Site};

const FRAMING: &str = "kiss-ax25";

impl Site {
    /// Writes a configuration that keeps its state, with these keys too.
    fn write_keeping(&self, more: &str) {
        let state = self.folder.path().join("state");
        let state = state.display();
        self.write(
            &self.satellite(FRAMING),
            &format!("state-dir = '{state}'\n{more}"),
        );
    }

    /// Sends a datagram up; whether it arrived at a service within a moment.
    fn reaches(&self, patience: Duration) -> bool {
        let service = UdpSocket::bind("127.0.0.1:0").unwrap();
        service.set_read_timeout(Some(patience)).unwrap();
        let port = service.local_addr().unwrap().port().to_string();
        let mut ground = ChildGuard::spawn(
            Command::new(binary("ground"))
                .arg("-c")
                .arg(self.config())
                .args(["send", "--port", &port, "--text", "here"])
                .env("HELIOGRAPH_RUNTIME_DIR", self.folder.path().join("run"))
                .env("XDG_STATE_HOME", self.folder.path().join("state")),
        );
        assert!(ground.wait_for_exit(PATIENCE).success());
        service.recv(&mut [0; 16]).is_ok()
    }

    /// What the service says to a mutation that comes over the link.
    fn ground_mutation(&self, service: &Service, mutation: &str) -> Value {
        let query = format!("mutation {{ {mutation} {{ success errors }} }}");
        let answer = self.ground_query(service.http, &query);
        let name = mutation.split('(').next().unwrap();
        answer["data"][name].clone()
    }
}

impl Service {
    fn query(&self, query: &str) -> Value {
        self.post("/graphql", query)
    }

    fn state(&self) -> String {
        let answer = self.query("{ configuration { state } }");
        answer["data"]["configuration"]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[track_caller]
    fn wait_for_state(&self, state: &str) {
        eventually(PATIENCE, || (self.state() == state).then_some(()));
    }

    fn mutation(&self, mutation: &str) -> Value {
        let query = format!("mutation {{ {mutation} {{ success errors }} }}");
        let name = mutation.split('(').next().unwrap();
        self.query(&query)["data"][name].clone()
    }
}

impl Service {
    /// Has the file read again, and waits until it counts.
    fn hang_up(&self) {
        let times = || {
            let lines = self.child.lines().into_iter();
            let told = |line: &Line| line.text.contains("the configuration was read again");
            lines.filter(told).count()
        };
        let before = times();
        self.child.signal("HUP");
        eventually(PATIENCE, || (times() > before).then_some(()));
    }

    /// The account of a class of the downlink, and how many were dropped for `reason`.
    fn downlink_class(&self, class: &str, reason: &str) -> Class {
        let answer = self.query(
            "{ telemetry { accounting { downlinkClasses { class messages \
             { offered delivered queued dropped { reason count } } } } } }",
        );
        let classes = &answer["data"]["telemetry"]["accounting"]["downlinkClasses"];
        let mut classes = classes.as_array().unwrap().iter();
        let account = classes.find(|account| account["class"] == class).unwrap();
        let messages = &account["messages"];
        let mut dropped = messages["dropped"].as_array().unwrap().iter();
        let dropped = dropped.find(|dropped| dropped["reason"] == reason);
        let count = |value: &Value| value.as_u64().unwrap();
        Class {
            offered: count(&messages["offered"]),
            delivered: count(&messages["delivered"]),
            queued: count(&messages["queued"]),
            dropped: dropped.map_or(0, |dropped| count(&dropped["count"])),
        }
    }

    #[track_caller]
    fn wait_for_class(&self, class: &str, reason: &str, expected: Class) {
        eventually(PATIENCE, || {
            (self.downlink_class(class, reason) == expected).then_some(())
        });
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Class {
    offered: u64,
    delivered: u64,
    queued: u64,
    dropped: u64,
}

fn done() -> Value {
    json!({ "success": true, "errors": "" })
}

#[test]
fn a_hang_up_signal_changes_the_allow_list_and_a_bad_file_changes_nothing() {
    let site = Site::new(FRAMING);
    let service = site.start();
    assert!(site.reaches(PATIENCE));

    site.write(&site.satellite(FRAMING), "allowed-ports = { udp = [8160] }");
    service.child.signal("HUP");
    service
        .child
        .wait_for_line("the configuration was read again", PATIENCE);
    assert!(!site.reaches(Duration::from_millis(500)));

    for (bad, named) in [
        ("allowed-prots = { udp = [] }", "allowed-ports"),
        (
            "rate-limits = [{ port = 1, per-second = 0, burst = 1 }]",
            "rate-limits",
        ),
        ("read-timeout-ms = 77", "read-timeout-ms"),
    ] {
        site.write(&site.satellite(FRAMING), bad);
        service.child.signal("HUP");
        let line = service.child.wait_for_line(named, PATIENCE);
        assert!(line.contains("stays as it was"), "{line}");
    }
    site.write(&site.satellite("kiss"), "");
    service.child.signal("HUP");
    service
        .child
        .wait_for_line("[ethernet-service.radio] cannot change", PATIENCE);
    site.write(&site.satellite(FRAMING), "");
    assert!(!site.reaches(Duration::from_millis(500)));
    service.child.signal("HUP");
    eventually(PATIENCE, || {
        site.reaches(Duration::from_millis(500)).then_some(())
    });
}

#[test]
fn a_hang_up_signal_changes_classes_times_limits_and_the_pace_of_the_downlink() {
    let site = Site::new(FRAMING);
    let port = free_udp_port();
    let configure = |port_is: &str, more: &str| {
        let text = format!("downlink = [{{ port = {port}, {port_is} }}]\n{more}");
        site.write(&site.satellite(FRAMING), &text);
    };
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = || {
        app.send_to(&[7; 200], ("127.0.0.1", port)).unwrap();
    };
    // A message is on the air for minutes: what follows it waits.
    configure("class = 'bulk'", "bit-rate-bps = 10");
    let service = site.start();
    (0..3).for_each(|_| send());
    let waiting = Class {
        offered: 3,
        delivered: 1,
        queued: 2,
        dropped: 0,
    };
    service.wait_for_class("bulk", "displaced", waiting);

    let oldest = "queue = { telemetry = { messages-max = 1, when-full = 'oldest' } }";
    let slow = format!("{oldest}\nbit-rate-bps = 10");
    configure("class = 'telemetry'", &slow);
    service.hang_up();
    (0..3).for_each(|_| send());
    let newest_only = Class {
        offered: 3,
        delivered: 0,
        queued: 1,
        dropped: 2,
    };
    service.wait_for_class("telemetry", "displaced", newest_only);

    configure("class = 'telemetry', ttl-ms = 1", &slow);
    service.hang_up();
    send();
    let over = Class {
        offered: 4,
        delivered: 0,
        queued: 0,
        dropped: 1,
    };
    service.wait_for_class("telemetry", "expired", over);

    configure("class = 'telemetry'", "bit-rate-bps = 0");
    service.hang_up();
    let gone = Class {
        offered: 3,
        delivered: 3,
        queued: 0,
        dropped: 0,
    };
    service.wait_for_class("bulk", "displaced", gone);
}

#[test]
fn a_change_over_the_link_that_cuts_it_off_is_rolled_back() {
    let site = Site::new(FRAMING);
    site.write_keeping("confirm-window-ms = 3000");
    let service = site.start();
    let changes = [
        // What the ground sends is not understood any more.
        "apids = { graphql = 20, udp = 21 }",
        // It is, as what it is not: that shows nothing.
        "format = 'kubos'",
    ];
    for (rolled_back, change) in changes.iter().enumerate() {
        let mutation = format!("configure(toml: \"{change}\")");
        assert_eq!(site.ground_mutation(&service, &mutation), done());
        eventually(PATIENCE, || (service.state() != "staged").then_some(()));
        site.reaches(Duration::from_millis(300));
        eventually(PATIENCE, || {
            let lines = service.child.lines();
            let told = |line: &&Line| line.text.contains("is rolled back");
            (lines.iter().filter(told).count() > rolled_back).then_some(())
        });
        assert!(site.reaches(PATIENCE));
    }
    // Nothing of it is left for a restart.
    assert!(
        !site
            .folder
            .path()
            .join("state/ethernet-service.overlay.toml")
            .exists()
    );
}

#[test]
fn a_change_under_which_the_ground_is_heard_stays_for_a_restart_too() {
    let site = Site::new(FRAMING);
    site.write_keeping("");
    let service = site.start();
    let closed = r#"configure(toml: "allowed-ports = { udp = [8160] }")"#;
    assert_eq!(site.ground_mutation(&service, closed), done());
    service.wait_for_state("on-trial");
    // A message that it refuses shows nothing, one that it lets in does.
    assert!(!site.reaches(Duration::from_millis(300)));
    assert_eq!(service.state(), "on-trial");
    site.ground_query(service.http, "{ ping }");
    service.wait_for_state("settled");
    drop(service);
    let service = site.start();
    assert!(!site.reaches(Duration::from_millis(300)));
    let overlay = service.query("{ configuration { overlay } }");
    let overlay = overlay["data"]["configuration"]["overlay"]
        .as_str()
        .unwrap();
    assert!(overlay.contains("8160"), "{overlay}");
    // And is taken back by nothing in its place.
    assert_eq!(service.mutation(r#"configure(toml: "")"#), done());
    service.wait_for_state("on-trial");
    assert_eq!(service.mutation("confirmConfiguration"), done());
    assert_eq!(service.state(), "settled");
    assert!(site.reaches(PATIENCE));
}

#[test]
fn a_restart_before_the_confirmation_starts_with_the_old_configuration() {
    let site = Site::new(FRAMING);
    site.write_keeping("");
    let service = site.start();
    let closed = "allowed-ports = { udp = [8160] }";
    let by_overlay = format!("configure(toml: \"{closed}\")");
    let mut service = service;
    for is_on_trial in [false, true] {
        assert_eq!(service.mutation(&by_overlay), done());
        if is_on_trial {
            service.wait_for_state("on-trial");
        }
        drop(service);
        service = site.start();
        assert!(site.reaches(PATIENCE));
    }

    site.write_keeping(closed);
    assert_eq!(service.mutation("reloadConfiguration"), done());
    service.wait_for_state("on-trial");
    drop(service);
    let service = site.start();
    service.child.wait_for_line("was never confirmed", PATIENCE);
    assert!(site.reaches(PATIENCE));
    // Whoever sits at the machine says that the file counts.
    service.child.signal("HUP");
    service
        .child
        .wait_for_line("the configuration was read again", PATIENCE);
    assert!(!site.reaches(Duration::from_millis(300)));
    drop(service);
    let _service = site.start();
    assert!(!site.reaches(Duration::from_millis(300)));
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_key_and_changes_nothing() {
    let site = Site::new(FRAMING);
    site.write_keeping("");
    let service = site.start();
    for (toml, named) in [
        ("formt = 'kubos'", "format"),
        ("max-num-handlers = 3", "max-num-handlers"),
        ("timeout = 'long'", "timeout"),
        ("downlink-ports = [1, 2]", "downlink_ports"),
        ("state-dir = '/elsewhere'", "state-dir"),
        (
            "allowed-ports = { graphql = [8020] }",
            "the port of this endpoint",
        ),
        ("format = 'udp'", "http-ports"),
        ("message-bytes-max = 60", "message-bytes-max"),
        ("memory-bytes-max = 600", "memory-bytes-max"),
    ] {
        let refused = service.mutation(&format!("configure(toml: \"{toml}\")"));
        assert_eq!(refused["success"], json!(false), "{toml}");
        let errors = refused["errors"].as_str().unwrap();
        assert!(errors.contains(named), "{toml}: {errors}");
        assert_eq!(service.state(), "settled");
    }
    assert_eq!(
        service.mutation("confirmConfiguration")["success"],
        json!(false)
    );
    assert!(site.reaches(PATIENCE));
}

#[test]
fn without_a_state_directory_nothing_is_taken_by_a_mutation() {
    let site = Site::new(FRAMING);
    let service = site.start();
    for mutation in ["configure(toml: \"\")", "reloadConfiguration"] {
        let refused = service.mutation(mutation);
        assert!(
            refused["errors"].as_str().unwrap().contains("state-dir"),
            "{refused}"
        );
    }
}

#[test]
fn contact_is_in_telemetry() {
    let site = Site::new(FRAMING);
    let service = site.start();
    let contact = |service: &Service| {
        let query = "{ telemetry { contact { inContact reason heardMsAgo } } }";
        service.query(query)["data"]["telemetry"]["contact"].clone()
    };
    let never = json!({ "inContact": false, "reason": "no-plan", "heardMsAgo": null });
    assert_eq!(contact(&service), never);
    assert!(site.reaches(PATIENCE));
    let heard = contact(&service);
    assert_eq!(
        (&heard["inContact"], &heard["reason"]),
        (&json!(true), &json!("heard"))
    );
    assert!(heard["heardMsAgo"].is_number());
}

#[test]
fn the_example_is_accepted_and_is_tight() {
    let example = include_str!("../../../ethernet-service/config.example.toml");
    let defaults = ethernet_service::defaults().unwrap().comms;
    let (config, options) =
        comms_service::CommsConfig::from_toml(example, "ethernet-service", defaults).unwrap();
    assert_eq!(config.max_num_handlers, 8);
    assert!(options.allowed_ports.graphql.is_some() && options.allowed_ports.udp.is_some());

    // The same on free ports, as a file of a service that starts.
    let site = Site::new(FRAMING);
    let text = example
        .replace("port = 8150\n\n", "port = 0\n\n")
        .replace("13000", &site.radio.to_string())
        .replace("9001", &site.ground.to_string())
        .replace("13011", &site.downlink.to_string())
        .replace("13100", "0")
        .replace("13149", "0");
    std::fs::write(site.config(), text).unwrap();
    let service = site.start();
    let query = "{ configuration { state overlay } }";
    let settled = json!({ "state": "settled", "overlay": "" });
    assert_eq!(service.query(query)["data"]["configuration"], settled);
}
