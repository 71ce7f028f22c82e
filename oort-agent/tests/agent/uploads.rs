//! What came up is found and retrieved.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime};

use oort_agent::agent::AgentSettings;
use oort_agent::item::Uuid;
use serde_json::json;

use crate::rig::{Rig, Site, settings, upload};

/// So long a query that reads is held up at most.
const PATIENCE: Duration = Duration::from_secs(10);

fn retrieve(rig: &Rig, id: &str, to: &str) -> crate::rig::Answer {
    rig.post("/sdk/v1/retrieve_file", &json!({"id": id, "save_path": to}))
}

#[test]
fn an_upload_goes_where_the_client_says_and_in_the_place_of_nothing() {
    for copies in [false, true] {
        let site = Site::new();
        let store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let rig = site.start_with(store, settings());
        let id = upload(&site, 1, 1, b"octets").to_string();
        let taken = site.file("taken", b"mine");
        retrieve(&rig, &id, &taken).is_refused(400, "move_file error - file exists: File exists");
        assert_eq!(fs::read(&taken).unwrap(), b"mine");
        let nowhere = format!("{taken}-directory/out");
        let words = "Error renaming: No such file or directory";
        retrieve(&rig, &id, &nowhere).is_refused(400, words);
        retrieve(&rig, &id, "out").is_refused(400, "Destination path out is not absolute");
        let to = site.payload.join("out");
        let info = retrieve(&rig, &id, to.to_str().unwrap());
        assert_eq!(info.status, 200);
        assert_eq!(info.body["size"], 6);
        assert_eq!(info.body["extra"], json!({"more": "said"}));
        assert_eq!(fs::read(&to).unwrap(), b"octets");
        let again = site.payload.join("again");
        let words = "meta file unreadable for ID: No such file or directory";
        retrieve(&rig, &id, again.to_str().unwrap()).is_refused(400, words);
        assert_eq!(site.names("uploads"), Vec::<String>::new());
        let mut left = crate::rig::names(&site.payload);
        left.retain(|name| name.starts_with('.'));
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn an_upload_whose_octets_are_wrong_is_put_out_of_the_way_as_a_pair() {
    let site = Site::new();
    let rig = site.start();
    let id = upload(&site, 1, 1, b"octets");
    let data = site.work.join(format!("uploads/{id}.data.oort"));
    fs::write(&data, b"0ctets").unwrap();
    let to = site.payload.join("out");
    retrieve(&rig, &id.to_string(), to.to_str().unwrap()).is_refused(400, "meta file unreadable");
    assert_eq!(site.names("uploads"), Vec::<String>::new());
    assert_eq!(site.names("dead").len(), 2);
    let info = rig.post("/collector/v1/info", &json!({})).body;
    assert_eq!(info["available"]["dead"], json!([id]));
}

#[test]
fn the_cleaner_removes_old_uploads_what_is_dead_and_halves_of_pairs() {
    let site = Site::new();
    let settings = AgentSettings {
        cleanup_age: Duration::from_secs(100),
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let old = upload(&site, 1, 1, b"old");
    let new = upload(&site, 2, 2, b"new");
    let dead = site.work.join(format!("dead/{old}.data.oort"));
    fs::write(&dead, b"dead").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(1_000);
    for path in [
        site.work.join(format!("uploads/{old}.data.oort")),
        site.work.join(format!("uploads/{old}.meta.oort")),
        dead,
    ] {
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    assert_eq!(rig.agent.clean(), 3);
    assert_eq!(site.names("dead"), Vec::<String>::new());
    let names = site.names("uploads");
    assert!(
        names.len() == 2 && names[0].starts_with(&new.to_string()),
        "{names:?}"
    );
}

#[test]
fn a_part_that_a_retrieval_left_when_it_was_killed_is_removed_by_the_next_start() {
    let site = Site::new();
    drop(site.start());
    let id = upload(&site, 1, 1, b"octets");
    let part = site.payload.join(format!(".{id}.oort-part"));
    fs::write(&part, b"oct").unwrap();
    let record = site.work.join(format!(".agent/retrieving/{id}"));
    fs::write(&record, part.to_str().unwrap()).unwrap();
    // A record that names anything else removes nothing.
    let mine = site.file("mine", b"mine");
    fs::write(site.work.join(".agent/retrieving/x"), &mine).unwrap();
    let rig = site.start();
    assert!(!part.exists() && !record.exists());
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    let to = site.payload.join("out");
    let answer = retrieve(&rig, &id.to_string(), to.to_str().unwrap());
    assert_eq!(answer.status, 200);
}

/// Other octets in a file that nothing tells from the one that it was.
fn change_unseen(path: &Path) {
    let found = fs::metadata(path).unwrap();
    let mut file = fs::File::options().write(true).open(path).unwrap();
    file.write_all(b"0").unwrap();
    file.set_modified(found.modified().unwrap()).unwrap();
}

#[test]
fn an_upload_whose_octets_were_read_once_is_not_read_again_after_a_restart_either() {
    let site = Site::new();
    let rig = site.start();
    let id = upload(&site, 1, 1, b"octets");
    let other = upload(&site, 2, 2, b"others");
    let query = |rig: &Rig| rig.get("/sdk/v1/query_available_files/logs").body;
    let count = |rig: &Rig| query(rig)["files"].as_array().unwrap().len();
    assert_eq!(count(&rig), 2);
    drop(rig);
    change_unseen(&site.work.join(format!("uploads/{id}.data.oort")));
    let rig = site.start();
    assert_eq!(count(&rig), 2);
    assert_eq!(site.names("dead"), Vec::<String>::new());
    // A file that is seen to be another one is read.
    let path = site.work.join(format!("uploads/{other}.data.oort"));
    fs::write(&path, b"0thers").unwrap();
    let file = fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(9))
        .unwrap();
    assert_eq!(count(&rig), 1);
    assert_eq!(site.names("dead").len(), 2);
}

#[test]
fn while_queries_read_a_file_that_came_up_others_are_answered_and_files_are_taken() {
    let site = Site::new();
    let mut store = site.store();
    let id = Uuid::of_random([1; 16]);
    let data = site.work.join(format!("uploads/{id}.data.oort"));
    // Whoever reads the upload waits here, once.
    let (began, has_begun) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let is_held = Arc::new(AtomicBool::new(false));
    let holds = Arc::clone(&is_held);
    let of_data = data.clone();
    store.at_each_sync(Box::new(move |path| {
        if path == of_data {
            holds.store(true, Ordering::SeqCst);
            began.send(()).unwrap();
            let _ = goes_on.lock().unwrap().recv_timeout(PATIENCE);
            holds.store(false, Ordering::SeqCst);
        }
        Ok(())
    }));
    let rig = site.start_with(store, settings());
    assert_eq!(upload(&site, 1, 1, b"octets"), id);
    std::thread::scope(|scope| {
        let query = || rig.get("/sdk/v1/query_available_files/logs").body["files"].clone();
        let queries: Vec<_> = (0..12).map(|_| scope.spawn(query)).collect();
        has_begun.recv().unwrap();
        rig.send(&site.file("file", b"file")).id();
        let info = rig.post("/collector/v1/info", &json!({})).body;
        assert_eq!(info["available"]["files"].as_array().unwrap().len(), 1);
        assert_eq!(rig.get("/sdk/v2/files").status, 200);
        assert!(
            is_held.load(Ordering::SeqCst),
            "they waited for the queries"
        );
        go_on.send(()).unwrap();
        for query in queries {
            assert_eq!(query.join().unwrap()[0]["id"], id.to_string());
        }
    });
    // One of them read it.
    assert!(has_begun.try_recv().is_err());
}

#[test]
fn an_upload_that_two_ask_for_at_once_goes_to_one_of_them() {
    for copies in [false, true] {
        let site = Site::new();
        let store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let rig = site.start_with(store, settings());
        let id = upload(&site, 1, 1, &[1; 200_000]).to_string();
        let got: usize = std::thread::scope(|scope| {
            let asks: Vec<_> = (0..4)
                .map(|number| {
                    let (id, rig) = (&id, &rig);
                    let to = site.payload.join(number.to_string());
                    scope.spawn(move || retrieve(rig, id, to.to_str().unwrap()).status == 200)
                })
                .collect();
            asks.into_iter()
                .map(|ask| usize::from(ask.join().unwrap()))
                .sum()
        });
        assert_eq!(got, 1);
        assert_eq!(crate::rig::names(&site.payload).len(), 1);
    }
}

#[test]
fn an_upload_whose_place_cannot_be_synced_is_where_it_was() {
    for copies in [false, true] {
        let site = Site::new();
        let mut store = match copies {
            true => site.store().always_copying(),
            false => site.store(),
        };
        let payload = site.payload.clone();
        store.at_each_sync(Box::new(move |path| match path == payload {
            true => Err(std::io::Error::other("the disk fails")),
            false => Ok(()),
        }));
        let rig = site.start_with(store, settings());
        let id = upload(&site, 1, 1, b"octets").to_string();
        let to = site.payload.join("out");
        retrieve(&rig, &id, to.to_str().unwrap()).is_refused(500, "the disk fails");
        assert_eq!(crate::rig::names(&site.payload), Vec::<String>::new());
        assert_eq!(site.names("uploads").len(), 2);
        let files = rig.get("/sdk/v1/query_available_files/logs").body;
        assert_eq!(files["files"][0]["id"], id);
    }
}
