//! Protected messages against Python's `hmac` and `cryptography`.

use std::time::{Duration, Instant};

use comms_service::link::{Action, Command, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::security::{KeyRing, Mode, Security, SecuritySetup, State};
use heliograph_tests::hex;
use heliograph_tests::referee::{self, SECURITY};
use serde_json::json;

const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// An end and what it stored last.
struct Node {
    link: Link,
    stored: Vec<u8>,
}

impl Node {
    fn new(end: End, mode: Mode) -> Node {
        let format = SpacePacketFormat {
            error_control: false,
            secured: true,
            ..SpacePacketFormat::new(end)
        };
        let security = Security::new(SecuritySetup {
            end,
            mode,
            keys: KeyRing::parse(format!("3 {MASTER}").as_bytes()).expect("a key"),
            station: 1,
            state: None,
            seed: [end as u8; 32],
            challenge_interval: Duration::from_secs(60),
            silence: Duration::from_secs(3600),
        });
        Node {
            link: Link::new(LinkConfig::new(end), Box::new(format)).with_security(security),
            stored: Vec::new(),
        }
    }

    fn act(&mut self, now: Instant) {
        while let Some(action) = self.link.poll_action() {
            if let Action::StoreSecurity { token, octets } = action {
                self.stored = octets;
                self.link.handle_security_stored(now, token, Ok(()));
            }
        }
    }

    fn transmit(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let (mut packets, mut packet) = (Vec::new(), Vec::new());
        self.act(now);
        while self.link.has_packet(now, 0) {
            if self.link.poll_packet(now, 0, &mut packet) {
                packets.push(packet.clone());
                self.link.handle_written(now, 0, Ok(()));
            }
            self.act(now);
        }
        packets
    }
}

#[test]
fn python_opens_our_messages_and_proves_our_resyncs() {
    for (number, mode) in [(1, Mode::Authenticate), (2, Mode::Encrypt)] {
        let now = Instant::now();
        let mut satellite = Node::new(End::Satellite, mode);
        let mut ground = Node::new(End::Ground, mode);
        satellite.link.handle_timeout(now);
        let challenge = satellite.transmit(now).remove(0);
        ground.link.handle_packet(now, challenge.clone());
        let resync = ground.transmit(now).remove(0);
        let (nonce, proof) = resync[19..].split_at(16);
        let question = json!({
            "ask": "resync",
            "master": MASTER,
            "generation": 3,
            "station": 1,
            "challenge": hex::from_octets(&challenge[17..]),
            "nonce": hex::from_octets(nonce),
        });
        let verdict = referee::ask(SECURITY, &question).expect("a proof");
        assert_eq!(verdict, json!(hex::from_octets(proof)));

        satellite.link.handle_packet(now, resync);
        let done = satellite.transmit(now).remove(0);
        ground.link.handle_packet(now, done.clone());
        ground.link.command(Command {
            command_id: 0x0102_0304_0506_0708,
            payload_type: PayloadType::GraphQl,
            port: 8020,
            payload: b"query { ping }".to_vec(),
            timeout: Duration::from_secs(1),
            retries: 0,
        });
        let query = ground.transmit(now).remove(0);
        let salt = State::decode(&ground.stored).and_then(|state| state.salt_of(1));
        let salt = hex::from_octets(&salt.expect("a salt"));
        let open = |packet: &[u8], direction, command_header| {
            let question = json!({
                "ask": "open",
                "packet": hex::from_octets(packet),
                "master": MASTER,
                "salt": salt,
                "mode": number,
                "direction": direction,
                "command_header": command_header,
            });
            referee::ask(SECURITY, &question)
        };
        let opened = open(&query, 0, true).expect("authentic");
        assert_eq!(opened, json!(hex::from_octets(b"query { ping }")));
        let opened = open(&done, 1, false).expect("authentic");
        assert!(opened.as_str().is_some_and(|done| done.starts_with("06")));
        // And it would say so if it were not.
        let mut altered = query;
        altered[30] ^= 1;
        assert!(open(&altered, 0, true).is_err());
    }
}
