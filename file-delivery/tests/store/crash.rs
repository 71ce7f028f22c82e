//! A process is killed (SIGKILL) after each step by which files and the journal become
//! durable: a file is the old one or the new one, and the next process goes on.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::{
    AtStep, Change, Directory, FileStore, Journal, RedbJournal, Staging, Step,
};
use rustix::process::{Signal, getpid, kill_process};

use crate::directory::limits;
use crate::{MemoryDisk, content, create_directory, lv, name, put, transaction};

/// For the child: what it does, where, and after how many steps it is killed.
const CHILD: &str = "FILE_DELIVERY_CRASH_TEST";
const OLD: &[u8] = b"an older file, of the same size";
const NEW: &[u8] = b"the newer file; it comes in two";
const HALF: usize = 16;

#[derive(Clone, Copy)]
enum Work {
    /// A file is delivered where it was staged.
    Beside,
    /// It is staged in the root, and delivered elsewhere.
    FromRoot,
    /// Filestore requests.
    Requests,
}

impl Work {
    const ALL: [Work; 3] = [Work::Beside, Work::FromRoot, Work::Requests];

    fn staging(self) -> Staging {
        Staging {
            transaction: transaction(1),
            beside: match self {
                Work::Beside => Some(name("a/b/file")),
                _ => None,
            },
        }
    }
}

/// Kills this process after so many steps; writes to a file which ones there were.
fn killing_after(steps: usize, log: PathBuf) -> impl Fn() -> AtStep {
    let done = Arc::new(Mutex::new((0, String::new())));
    move || {
        let (done, log) = (Arc::clone(&done), log.clone());
        Box::new(move |step| {
            let mut done = done.lock().unwrap();
            done.0 += 1;
            writeln!(done.1, "{step:?}").unwrap();
            fs::write(&log, &done.1).unwrap();
            if done.0 == steps {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
        })
    }
}

fn open(site: &Path) -> (Directory, RedbJournal) {
    let store = Directory::open(&site.join("root"), limits()).unwrap();
    let mut journal = RedbJournal::open(&site.join("journal.redb")).unwrap();
    assert_eq!(journal.take_set_aside(), None);
    (store, journal)
}

/// What runs in the child; nothing where this is not one.
#[test]
fn child() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let mut told = told.splitn(3, ' ');
    let mut next = || told.next().unwrap();
    let work = Work::ALL[next().parse::<usize>().unwrap()];
    let steps = next().parse().unwrap();
    let site = PathBuf::from(next());
    let at_step = killing_after(steps, site.join("steps"));
    let (mut store, mut journal) = open(&site);
    store.at_each_step(at_step());
    journal.at_each_step(at_step());
    match work {
        Work::Requests => perform_all(&mut store, &mut journal),
        _ => receive(work, &mut store, &mut journal),
    }
}

/// Receives a file as an entity does, and goes on where an earlier process was.
fn receive(work: Work, store: &mut Directory, journal: &mut RedbJournal) {
    let id = transaction(1);
    let journaled = journal.load().unwrap();
    let known: Vec<_> = journaled.records.iter().map(|(id, _)| *id).collect();
    store.clear_unknown_staging(&known).unwrap();
    let mut there = match journaled.records.first() {
        Some((_, record)) => usize::from(record[0]),
        // It was delivered, and is not known any more.
        None if journaled.next_number == 2 => return,
        None => 0,
    };
    let place = work.staging();
    let bytes = NEW.len() as u64;
    if there < NEW.len() {
        let mut staged = store.stage(&place, Some(bytes)).unwrap();
        for end in [HALF, NEW.len()] {
            if there < end {
                let octets = &NEW[there..end];
                store.write(&mut staged, there as u64, octets).unwrap();
                store.sync(&mut staged).unwrap();
                there = end;
                let record = vec![u8::try_from(end).unwrap()];
                let changes = [Change::Put(id, record), Change::NextNumber(2)];
                journal.commit(&changes).unwrap();
            }
        }
    }
    store.deliver(&place, bytes, &name("a/b/file")).unwrap();
    journal.commit(&[Change::Remove(id)]).unwrap();
}

