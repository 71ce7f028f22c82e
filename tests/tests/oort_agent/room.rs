//! What is to be left free of the disk (`-m`), by the option itself.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::site::Site;

const DISK_BYTES: u64 = 16 << 20;
const FILE_BYTES: usize = 3 << 20;

#[test]
fn s04_an_agent_that_is_to_leave_more_free_than_there_is_takes_nothing_and_says_507() {
    for floor in ["100%", "1000000000M"] {
        let site = Site::new();
        let agent = site.start(&["-m", floor]);
        let path = site.file("a", "a");
        let asked = json!({"destination": "ground", "filepath": path, "topic": "images"});
        let (status, answer) = agent.post("/sdk/v1/send_file", &asked);
        assert_eq!(status, 507, "{answer}");
        assert_eq!(
            answer["message"],
            "insufficient disk space for destination file"
        );
        assert_eq!(fs::read(path).unwrap(), b"a");
        let (_, info) = agent.post("/collector/v1/info", &json!({}));
        assert_eq!(info["available"]["files"], json!([]));
    }
}

/// A command before the agent's: the work directory is a small file system then, in a mount
/// namespace of its own. None where the system lets nobody but root mount one.
fn on_a_small_disk(site: &Site) -> Option<Command> {
    let work = site.path("work");
    let work = work.to_str()?;
    own_mounts::command(&format!(
        "mount -t tmpfs -o size={DISK_BYTES},mode=0700 none {work}"
    ))
}

#[test]
fn s04_the_oldest_surplus_goes_for_new_files_and_a_quarter_of_the_disk_stays_free() {
    let site = Site::new();
    let Some(command) = on_a_small_disk(&site) else {
        return;
    };
    let agent = site.start_by(command, &["-m", "25%"]);
    let surplus = json!({"TTLParams": {"urgent": 0, "bulk": 0, "surplus": 86400}});
    let ids: Vec<String> = (0..5)
        .map(|number| {
            let name = number.to_string();
            let id = agent.send(&site.file(&name, vec![number; FILE_BYTES]), &surplus);
            let (_, info) = agent.post("/collector/v1/info", &json!({}));
            let free = info["sysinfo"]["diskfree"].as_f64().unwrap();
            assert!(free >= (DISK_BYTES / 4) as f64, "{free}");
            id
        })
        .collect();
    let states: Vec<String> = ids.iter().map(|id| agent.state(id)).collect();
    let evicted = states
        .iter()
        .take_while(|state| *state == "evicted")
        .count();
    assert!((1..5).contains(&evicted), "{states:?}");
    let waiting = states.iter().skip(evicted);
    assert!(
        waiting.clone().all(|state| state == "waiting"),
        "{states:?}"
    );
    // What is longer than all that may be taken is refused, and nothing goes for it.
    let path = site.file("long", vec![0; 13 << 20]);
    let asked = json!({"destination": "ground", "filepath": path, "topic": "images"});
    assert_eq!(agent.post("/sdk/v1/send_file", &asked).0, 507);
    assert!(path.exists());
    assert_eq!(agent.state(&ids[4]), "waiting");
}
