//! What went wrong in the agent whose interface this is, by the numbers of that list (the
//! first of them is in `crash.rs`). Each fails on the behaviour that was seen there.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use oort_agent::agent::AgentSettings;
use oort_agent::api::Token;
use oort_agent::item::Uuid;
use oort_agent::queue::Stage;
use oort_agent::store::{Floor, Room, Space, Step};
use serde_json::{Value, json};

use crate::rig::{NOW, Site, client, settings, upload, upload_meta};

#[test]
fn s02_a_file_that_grows_is_refused_in_json_and_nothing_of_it_stays() {
    for copies in [false, true] {
        let site = Site::new();
        let path = site.file("grows", b"before");
        let mut store = site.store();
        if copies {
            store = store.always_copying();
        }
        let written = path.clone();
        store.at_each_step(Box::new(move |step| {
            if matches!(step, Step::Read | Step::Copied) {
                let mut file = File::options().append(true).open(&written).unwrap();
                file.write_all(b" and after").unwrap();
            }
        }));
        let rig = site.start_with(store, settings());
        rig.send(&path)
            .is_refused(400, "has changed while it was read");
        assert_eq!(fs::read(&path).unwrap(), b"before and after");
        assert_eq!(site.names("transfers"), Vec::<String>::new());
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    }
}

