//! What the satellite sends unasked, while nobody sits at the ground.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use comms_service::{
    CommsConfig, CommsControlBlock, CommsHandle, CommsService, CommsTelemetry, radio,
};
use file_delivery::agent::{FileAgent, FileHandle};
use file_delivery::entity::{Entity, EntityConfig, Peer, PutRequest};
use file_delivery::pdu::EntityId;
use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};
use heliograph_tests::ports::free_udp_port;
use radio_hal::{Ax25Config, FramingConfig, RadioConfig};

use super::PATIENCE;
use super::site::{Site, content, end_of, json};

/// A satellite whose programs send files.
struct Sender {
    _link: CommsHandle,
    files: FileHandle<Directory, RedbJournal>,
}

impl Sender {
    fn start(site: &Site) -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let [own, other] = site.ports;
        let ax25 = Ax25Config::new("HELIO-1".parse().unwrap(), "GROUND".parse().unwrap());
        let framing = FramingConfig::kiss_ax25(ax25);
        let config = RadioConfig::udp(local(own), local(other), framing).unwrap();
        let connection = config.with_read_timeout(Duration::from_millis(100));
        let connection = connection.unwrap().open().unwrap();
        let agent = agent(&site.path("satellite"), &site.path("satellite.redb"));
        let config = CommsConfig {
            handler_port_min: 0,
            handler_port_max: 0,
            downlink_ports: Some(vec![free_udp_port()]),
            ..CommsConfig::default()
        };
        let controls = CommsControlBlock::new(
            Some(Arc::new(radio::read)),
            vec![Arc::new(radio::write)],
            connection.clone(),
            connection.clone(),
            config,
        );
        let link = CommsService::builder(controls.unwrap())
            .radio_bytes_max(connection.packet_bytes_max())
            .read_timeout(connection.read_timeout())
            .pdus(agent.receiver())
            .start(Arc::new(Mutex::new(CommsTelemetry::default())))
            .unwrap();
        let files = agent.start(link.pdu_sender().unwrap()).unwrap();
        Sender { _link: link, files }
    }

    fn put(&self, here: &str, there: &str) {
        let (here, there) = (here.parse().unwrap(), there.parse().unwrap());
        let request = PutRequest::file(EntityId(2), here, there);
        self.files.put(request).unwrap();
    }
}

fn agent(root: &Path, journal: &Path) -> FileAgent<Directory, RedbJournal> {
    let store = Directory::open(root, DirectoryLimits::default()).unwrap();
    let journal = RedbJournal::open(journal).unwrap();
    let peer = Peer {
        pdu_bytes_max: usize::MAX,
        ack_timeout: Duration::from_millis(200),
        nak_timeout: Duration::from_millis(200),
        inactivity_timeout: Duration::from_millis(400),
        ..Peer::new(EntityId(2))
    };
    let config = EntityConfig::new(EntityId(1));
    FileAgent::new(Entity::new(Instant::now(), config, [peer], store, journal).unwrap())
}

#[test]
fn files_that_the_satellite_sends_are_taken_and_told() {
    let site = Site::new();
    fs::write(site.satellite("log.bin"), content(100_000)).unwrap();
    let serve = site.start(&["-l", "info", "serve"]);
    serve.wait_for_line("serving files", PATIENCE);
    let programs = site.start(&["-l", "info", "serve", "--json"]);
    programs.wait_for_line("serving files", PATIENCE);
    let satellite = Sender::start(&site);
    satellite.put("log.bin", "logs/today.bin");
    serve.wait_for_line("1-0: got logs/today.bin", PATIENCE);
    let root = site.path("state/heliograph/uhf/files");
    assert_eq!(
        fs::read(root.join("logs/today.bin")).unwrap(),
        content(100_000)
    );
    programs.wait_for_line("\"state\":\"arrived\"", PATIENCE);

    // The second takes over.
    serve.signal("INT");
    assert_eq!(end_of(serve).code, Some(0));
    programs.wait_for_line("held by this process", PATIENCE);
    satellite.put("log.bin", "logs/again.bin");
    programs.wait_for_line("logs/again.bin", PATIENCE);
    programs.signal("TERM");
    let programs = end_of(programs);
    assert_eq!(programs.code, Some(0), "{programs:?}");
    let arrived = json(&programs.stdout);
    assert_eq!(arrived.len(), 2, "{programs:?}");
    assert_eq!(
        arrived[0]["local"],
        root.join("logs/today.bin").to_str().unwrap()
    );
}
