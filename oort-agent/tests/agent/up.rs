//! Bundles that come up: there is room for them, they are uploads wholly or not at all, and
//! once, whenever the agent is killed.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use oort_agent::agent::{Agent, AgentSettings};
use oort_agent::item::{Topic, TransferMeta};
use oort_agent::pump::take;
use oort_agent::store::{Floor, Room, Space, Step};
use rustix::process::{Signal, getpid, kill_process};

use crate::pump::bundle_of;
use crate::rig::{Rig, Site, crc32, settings, words};

/// For the child: after how many steps it is killed, where, and what it takes.
const CHILD: &str = "OORT_AGENT_UP_TEST";
const OCTETS: &[u8] = &[7; 300_000];

fn meta(octets: &[u8]) -> TransferMeta {
    let written = serde_json::json!({
        "meta_version": "1.3", "topic": "plans", "destination": "", "node": "ground", "time": 1,
        "file_info": {
            "id": "00000001-0000-4000-8000-000000000000", "path": "plan.bin",
            "size": octets.len(), "modified": 1, "created": 1, "crc32": crc32(octets),
        },
        "send_options": {},
    });
    serde_json::from_value(written).unwrap()
}

fn bundle(site: &Site) -> PathBuf {
    bundle_of(site, "plan.oort.tar", &meta(OCTETS), OCTETS)
}

fn plans(agent: &Agent) -> usize {
    let topic: Topic = "plans".parse().unwrap();
    agent.query(&topic).unwrap().files.len()
}

/// The upload goes to the payload, which finds all of it.
#[track_caller]
fn retrieve(site: &Site, rig: &Rig) {
    let to = site.payload.join("plan.bin");
    let id = meta(OCTETS).file_info.id.to_string();
    rig.agent.retrieve(&id, to.to_str().unwrap()).unwrap();
    assert_eq!(fs::read(to).unwrap(), OCTETS);
}

