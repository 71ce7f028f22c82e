//! Files are handed over.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use oort_agent::agent::{Agent, AgentError};
use oort_agent::clock::VirtualClock;
use oort_agent::store::{Step, Store, StoreError};
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::rig::{NOW, Site, crc32, names, settings, words};

#[test]
fn what_is_no_file_is_neither_taken_nor_waited_for() {
    let site = Site::new();
    let rig = site.start();
    let fifo = site.payload.join("fifo");
    mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
    let socket = site.payload.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for (path, what) in [
        (fifo.to_str().unwrap(), "a FIFO"),
        (socket.to_str().unwrap(), "a socket"),
        (site.payload.to_str().unwrap(), "a directory"),
        ("/dev/null", "a device"),
        ("/", "is not absolute"),
    ] {
        rig.send(path).is_refused(400, what);
    }
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn what_is_known_of_an_item_is_right_and_an_empty_file_is_one() {
    let site = Site::new();
    let rig = site.start();
    for octets in [&b""[..], b"123456789", &[9; 200_001]] {
        let path = site.file("file", octets);
        let id = rig.send(&path).id();
        let meta = rig.get(&format!("/collector/v1/meta/{id}")).body;
        let info = &meta["file_info"];
        assert_eq!(info["crc32"], crc32(octets));
        assert_eq!(info["size"], octets.len());
        assert_eq!(info["path"], path);
        assert_eq!(info["id"], id.to_string());
        assert_eq!(meta["destination"], "ground");
        assert_eq!(meta["meta_version"], "1.3");
        let data = site.work.join(format!("transfers/{id}.data.oort"));
        assert_eq!(fs::read(data).unwrap(), octets);
    }
}

#[test]
fn many_clients_at_once_hand_over_each_file_once() {
    let site = Site::new();
    let rig = site.start();
    let ids = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (site, rig, ids) = (&site, &rig, &ids);
            scope.spawn(move || {
                for number in 0..100 {
                    let name = format!("{thread}-{number}");
                    let id = rig.send(&site.file(&name, &name)).id();
                    assert!(ids.lock().unwrap().insert(id));
                }
            });
        }
    });
    let ids = ids.into_inner().unwrap();
    assert_eq!(
        rig.agent.queued_ids().into_iter().collect::<BTreeSet<_>>(),
        ids
    );
    assert_eq!(site.names("transfers").len(), 1600);
    let mut octets = BTreeSet::new();
    for id in ids {
        let data = site.work.join(format!("transfers/{id}.data.oort"));
        octets.insert(fs::read_to_string(data).unwrap());
    }
    assert_eq!(octets.len(), 800);
}

#[test]
fn one_file_that_many_hand_over_at_once_is_taken_once() {
    for copies in [false, true] {
        let site = Site::new();
        let store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let rig = site.start_with(store, settings());
        let path = site.file("file", [1; 100_000]);
        let taken = Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (rig, path, taken) = (&rig, &path, &taken);
                scope.spawn(move || {
                    if rig.try_take(path).is_ok() {
                        *taken.lock().unwrap() += 1;
                    }
                });
            }
        });
        assert_eq!(taken.into_inner().unwrap(), 1);
        assert_eq!(site.names("transfers").len(), 2);
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    }
}

#[test]
fn a_file_that_takes_the_name_of_the_one_that_was_read_stays_where_it_is() {
    for copies in [false, true] {
        let site = Site::new();
        let path = site.file("file", b"read");
        let other = site.file("other", b"else");
        let mut store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let to = path.clone();
        store.at_each_step(Box::new(move |step| {
            if step == Step::Recorded {
                fs::rename(&other, &to).unwrap();
            }
        }));
        let rig = site.start_with(store, settings());
        let refused = rig.try_take(&path);
        let is_changed = matches!(refused, Err(AgentError::Store(StoreError::Changed(_))));
        assert!(is_changed, "{refused:?}");
        assert_eq!(fs::read(&path).unwrap(), b"else");
        assert_eq!(site.names("transfers"), Vec::<String>::new());
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    }
}

#[test]
fn of_two_agents_with_one_work_directory_the_second_does_not_start_and_touches_nothing() {
    let site = Site::new();
    let rig = site.start();
    rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let part = site.work.join(".agent/intake/part");
    fs::write(&part, b"of the first").unwrap();
    let clock = Box::new(VirtualClock::at(NOW));
    let second = Agent::open(site.store(), settings(), clock);
    assert!(second.unwrap_err().to_string().contains("another process"));
    assert!(part.exists());
}

