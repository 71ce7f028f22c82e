//! What a functional test of the original does: the same three flags, the collector played by
//! renames.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::site::{PATIENCE, Site};

/// Within which the agent is to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The collector brings an item back, as if it had come up.
fn return_it(site: &Site, id: &str) {
    for suffix in ["data", "meta"] {
        let name = format!("{id}.{suffix}.oort");
        fs::rename(
            site.path("work/transfers").join(&name),
            site.path("work/uploads").join(&name),
        )
        .unwrap();
    }
}

#[test]
fn a_file_goes_out_comes_back_and_is_retrieved_with_all_that_was_said_of_it() {
    let site = Site::new();
    let mut agent = site.start(&[]);
    let path = site.file("a.txt", b"some text");
    let options = json!({
        "TTLParams": {"urgent": 0, "bulk": 0, "surplus": 86400},
        "reliable": false,
        "tags": {"token": "abc"},
        "delivery_hints": {"dest_path": "/x/y", "mode": "755"},
    });
    let id = agent.send(&path, &options);
    assert!(!path.exists());
    let (status, meta) = agent.get(&format!("/collector/v1/meta/{id}"));
    assert_eq!((status, &meta["send_options"]), (200, &options));
    assert_eq!(
        meta["file_info"]["delivery_hints"],
        options["delivery_hints"]
    );
    let (_, info) = agent.post("/collector/v1/info", &json!({"topics": ["images"]}));
    assert_eq!(info["available"]["files"], json!([id]));
    return_it(&site, &id);
    let (_, files) = agent.get("/sdk/v1/query_available_files/images");
    assert_eq!(files["files"][0]["id"], id.as_str());
    let to = site.path("payload/back");
    let asked = json!({"id": id, "save_path": to});
    let (status, file) = agent.post("/sdk/v1/retrieve_file", &asked);
    assert_eq!((status, &file["path"]), (200, &json!(path)));
    assert_eq!(fs::read(to).unwrap(), b"some text");
    let (status, refused) = agent.post("/sdk/v1/retrieve_file", &asked);
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("meta file unreadable")
    );
    assert_eq!(agent.state(&id), "collected");
    agent.process.signal("TERM");
    assert!(agent.process.wait_for_exit(STOP_TIMEOUT).success());
}

#[test]
fn it_stops_in_time_though_a_client_sends_half_a_request_and_the_link_service_is_away() {
    let site = Site::new();
    let link = site.path("link.sock");
    let mut agent = site.start(&["--link", link.to_str().unwrap()]);
    agent.send(&site.file("a", "a"), &Value::Null);
    let mut half = TcpStream::connect(("127.0.0.1", agent.port)).unwrap();
    let head = "POST /sdk/v1/send_file HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{";
    half.write_all(head.as_bytes()).unwrap();
    agent.process.signal("TERM");
    assert!(agent.process.wait_for_exit(STOP_TIMEOUT).success());
}

#[test]
fn of_51_files_50_are_named_and_it_is_said_that_there_are_more() {
    let site = Site::new();
    let agent = site.start(&[]);
    let ids: Vec<String> = (0..51)
        .map(|number: u8| {
            let name = number.to_string();
            agent.send(&site.file(&name, &name), &Value::Null)
        })
        .collect();
    let query = || agent.get("/sdk/v1/query_available_files/images").1;
    ids[..50].iter().for_each(|id| return_it(&site, id));
    let page = query();
    assert_eq!(page["files"].as_array().unwrap().len(), 50);
    assert_ne!(page["overflow"], json!(true));
    return_it(&site, &ids[50]);
    let page = query();
    assert_eq!(page["files"].as_array().unwrap().len(), 50);
    assert_eq!(page["overflow"], json!(true));
}

#[test]
fn a_killed_agent_knows_all_that_it_took() {
    let site = Site::new();
    let agent = site.start(&[]);
    let send = |name: &str| agent.send(&site.file(name, name), &Value::Null);
    let (waits, cancelled) = (send("a"), send("b"));
    let path = format!("/sdk/v2/files/{cancelled}/cancel");
    assert_eq!(agent.post(&path, &json!({})).0, 200);
    agent.process.signal("KILL");
    drop(agent);
    let agent = site.start(&[]);
    assert_eq!(agent.state(&waits), "waiting");
    assert_eq!(agent.state(&cancelled), "cancelled");
}

#[test]
fn s12_a_client_that_leaves_out_zeros_is_said_so_in_the_log() {
    let site = Site::new();
    let agent = site.start(&[]);
    // What the client in C makes of `ttl_params_create(0, 0, 86400)`.
    let options = json!({"TTLParams": {"surplus": 86400}});
    let id = agent.send(&site.file("a", "a"), &options);
    let line = agent
        .process
        .wait_for_line("TTLParams says nothing of urgent and bulk", PATIENCE);
    assert!(line.contains(&id), "{line}");
}
