//! A file for a topic of the agent on board.

use std::fs;

use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::site::{Site, files, noise, unpacked};

#[test]
fn a_file_for_a_topic_goes_up_as_a_bundle_with_all_that_was_said() {
    let site = Site::new(50, |folder| {
        format!("directory = \"{}\"\n", folder.join("out").display())
    });
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
    let inbox = site.path("apps/oort/inbox/uploads");
    let (name, bundle) = eventually(PATIENCE, || files(&inbox).pop_first());
    let (meta, data) = unpacked(&bundle);
    assert_eq!(data, octets);
    assert_eq!(meta["topic"], "models");
    let id = meta["file_info"]["id"].as_str().unwrap();
    assert!(name.starts_with(&format!("{id}.oort.tar")), "{name}");
    assert_eq!(meta["file_info"]["path"], "model.bin");
    assert_eq!(meta["file_info"]["delivery_hints"]["mode"], "755");
    assert_eq!(meta["send_options"]["tags"]["a"], "b=c");
    for wrong in ["topic:a/b", "topic:"] {
        let put = site.run(&["put", local.to_str().unwrap(), wrong]);
        assert!(put.unwrap_err().contains("is no topic"));
    }
}
