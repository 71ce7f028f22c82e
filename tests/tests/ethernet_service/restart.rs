//! What a restart at the wrong moment does to commands.

use std::net::UdpSocket;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::ports::bind_udp;
use serde_json::Value;

use crate::{PATIENCE, Service, Site};

const COMMAND_ID: u64 = 4711;
const MUTATION: &str = r#"{"query":"mutation { fire }"}"#;

/// A service with a state directory, and the ground's side of its radio.
struct Flight {
    site: Site,
    ground: UdpSocket,
    count: u16,
}

impl Flight {
    fn new() -> Flight {
        let site = Site::new("raw");
        let state = site.folder.path().join("state");
        let more = format!("timeout = 60000\nstate-dir = {state:?}\n");
        site.write(&site.satellite("raw"), &more);
        let ground = bind_udp(site.ground).unwrap();
        ground.set_read_timeout(Some(PATIENCE)).unwrap();
        Flight {
            site,
            ground,
            count: 0,
        }
    }

    /// Sends the same command once more.
    fn command(&mut self, port: u16) {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id: COMMAND_ID,
            port,
        };
        let mut packet = Vec::new();
        SpacePacketFormat::new(End::Ground)
            .build(&head, MUTATION.as_bytes(), 0, self.count, &mut packet)
            .unwrap();
        self.count += 1;
        let radio = ("127.0.0.1", self.site.radio);
        self.ground.send_to(&packet, radio).unwrap();
    }

    /// The next answer of one packet.
    #[track_caller]
    fn answer(&self) -> String {
        let mut packet = [0; 2048];
        let bytes = self.ground.recv(&mut packet).expect("an answer in time");
        String::from_utf8(packet[16..bytes - 2].to_vec()).unwrap()
    }

    #[track_caller]
    fn error_code(&self) -> String {
        let answer: Value = serde_json::from_str(&self.answer()).unwrap();
        let code = &answer["errors"][0]["extensions"]["code"];
        code.as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_string()
    }
}

fn kill(mut service: Service) {
    service.child.signal("KILL");
    service.child.wait_for_exit(PATIENCE);
}

#[test]
fn a_mutation_that_was_with_its_service_at_a_power_cut_is_not_run_again() {
    let fired = HttpService::always(Reply::silence());
    let mut flight = Flight::new();
    let service = flight.site.start();
    flight.command(fired.port());
    fired.wait_for_requests(1, PATIENCE);
    kill(service);

    let service = flight.site.start();
    for _ in 0..2 {
        flight.command(fired.port());
        assert_eq!(flight.error_code(), "heliograph/outcome-unknown");
    }
    assert_eq!(fired.requests().len(), 1);
    drop(service);
}

#[test]
fn a_mutation_that_was_answered_before_a_power_cut_is_not_run_again() {
    let fired = HttpService::always(Reply::ok("{\"data\":{\"fire\":true}}"));
    let mut flight = Flight::new();
    let service = flight.site.start();
    flight.command(fired.port());
    assert!(flight.answer().contains("fire"));
    flight.command(fired.port());
    assert!(flight.answer().contains("fire"), "from memory");
    kill(service);

    let service = flight.site.start();
    flight.command(fired.port());
    let code = flight.error_code();
    let known = ["heliograph/outcome-unknown", "heliograph/answer-not-kept"];
    assert!(known.contains(&code.as_str()), "{code}");
    assert_eq!(fired.requests().len(), 1);
    drop(service);
}

#[test]
fn a_mutation_that_was_answered_before_an_orderly_stop_is_known_to_have_run() {
    let fired = HttpService::always(Reply::ok("{\"data\":{\"fire\":true}}"));
    let mut flight = Flight::new();
    let mut service = flight.site.start();
    flight.command(fired.port());
    assert!(flight.answer().contains("fire"));
    service.child.signal("TERM");
    service.child.wait_for_exit(PATIENCE);

    let service = flight.site.start();
    flight.command(fired.port());
    assert_eq!(flight.error_code(), "heliograph/answer-not-kept");
    assert_eq!(fired.requests().len(), 1);
    drop(service);
}

#[test]
fn a_damaged_journal_is_kept_aside_and_told() {
    let fired = HttpService::always(Reply::ok("{\"data\":{\"fire\":true}}"));
    let mut flight = Flight::new();
    let state = flight.site.folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::write(state.join("commands.redb"), "no database").unwrap();
    let service = flight.site.start();
    service.child.wait_for_line("would run again", PATIENCE);
    assert!(state.join("commands.redb.damaged-1").exists());
    flight.command(fired.port());
    assert!(flight.answer().contains("fire"));
    let metrics = service.get("/metrics", "*/*");
    let line = "heliograph_state_files_damaged_total 1";
    assert!(metrics.lines().any(|said| said == line), "{metrics}");
}

#[test]
fn a_state_directory_that_cannot_be_used_is_refused_by_its_key() {
    let flight = Flight::new();
    std::fs::write(flight.site.folder.path().join("state"), "a file").unwrap();
    let failure = crate::failure_with(&flight.site.config());
    crate::assert_names(&failure, &["state-dir", "directory"]);
}

#[test]
fn two_services_do_not_share_a_state_directory() {
    let flight = Flight::new();
    let first = flight.site.start();
    let config = std::fs::read_to_string(flight.site.config()).unwrap();
    let radio = format!("127.0.0.1:{}", flight.site.radio);
    let downlink = format!("[{}]", flight.site.downlink);
    let other = config
        .replace(&radio, "127.0.0.1:0")
        .replace(&downlink, "[0]");
    let second = flight.site.folder.path().join("second.toml");
    std::fs::write(&second, other).unwrap();
    let failure = crate::failure_with(&second);
    crate::assert_names(&failure, &["state-dir", "another process"]);
    drop(first);
}
