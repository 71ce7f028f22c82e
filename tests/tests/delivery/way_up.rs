//! A file for a topic of the agent on board.

use std::fs;

use heliograph_tests::wait::eventually;
use serde_json::json;

use crate::PATIENCE;
use crate::site::{Site, noise};

fn directory(folder: &std::path::Path) -> String {
    format!("directory = \"{}\"\n", folder.join("out").display())
}

#[test]
fn a_file_for_a_topic_goes_up_as_a_bundle_with_all_that_was_said() {
    let site = Site::new(50, directory);
    let _satellite = site.start_satellite();
    let octets = noise(1, 20_000);
    let local = site.path("model.bin");
    fs::write(&local, &octets).unwrap();
    let arguments = ["--dest-path", "/opt/m", "--mode", "755", "--tag", "a=b=c"];
    let put = [
        &["put", local.to_str().unwrap(), "topic:models"],
        &arguments[..],
    ]
    .concat();
    site.run(&put).unwrap();
    let found = eventually(PATIENCE, || {
        let query = site.ask("/sdk/v1/query_available_files/models");
        query["files"].get(0).cloned()
    });
    assert_eq!(found["path"], "model.bin");
    assert_eq!(found["delivery_hints"]["dest_path"], "/opt/m");
    assert_eq!(found["delivery_hints"]["mode"], "755");
    let to = site.path("payload/model.bin");
    site.tell(
        "/sdk/v1/retrieve_file",
        &json!({"id": found["id"], "save_path": to}),
    );
    assert_eq!(fs::read(to).unwrap(), octets);
    for wrong in ["topic:a/b", "topic:"] {
        let put = site.run(&["put", local.to_str().unwrap(), wrong]);
        assert!(put.unwrap_err().contains("is no topic"));
    }
}

#[test]
fn a_file_that_there_is_no_room_for_waits_and_a_receipt_behind_it_does_not() {
    let site = Site::new(50, directory);
    let agent = site.start_agent("0M");
    let id = site.hand_over("a.raw", "images", &noise(1, 3_000));
    drop(agent);
    let _link = site.start_link();
    let _ground = site.start_ground();
    let local = site.path("model.bin");
    fs::write(&local, noise(2, 3_000)).unwrap();
    site.run(&["put", local.to_str().unwrap(), "topic:models"])
        .unwrap();
    let models = || {
        let query = site.ask("/sdk/v1/query_available_files/models");
        query["files"].as_array().unwrap().len()
    };
    // No disk has that.
    let agent = site.start_agent("100%");
    agent.wait_for_line(" waits: ", PATIENCE);
    eventually(PATIENCE, || (site.receipts([&id]).len() == 1).then_some(()));
    assert_eq!(models(), 0);
    drop(agent);
    let _agent = site.start_agent("0M");
    eventually(PATIENCE, || (models() == 1).then_some(()));
}
