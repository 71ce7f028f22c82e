//! The power is cut before and after each step and each sync of an intake. What was not synced
//! then is there or not: names that changed, each by itself, and octets, which may be there in
//! part. The next start finds the source or the item, whole, and never both or none.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oort_agent::agent::{Agent, Begun};
use oort_agent::clock::VirtualClock;
use oort_agent::store::Store;
use tempfile::TempDir;

use crate::rig::{NOW, names, settings, words};

/// Seeds of each cut.
const SEEDS: u64 = 16;
const OCTETS: &[u8] = &[7; 3_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Renamed,
    /// Of a path that has a link in it.
    Copied,
    Streamed,
}

/// A name that changed.
struct Change {
    inode: u64,
    from: Option<PathBuf>,
    to: Option<PathBuf>,
}

/// What a disk has of some directories, once the power is cut.
struct Disk {
    directories: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    changes: Vec<Change>,
    octets: BTreeMap<u64, Vec<u8>>,
    durable_octets: BTreeMap<u64, Vec<u8>>,
    random: u64,
    /// Until the power is cut.
    events_left: usize,
    /// What there was then.
    left: Option<BTreeMap<PathBuf, (u64, Vec<u8>)>>,
}

struct Cut;

impl Disk {
    /// The names that are there are durable; their octets are not.
    fn new(directories: Vec<PathBuf>, seed: u64, events_left: usize) -> Self {
        let mut disk = Disk {
            directories,
            seen: BTreeMap::new(),
            durable: BTreeMap::new(),
            changes: Vec::new(),
            octets: BTreeMap::new(),
            durable_octets: BTreeMap::new(),
            random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            events_left,
            left: None,
        };
        disk.look();
        disk.durable = disk.seen.clone();
        disk.changes.clear();
        disk
    }

    /// What has changed since the last look.
    fn look(&mut self) {
        let mut now = BTreeMap::new();
        for directory in &self.directories {
            for name in names(directory) {
                let path = directory.join(name);
                let inode = fs::metadata(&path).unwrap().ino();
                self.octets.insert(inode, fs::read(&path).unwrap());
                now.insert(path, inode);
            }
        }
        let gone = self
            .seen
            .iter()
            .filter(|(path, _)| !now.contains_key(*path));
        let mut gone: BTreeMap<u64, PathBuf> =
            gone.map(|(path, inode)| (*inode, path.clone())).collect();
        for (path, inode) in &now {
            if !self.seen.contains_key(path) {
                self.changes.push(Change {
                    inode: *inode,
                    from: gone.remove(inode),
                    to: Some(path.clone()),
                });
            }
        }
        for (inode, path) in gone {
            self.changes.push(Change {
                inode,
                from: Some(path),
                to: None,
            });
        }
        self.seen = now;
    }

