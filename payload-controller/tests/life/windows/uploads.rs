//! Uploads come from the agent to the inbox of a payload of the first edition. The agent's
//! part is played here; with the agent itself: `tests/tests/payload_controller/windows.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use heliograph_tests::http_service::{HttpService, Reply};
use serde_json::{Value, json};

use super::rig::*;
use super::sshd::{Sshd, mode};

/// Files that came up, by their ids: what is known of them, and their octets.
type Files = Arc<Mutex<BTreeMap<String, (Value, Vec<u8>)>>>;

struct Agent {
    service: HttpService,
    files: Files,
}

impl Agent {
    /// One that gives its files away; where it `forgets`, its word that it did is lost.
    fn new(forgets: bool) -> Agent {
        let files = Files::default();
        let own = Arc::clone(&files);
        let service = HttpService::start(move |request| {
            let mut files = own.lock().unwrap();
            if request.path == "/sdk/v1/query_available_files/camera_up" {
                let known: Vec<_> = files.values().take(50).map(|file| &file.0).collect();
                return Reply::ok(json!({"files": known}).to_string());
            }
            assert_eq!(request.path, "/sdk/v1/retrieve_file");
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            let Some((info, data)) = files.remove(asked["id"].as_str().unwrap()) else {
                let said = r#"{"message":"meta file unreadable for ID","status":400}"#;
                return Reply::status(400, said);
            };
            let to = Path::new(asked["save_path"].as_str().unwrap());
            assert!(to.is_absolute() && !to.exists(), "{asked}");
            fs::write(to, data).unwrap();
            match forgets {
                true => Reply::hang_up(),
                false => Reply::ok(info.to_string()),
            }
        });
        Agent { service, files }
    }

    fn add(&self, number: u32, path: &str, hints: Value, data: &[u8]) {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let mut info = json!({
            "id": id, "path": path, "size": data.len(), "modified": 1, "created": 1,
            "crc32": "00000000",
        });
        if !hints.is_null() {
            info["delivery_hints"] = hints;
        }
        self.files.lock().unwrap().insert(id, (info, data.to_vec()));
    }

    fn keys(&self) -> String {
        let url = self.service.url("");
        let url = url.trim_end_matches('/');
        format!("version = 1\nuploads = {{ agent = '{url}', topic = 'camera_up' }}")
    }
}

fn inbox(craft: &Spacecraft, name: &str) -> std::path::PathBuf {
    craft.path("signaling/inbox/john").join(name)
}

#[test]
fn uploads_are_in_the_inbox_of_the_user_before_configure_with_their_modes() {
    let agent = Agent::new(false);
    let hints = json!({"dest_path": "/signaling/inbox/john/shoot.py", "mode": "755"});
    agent.add(1, "/home/me/v3.py", hints, b"print()");
    agent.add(2, "/home/me/plan.txt", Value::Null, b"a plan");
    for number in 3..60 {
        agent.add(number, &format!("/many/{number}"), Value::Null, &[7; 1000]);
    }
    let craft = Spacecraft::new(
        &agent.keys(),
        "case \"$*\" in *-e*) ls $(dirname $0)/signaling/inbox/john | wc -l;; esac\n",
    );
    let _controller = craft.start();
    craft.window("1", 4, 1);
    let window = craft.wait_for("1", "EXECUTED");
    assert_eq!(window["configure"]["output"], "59\n");
    assert_eq!(fs::read(inbox(&craft, "shoot.py")).unwrap(), b"print()");
    assert_eq!(mode(&inbox(&craft, "shoot.py")), 0o755);
    assert_eq!(fs::read(inbox(&craft, "plan.txt")).unwrap(), b"a plan");
    assert_eq!(mode(&inbox(&craft, "plan.txt")), 0o644);
    // Nothing is left on the way.
    let left = fs::read_dir(craft.path("windows/uploads.camera")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn an_upload_whose_retrieval_was_not_heard_of_is_delivered_all_the_same() {
    let agent = Agent::new(true);
    agent.add(1, "/home/me/plan.txt", Value::Null, b"a plan");
    agent.add(2, "/home/me/other.txt", Value::Null, b"another");
    let craft = Spacecraft::new(&agent.keys(), "");
    let _controller = craft.start();
    craft.window("1", 4, 1);
    craft.wait_for("1", "EXECUTED");
    assert_eq!(fs::read(inbox(&craft, "plan.txt")).unwrap(), b"a plan");
    assert_eq!(fs::read(inbox(&craft, "other.txt")).unwrap(), b"another");
}

#[test]
fn an_upload_that_was_retrieved_before_the_controller_ended_is_delivered_by_the_next() {
    let agent = Agent::new(false);
    let craft = Spacecraft::new(&agent.keys(), "");
    let spool = craft.path("windows/uploads.camera");
    fs::create_dir_all(&spool).unwrap();
    let id = "00000000-0000-4000-8000-000000000001";
    fs::write(spool.join(id), b"a plan").unwrap();
    fs::write(
        spool.join(format!("{id}.json")),
        r#"{"name":"plan.txt","mode":493}"#,
    )
    .unwrap();
    let _controller = craft.start();
    craft.window("1", 3, 1);
    craft.wait_for("1", "EXECUTED");
    assert_eq!(fs::read(inbox(&craft, "plan.txt")).unwrap(), b"a plan");
    assert_eq!(mode(&inbox(&craft, "plan.txt")), 0o755);
}

#[test]
fn names_that_lead_elsewhere_do_not() {
    let agent = Agent::new(false);
    let hints = |path: &str| json!({"dest_path": path, "mode": "7777"});
    agent.add(1, "/a", hints("/signaling/../../../etc/plan"), b"1");
    agent.add(2, "/home/../..", hints(".."), b"2");
    let craft = Spacecraft::new(&agent.keys(), "");
    let _controller = craft.start();
    craft.window("1", 4, 1);
    craft.wait_for("1", "EXECUTED");
    assert_eq!(fs::read(inbox(&craft, "plan")).unwrap(), b"1");
    assert_eq!(mode(&inbox(&craft, "plan")), 0o777);
    // One without a name has its id.
    let id = "00000000-0000-4000-8000-000000000002";
    assert_eq!(fs::read(inbox(&craft, id)).unwrap(), b"2");
}

#[test]
fn uploads_go_over_ssh() {
    let sshd = Sshd::new();
    let _daemon = sshd.start();
    let agent = Agent::new(false);
    let image: Vec<u8> = (0..300_000_u32).map(|at| (at / 251 + at) as u8).collect();
    let hints = json!({"dest_path": "it's a plan.bin", "mode": "750"});
    agent.add(1, "/plan", hints, &image);
    let craft = Spacecraft::new(&format!("{}\n{}", agent.keys(), sshd.transport()), "");
    let _controller = craft.start();
    craft.window("1", 6, 10);
    craft.wait_for("1", "EXECUTED");
    assert!(fs::read(inbox(&craft, "it's a plan.bin")).unwrap() == image);
    assert_eq!(mode(&inbox(&craft, "it's a plan.bin")), 0o750);
}

#[test]
fn an_agent_that_is_away_keeps_no_window_from_its_start() {
    let keys = "version = 1\nlate-start-max-s = 60\n\
                uploads = { agent = 'http://127.0.0.1:1', topic = 'camera_up' }";
    let craft = Spacecraft::new(keys, "");
    let _controller = craft.start();
    craft.window("1", 3, 20);
    craft.wait_for("1", "RUNNING");
    let notices = craft.query("{ notices { text severity } }").to_string();
    assert!(
        notices.contains("delivering uploads: the agent"),
        "{notices}"
    );
}
