//! Two entities on a disk, and what they took.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use file_delivery::entity::{Entity, EntityConfig, Event, Peer, PutRequest};
use file_delivery::pdu::EntityId;
use file_delivery::store::{Directory, DirectoryLimits, RedbJournal};

use crate::progress::say;

/// As a fast link has them.
const PDU_BYTES_MAX: usize = 4_096;
/// PDUs between two looks at the memory.
const LOOK_EVERY: u64 = 50_000;
/// PDUs between two words on how far it is.
const SAY_EVERY: u64 = 500_000;

const SENDER: EntityId = EntityId(1);
const RECEIVER: EntityId = EntityId(2);

type DiskEntity = Entity<Directory, RedbJournal>;

pub(super) struct Pair {
    folder: PathBuf,
    sender: DiskEntity,
    receiver: DiskEntity,
    pub(super) resident_mib_most: f64,
}

impl Pair {
    pub(super) fn open(folder: &Path, sync_bytes: u64) -> Result<Self> {
        Ok(Pair {
            folder: folder.to_owned(),
            sender: entity(folder, SENDER, RECEIVER, sync_bytes)?,
            receiver: entity(folder, RECEIVER, SENDER, sync_bytes)?,
            resident_mib_most: 0.0,
        })
    }

    /// Where the sender has a file.
    pub(super) fn sent(&self, name: &str) -> PathBuf {
        self.folder.join(SENDER.to_string()).join(name)
    }

    /// Where the receiver has it.
    pub(super) fn arrived(&self, name: &str) -> PathBuf {
        self.folder.join(RECEIVER.to_string()).join(name)
    }

    pub(super) fn put(&mut self, name: &str) -> Result<()> {
        let name: file_delivery::StoreName = name.parse()?;
        let put = PutRequest::file(RECEIVER, name.clone(), name);
        self.sender.put(Instant::now(), &put)?;
        Ok(())
    }

    /// Syncs of files and commits of the receiver's journal.
    pub(super) fn receiver_syncs(&self) -> f64 {
        let counts = self.receiver.counts();
        (counts.file_syncs + counts.commits) as f64
    }

    pub(super) fn sender_commits(&self) -> f64 {
        self.sender.counts().commits as f64
    }

    /// Until nothing is under way.
    pub(super) fn run(&mut self) -> Result<()> {
        let (mut pdu, mut passed) = (Vec::new(), 0);
        loop {
            let (sender, receiver) = (&mut self.sender, &mut self.receiver);
            let went = pass_one(sender, receiver, &mut pdu) | pass_one(receiver, sender, &mut pdu);
            let mut worked = false;
            for entity in [&mut *sender, &mut *receiver] {
                let now = Instant::now();
                if entity.poll_timeout().is_some_and(|at| at <= now) {
                    entity.handle_timeout(now);
                    worked = true;
                }
                while let Some(event) = entity.poll_event() {
                    if let Event::Finished { outcome, .. } = event {
                        ensure!(outcome.is_success(), "a file did not arrive: {outcome:?}");
                    }
                }
            }
            passed += 1;
            if passed % LOOK_EVERY == 1 {
                self.resident_mib_most = self.resident_mib_most.max(resident_mib()?);
            }
            if passed % SAY_EVERY == 0 {
                let reports = self.receiver.transactions();
                let octets: u64 = reports.map(|report| report.octets).sum();
                say(format_args!("    {} MB are there", octets / 1_000_000));
            }
            if !went && !worked && self.is_over() {
                break;
            }
        }
        self.resident_mib_most = self.resident_mib_most.max(resident_mib()?);
        Ok(())
    }

    fn is_over(&self) -> bool {
        let mut all = self
            .sender
            .transactions()
            .chain(self.receiver.transactions());
        all.next().is_none()
    }
}

fn entity(folder: &Path, own: EntityId, other: EntityId, sync_bytes: u64) -> Result<DiskEntity> {
    let files = folder.join(own.to_string());
    fs::create_dir_all(&files)?;
    let store = Directory::open(&files, DirectoryLimits::default())?;
    let journal = RedbJournal::open(&folder.join(format!("{own}.redb")))?;
    let config = EntityConfig {
        sync_bytes,
        ..EntityConfig::new(own)
    };
    let peer = Peer {
        pdu_bytes_max: PDU_BYTES_MAX,
        ..Peer::new(other)
    };
    Ok(Entity::new(Instant::now(), config, [peer], store, journal)?)
}

/// One PDU, if there is one.
fn pass_one(from: &mut DiskEntity, to: &mut DiskEntity, pdu: &mut Vec<u8>) -> bool {
    let now = Instant::now();
    let token = from.poll_directive(now, pdu);
    let token = token.or_else(|| from.poll_data(now, pdu));
    token.is_some_and(|token| {
        from.handle_departed(now, token, true);
        to.handle_pdu(now, pdu);
        true
    })
}

fn resident_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: f64 = kib.context("no resident memory")?.parse()?;
    Ok(kib / 1024.0)
}
