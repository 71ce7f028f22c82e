//! Files between the entities of both ends, over a link with all that it has.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comms_service::CommsResult;
use file_delivery::StoreName;
use file_delivery::agent::{FileAgent, FileHandle};
use file_delivery::entity::{Entity, EntityConfig, Event, GetRequest, Outcome, Peer, PutRequest};
use file_delivery::pdu::{EntityId, TransactionId};
use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::wait::eventually;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::rig::{Flight, Ground, Radio, Satellite, Setup};

const SATELLITE: EntityId = EntityId(1);
const GROUND: EntityId = EntityId(2);

/// Of all timers: what is lost costs a test so long.
const TIMEOUT: Duration = Duration::from_millis(200);

type Files = FileHandle<Directory, RedbJournal>;
type Agent = FileAgent<Directory, RedbJournal>;

/// What an end keeps across restarts.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        let disk = tempfile::tempdir().expect("a folder");
        fs::create_dir(disk.path().join("files")).expect("a folder");
        Disk(disk)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, octets: &[u8]) {
        fs::write(self.root().join("files").join(name), octets).expect("a file");
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.root().join("files").join(name)).ok()
    }

    /// An entity that goes on where the last one with this disk ended.
    fn agent(&self, own: EntityId, other: EntityId) -> Agent {
        let files = self.root().join("files");
        let store = Directory::open(&files, DirectoryLimits::default()).expect("a store");
        let journal = RedbJournal::open(&self.root().join("files.redb")).expect("a journal");
        let peer = Peer {
            pdu_bytes_max: usize::MAX,
            ack_timeout: TIMEOUT,
            nak_timeout: TIMEOUT,
            inactivity_timeout: 2 * TIMEOUT,
            ..Peer::new(other)
        };
        let config = EntityConfig::new(own);
        let entity = Entity::new(Instant::now(), config, [peer], store, journal);
        FileAgent::new(entity.expect("the journal is readable"))
    }
}

/// A flight with an entity on either end.
struct FileFlight {
    flight: Flight,
    satellite: Files,
    ground: Files,
}

impl FileFlight {
    /// `loses` says which packets, of all both ways, are lost.
    fn start(
        disks: &[Disk; 2],
        loses: impl Fn(usize) -> bool + Send + Sync + Clone + 'static,
    ) -> Self {
        let setup = Setup::default();
        let (radio, other_end) = Radio::pair();
        let counter = Arc::new(AtomicUsize::new(0));
        let write = move |radio: &Radio, packet: &[u8]| -> CommsResult<()> {
            match loses(counter.fetch_add(1, Ordering::Relaxed)) {
                true => Ok(()),
                false => radio.write(packet),
            }
        };
        let write = Arc::new(write);
        let own = disks[0].agent(SATELLITE, GROUND);
        let other = disks[1].agent(GROUND, SATELLITE);
        let controls = setup.controls(
            Some(Arc::new(Radio::read)),
            vec![Arc::clone(&write) as Arc<_>],
            radio,
        );
        let satellite = Satellite::start(setup.builder(controls).pdus(own.receiver()));
        let ground = Ground::start(comms_service::ground::GroundControls {
            write,
            pdus: Some(other.receiver()),
            ..setup.ground_controls(other_end)
        });
        FileFlight {
            satellite: own.start(satellite.pdu_sender()).expect("a thread"),
            ground: other.start(ground.pdu_sender()).expect("a thread"),
            flight: Flight { satellite, ground },
        }
    }

    fn lossless(disks: &[Disk; 2]) -> Self {
        Self::start(disks, |_| false)
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn name(name: &str) -> StoreName {
    name.parse().expect("a name")
}

fn put(destination: EntityId, file: &str) -> PutRequest {
    PutRequest::file(destination, name(file), name(file))
}

/// How a transaction ended at its sender.
#[track_caller]
fn outcome(files: &Files, of: TransactionId) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match files.events().recv_deadline(deadline) {
            Ok(Event::Finished {
                transaction,
                outcome,
                ..
            }) if transaction == of => return outcome,
            Ok(_) => {}
            Err(_) => panic!("it did not end: {:?}", files.transactions()),
        }
    }
}

