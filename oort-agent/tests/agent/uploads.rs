//! What came up is found and retrieved.

use std::fs;
use std::time::{Duration, SystemTime};

use oort_agent::agent::AgentSettings;
use serde_json::json;

use crate::rig::{Rig, Site, settings, upload};

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
