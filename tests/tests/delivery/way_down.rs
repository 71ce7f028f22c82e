//! From the payload to its place on the ground.

use std::collections::BTreeMap;
use std::fs;

use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::buckets::Buckets;
use crate::site::{Site, files, noise};

fn directory(folder: &std::path::Path) -> String {
    format!("directory = \"{}\"\n", folder.join("out").display())
}

/// What was delivered into the directory, by identifier.
#[track_caller]
fn delivered(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let all = files(&site.path("out"));
    let mut delivered = BTreeMap::new();
    for (name, octets) in &all {
        let Some(meta) = all.get(&format!("{name}.meta.json")) else {
            continue;
        };
        let meta: serde_json::Value = serde_json::from_slice(meta).unwrap();
        if meta["topic"] != "manifest" {
            let id = meta["uuid"].as_str().unwrap().to_owned();
            assert!(delivered.insert(id, octets.clone()).is_none(), "{name}");
        }
    }
    delivered
}

#[test]
fn files_of_a_payload_are_delivered_through_lost_frames_though_the_ground_is_killed() {
    let site = Site::new(50, directory);
    let _satellite = site.start_satellite();
    let mut ground = site.start_ground();
    let mut sent = BTreeMap::new();
    for number in 0..12_u8 {
        let octets = noise(number.into(), 3_000 * usize::from(number));
        let id = site.hand_over(&format!("{number}.raw"), "images", &octets);
        sent.insert(id, octets);
        if number % 4 == 3 {
            let count = usize::from(number / 2);
            eventually(PATIENCE, || (delivered(&site).len() >= count).then_some(()));
            ground.signal("KILL");
            ground.wait_for_exit(PATIENCE);
            ground = site.start_ground();
        }
    }
    eventually(PATIENCE, || {
        (site.receipts(sent.keys()).len() == 12).then_some(())
    });
    assert_eq!(delivered(&site), sent);
    let left = fs::read_dir(site.path("ground/oort")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!site.path("ground/oort.dead").exists());
    let shown = eventually(PATIENCE, || {
        let shown = site.run(&["files", "--delivered"]).unwrap();
        shown.contains("12 receipts").then_some(shown)
    });
    assert_eq!(shown.lines().count(), 13, "{shown}");
    assert!(shown.contains("12 delivered"), "{shown}");
}

#[test]
fn the_topic_chooses_the_bucket_and_an_object_says_whose_it_is() {
    let buckets = Buckets::start(&["mission", "images"]);
    let site = Site::new(50, |_| {
        format!(
            "{}[[delivery.topics]]\ntopic = \"images\"\n{}",
            buckets.line("s3://mission/all"),
            buckets.line("s3://images"),
        )
    });
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let mut sent = BTreeMap::new();
    for number in 0..8_u8 {
        let topic = ["images", "logs"][usize::from(number % 2)];
        // One is of more than one part.
        let octets = noise(number.into(), if number == 0 { 9 << 20 } else { 20_000 });
        // Of the same name: they came at the same second, or not.
        let id = site.hand_over("picture.raw", topic, &octets);
        sent.insert(id, (topic, octets));
    }
    let receipts = eventually(PATIENCE, || {
        Some(site.receipts(sent.keys())).filter(|receipts| receipts.len() == 8)
    });
    let mut found = 0;
    for (url, topic) in [("s3://mission/all", "logs"), ("s3://images", "images")] {
        for object in buckets.list(url) {
            let id = &object.says["uuid"];
            let (of_topic, octets) = &sent[id];
            assert_eq!((topic, &*object.says["topic"]), (*of_topic, topic));
            assert_eq!(object.says["token"], "token-picture.raw");
            assert!(object.octets == *octets, "{id}");
            let receipt = &receipts[id];
            assert_eq!(object.says["sha256"], receipt.sha256);
            assert_eq!((&*receipt.bucket, &receipt.key), (url, &object.key));
            found += 1;
        }
    }
    assert_eq!(found, sent.len());
}

#[test]
fn a_receipt_that_the_satellite_refused_goes_up_once_it_may() {
    const RULE: &str = "[[link-service.policy]]\nfrom = \"ground\"\nto = \"oort\"\n";
    let site = Site::new(50, directory);
    let config = site.path("satellite.toml");
    let allowed = fs::read_to_string(&config).unwrap();
    assert!(allowed.contains(RULE));
    fs::write(&config, allowed.replace(RULE, "")).unwrap();
    let [link, _agent] = site.start_satellite();
    let ground = site.start_ground();
    let id = site.hand_over("a.raw", "images", &noise(1, 3_000));
    ground.wait_for_line("its receipt did not go up", PATIENCE);
    assert!(site.receipts([&id]).is_empty());
    fs::write(&config, allowed).unwrap();
    link.signal("HUP");
    eventually(PATIENCE, || (site.receipts([&id]).len() == 1).then_some(()));
    assert_eq!(delivered(&site).len(), 1);
}