#[test]
fn a_file_that_is_being_handed_over_is_not_handed_over_by_another_request() {
    for copies in [false, true] {
        let site = Site::new();
        let path = site.file("file", b"octets");
        let mut store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let agent: Arc<OnceLock<Arc<Agent>>> = Arc::default();
        let other = Arc::clone(&agent);
        let again = path.clone();
        store.at_each_step(Box::new(move |step| {
            if step == Step::Recorded {
                let refused = other.get().unwrap().send_file(&again, words([9, 9, 9]));
                let refused = refused.unwrap_err().to_string();
                assert!(refused.contains("by another request"), "{refused}");
            }
        }));
        let rig = site.start_with(store, settings());
        agent.set(Arc::clone(&rig.agent)).unwrap();
        rig.take(&path, [9, 9, 9]);
        assert_eq!(rig.agent.queued_ids().len(), 1);
    }
}

#[test]
fn the_path_of_an_item_is_the_one_that_the_client_said_though_a_link_leads_there() {
    let site = Site::new();
    let link = site.payload.join("link");
    fs::create_dir(site.payload.join("real")).unwrap();
    symlink(site.payload.join("real"), &link).unwrap();
    for copies in [false, true] {
        let store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let rig = site.start_with(store, settings());
        site.file("real/file", b"octets");
        let path = link.join("file");
        let id = rig.send(path.to_str().unwrap()).id();
        let meta = rig.get(&format!("/collector/v1/meta/{id}")).body;
        assert_eq!(meta["file_info"]["path"], path.to_str().unwrap());
        assert!(!path.exists());
    }
}

/// Fails each sync of that directory.
fn fail_syncs_of(store: &mut Store, directory: PathBuf) {
    store.at_each_sync(Box::new(move |path| match path == directory {
        true => Err(std::io::Error::other("the disk fails")),
        false => Ok(()),
    }));
}

#[test]
fn where_the_directory_of_items_cannot_be_synced_the_source_is_where_it_was() {
    for copies in [false, true] {
        let site = Site::new();
        let path = site.file("file", b"octets");
        let mut store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        fail_syncs_of(&mut store, site.work.join("transfers"));
        let rig = site.start_with(store, settings());
        rig.send(&path).is_refused(500, "the disk fails");
        assert_eq!(fs::read(&path).unwrap(), b"octets");
        assert_eq!(site.names("transfers"), Vec::<String>::new());
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    }
}

/// A store in which something has the name that the next item's meta is to get.
fn with_the_name_of_the_meta_taken(site: &Site, copies: bool) -> Store {
    let mut store = match copies {
        true => site.store().always_copying(),
        false => site.store(),
    };
    let transfers = site.work.join("transfers");
    store.at_each_step(Box::new(move |step| {
        if step == Step::DataThere {
            let data = names(&transfers).pop().unwrap();
            let meta = data.replace(".data.", ".meta.");
            fs::create_dir(transfers.join(meta)).unwrap();
        }
    }));
    store
}

#[test]
fn an_item_that_is_taken_and_cannot_be_published_yet_is_queued_and_published_later() {
    for copies in [false, true] {
        let site = Site::new();
        let path = site.file("file", b"octets");
        let store = with_the_name_of_the_meta_taken(&site, copies);
        let rig = site.start_with(store, settings());
        let id = rig.send(&path).id();
        rig.later(1);
        assert_eq!(rig.state(id), "waiting");
        assert_eq!(rig.agent.meta(id).unwrap().file_info.size, 6);
        let meta = site.work.join(format!("transfers/{id}.meta.oort"));
        fs::remove_dir(&meta).unwrap();
        rig.later(1);
        assert!(meta.is_file());
        assert_eq!(rig.state(id), "waiting");
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    }
}

#[test]
fn an_item_that_is_cancelled_before_it_is_published_is_gone() {
    let site = Site::new();
    let path = site.file("file", b"octets");
    let store = with_the_name_of_the_meta_taken(&site, false);
    let rig = site.start_with(store, settings());
    let id = rig.send(&path).id();
    let meta = site.work.join(format!("transfers/{id}.meta.oort"));
    fs::remove_dir(&meta).unwrap();
    rig.agent.cancel(id).unwrap();
    rig.later(1);
    assert_eq!(rig.state(id), "cancelled");
    assert_eq!(site.names("transfers"), Vec::<String>::new());
    assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
}
