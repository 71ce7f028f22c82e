//! What becomes of what comes down.

use std::fs;
use std::sync::atomic::Ordering;

use delivery_receipt::SigningKey;
use serde_json::{Value, json};

use super::rig::{Item, SECRET, Site, archive, gzip};

use crate::delivery::deliverer::Deliverer;
use crate::delivery::status::Status;

const FOLDER: &str = "helio/downlink/2026/11/27/20261127T120000Z_";

#[test]
fn a_file_is_delivered_with_what_is_known_of_it_and_a_receipt_goes_up() {
    let site = Site::new();
    let item = Item {
        tags: json!({"token": "r-1", "window": "w 7"}),
        ..Item::new(1, b"octets")
    };
    site.bring(&item);
    let mut deliverer = site.start();
    deliverer.round(site.now);
    let key = format!("{FOLDER}picture.raw");
    assert_eq!(
        site.delivered("out"),
        [(key.clone(), item.octets.clone())].into()
    );
    let meta = fs::read(site.path("out").join(format!("{key}.meta.json"))).unwrap();
    let meta: Value = serde_json::from_slice(&meta).unwrap();
    assert_eq!(meta["uuid"], item.uuid);
    assert_eq!(meta["tags"], item.tags);
    assert_eq!(site.waiting(), 0);
    let receipts = site.receipts();
    let [receipt] = receipts.as_slice() else {
        panic!("{receipts:?}")
    };
    assert!(SigningKey::of(&SECRET).public_key().is_of(receipt));
    assert_eq!((&receipt.key, &receipt.sha256), (&key, &item.sha256()));
    assert_eq!(receipt.bucket, site.path("out").to_str().unwrap());
    let counts = deliverer.counts().unwrap();
    assert_eq!(
        (counts.arrived, counts.delivered, counts.delivered_bytes),
        (1, 1, 6)
    );
    let status = Status::read(&site.path("delivery.json")).unwrap();
    assert_eq!(status.counts, counts);
    let line = format!("2026-11-27T12:00:00Z images {} 6 octets: ", item.uuid);
    assert!(status.files[0].line().starts_with(&line));
}

#[test]
fn a_compressed_bundle_is_delivered_as_it_was_handed_over() {
    let site = Site::new();
    let item = Item::new(1, &b"0123456789".repeat(50_000));
    site.bring_octets("a.oort.tar.gz", &gzip(&item.bundle()));
    site.start().round(site.now);
    let delivered = site.delivered("out");
    assert_eq!(delivered.into_values().next().unwrap(), item.octets);
}

#[test]
fn a_second_bundle_of_a_file_is_acknowledged_and_not_delivered_again() {
    let mut site = Site::new();
    let item = Item::new(1, b"octets");
    let mut deliverer = site.start();
    for _ in 0..3 {
        site.bring(&item);
        deliverer.round(site.now);
        site.wait(5);
    }
    assert_eq!(site.delivered("out").len(), 1);
    assert_eq!(site.receipts().len(), 3);
    let counts = deliverer.counts().unwrap();
    assert_eq!(
        (counts.arrived, counts.delivered, counts.repeated),
        (3, 1, 2)
    );
}

#[test]
fn files_of_one_name_in_one_second_do_not_meet() {
    let site = Site::new();
    for number in 1..4 {
        site.bring(&Item::new(number, &[number]));
    }
    let known = Item {
        path: "picture.raw.meta.json".to_owned(),
        ..Item::new(4, b"4")
    };
    site.bring(&known);
    // Nobody knows whose that is.
    fs::create_dir_all(site.path("out").join(FOLDER).parent().unwrap()).unwrap();
    let other = format!("{FOLDER}picture.raw");
    fs::write(site.path("out").join(&other), b"another's").unwrap();
    site.start().round(site.now);
    let delivered = site.delivered("out");
    assert_eq!(delivered[&other], b"another's");
    for number in 1..4_u8 {
        let key = format!("{FOLDER}picture_{number:08x}.raw");
        assert_eq!(delivered[&key], [number]);
    }
    assert_eq!(
        delivered[&format!("{FOLDER}picture.raw.meta_00000004.json")],
        b"4"
    );
    assert_eq!(delivered.len(), 5);
}