fn requests() -> [FilestoreRequest<'static>; 8] {
    let (first, second) = (lv("a/b/file"), lv("second"));
    [
        FilestoreRequest::AppendFile { first, second },
        create_directory("c"),
        FilestoreRequest::RenameFile {
            old: first,
            new: lv("c/renamed"),
        },
        FilestoreRequest::ReplaceFile {
            first: lv("c/renamed"),
            second,
        },
        FilestoreRequest::CreateFile(lv("c/created")),
        FilestoreRequest::DeleteFile(second),
        FilestoreRequest::DenyDirectory(lv("a/b")),
        FilestoreRequest::RemoveDirectory(lv("a")),
    ]
}

/// One after the other; the journal says how many are done.
fn perform_all(store: &mut Directory, journal: &mut RedbJournal) {
    store.clear_unknown_staging(&[]).unwrap();
    let done = journal.load().unwrap().next_number;
    for (request, number) in requests().iter().zip(1..).skip(done as usize) {
        let status = store.perform(request);
        // It may be done already.
        assert_ne!(status, FilestoreStatus::NotPerformed);
        journal.commit(&[Change::NextNumber(number)]).unwrap();
    }
}

/// A site before the work: in memory where the system has such a place, because what a
/// killed process wrote is there whether it was synced or not, and syncing takes long.
fn site() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    let site = in_memory.or_else(|_| tempfile::tempdir()).unwrap();
    fs::create_dir(site.path().join("root")).unwrap();
    let (mut store, mut journal) = open(site.path());
    put(&mut store, 8, "second", b"second").unwrap();
    put(&mut store, 9, "a/b/file", OLD).unwrap();
    journal.commit(&[]).unwrap();
    site
}

/// Whether it came to its end; which steps it did.
fn run(work: Work, steps: usize, site: &Path) -> (bool, Vec<String>) {
    let _ = fs::remove_file(site.join("steps"));
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["crash::child", "--exact", "--nocapture"]);
    let told = format!("{} {steps} {}", work as usize, site.display());
    let output = child.env(CHILD, told).output().unwrap();
    let was_killed = output.status.signal() == Some(Signal::KILL.as_raw());
    assert!(was_killed || output.status.success(), "{output:?}");
    let done = fs::read_to_string(site.join("steps")).unwrap_or_default();
    (!was_killed, done.lines().map(str::to_string).collect())
}

/// Every file with what it holds, and every directory.
fn everything<S: FileStore>(store: &mut S) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        let of = directory.strip_suffix('/').map(name);
        for last in store.list(of.as_ref()).unwrap() {
            let whole = format!("{directory}{last}");
            if last.ends_with('/') {
                directories.push(whole.clone());
                found.push((whole, Vec::new()));
            } else {
                let octets = content(store, &whole).unwrap();
                found.push((whole, octets));
            }
        }
    }
    found.sort();
    found
}

fn no_place_is_left(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        assert!(!path.display().to_string().contains(".cfdp-"), "{path:?}");
        if path.is_dir() {
            no_place_is_left(&path);
        }
    }
}

/// What was synced before the journal said so is there.
fn is_old_or_new(work: Work, site: &Path) {
    let (mut store, mut journal) = open(site);
    let file = content(&mut store, "a/b/file").unwrap();
    let journaled = journal.load().unwrap();
    assert!(file == OLD || file == NEW, "{file:?}");
    match journaled.records.first() {
        Some((_, record)) if file == OLD => {
            let bytes = usize::from(record[0]);
            let mut staged = store.stage(&work.staging(), None).unwrap();
            let mut octets = vec![0; bytes];
            store.read_staged(&mut staged, 0, &mut octets).unwrap();
            assert_eq!(octets, NEW[..bytes]);
        }
        Some((_, record)) => assert_eq!(usize::from(record[0]), NEW.len()),
        None => assert_eq!(file == NEW, journaled.next_number == 2),
    }
}

