//! A file of a gigabyte, and a hundred transactions at once, on a real disk: with memory
//! and syncs that are bounded. (Ten times as much: `cargo xtask bench`.)
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

use file_delivery::entity::{Entity, EntityConfig, Event, Peer, PutRequest};
use file_delivery::pdu::EntityId;
use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// So that the test is about files, not about PDUs.
const PDU_BYTES_MAX: usize = 60_000;
const SYNC_BYTES: u64 = 8 * MIB;
/// Of the whole process, with the test and its libraries.
const RESIDENT_BYTES_MAX: u64 = 64 * MIB;

type DiskEntity = Entity<Directory, RedbJournal>;

/// Two entities without a radio between them.
struct Pair {
    sender: DiskEntity,
    receiver: DiskEntity,
    delivered: usize,
}

fn entity(folder: &Path, own: u64, other: u64) -> DiskEntity {
    let files = folder.join(own.to_string());
    fs::create_dir_all(&files).unwrap();
    let store = Directory::open(&files, DirectoryLimits::default()).unwrap();
    let journal = RedbJournal::open(&folder.join(format!("{own}.redb"))).unwrap();
    let config = EntityConfig {
        sync_bytes: SYNC_BYTES,
        ..EntityConfig::new(EntityId(own))
    };
    let peer = Peer {
        pdu_bytes_max: PDU_BYTES_MAX,
        ..Peer::new(EntityId(other))
    };
    Entity::new(Instant::now(), config, [peer], store, journal).unwrap()
}

impl Pair {
    fn new(folder: &Path) -> Self {
        Pair {
            sender: entity(folder, 1, 2),
            receiver: entity(folder, 2, 1),
            delivered: 0,
        }
    }

    fn put(&mut self, name: &str) {
        let name: file_delivery::StoreName = name.parse().unwrap();
        let put = PutRequest::file(EntityId(2), name.clone(), name);
        self.sender.put(Instant::now(), &put).unwrap();
    }

    /// Until nothing is under way.
    fn run(&mut self) {
        let mut pdu = Vec::new();
        while self.sender.transactions().next().is_some()
            || self.receiver.transactions().next().is_some()
        {
            let (sender, receiver) = (&mut self.sender, &mut self.receiver);
            pass_one(sender, receiver, &mut pdu);
            pass_one(receiver, sender, &mut pdu);
            for entity in [&mut self.sender, &mut self.receiver] {
                let now = Instant::now();
                if entity.poll_timeout().is_some_and(|at| at <= now) {
                    entity.handle_timeout(now);
                }
            }
            while let Some(event) = self.receiver.poll_event() {
                if let Event::Finished { outcome, .. } = event {
                    assert!(outcome.is_success(), "{outcome:?}");
                    self.delivered += 1;
                }
            }
            while self.sender.poll_event().is_some() {}
        }
    }
}

/// One PDU, if there is one.
fn pass_one(from: &mut DiskEntity, to: &mut DiskEntity, pdu: &mut Vec<u8>) {
    let now = Instant::now();
    let token = from.poll_directive(now, pdu);
    let token = token.or_else(|| from.poll_data(now, pdu));
    if let Some(token) = token {
        from.handle_departed(now, token, true);
        to.handle_pdu(now, pdu);
    }
}

fn resident_bytes_max() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_file_of_a_gigabyte_and_a_hundred_transactions_take_bounded_memory_and_few_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::new(folder.path());

    let large = File::create(folder.path().join("1/large.bin")).unwrap();
    large.set_len(GIB).unwrap();
    pair.put("large.bin");
    pair.run();
    assert_eq!(pair.delivered, 1);
    let arrived = fs::metadata(folder.path().join("2/large.bin")).unwrap();
    assert_eq!(arrived.len(), GIB);
    let (sent, received) = (pair.sender.counts().clone(), pair.receiver.counts().clone());
    let syncs = GIB / SYNC_BYTES;
    assert!(received.file_syncs <= syncs + 2, "{received:?}");
    assert!(received.commits <= syncs + 6, "{received:?}");
    assert!(sent.commits <= syncs + 4, "{sent:?}");

    for number in 0..100_u8 {
        let name = format!("small-{number}.bin");
        fs::write(folder.path().join("1").join(&name), [number; 2_000]).unwrap();
        pair.put(&name);
    }
    assert_eq!(pair.sender.transactions().count(), 100);
    pair.run();
    assert_eq!(pair.delivered, 101);
    let each = (pair.receiver.counts().commits - received.commits) as f64 / 100.0;
    assert!(each <= 5.0, "{each} commits for each file at the receiver");
    let each = (pair.sender.counts().commits - sent.commits) as f64 / 100.0;
    assert!(each <= 3.0, "{each} commits for each file at the sender");

    let resident = resident_bytes_max();
    assert!(resident <= RESIDENT_BYTES_MAX, "{resident} octets resident");
}