#[test]
fn what_is_no_bundle_is_kept_aside_and_said_so() {
    let site = Site::new();
    let item = Item::new(1, b"octets");
    let meta = item.meta().to_string();
    let with = |change: fn(&mut Value)| {
        let mut meta = item.meta();
        change(&mut meta);
        archive(&[
            ("meta.json", meta.to_string().as_bytes()),
            ("data", b"octets"),
        ])
    };
    let bundle = item.bundle();
    let large = vec![b' '; 65 << 10];
    let all = [
        Vec::new(),
        b"x".to_vec(),
        b"plain text".repeat(100),
        bundle[..700].to_vec(),
        gzip(&bundle)[..60].to_vec(),
        archive(&[("data", b"octets"), ("meta.json", meta.as_bytes())]),
        archive(&[("meta.json", meta.as_bytes())]),
        archive(&[("meta.json", &large), ("data", b"octets")]),
        archive(&[("meta.json", meta.as_bytes()), ("data", b"octetz")]),
        archive(&[("meta.json", meta.as_bytes()), ("x/data", b"octets")]),
        with(|meta| meta["file_info"]["id"] = json!("../../../etc/passwd")),
        with(|meta| meta["topic"] = json!("a/b")),
        with(|meta| meta["file_info"]["size"] = json!(5)),
        with(|meta| meta["extra"]["sha256"] = json!("00")),
        with(|meta| meta["file_info"]["crc32"] = json!("00000000")),
    ];
    for (number, octets) in all.iter().enumerate() {
        site.bring_octets(&format!("{number}.oort.tar"), octets);
    }
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert!(site.delivered("out").is_empty());
    assert_eq!((site.waiting(), site.dead()), (0, all.len()));
    // Another of that name takes the place of none.
    site.bring_octets("1.oort.tar", b"y");
    deliverer.round(site.now);
    assert_eq!(site.dead(), all.len() + 1);
    let counts = deliverer.counts().unwrap();
    assert_eq!((counts.arrived, counts.dead), (16, 16));
}

#[test]
fn other_octets_with_the_id_of_a_delivered_file_are_kept_aside() {
    let site = Site::new();
    let mut deliverer = site.start();
    for octets in [b"one", b"two"] {
        site.bring(&Item::new(1, octets));
        deliverer.round(site.now);
    }
    assert_eq!((site.delivered("out").len(), site.dead()), (1, 1));
    assert_eq!(site.receipts().len(), 1);
}

#[test]
fn a_file_is_left_alone_while_it_comes() {
    let site = Site::new();
    let item = Item::new(1, b"octets");
    site.bring(&item);
    let name = format!("oort/{}.oort.tar", item.uuid);
    site.orders.coming.lock().unwrap().insert(name);
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert_eq!((site.delivered("out").len(), site.waiting()), (0, 1));
    site.orders.coming.lock().unwrap().clear();
    deliverer.round(site.now);
    assert_eq!((site.delivered("out").len(), site.waiting()), (1, 0));
}

#[test]
fn a_receipt_that_cannot_be_ordered_yet_is_kept_and_holds_up_no_bundle() {
    let site = Site::new();
    site.bring(&Item::new(1, b"octets"));
    site.orders.is_full.store(true, Ordering::SeqCst);
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert_eq!((site.delivered("out").len(), site.waiting()), (1, 0));
    drop(deliverer);
    site.orders.is_full.store(false, Ordering::SeqCst);
    let mut deliverer = site.start();
    assert_eq!(deliverer.counts().unwrap().receipts, 0);
    deliverer.round(site.now);
    assert_eq!(site.receipts().len(), 1);
    let counts = deliverer.counts().unwrap();
    assert_eq!(
        (counts.arrived, counts.repeated, counts.receipts),
        (1, 0, 1)
    );
}

#[test]
fn a_receipt_is_missed_where_it_is_due_and_not_where_none_are_signed() {
    for is_signing in [true, false] {
        let mut site = Site::new();
        site.is_signing = is_signing;
        site.orders.is_full.store(true, Ordering::SeqCst);
        site.bring(&Item::new(1, b"octets"));
        site.start().round(site.now);
        let status = Status::read(&site.path("delivery.json")).unwrap();
        let line = status.files[0].line();
        assert_eq!(line.ends_with(", no receipt yet"), is_signing, "{line}");
    }
}

#[test]
fn so_many_receipts_are_on_their_way_up_at_once() {
    let mut site = Site::new();
    site.receipts_max = 2;
    site.orders.is_held.store(true, Ordering::SeqCst);
    let mut deliverer = site.start();
    for number in 0..5 {
        site.bring(&Item::new(number, &[number]));
    }
    for _ in 0..3 {
        deliverer.round(site.now);
    }
    assert_eq!((site.delivered("out").len(), site.waiting()), (5, 0));
    assert_eq!(site.receipts().len(), 2);
    // The next process knows that two are.
    drop(deliverer);
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert_eq!(site.receipts().len(), 2);
    site.orders.is_held.store(false, Ordering::SeqCst);
    for receipts in [4, 5, 5] {
        deliverer.round(site.now);
        assert_eq!(site.receipts().len(), receipts);
    }
    assert_eq!(deliverer.counts().unwrap().receipts, 5);
}