    fn synced(&mut self, path: &Path) {
        if !path.is_dir() {
            let inode = fs::metadata(path).unwrap().ino();
            self.durable_octets
                .insert(inode, self.octets[&inode].clone());
            return;
        }
        let is_in =
            |name: &Option<PathBuf>| name.as_ref().and_then(|name| name.parent()) == Some(path);
        let of: Vec<u64> = self
            .changes
            .iter()
            .filter(|change| is_in(&change.from) || is_in(&change.to))
            .map(|change| change.inode)
            .collect();
        // Of one file, what came before is there as well.
        let (kept, left) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change| of.contains(&change.inode));
        self.changes = left;
        let kept: Vec<Change> = kept;
        kept.iter()
            .for_each(|change| apply(&mut self.durable, change));
    }

    fn cut(&mut self) {
        let mut there = self.durable.clone();
        for change in std::mem::take(&mut self.changes) {
            let may_be = change
                .from
                .as_ref()
                .is_none_or(|from| there.get(from) == Some(&change.inode));
            if may_be && self.random(2) == 0 {
                apply(&mut there, &change);
            }
        }
        let mut left = BTreeMap::new();
        for (path, inode) in there {
            let octets = self.octets[&inode].clone();
            let octets = match self.durable_octets.get(&inode) == Some(&octets) {
                true => octets,
                false => {
                    let part = [0, octets.len() / 2, octets.len()][self.random(3)];
                    octets[..part].to_vec()
                }
            };
            left.insert(path, (inode, octets));
        }
        self.left = Some(left);
    }

    fn event(&mut self) {
        self.look();
        if self.events_left == 0 {
            self.cut();
            resume_unwind(Box::new(Cut));
        }
        self.events_left -= 1;
    }

    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % below
    }

    /// Makes the directories be as the cut left them. A file whose octets are all there is the
    /// file that it was, where it is kept.
    fn restore(&self, kept: &Path) {
        for directory in &self.directories {
            for name in names(directory) {
                fs::remove_file(directory.join(name)).unwrap();
            }
        }
        let kept_inode = fs::metadata(kept).map(|found| found.ino()).ok();
        for (path, (inode, octets)) in self.left.as_ref().unwrap() {
            match Some(*inode) == kept_inode && *octets == self.octets[inode] {
                true => fs::hard_link(kept, path).unwrap(),
                false => fs::write(path, octets).unwrap(),
            }
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, u64>, change: &Change) {
    if let Some(from) = &change.from {
        names.remove(from);
    }
    if let Some(to) = &change.to {
        names.insert(to.clone(), change.inode);
    }
}

fn open(store: Store) -> Agent {
    Agent::open(store, settings(), Box::new(VirtualClock::at(NOW))).unwrap()
}

fn hand_over(agent: &Agent, work: Work, path: &Path) {
    if work != Work::Streamed {
        let path = path.to_str().unwrap();
        agent.send_file(path, words([9, 9, 9])).unwrap();
        return;
    }
    let Begun::Incoming(mut incoming) = agent.begin(words([9, 9, 9]), 0).unwrap() else {
        panic!("nobody handed it over before");
    };
    incoming.write(OCTETS).unwrap();
    incoming.finish("/file".to_owned()).unwrap();
}

/// Cuts the power after so many events; false where the intake came to its end before.
fn cut(work: Work, seed: u64, events: usize) -> bool {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    let root = in_memory.or_else(|_| TempDir::new()).unwrap();
    let path = |name: &str| root.path().join(name);
    for name in ["work", "payload", "kept"] {
        fs::create_dir(path(name)).unwrap();
    }
    std::os::unix::fs::symlink(path("payload"), path("link")).unwrap();
    let source = path("payload/file");
    if work != Work::Streamed {
        fs::write(&source, OCTETS).unwrap();
        fs::hard_link(&source, path("kept/file")).unwrap();
    }
    let store = || {
        let store = Store::open(&path("work")).unwrap().without_sync();
        match work {
            Work::Copied => store.always_copying(),
            _ => store,
        }
    };
    let mut cut_store = store();
    let directories = ["work/transfers", "work/.agent/intake", "payload"].map(path);
    let mut disk = Disk::new(directories.to_vec(), seed, events);
    if work == Work::Copied {
        // Another disk has it: a source that a cut damages is not removed.
        disk.durable_octets = disk.octets.clone();
    }
    let disk = Arc::new(Mutex::new(disk));
    let (at_step, at_sync) = (Arc::clone(&disk), Arc::clone(&disk));
    cut_store.at_each_step(Box::new(move |_| {
        at_step
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event();
    }));
    cut_store.at_each_sync(Box::new(move |path| -> io::Result<()> {
        let mut disk = at_sync.lock().unwrap_or_else(PoisonError::into_inner);
        disk.event();
        disk.synced(path);
        Ok(())
    }));
    let agent = open(cut_store);
    let handed = match work {
        Work::Copied => path("link/file"),
        _ => source.clone(),
    };
    let done = catch_unwind(AssertUnwindSafe(|| hand_over(&agent, work, &handed)));
    drop(agent);
    let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
    match &done {
        Ok(()) => {
            disk.look();
            disk.cut();
        }
        Err(cut) if cut.is::<Cut>() => {}
        Err(_) => panic!("the intake failed"),
    }
    disk.restore(&path("kept/file"));
    let at = format!("{work:?}, seed {seed}, after {events} events");
    let agent = open(store());
    let queued = agent.queued_ids();
    if done.is_ok() {
        assert_eq!(queued.len(), 1, "{at}");
    }
    if work != Work::Streamed {
        assert_eq!(source.exists(), queued.is_empty(), "{at}");
    }
    assert_eq!(
        names(&path("work/transfers")).len(),
        queued.len() * 2,
        "{at}"
    );
    for id in queued {
        let data = path("work/transfers").join(format!("{id}.data.oort"));
        assert_eq!(fs::read(data).unwrap(), OCTETS, "{at}");
        assert_eq!(agent.meta(id).unwrap().file_info.size, 3_000, "{at}");
    }
    assert_eq!(names(&path("work/.agent/intake")), Vec::<String>::new());
    done.is_err()
}

#[test]
fn a_cut_of_the_power_at_any_moment_of_an_intake_leaves_the_source_or_the_item() {
    let mut cuts = 0;
    for work in [Work::Renamed, Work::Copied, Work::Streamed] {
        for seed in 1..=SEEDS {
            for events in 0.. {
                if !cut(work, seed, events) {
                    break;
                }
                cuts += 1;
            }
        }
    }
    assert!(cuts > 20 * SEEDS, "{cuts} cuts");
}