/// Kills it after each step of the work; the next process comes to the end.
fn killed_at_each_step(work: Work, check: impl Fn(&Path), is_done: impl Fn(&Path)) -> Vec<Step> {
    let mut seen = BTreeSet::new();
    for steps in 1.. {
        let site = site();
        let (came_to_its_end, done) = run(work, steps, site.path());
        seen.extend(done.into_iter().nth(steps - 1));
        check(site.path());
        let (came_to_its_end_now, _) = run(work, 0, site.path());
        assert!(came_to_its_end_now);
        is_done(site.path());
        no_place_is_left(&site.path().join("root"));
        if came_to_its_end {
            break;
        }
    }
    let was_seen = |step: &Step| seen.contains(&format!("{step:?}"));
    Step::ALL.into_iter().filter(was_seen).collect()
}

fn file_is_new(site: &Path) {
    let (mut store, mut journal) = open(site);
    assert_eq!(content(&mut store, "a/b/file").unwrap(), NEW);
    assert_eq!(journal.load().unwrap().records, []);
}

const OF_A_DELIVERY: [Step; 8] = [
    Step::PlaceMade,
    Step::PlaceSynced,
    Step::PlaceNamed,
    Step::FileSynced,
    Step::Renamed,
    Step::NameSynced,
    Step::JournalWritten,
    Step::JournalSynced,
];

#[test]
fn killed_at_any_step_of_a_delivery_the_file_is_old_or_new_and_the_next_process_goes_on() {
    for work in [Work::Beside, Work::FromRoot] {
        let steps = killed_at_each_step(work, |site| is_old_or_new(work, site), file_is_new);
        assert_eq!(steps, OF_A_DELIVERY);
    }
}

#[test]
fn killed_at_any_step_of_filestore_requests_each_is_done_or_not() {
    let disk = MemoryDisk::new(1);
    let mut model = disk.store();
    put(&mut model, 8, "second", b"second").unwrap();
    put(&mut model, 9, "a/b/file", OLD).unwrap();
    let mut states = vec![everything(&mut model)];
    for request in &requests() {
        assert_eq!(model.perform(request), FilestoreStatus::Successful);
        states.push(everything(&mut model));
    }
    let is_a_state = |site: &Path| {
        let (mut store, mut journal) = open(site);
        let done = journal.load().unwrap().next_number as usize;
        let found = everything(&mut store);
        // Done and journaled, or done and not yet.
        let may_be = states.iter().skip(done).take(2);
        assert!(may_be.clone().any(|state| *state == found), "{found:?}");
    };
    let is_last = |site: &Path| {
        let found = everything(&mut open(site).0);
        // Appending is done again by a process that does not know that it was done.
        let names = |state: &[(String, Vec<u8>)]| -> Vec<String> {
            state.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&found), names(states.last().unwrap()));
    };
    let steps = killed_at_each_step(Work::Requests, is_a_state, is_last);
    for step in [
        Step::DirectoryMade,
        Step::FileSynced,
        Step::Renamed,
        Step::NameSynced,
        Step::Removed,
    ] {
        assert!(steps.contains(&step), "{step:?}");
    }
}

#[test]
fn killed_again_and_again_it_comes_to_the_end() {
    let mut random = fastrand::Rng::with_seed(6);
    for _ in 0..5 {
        let site = site();
        let mut ended = false;
        for _ in 0..100 {
            // More than there are steps at the start of each process.
            ended = run(Work::Beside, random.usize(1..40), site.path()).0;
            is_old_or_new(Work::Beside, site.path());
            if ended {
                break;
            }
        }
        assert!(ended);
        file_is_new(site.path());
    }
}