#[test]
fn s03_the_cleaner_never_removes_what_is_queued_and_the_ttl_does() {
    let site = Site::new();
    let path = site.file("old", b"old");
    let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
    let file = File::options().append(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    let settings = AgentSettings {
        cleanup_age: Duration::ZERO,
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let id = rig.take(&path, [0, 0, 604_800]);
    assert_eq!(rig.agent.clean(), 0);
    rig.later(604_799);
    assert_eq!(rig.agent.clean(), 0);
    assert_eq!(rig.state(id), "waiting");
    rig.later(1);
    assert_eq!(rig.state(id), "expired");
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn s04_what_is_to_be_left_free_is_and_surplus_goes_for_what_comes_before_it() {
    let site = Site::new();
    let rig = site.start_with(
        site.store(),
        AgentSettings {
            floor: Floor::Percent(100),
            ..settings()
        },
    );
    let path = site.file("a", b"a");
    rig.send(&path)
        .is_refused(507, "insufficient disk space for destination file");
    assert_eq!(fs::read(&path).unwrap(), b"a");

    let site = Site::new();
    let transfers = site.work.join("transfers");
    // A disk of 1000 octets, of which a tenth is to be left free.
    let said = move || {
        let used: u64 = fs::read_dir(&transfers)
            .unwrap()
            .filter_map(|entry| entry.unwrap().metadata().ok())
            .filter(|found| found.len() > 400 || found.len() == 300)
            .map(|found| if found.len() == 300 { 300 } else { 0 })
            .sum();
        Room {
            free: 1000 - used,
            all: 1000,
        }
    };
    let rig = site.start_with(
        site.store().always_copying(),
        AgentSettings {
            floor: Floor::Percent(10),
            space: Space::Said(Box::new(said)),
            ..settings()
        },
    );
    let take = |name: &str, ttl| rig.take(&site.file(name, [0; 300]), ttl);
    let oldest = take("1", [0, 0, 9]);
    let newer = take("2", [0, 0, 9]);
    let urgent = take("3", [9, 0, 0]);
    let urgent_too = take("4", [9, 0, 0]);
    assert_eq!(rig.state(oldest), "evicted");
    assert_eq!(rig.state(newer), "waiting");
    let bulk = take("5", [0, 9, 0]);
    assert_eq!(rig.state(newer), "evicted");
    // What is bulk does not go for surplus, nor what is urgent for anything.
    let refused = rig.send_with(
        &site.file("6", [0; 300]),
        &json!({"TTLParams": {"urgent": 0, "bulk": 0, "surplus": 9}}),
    );
    refused.is_refused(507, "insufficient disk space");
    for id in [urgent, urgent_too, bulk] {
        assert_eq!(rig.state(id), "waiting");
    }
}

#[test]
fn s05_no_id_and_no_path_leads_to_what_is_queued_or_anywhere_else() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let out = site.payload.join("out");
    let retrieve = |id: &str, to: &str| {
        let body = json!({"id": id, "save_path": to});
        rig.post("/sdk/v1/retrieve_file", &body)
    };
    let out = out.to_str().unwrap();
    for bad in [
        format!("../transfers/{id}"),
        format!("{id}"),
        format!("./{id}"),
        format!("{id}/"),
        format!("{id}\0"),
        "..".to_owned(),
        String::new(),
        "%2e%2e/transfers".to_owned(),
    ] {
        let refused = retrieve(&bad, out);
        refused.is_refused(
            400,
            "meta file unreadable for ID: No such file or directory",
        );
    }
    assert_eq!(rig.state(id), "waiting");
    // What is the agent's own is not handed over, and nothing is put there.
    let own = site.work.join(format!("transfers/{id}.data.oort"));
    rig.send(own.to_str().unwrap())
        .is_refused(400, "is the agent's own");
    let up = upload(&site, 1, 1, b"up");
    let into = site.work.join("transfers/x");
    retrieve(&up.to_string(), into.to_str().unwrap()).is_refused(400, "is the agent's own");
    let around = format!("{}/../work/dead/x", site.payload.display());
    retrieve(&up.to_string(), &around).is_refused(400, "is the agent's own");
    for topic in ["..%2Ftransfers", "%2e%2e", "a%00", "a.b"] {
        let path = format!("/sdk/v1/query_available_files/{topic}");
        rig.get(&path).is_refused(501, "Method not implemented");
    }
    assert!(!site.payload.join("out").exists());
}

#[test]
fn s06_the_topics_that_are_allowed_stay_so_and_not_everybody_says_which() {
    let site = Site::new();
    let secret = site.file("token", "0123456789abcdef\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let token = || Some(Token::read(secret.as_ref()).unwrap());
    let allow = json!({"topics": ["images"]}).to_string();
    let rig = site.start_at(site.store(), settings(), NOW, token());
    let info = "/collector/v1/info";
    let refused = rig.post_octets(info, allow.as_bytes(), &[]);
    refused.is_refused(401, "token");
    let shown = [("Authorization", "Bearer 0123456789abcdef")];
    let said = rig.post_octets(info, allow.as_bytes(), &shown);
    assert_eq!(said.body["topics"], json!(["images"]));
    drop(rig);
    let rig = site.start_at(site.store(), settings(), NOW, token());
    let send = |topic: &str| {
        let path = site.file(topic, b"a");
        let body = json!({"destination": "ground", "filepath": path, "topic": topic});
        rig.post("/sdk/v1/send_file", &body)
    };
    send("logs").is_refused(400, "Topic logs is not allowed");
    send("images").id();
}

#[test]
fn s07_an_upload_whose_meta_comes_before_its_data_is_there_once_its_data_is() {
    let site = Site::new();
    let rig = site.start();
    let id = Uuid::of_random([7; 16]);
    upload_meta(&site, id, 1, b"octets");
    let files = || rig.get("/sdk/v1/query_available_files/logs").body["files"].clone();
    assert_eq!(files(), json!([]));
    let data = site.work.join(format!("uploads/{id}.data.oort"));
    fs::write(&data, b"oct").unwrap();
    assert_eq!(files(), json!([]));
    fs::write(&data, b"octets").unwrap();
    assert_eq!(files()[0]["id"], id.to_string());
    assert_eq!(site.names("dead"), Vec::<String>::new());
}

#[test]
fn s08_a_symbolic_link_is_refused_and_stays() {
    let site = Site::new();
    let rig = site.start();
    let target = site.file("target", b"octets");
    let link = site.payload.join("link");
    symlink(&target, &link).unwrap();
    rig.send(link.to_str().unwrap())
        .is_refused(400, "a symbolic link");
    assert_eq!(fs::read_link(&link).unwrap().to_str().unwrap(), target);
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn s09_times_that_are_none_are_refused_and_unknown_options_travel_along() {
    let site = Site::new();
    let rig = site.start();
    let path = site.file("a", b"a");
    for bad in [
        json!({"bulk": 99_999_999_999_u64}),
        json!({"urgent": -5}),
        json!({"surplus": 1.5}),
        json!({"surplus": "9"}),
        json!({"urgent": 0, "bulk": 0, "surplus": 0}),
        json!(9),
    ] {
        let refused = rig.send_with(&path, &json!({"TTLParams": bad}));
        refused.is_refused(400, "TTLParams");
    }
    for bad in [
        json!({"reliable": "yes"}),
        json!([]),
        json!({"tags": {"a": 1}}),
    ] {
        rig.send_with(&path, &bad).is_refused(400, "options");
    }
    let options = json!({"colour": "red", "TTLParams": {"surplus": 7}, "tags": null});
    let id = rig.send_with(&path, &options).id();
    let meta = rig.get(&format!("/collector/v1/meta/{id}")).body;
    let kept = &meta["send_options"];
    assert_eq!(kept["colour"], "red");
    assert_eq!(
        kept["TTLParams"],
        json!({"urgent": 9000, "bulk": 43200, "surplus": 7})
    );
    assert_eq!(kept["reliable"], true);
}

#[test]
fn s10_what_is_wrong_is_said_in_json_whatever_it_is() {
    let site = Site::new();
    let rig = site.start();
    let send = "/sdk/v1/send_file";
    let long = format!("{{\"destination\": \"{}\"}}", "x".repeat(8000));
    rig.post_octets(send, long.as_bytes(), &[])
        .is_refused(413, "8000");
    rig.post_octets(send, &vec![b' '; 500_000], &[])
        .is_refused(413, "8000");
    for bad in ["{", "", "[]", "7", "{\"filepath\": 7}", "\u{0}"] {
        rig.post_octets(send, bad.as_bytes(), &[])
            .is_refused(400, "Bad request");
        let retrieve = "/sdk/v1/retrieve_file";
        rig.post_octets(retrieve, bad.as_bytes(), &[])
            .is_refused(400, "Bad request");
    }
    rig.post_octets("/collector/v1/info", b"{", &[])
        .is_refused(400, "Bad request");
    let topics = json!({"topics": ["a b"]});
    rig.post("/collector/v1/info", &topics)
        .is_refused(400, "Topic a b is not allowed");
    let put = client().put(rig.url(send)).send("{}").unwrap();
    assert_eq!(
        (put.status().as_u16(), kind(&put)),
        (405, "application/json")
    );
    rig.get(send).is_refused(405, "Method not allowed");
    rig.get("/sdk/v1/nothing")
        .is_refused(501, "Method not implemented");
    let directory = site.payload.to_str().unwrap();
    rig.send(directory).is_refused(400, "a directory");
    rig.send("relative")
        .is_refused(400, "File path relative is not absolute");
    rig.send("/no/such/directory/file")
        .is_refused(400, "Source directory not writable");
    let missing = format!("{directory}/missing");
    let words = format!("Error getting info on {missing}: No such file or directory");
    rig.send(&missing).is_refused(400, &words);
    rig.get("/collector/v1/meta/0")
        .is_refused(400, "error reading metadata");
    // What is no UTF-8.
    rig.get("/collector/v1/meta/%ff")
        .is_refused(400, "error reading metadata");
    rig.get("/sdk/v1/query_available_files/%ff")
        .is_refused(501, "Method not implemented");
    for of_item in ["", "/receipt"] {
        rig.get(&format!("/sdk/v2/files/%ff{of_item}"))
            .is_refused(404, "there is no item");
    }
    for done_to_it in ["cancel", "priority"] {
        rig.post(&format!("/sdk/v2/files/%ff/{done_to_it}"), &json!({}))
            .is_refused(404, "there is no item");
    }
    rig.get("/sdk/v2/files?topic=%ff").is_refused(400, "Topic");
    rig.post_octets("/sdk/v2/files?topic=images&name=%ff&options=%ff", b"", &[])
        .is_refused(400, "options");
    rig.get("/sdk/v1/adcs")
        .is_refused(400, "Adcs interface is unavailable");
    rig.post("/sdk/v1/adcs", &json!({"command": "IDLE"}))
        .is_refused(400, "Adcs interface");
    rig.get("/sdk/v1/tfrs")
        .is_refused(400, "Tfrs interface is unavailable");
    let form = client().post(rig.url(send)).send_form([("filepath", "/a")]);
    assert_eq!(form.unwrap().status(), 400);
    assert_eq!(
        rig.get("/collector/v1/ping").body,
        json!({"response": "PONG"})
    );
}

#[test]
fn s11_a_query_is_first_in_first_out_knows_at_once_and_reads_no_data_twice() {
    let site = Site::new();
    let rig = site.start();
    let query = || rig.get("/sdk/v1/query_available_files/logs").body;
    let mut wanted = Vec::new();
    for number in 0..50 {
        // Handed up in another order than their identifiers have.
        let time = i64::from(number) * 7 % 50;
        wanted.push((time, upload(&site, number, time, &[number; 3]).to_string()));
    }
    wanted.sort();
    let ids = |answer: &Value| -> Vec<String> {
        let files = answer["files"].as_array().unwrap().iter();
        files
            .map(|file| file["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let wanted: Vec<String> = wanted.into_iter().map(|(_, id)| id).collect();
    let answer = query();
    assert_eq!(ids(&answer), wanted);
    assert!(answer.get("overflow").is_none());
    upload(&site, 50, 50, b"one more");
    let answer = query();
    assert_eq!(
        (ids(&answer), &answer["overflow"]),
        (wanted.clone(), &json!(true))
    );
    // Other octets in a file that nothing tells from the one that was read.
    let path = site.work.join(format!("uploads/{}.data.oort", wanted[0]));
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut file = File::options().write(true).open(&path).unwrap();
    file.write_all(b"xyz").unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(ids(&query()), wanted);
    // One that was retrieved is gone at once.
    let to = site.payload.join("out");
    let body = json!({"id": wanted[1], "save_path": to});
    assert_eq!(rig.post("/sdk/v1/retrieve_file", &body).status, 200);
    let answer = query();
    assert!(!ids(&answer).contains(&wanted[1]) && ids(&answer).len() == 50);
    assert!(answer.get("overflow").is_none());
}

#[test]
fn s12_a_client_that_cannot_say_zero_or_false_says_nothing_and_the_usual_counts() {
    let site = Site::new();
    let rig = site.start();
    for options in [
        Value::Null,
        json!({}),
        json!({"TTLParams": {}}),
        json!({"TTLParams": {"surplus": 86_400}}),
        json!({"reliable": null}),
    ] {
        let id = rig.send_with(&site.file("a", b"a"), &options).id();
        let meta = rig.get(&format!("/collector/v1/meta/{id}")).body;
        assert_eq!(meta["send_options"]["reliable"], true, "{options}");
        assert_eq!(meta["send_options"]["TTLParams"]["urgent"], 9_000);
        assert_eq!(rig.agent.status(id).unwrap().stage, Some(Stage::Urgent));
    }
}

fn kind(response: &ureq::http::Response<ureq::Body>) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}