#[test]
fn files_go_up_and_down_at_once() {
    let disks = [Disk::new(), Disk::new()];
    let rig = FileFlight::lossless(&disks);
    disks[0].write("down.bin", &content(300_000));
    disks[1].write("up.bin", &content(200_000));
    let down = rig
        .satellite
        .put(put(GROUND, "down.bin"))
        .expect("it begins");
    let up = rig.ground.put(put(SATELLITE, "up.bin")).expect("it begins");
    assert!(outcome(&rig.satellite, down).is_success());
    assert!(outcome(&rig.ground, up).is_success());
    assert_eq!(disks[1].read("down.bin"), Some(content(300_000)));
    assert_eq!(disks[0].read("up.bin"), Some(content(200_000)));
}

#[test]
fn the_ground_gets_a_file_that_it_asks_for() {
    let disks = [Disk::new(), Disk::new()];
    let rig = FileFlight::lossless(&disks);
    disks[0].write("log.txt", &content(50_000));
    let get = GetRequest::new(SATELLITE, name("log.txt"), name("got.txt"));
    rig.ground.get(get).expect("it is asked for");
    let arrived = || (disks[1].read("got.txt") == Some(content(50_000))).then_some(());
    eventually(PATIENCE, arrived);
}

#[test]
fn a_file_arrives_over_a_radio_that_loses_packets() {
    let disks = [Disk::new(), Disk::new()];
    let rig = FileFlight::start(&disks, |number| number % 7 == 3);
    disks[0].write("down.bin", &content(100_000));
    let down = rig
        .satellite
        .put(put(GROUND, "down.bin"))
        .expect("it begins");
    assert!(outcome(&rig.satellite, down).is_success());
    assert_eq!(disks[1].read("down.bin"), Some(content(100_000)));
}

#[test]
fn a_transfer_goes_on_after_both_ends_were_started_anew() {
    const BYTES: usize = 3_000_000;
    let disks = [Disk::new(), Disk::new()];
    disks[0].write("down.bin", &content(BYTES));
    let rig = FileFlight::lossless(&disks);
    rig.satellite
        .put(put(GROUND, "down.bin"))
        .expect("it begins");
    let received = |files: &Files| {
        let reports = files.transactions().expect("it runs");
        reports.first().map_or(0, |report| report.octets)
    };
    eventually(PATIENCE, || (received(&rig.ground) > 500_000).then_some(()));
    let FileFlight {
        flight,
        satellite,
        ground,
    } = rig;
    drop((satellite, ground));
    drop(flight);
    assert_eq!(disks[1].read("down.bin"), None);

    let rig = FileFlight::lossless(&disks);
    assert!(
        received(&rig.ground) > 300_000,
        "what was received is known"
    );
    let arrived = || {
        disks[1]
            .read("down.bin")
            .filter(|octets| octets.len() == BYTES)
    };
    assert_eq!(eventually(PATIENCE, arrived), content(BYTES));
}

#[test]
fn a_query_is_answered_while_a_file_goes_down() {
    let service = HttpService::always(Reply::ok("pong"));
    let disks = [Disk::new(), Disk::new()];
    disks[0].write("down.bin", &content(2_000_000));
    let rig = FileFlight::lossless(&disks);
    let down = rig
        .satellite
        .put(put(GROUND, "down.bin"))
        .expect("it begins");
    for _ in 0..5 {
        assert_eq!(rig.flight.ground.query(service.port(), b"{}"), b"pong");
    }
    assert!(outcome(&rig.satellite, down).is_success());
    let counted = rig.flight.satellite.wait_until_drained();
    assert!(counted.balances());
}
