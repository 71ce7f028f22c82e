//! A process is killed (SIGKILL) after each step of an intake on a real disk: the next one
//! finds the source where it was, or the item queued, and never both or none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use oort_agent::agent::{Agent, Begun, KeyUse};
use oort_agent::clock::VirtualClock;
use oort_agent::item::Uuid;
use oort_agent::store::{Step, Store};
use rustix::process::{Signal, getpid, kill_process};
use tempfile::TempDir;

use crate::rig::{NOW, names, settings, words};

/// For the child: what it does, after how many steps it is killed, and where.
const CHILD: &str = "OORT_AGENT_CRASH_TEST";
const OCTETS: &[u8] = &[7; 300_000];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// From the same file system.
    Renamed,
    /// From another one.
    Copied,
    /// In the body of a request.
    Streamed,
}

impl Work {
    const ALL: [Work; 3] = [Work::Renamed, Work::Copied, Work::Streamed];
}

/// Work directory and payload: on two file systems, where the work is to copy and there are
/// two.
struct Place {
    work: TempDir,
    payload: TempDir,
    has_two: bool,
}

impl Place {
    fn of(work: Work) -> Place {
        let in_memory = || tempfile::tempdir_in("/dev/shm");
        let here = TempDir::new().unwrap();
        let there = match work {
            Work::Copied => in_memory().unwrap_or_else(|_| TempDir::new().unwrap()),
            _ => TempDir::new().unwrap(),
        };
        let device = |path: &TempDir| fs::metadata(path.path()).unwrap().dev();
        let place = Place {
            has_two: device(&here) != device(&there),
            work: here,
            payload: there,
        };
        fs::write(place.source(), OCTETS).unwrap();
        place
    }

    fn source(&self) -> PathBuf {
        self.payload.path().join("file")
    }

    fn open(&self, work: Work) -> Agent {
        open(store(
            self.work.path(),
            work == Work::Copied && !self.has_two,
        ))
    }
}

fn store(work: &Path, always_copies: bool) -> Store {
    let store = Store::open(work).unwrap().without_sync();
    match always_copies {
        true => store.always_copying(),
        false => store,
    }
}

fn open(store: Store) -> Agent {
    Agent::open(store, settings(), Box::new(VirtualClock::at(NOW))).unwrap()
}

fn do_it(agent: &Agent, work: Work, source: &Path) -> Uuid {
    match work {
        Work::Renamed | Work::Copied => agent
            .send_file(source.to_str().unwrap(), words([9, 9, 9]))
            .unwrap(),
        Work::Streamed => {
            let mut words = words([9, 9, 9]);
            words.key = KeyUse::new("one", &["this"]);
            match agent.begin(words, 0).unwrap() {
                Begun::Again(again) => again.id(),
                Begun::Incoming(mut incoming) => {
                    OCTETS
                        .chunks(100_000)
                        .for_each(|octets| incoming.write(octets).unwrap());
                    incoming.finish("/file".to_owned()).unwrap()
                }
            }
        }
    }
}

/// What runs in the child; nothing where this is not one.
#[test]
fn child() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let mut told = told.split(' ');
    let mut next = || told.next().unwrap();
    let work = Work::ALL[next().parse::<usize>().unwrap()];
    let steps: usize = next().parse().unwrap();
    let always_copies = next() == "true";
    let (directory, source) = (PathBuf::from(next()), PathBuf::from(next()));
    let mut store = store(&directory, always_copies);
    let done = Mutex::new(Vec::new());
    let log = directory.join("steps");
    store.at_each_step(Box::new(move |step| {
        let mut done = done.lock().unwrap();
        done.push(format!("{step:?}"));
        fs::write(&log, done.join("\n")).unwrap();
        if done.len() == steps {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }));
    do_it(&open(store), work, &source);
}

/// Whether it came to its end; which steps it did.
fn spawn(work: Work, steps: usize, place: &Place) -> (bool, Vec<String>) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["crash::child", "--exact", "--nocapture"]);
    let told = format!(
        "{} {steps} {} {} {}",
        work as usize,
        work == Work::Copied && !place.has_two,
        place.work.path().display(),
        place.source().display(),
    );
    let output = child.env(CHILD, told).output().unwrap();
    let was_killed = output.status.signal() == Some(Signal::KILL.as_raw());
    assert!(was_killed || output.status.success(), "{output:?}");
    let done = fs::read_to_string(place.work.path().join("steps")).unwrap();
    (!was_killed, done.lines().map(str::to_owned).collect())
}

/// Of source and item there is one, with its octets. Whether it is the item.
fn is_one(place: &Place, work: Work, agent: &Agent) -> bool {
    let queued = agent.queued_ids();
    let transfers = names(&place.work.path().join("transfers"));
    assert_eq!(transfers.len(), queued.len() * 2, "{transfers:?}");
    for id in &queued {
        let data = place.work.path().join(format!("transfers/{id}.data.oort"));
        assert_eq!(fs::read(data).unwrap(), OCTETS);
        assert_eq!(agent.meta(*id).unwrap().file_info.size, OCTETS.len() as u64);
    }
    assert!(queued.len() <= 1);
    if work != Work::Streamed {
        let source = fs::read(place.source()).ok();
        assert_eq!(source.is_some(), queued.is_empty());
        assert!(source.is_none_or(|octets| octets == OCTETS));
        let payload = names(place.payload.path());
        assert!(payload.iter().all(|name| name == "file"), "{payload:?}");
    }
    assert_eq!(
        names(&place.work.path().join(".agent/intake")),
        Vec::<String>::new()
    );
    !queued.is_empty()
}

#[test]
fn s01_killed_after_any_step_of_an_intake_there_is_the_source_or_the_item_and_it_goes_on() {
    let mut seen = BTreeSet::new();
    for work in Work::ALL {
        for steps in 1.. {
            let place = Place::of(work);
            let (came_to_its_end, done) = spawn(work, steps, &place);
            seen.extend(done.into_iter().nth(steps - 1));
            let agent = place.open(work);
            let is_queued = is_one(&place, work, &agent);
            // Whoever did not hear of it asks again.
            if !is_queued || work == Work::Streamed {
                do_it(&agent, work, &place.source());
            }
            drop(agent);
            assert!(is_one(&place, work, &place.open(work)));
            if came_to_its_end {
                break;
            }
        }
    }
    for step in Step::INTAKE {
        assert!(seen.contains(&format!("{step:?}")), "{step:?}");
    }
}

#[test]
fn a_file_from_another_file_system_is_copied_and_its_source_removed() {
    let place = Place::of(Work::Copied);
    let agent = place.open(Work::Copied);
    do_it(&agent, Work::Copied, &place.source());
    assert!(is_one(&place, Work::Copied, &agent));
    assert!(!place.source().exists());
}

#[test]
fn another_file_that_got_the_name_of_a_copied_source_is_not_removed_by_the_next_start() {
    let place = Place::of(Work::Copied);
    // Killed once the data is there: read or copied, recorded, there.
    let (came_to_its_end, done) = spawn(Work::Copied, 3, &place);
    assert!(!came_to_its_end && done.last().unwrap() == "DataThere");
    fs::remove_file(place.source()).unwrap();
    fs::write(place.source(), b"another").unwrap();
    let agent = place.open(Work::Copied);
    assert_eq!(agent.queued_ids().len(), 1);
    assert_eq!(fs::read(place.source()).unwrap(), b"another");
}
