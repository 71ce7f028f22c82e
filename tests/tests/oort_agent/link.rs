//! What is queued goes down by the link service. Its staging directory stands for the link:
//! the test says when the ground has something.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, binary};
use heliograph_tests::ports::free_udp_port;
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::site::{Agent, PATIENCE, Site, names};

fn start_link(site: &Site) -> ChildGuard {
    let ports = [0; 3].map(|_| free_udp_port());
    let [radio, ground, downlink] = ports;
    let text = format!(
        "[link-service]\napps-root = 'apps'\njournal = 'state/link.redb'\n\
         free-bytes-min = 0\nreserved-critical-bytes = 0\n\
         [link-service.addr]\nport = 0\n\
         [link-service.radio]\nkind = 'udp'\nbind = '127.0.0.1:{radio}'\n\
         peer = '127.0.0.1:{ground}'\n\
         [link-service.comms]\nhandler-port-min = 0\nhandler-port-max = 0\n\
         downlink-ports = [{downlink}]\nground-port = {ground}\n\
         [[link-service.apps]]\nid = 'oort'\n\
         [[link-service.policy]]\nfrom = 'oort'\nto = 'ground'\n\
         [link-service.staging]\ndirectory = 'staged'\n"
    );
    fs::write(site.path("config.toml"), text).unwrap();
    let mut command = Command::new(binary("link-service"));
    command
        .current_dir(site.path(""))
        .args(["-c", "config.toml"]);
    let process = ChildGuard::spawn(&mut command);
    process.wait_for_line("metrics (/metrics) at ", PATIENCE);
    process
}

fn start_agent(site: &Site) -> Agent {
    let socket = site.path("apps/oort/link.sock");
    site.start(&["--link", socket.to_str().unwrap()])
}

/// What is staged: the bundle of each, and where it is.
fn staged(site: &Site) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(site.path("staged")) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        // One with a dot is being made, or removed.
        let is_one = !name.starts_with('.')
            && path.join("request.json").exists()
            && !path.join("delivered").exists();
        if let (true, Ok(files)) = (is_one, fs::read_dir(path.join("files"))) {
            let name = files.map(|file| file.unwrap().file_name()).next();
            all.extend(name.map(|name| (name.into_string().unwrap(), path)));
        }
    }
    all
}

/// The ground has it.
fn deliver(staged: &Path) {
    fs::write(staged.join("delivered"), b"").unwrap();
}

#[test]
fn items_go_down_once_though_the_agent_is_killed() {
    let site = Site::new();
    let _link = start_link(&site);
    let agent = start_agent(&site);
    let urgent = json!({"TTLParams": {"urgent": 99999, "bulk": 0, "surplus": 0}});
    let surplus = json!({"TTLParams": {"urgent": 0, "bulk": 0, "surplus": 99999}});
    let mut ids = BTreeSet::new();
    for number in 0..6 {
        let name = number.to_string();
        let options = if number % 2 == 0 { &surplus } else { &urgent };
        ids.insert(agent.send(&site.file(&name, name.repeat(9_000)), options));
    }
    let mut arrived = Vec::new();
    let mut agent = Some(agent);
    while arrived.len() < ids.len() {
        let (name, path) = eventually(PATIENCE, || staged(&site).into_iter().next());
        let id = name.split('.').next().unwrap().to_owned();
        assert!(name.ends_with(".oort.tar.gz"), "{name}");
        assert!(ids.contains(&id), "{id}");
        // Killed while it is out, and while it is told that it is delivered.
        if arrived.len() % 2 == 0 {
            agent.take().unwrap().process.signal("KILL");
        }
        assert!(!arrived.contains(&id));
        deliver(&path);
        arrived.push(id.clone());
        let running = agent.get_or_insert_with(|| start_agent(&site));
        eventually(PATIENCE, || {
            (running.state(&id) == "delivered").then_some(())
        });
    }
    let agent = agent.unwrap();
    let has_left = |name: &str| {
        let names = names(&site.path(name));
        names.iter().any(|name| !name.starts_with('.'))
    };
    for directory in ["work/transfers", "apps/oort/outbox"] {
        eventually(PATIENCE, || (!has_left(directory)).then_some(()));
    }
    let (_, page) = agent.get("/sdk/v2/files?state=delivered");
    assert_eq!(page["files"].as_array().unwrap().len(), 6);
}

#[test]
fn what_is_cancelled_while_the_link_has_it_does_not_go_down() {
    let site = Site::new();
    let _link = start_link(&site);
    let agent = start_agent(&site);
    let id = agent.send(&site.file("a", b"octets"), &Value::Null);
    eventually(PATIENCE, || (!staged(&site).is_empty()).then_some(()));
    assert_eq!(agent.state(&id), "out");
    let (status, _) = agent.post(&format!("/sdk/v2/files/{id}/cancel"), &json!({}));
    assert_eq!(status, 200);
    eventually(PATIENCE, || staged(&site).is_empty().then_some(()));
    let outbox = site.path("apps/oort/outbox");
    let is_empty = || names(&outbox).iter().all(|name| name.starts_with('.'));
    eventually(PATIENCE, || is_empty().then_some(()));
    assert_eq!(agent.state(&id), "cancelled");
}