#[test]
fn what_comes_up_waits_until_there_is_room_for_it_above_what_is_to_be_left_free() {
    let site = Site::new();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let said = Arc::clone(&free);
    let settings = AgentSettings {
        floor: Floor::Bytes(1_000),
        space: Space::Said(Box::new(move || Room {
            free: said.load(Ordering::SeqCst),
            all: u64::MAX,
        })),
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let queued = rig.take(&site.file("a", b"a"), [0, 0, 9]);
    let bundle = bundle(&site);
    free.store(OCTETS.len() as u64 + 999, Ordering::SeqCst);
    let refused = take(&rig.agent, &bundle).unwrap_err();
    assert!(refused.to_string().contains("disk space"), "{refused}");
    assert_eq!(plans(&rig.agent), 0);
    for directory in ["uploads", ".agent/intake"] {
        assert_eq!(site.names(directory), Vec::<String>::new());
    }
    // What is queued does not go for it.
    assert_eq!(rig.state(queued), "waiting");
    free.store(OCTETS.len() as u64 + 1_000, Ordering::SeqCst);
    take(&rig.agent, &bundle).unwrap();
    assert_eq!(plans(&rig.agent), 1);
    // What was kept for it is anybody's again.
    let path = site.file("b", b"b");
    rig.agent.send_file(&path, words([9, 9, 9])).unwrap();
}

#[test]
fn what_was_retrieved_is_no_upload_again_though_it_comes_up_again_after_a_restart_too() {
    let site = Site::new();
    let bundle = bundle(&site);
    let mut rig = site.start();
    take(&rig.agent, &bundle).unwrap();
    retrieve(&site, &rig);
    for _ in 0..2 {
        take(&rig.agent, &bundle).unwrap();
        assert_eq!(plans(&rig.agent), 0);
        assert_eq!(site.names("uploads"), Vec::<String>::new());
        drop(rig);
        rig = site.start();
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
    let steps: usize = next().parse().unwrap();
    let (directory, bundle) = (PathBuf::from(next()), PathBuf::from(next()));
    let log = directory.join("steps");
    let site = Site::at(&directory);
    let mut store = site.store();
    let done = Mutex::new(Vec::new());
    store.at_each_step(Box::new(move |step| {
        let mut done = done.lock().unwrap();
        done.push(format!("{step:?}"));
        fs::write(&log, done.join("\n")).unwrap();
        if done.len() == steps {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }));
    take(&site.start_with(store, settings()).agent, &bundle).unwrap();
}

/// Whether it came to its end; which steps it did.
fn spawn(steps: usize, site: &Site, bundle: &Path) -> (bool, Vec<String>) {
    let root = site.work.parent().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["up::child", "--exact", "--nocapture"]);
    let told = format!("{steps} {} {}", root.display(), bundle.display());
    let output = child.env(CHILD, told).output().unwrap();
    let was_killed = output.status.signal() == Some(Signal::KILL.as_raw());
    assert!(was_killed || output.status.success(), "{output:?}");
    let done = fs::read_to_string(root.join("steps")).unwrap();
    (!was_killed, done.lines().map(str::to_owned).collect())
}

#[test]
fn killed_after_any_step_of_unpacking_an_upload_is_there_wholly_or_not_at_all_and_once() {
    let mut seen = BTreeSet::new();
    for steps in 1.. {
        let mut came_to_its_end = false;
        for is_retrieved_between in [false, true] {
            let site = Site::new();
            let bundle = bundle(&site);
            let (ended, done) = spawn(steps, &site, &bundle);
            came_to_its_end = ended;
            let is_there = done.contains(&format!("{:?}", Step::Uploaded));
            seen.extend(done);
            let rig = site.start();
            assert_eq!(plans(&rig.agent), usize::from(is_there));
            assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
            let is_taken = is_there && is_retrieved_between;
            if is_taken {
                retrieve(&site, &rig);
            }
            // Nobody acknowledged it: it comes again.
            take(&rig.agent, &bundle).unwrap();
            assert_eq!(plans(&rig.agent), usize::from(!is_taken));
            if !is_taken {
                assert_eq!(site.names("uploads").len(), 2);
                retrieve(&site, &rig);
            }
            assert_eq!(site.names("uploads"), Vec::<String>::new());
        }
        if came_to_its_end {
            break;
        }
    }
    for step in Step::UPLOAD {
        assert!(seen.contains(&format!("{step:?}")), "{step:?}");
    }
}

#[test]
fn what_could_not_be_retrieved_and_was_lost_here_is_an_upload_again_once_it_comes_up_again() {
    for (copies, place) in [
        (false, "nowhere/plan.bin"),
        (false, "taken"),
        (true, "plan.bin"),
    ] {
        let site = Site::new();
        let bundle = bundle(&site);
        site.file("taken", b"mine");
        let mut store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let payload = site.payload.clone();
        store.at_each_sync(Box::new(move |path| match path == payload {
            true => Err(std::io::Error::other("the disk fails")),
            false => Ok(()),
        }));
        let mut rig = site.start_with(store, settings());
        take(&rig.agent, &bundle).unwrap();
        let id = meta(OCTETS).file_info.id.to_string();
        let to = site.payload.join(place);
        rig.agent.retrieve(&id, to.to_str().unwrap()).unwrap_err();
        assert_eq!(plans(&rig.agent), 1);
        // The cleaner removes it, and nobody acknowledged it yet. Once as it runs, once after a
        // restart.
        for _ in 0..2 {
            for suffix in ["data", "meta"] {
                fs::remove_file(site.work.join(format!("uploads/{id}.{suffix}.oort"))).unwrap();
            }
            assert_eq!(plans(&rig.agent), 0);
            take(&rig.agent, &bundle).unwrap();
            assert_eq!(plans(&rig.agent), 1, "{place}");
            drop(rig);
            rig = site.start();
        }
        retrieve(&site, &rig);
    }
}

#[test]
fn what_was_written_down_as_retrieved_and_not_moved_before_the_end_may_come_up_again() {
    let site = Site::new();
    let bundle = bundle(&site);
    let id = meta(OCTETS).file_info.id.to_string();
    let rig = site.start();
    take(&rig.agent, &bundle).unwrap();
    let pair = ["data", "meta"].map(|suffix| format!("{id}.{suffix}.oort"));
    let kept = |name: &str| site.payload.join(name);
    for name in &pair {
        fs::copy(site.work.join("uploads").join(name), kept(name)).unwrap();
    }
    retrieve(&site, &rig);
    drop(rig);
    // As if the process had ended once it was written down, and before the move.
    for name in &pair {
        fs::rename(kept(name), site.work.join("uploads").join(name)).unwrap();
    }
    drop(site.start());
    for name in &pair {
        fs::remove_file(site.work.join("uploads").join(name)).unwrap();
    }
    let rig = site.start();
    take(&rig.agent, &bundle).unwrap();
    assert_eq!(plans(&rig.agent), 1);
}

#[test]
fn an_upload_that_the_agent_unpacked_is_not_read_by_a_query_at_all() {
    let site = Site::new();
    let bundle = bundle(&site);
    let rig = site.start();
    take(&rig.agent, &bundle).unwrap();
    let id = meta(OCTETS).file_info.id;
    let data = site.work.join(format!("uploads/{id}.data.oort"));
    let modified = fs::metadata(&data).unwrap().modified().unwrap();
    let mut file = fs::File::options().write(true).open(&data).unwrap();
    file.write_all(b"other").unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(plans(&rig.agent), 1);
    drop(rig);
    assert_eq!(plans(&site.start().agent), 1);
}