#[test]
fn a_pass_has_one_manifest_of_all_that_came_with_it() {
    let mut site = Site::new();
    let mut deliverer = site.start();
    site.orders.is_heard.store(true, Ordering::SeqCst);
    for number in 0..3 {
        site.bring(&Item::new(number, &[number]));
        deliverer.round(site.now);
        site.wait(1);
    }
    assert!(site.manifests().is_empty());
    site.orders.is_heard.store(false, Ordering::SeqCst);
    deliverer.round(site.now);
    site.wait(10_000);
    deliverer.round(site.now);
    let manifests = site.manifests();
    assert_eq!(manifests.len(), 1);
    let keys: Vec<&str> = manifests[0]["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["key"].as_str().unwrap())
        .collect();
    let delivered = site.delivered("out");
    assert_eq!(keys, delivered.keys().collect::<Vec<_>>());
    // In a pass without an end there is one now and then.
    site.orders.is_heard.store(true, Ordering::SeqCst);
    site.bring(&Item::new(9, b"9"));
    deliverer.round(site.now);
    site.wait(599);
    deliverer.round(site.now);
    assert_eq!(site.manifests().len(), 1);
    site.wait(1);
    deliverer.round(site.now);
    assert_eq!(site.manifests().len(), 2);
    assert_eq!(deliverer.counts().unwrap().manifests, 2);
}

#[test]
fn a_receipt_that_did_not_go_up_goes_again_after_pauses_that_grow() {
    let mut site = Site::new();
    site.bring(&Item::new(1, b"octets"));
    site.orders.is_refused.store(true, Ordering::SeqCst);
    let mut deliverer = site.start();
    let ordered = |deliverer: &mut Deliverer| {
        let counts = deliverer.counts().unwrap();
        (counts.receipts, counts.receipts_failed)
    };
    deliverer.round(site.now);
    assert_eq!(site.waiting(), 0);
    for (pause, orders) in [(5, 1), (10, 2)] {
        deliverer.round(site.now);
        assert_eq!(ordered(&mut deliverer), (orders, orders));
        site.wait(pause - 1);
        deliverer.round(site.now);
        assert_eq!(ordered(&mut deliverer), (orders, orders));
        site.wait(1);
        // The next process knows of it, too.
        drop(deliverer);
        deliverer = site.start();
        site.orders.is_refused.store(orders == 1, Ordering::SeqCst);
        deliverer.round(site.now);
    }
    assert_eq!(site.receipts().len(), 1);
    for _ in 0..3 {
        site.wait(100_000);
        deliverer.round(site.now);
    }
    assert_eq!(ordered(&mut deliverer), (3, 2));
    assert_eq!((site.receipts().len(), site.delivered("out").len()), (1, 1));
}

#[test]
fn what_was_delivered_before_a_restart_is_in_a_manifest_soon_where_there_is_no_contact() {
    for is_heard_again in [false, true] {
        let mut site = Site::new();
        let mut deliverer = site.start();
        site.orders.is_heard.store(true, Ordering::SeqCst);
        site.bring(&Item::new(1, b"1"));
        deliverer.round(site.now);
        drop(deliverer);
        site.orders.is_heard.store(false, Ordering::SeqCst);
        let mut deliverer = site.start();
        deliverer.round(site.now);
        site.wait(29);
        if is_heard_again {
            // The pass goes on: its end lists all of it.
            site.orders.is_heard.store(true, Ordering::SeqCst);
            site.bring(&Item::new(2, b"2"));
        }
        deliverer.round(site.now);
        assert_eq!(site.manifests().len(), 0);
        site.wait(1);
        deliverer.round(site.now);
        assert_eq!(site.manifests().len(), usize::from(!is_heard_again));
        site.orders.is_heard.store(false, Ordering::SeqCst);
        for _ in 0..3 {
            deliverer.round(site.now);
            site.wait(1_000);
        }
        let manifests = site.manifests();
        assert_eq!(manifests.len(), 1);
        let files = manifests[0]["files"].as_array().unwrap();
        assert_eq!(files.len(), 1 + usize::from(is_heard_again));
    }
}
