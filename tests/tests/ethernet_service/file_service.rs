//! The binary `file-service`, and a file entity at the other end of its radio.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comms_service::ground::{GroundControls, GroundLink};
use comms_service::options::Addresses;
use comms_service::{LinkOptions, radio};
use file_delivery::StoreName;
use file_delivery::agent::{FileAgent, FileHandle};
use file_delivery::entity::{Entity, EntityConfig, GetRequest, Peer, PutRequest};
use file_delivery::pdu::EntityId;
use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};
use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};
use tempfile::TempDir;

use super::PATIENCE;

const SATELLITE: EntityId = EntityId(1);
const TIMEOUT: Duration = Duration::from_millis(200);

/// A satellite with the service, and a ground.
struct Files {
    folder: TempDir,
    ports: [u16; 2],
}

impl Files {
    fn new() -> Self {
        let files = Files {
            folder: TempDir::new().expect("a folder"),
            ports: [free_udp_port(), free_udp_port()],
        };
        let [own, other] = files.ports;
        let text = format!(
            "[file-service.addr]\nport = 0\n\
             [file-service.radio]\nkind = \"udp\"\nbind = \"127.0.0.1:{own}\"\n\
             peer = \"127.0.0.1:{other}\"\nframing = \"kiss-ax25\"\nread-timeout-ms = 100\n\
             ax25 = {{ callsign = \"HELIO-1\", peer = \"GROUND\" }}\n\
             [file-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
             downlink-ports = [{}]\n\
             [file-service.files]\nroot = \"{}\"\njournal = \"{}\"\n\
             peers = [{{ entity-id = 2, ack-timeout-ms = 200, nak-timeout-ms = 200, inactivity-timeout-ms = 400 }}]\n",
            free_udp_port(),
            files.path("satellite/files").display(),
            files.path("satellite/files.redb").display(),
        );
        fs::write(files.path("config.toml"), text).expect("a file");
        fs::create_dir_all(files.path("ground")).expect("a folder");
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_satellite(&self) -> ChildGuard {
        let mut command = Command::new(binary("file-service"));
        command.env_remove("RUST_LOG");
        let service = ChildGuard::spawn(command.arg("-c").arg(self.path("config.toml")));
        service.wait_for_line("GraphQL", PATIENCE);
        service
    }

    fn start_ground(&self) -> (GroundLink, FileHandle<Directory, RedbJournal>) {
        let [other, own] = self.ports;
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ax25 = Ax25Config::new("GROUND".parse().unwrap(), "HELIO-1".parse().unwrap());
        let framing = FramingConfig::kiss_ax25(ax25);
        let config = RadioConfig::udp(local(own), local(other), framing).unwrap();
        let connection = config.with_read_timeout(Duration::from_millis(100));
        let connection = connection.unwrap().open().expect("a radio");
        let store = Directory::open(&self.path("ground"), DirectoryLimits::default());
        let journal = RedbJournal::open(&self.path("ground.redb"));
        let peer = Peer {
            pdu_bytes_max: usize::MAX,
            ack_timeout: TIMEOUT,
            nak_timeout: TIMEOUT,
            inactivity_timeout: 2 * TIMEOUT,
            ..Peer::new(SATELLITE)
        };
        let config = EntityConfig::new(EntityId(2));
        let now = Instant::now();
        let entity = Entity::new(now, config, [peer], store.unwrap(), journal.unwrap());
        let agent = FileAgent::new(entity.expect("an empty journal"));
        let (link, _) = GroundLink::start(GroundControls {
            read: Arc::new(radio::read),
            write: Arc::new(radio::write),
            radio_bytes_max: connection.packet_bytes_max(),
            read_timeout: connection.read_timeout(),
            connection,
            options: LinkOptions::default(),
            addresses: Addresses {
                ground_ip: Ipv4Addr::LOCALHOST,
                satellite_ip: Ipv4Addr::LOCALHOST,
                ground_port: None,
            },
            pdus: Some(agent.receiver()),
        })
        .expect("the ground starts");
        let files = agent.start(link.pdu_sender().expect("it takes PDUs"));
        (link, files.expect("a thread"))
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn name(name: &str) -> StoreName {
    name.parse().expect("a name")
}

#[test]
fn a_file_goes_up_to_the_file_service_and_comes_down_when_asked_for() {
    let site = Files::new();
    let mut satellite = site.start_satellite();
    let (_link, files) = site.start_ground();
    fs::write(site.path("ground/up.bin"), content(100_000)).unwrap();
    let put = PutRequest::file(SATELLITE, name("up.bin"), name("inbox/up.bin"));
    files.put(put).expect("it begins");
    let arrived = site.path("satellite/files/inbox/up.bin");
    eventually(PATIENCE, || {
        fs::read(&arrived).ok().filter(|up| *up == content(100_000))
    });

    files
        .get(GetRequest::new(
            SATELLITE,
            name("inbox/up.bin"),
            name("back.bin"),
        ))
        .expect("it is asked for");
    let back = site.path("ground/back.bin");
    eventually(PATIENCE, || {
        fs::read(&back)
            .ok()
            .filter(|back| *back == content(100_000))
    });
    satellite.signal("TERM");
    assert!(satellite.wait_for_exit(PATIENCE).success());
}

#[test]
fn a_file_arrives_though_the_file_service_is_killed_in_the_middle() {
    const BYTES: usize = 4_000_000;
    let site = Files::new();
    let mut satellite = site.start_satellite();
    let (_link, files) = site.start_ground();
    fs::write(site.path("ground/up.bin"), content(BYTES)).unwrap();
    let put = PutRequest::file(SATELLITE, name("up.bin"), name("up.bin"));
    files.put(put).expect("it begins");
    let sent = || {
        let reports = files.transactions().expect("it runs");
        reports.first().map_or(0, |report| report.octets)
    };
    eventually(PATIENCE, || (sent() > BYTES as u64 / 4).then_some(()));
    satellite.signal("KILL");
    assert!(!satellite.wait_for_exit(PATIENCE).success());
    let arrived = site.path("satellite/files/up.bin");
    assert!(!arrived.exists(), "half a file has its name");

    let _satellite = site.start_satellite();
    eventually(PATIENCE, || {
        fs::read(&arrived).ok().filter(|up| *up == content(BYTES))
    });
}
