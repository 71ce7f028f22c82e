//! A link with a key, with somebody between its ends who alters and repeats what he
//! likes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use comms_service::LinkOptions;
use comms_service::accounting::DropReason;
use comms_service::link::QueueClass;
use comms_service::options::SecurityOptions;
use comms_service::security::Mode;
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{Entity, Ground, Radio, Satellite, Setup};

/// Both ends, and the two radios between which the test stands.
struct Tapped {
    // In this order they end.
    ground: Ground,
    satellite: Satellite,
    /// Behind the satellite.
    entity: Entity,
    ground_entity: Entity,
    to_ground: Radio,
    to_satellite: Radio,
    _folder: tempfile::TempDir,
}

impl Tapped {
    /// With keys in common.
    fn start(mode: Mode) -> Tapped {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("link.key");
        fs::write(&key, format!("1 {}\n", "3c".repeat(32))).expect("a key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
        let setup = |end: &str| Setup {
            options: LinkOptions {
                // So that what is altered reaches the security layer.
                error_control: Some(false),
                state_dir: Some(folder.path().join(end)),
                security: Some(SecurityOptions {
                    mode,
                    ..SecurityOptions::new(&key)
                }),
                ..LinkOptions::default()
            },
            ..Setup::default()
        };
        let (own, to_satellite) = Radio::pair();
        let satellite = setup("satellite");
        let controls = satellite.controls(
            Some(Arc::new(Radio::read)),
            vec![Arc::new(Radio::write)],
            own,
        );
        let (entity, ground_entity) = (Entity::default(), Entity::default());
        let (radio, to_ground) = Radio::pair();
        let tapped = Tapped {
            ground: setup("ground").ground_with_entity(radio, &ground_entity),
            satellite: Satellite::start(satellite.builder(controls).pdus(entity.receiver())),
            entity,
            ground_entity,
            to_ground,
            to_satellite,
            _folder: folder,
        };
        eventually(PATIENCE, || {
            for packet in tapped.to_satellite.receives.try_iter() {
                tapped.to_ground.send(packet);
            }
            for packet in tapped.to_ground.receives.try_iter() {
                tapped.to_satellite.send(packet);
            }
            tapped.ground.is_in_sync().then_some(())
        });
        tapped
    }

    /// Sends so many altered packets up; none leads to anything.
    fn all_refused(&self, altered: impl Iterator<Item = Vec<u8>>) {
        let refused = || {
            let all = self.satellite.statistics();
            all.packets_in.dropped.total() + all.messages_in.dropped.total()
        };
        let before = refused();
        let mut sent = 0;
        for packet in altered {
            self.to_satellite.send(packet);
            sent += 1;
        }
        self.satellite.wait_until(|all| {
            let refused = all.packets_in.dropped.total() + all.messages_in.dropped.total();
            refused == before + sent && all.packets_in.queued == 0
        });
        assert!(self.to_satellite.receives.is_empty(), "it answered");
    }
}

#[test]
fn whatever_bit_is_flipped_on_the_way_the_service_behind_hears_nothing() {
    for mode in [Mode::Authenticate, Mode::Encrypt] {
        let link = Tapped::start(mode);
        let service = HttpService::always(Reply::ok("pong"));
        let id = link.ground.ask(service.port(), b"{\"query\":\"{ping}\"}");
        let query = link.to_ground.expect();
        // Sequence flags and count are the packet's, not the message's.
        let bits = (0..8 * query.len()).filter(|bit| !(16..32).contains(bit));
        link.all_refused(bits.map(|bit| {
            let mut forged = query.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            forged
        }));
        assert_eq!(service.requests().len(), 0);

        link.to_satellite.send(query.clone());
        let answer = link.to_satellite.expect();
        for bit in (0..8 * answer.len()).filter(|bit| !(16..32).contains(bit)) {
            let mut forged = answer.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            link.to_ground.send(forged);
        }
        link.to_ground.send(answer);
        // The first answer that it believes is the true one.
        assert_eq!(link.ground.answer_to(id), b"pong");

        // And what was heard is not heard again.
        link.all_refused((1..100).map(|count| {
            let mut replayed = query.clone();
            replayed[3] = replayed[3].wrapping_add(count);
            replayed
        }));
        let all = link.satellite.statistics();
        assert_eq!(all.messages_in.dropped.of(DropReason::Replay), 99);
        assert_eq!(service.requests().len(), 1);
    }
}

#[test]
fn pdus_pass_protected_and_no_forged_one_reaches_the_entity() {
    for mode in [Mode::Authenticate, Mode::Encrypt] {
        let link = Tapped::start(mode);
        let up = link.ground.pdu_sender();
        // Header, security header and trailer.
        assert_eq!(up.pdu_bytes_max(), 256 - 6 - 10 - 16);
        up.send(QueueClass::Response, 1, b"put that there")
            .expect("room");
        let genuine = link.to_ground.expect();
        assert_eq!(link.ground_entity.departure(), (1, Ok(())));
        let in_clear = genuine.windows(14).any(|part| part == b"put that there");
        assert_eq!(in_clear, mode == Mode::Authenticate);
        let bits = (0..8 * genuine.len()).filter(|bit| !(16..32).contains(bit));
        link.all_refused(bits.map(|bit| {
            let mut forged = genuine.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            forged
        }));
        link.to_satellite.send(genuine.clone());
        // The first that it hears is the true one, and it hears it once.
        assert_eq!(link.entity.pdu(), b"put that there");
        link.all_refused((1..100).map(|count| {
            let mut replayed = genuine.clone();
            replayed[3] = replayed[3].wrapping_add(count);
            replayed
        }));

        let down = link.satellite.pdu_sender();
        down.send(QueueClass::Bulk, 2, b"file data").expect("room");
        assert_eq!(link.entity.departure(), (2, Ok(())));
        link.to_ground.send(link.to_satellite.expect());
        assert_eq!(link.ground_entity.pdu(), b"file data");
    }
}
