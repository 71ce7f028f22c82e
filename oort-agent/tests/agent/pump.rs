//! What is next goes to the link service, and what becomes of it is heard.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;

use delivery_receipt::{Receipt, SigningKey};
use flate2::read::GzDecoder;
use link_client::Priority;
use oort_agent::agent::AgentSettings;
use oort_agent::item::{TransferMeta, Uuid};
use oort_agent::pump::{Standing, take};
use oort_agent::queue::Stage;

use crate::link::{Link, pump, rounds};
use crate::rig::{Rig, Site, settings, words};

#[test]
fn what_is_next_goes_few_at_once_and_stays_until_the_ground_has_it() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let [bulk, urgent, surplus] = [[0, 9, 9], [9, 9, 9], [0, 0, 9]]
        .map(|ttl| rig.take(&site.file("a", b"a"), ttl).to_string());
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 2);
    assert_eq!(link.came(), [urgent.clone(), bulk.clone()]);
    let of = |id: &str| link.priority(id);
    assert_eq!((of(&urgent), of(&bulk)), (Priority::High, Priority::Medium));
    assert_eq!(site.names("transfers").len(), 6);
    let id: Uuid = urgent.parse().unwrap();
    assert_eq!(rig.state(id), "out");
    link.is(&urgent, Standing::Done);
    rounds(&mut pump, 1);
    assert_eq!(rig.state(id), "delivered");
    assert_eq!(site.names("transfers").len(), 4);
    assert_eq!(link.came().last(), Some(&surplus));
    assert_eq!(of(&surplus), Priority::Low);
}

#[test]
fn a_bundle_holds_the_octets_and_all_that_is_known_and_is_compressed_where_that_helps() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let mut random = vec![0; 200_000];
    getrandom::fill(&mut random).unwrap();
    for octets in [vec![b'a'; 200_000], random, Vec::new()] {
        let mut words = words([9, 9, 9]);
        words
            .options
            .tags
            .insert("token".to_owned(), "t".to_owned());
        let path = site.file("a", &octets);
        let id = rig.agent.send_file(&path, words).unwrap();
        let meta = rig.agent.meta(id).unwrap();
        pump(&rig, &link).round().unwrap();
        let names = link.bundles();
        let name = names
            .iter()
            .find(|name| name.starts_with(&id.to_string()))
            .unwrap();
        let file = File::open(link.0.lock().unwrap().outbox.join(name)).unwrap();
        let helps = octets.starts_with(b"aa");
        assert_eq!(name.ends_with(".oort.tar.gz"), helps, "{name}");
        let file: Box<dyn std::io::Read> = match helps {
            true => Box::new(GzDecoder::new(file)),
            false => Box::new(file),
        };
        let mut archive = tar::Archive::new(file);
        let found = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut octets = Vec::new();
            entry.read_to_end(&mut octets).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), octets)
        });
        let found: Vec<_> = found.collect();
        assert_eq!(found[0].0, "meta.json");
        let of_bundle: TransferMeta = serde_json::from_slice(&found[0].1).unwrap();
        assert_eq!(of_bundle, meta);
        assert_eq!((found[1].0.as_str(), &found[1].1), ("data", &octets));
        link.is(&id.to_string(), Standing::Done);
    }
}

#[test]
fn whoever_is_restarted_nothing_is_handed_in_twice() {
    let site = Site::new();
    let link = Link::of(&site);
    let rig = site.start();
    let [a, b, c] = [0; 3].map(|_| rig.take(&site.file("a", b"a"), [9, 9, 9]));
    pump(&rig, &link).round().unwrap();
    drop(rig);
    link.is(&a.to_string(), Standing::Done);
    let rig = site.start();
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 3);
    assert_eq!(
        [a, b, c].map(|id| rig.state(id)),
        ["delivered", "out", "out"]
    );
    assert_eq!(link.came(), [a, b, c].map(|id| id.to_string()));
}

#[test]
fn what_ages_or_ends_while_it_is_out_does_so_at_the_link_service_too() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let ages = rig.take(&site.file("a", b"a"), [10, 10, 10]);
    let ends = rig.take(&site.file("b", b"b"), [10, 10, 10]);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    assert_eq!(link.bundles().len(), 2);
    rig.agent.cancel(ends).unwrap();
    rig.later(10);
    rounds(&mut pump, 1);
    assert_eq!(link.priority(&ages.to_string()), Priority::Medium);
    assert_eq!(link.0.lock().unwrap().cancelled, [ends.to_string()]);
    assert_eq!(link.bundles().len(), 1);
    rig.agent.set_stage(ages, Stage::Urgent).unwrap();
    rounds(&mut pump, 1);
    assert_eq!(link.priority(&ages.to_string()), Priority::High);
    rig.later(31);
    rounds(&mut pump, 2);
    assert_eq!(rig.state(ages), "expired");
    assert_eq!(link.0.lock().unwrap().cancelled.len(), 2);
    assert_eq!(link.bundles(), Vec::<String>::new());
    assert_eq!(site.names("transfers"), Vec::<String>::new());
}

#[test]
fn what_is_cancelled_too_late_says_that_it_went_down() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let [late, later] = [0; 2].map(|_| rig.take(&site.file("a", b"a"), [10, 10, 10]));
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    let says_so = |rig: &Rig, id: Uuid| {
        let ended = rig.agent.status(id).unwrap();
        assert_eq!(ended.state, "cancelled");
        ended.reason.ends_with("had delivered it already")
    };
    link.is(&late.to_string(), Standing::Done);
    rig.agent.cancel(late).unwrap();
    rounds(&mut pump, 1);
    assert!(says_so(&rig, late));
    // Also where the agent was down meanwhile, and once.
    link.is(&later.to_string(), Standing::Done);
    rig.agent.cancel(later).unwrap();
    drop((pump, rig));
    for _ in 0..2 {
        let rig = site.start();
        rounds(&mut self::pump(&rig, &link), 1);
        assert!(says_so(&rig, later));
        assert_eq!(
            rig.agent.status(later).unwrap().reason.matches(';').count(),
            1
        );
    }
}

#[test]
fn what_a_collector_takes_while_it_is_out_is_not_sent() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    let data = site.work.join(format!("transfers/{id}.data.oort"));
    fs::rename(data, site.payload.join("taken")).unwrap();
    rounds(&mut pump, 2);
    assert_eq!(rig.state(id), "collected");
    assert_eq!(link.0.lock().unwrap().cancelled, [id.to_string()]);
}

#[test]
fn octets_that_changed_since_they_were_handed_over_do_not_go_down() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let id = rig.take(&site.file("a", b"abc"), [9, 9, 9]);
    fs::write(site.work.join(format!("transfers/{id}.data.oort")), b"abd").unwrap();
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    assert_eq!(rig.state(id), "failed");
    assert_eq!(link.bundles(), Vec::<String>::new());
    assert!(link.came().is_empty());
}

#[test]
fn a_bundle_that_is_being_written_breaks_off_when_the_agent_stops() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    let id = rig.take(&site.file("a", vec![7; 1_000_000]), [9, 9, 9]);
    link.0.lock().unwrap().stops = Some(pump.is_over());
    rounds(&mut pump, 2);
    assert_eq!((rig.state(id), link.came().len()), ("waiting", 0));
    assert_eq!(link.bundles(), Vec::<String>::new());
}

#[test]
fn with_a_key_of_receipts_an_item_stays_until_its_receipt_is_there_or_its_time_is_over() {
    let site = Site::new();
    let settings = AgentSettings {
        receipt_key: Some(SigningKey::of(&[7; 32]).public_key()),
        ..settings()
    };
    let (rig, link) = (site.start_with(site.store(), settings), Link::of(&site));
    let id = rig.take(&site.file("a", b"abc"), [9, 9, 9]);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    link.is(&id.to_string(), Standing::Done);
    rounds(&mut pump, 1);
    assert_eq!((rig.state(id), site.names("transfers").len()), ("out", 2));
    rig.later(27);
    assert_eq!(
        (rig.state(id), site.names("transfers").len()),
        ("delivered", 0)
    );
    assert!(rig.agent.status(id).unwrap().reason.contains("no receipt"));
    assert!(link.0.lock().unwrap().cancelled.is_empty());
}

/// What the ground sends up, as a file in an inbox.
pub(crate) fn bundle_of(site: &Site, name: &str, meta: &TransferMeta, data: &[u8]) -> PathBuf {
    let path = site.payload.join(name);
    let file: Box<dyn std::io::Write> = match name.ends_with(".gz") {
        true => Box::new(flate2::write::GzEncoder::new(
            File::create(&path).unwrap(),
            flate2::Compression::fast(),
        )),
        false => Box::new(File::create(&path).unwrap()),
    };
    let mut archive = tar::Builder::new(file);
    let meta = serde_json::to_vec(meta).unwrap();
    for (name, octets) in [("meta.json", &*meta), ("data", data)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(octets.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, octets).unwrap();
    }
    archive.into_inner().unwrap();
    path
}

#[test]
fn a_bundle_that_comes_up_is_an_upload_and_one_that_is_wrong_is_none() {
    let site = Site::new();
    let rig = site.start();
    let id = rig.take(&site.file("a", b"octets"), [9, 9, 9]);
    let mut meta = rig.agent.meta(id).unwrap();
    meta.topic = "plans".parse().unwrap();
    rig.agent.cancel(id).unwrap();
    let files = || rig.agent.query(&meta.topic).unwrap().files;
    for bad in [&b"0ctets"[..], b"octet", b"octets and more"] {
        let path = bundle_of(&site, "bad.oort.tar", &meta, bad);
        assert!(take(&rig.agent, &path).is_err());
    }
    // Octets of the same CRC-32 may be others.
    let mut other_sum = meta.clone();
    let sum = serde_json::Value::from("0".repeat(64));
    other_sum.extra.insert("sha256".to_owned(), sum);
    let path = bundle_of(&site, "bad.oort.tar", &other_sum, b"octets");
    assert!(take(&rig.agent, &path).is_err());
    let whole = bundle_of(&site, "whole.oort.tar", &meta, b"octets");
    let octets = fs::read(&whole).unwrap();
    let data = octets
        .windows(6)
        .position(|octets| octets == b"octets")
        .unwrap();
    let short = site.file("short.oort.tar", &octets[..data + 3]);
    let other = site.file("image.raw", b"octets");
    for bad in [short, other] {
        assert!(take(&rig.agent, bad.as_ref()).is_err());
    }
    assert_eq!(files(), []);
    assert_eq!(site.names("uploads"), Vec::<String>::new());
    assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    // Twice, as after a crash before it was acknowledged.
    for name in ["whole.oort.tar", "whole.oort.tar.gz"] {
        let path = bundle_of(&site, name, &meta, b"octets");
        take(&rig.agent, &path).unwrap();
        assert_eq!(files(), [meta.file_info.clone()]);
    }
    let to = site.payload.join("out");
    rig.agent
        .retrieve(&id.to_string(), to.to_str().unwrap())
        .unwrap();
    assert_eq!(fs::read(to).unwrap(), b"octets");
}

#[test]
fn a_receipt_that_comes_up_ends_its_item_and_a_forged_one_does_not() {
    let site = Site::new();
    let key = SigningKey::of(&[7; 32]);
    let settings = AgentSettings {
        receipt_key: Some(key.public_key()),
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let id = rig.take(&site.file("a", b"abc"), [9, 9, 9]);
    let sha256 = rig.agent.meta(id).unwrap().extra["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    let receipt = Receipt {
        uuid: id.to_string(),
        sha256,
        size: 3,
        key: "HELIO-1/a".to_owned(),
        ..Receipt::default()
    };
    let inbox = site.payload.join("receipts");
    fs::create_dir(&inbox).unwrap();
    let arrives = |receipt: &Receipt| {
        let octets = serde_json::to_vec(receipt).unwrap();
        let path = inbox.join(format!("{id}.json"));
        fs::write(&path, octets).unwrap();
        take(&rig.agent, &path)
    };
    assert!(arrives(&receipt).is_err());
    assert!(arrives(&SigningKey::of(&[8; 32]).signed(receipt.clone())).is_err());
    assert_eq!(rig.state(id), "waiting");
    arrives(&key.signed(receipt)).unwrap();
    assert_eq!(rig.state(id), "delivered");
    let receipt = rig.get(&format!("/sdk/v2/files/{id}/receipt"));
    assert_eq!(receipt.body["key"], "HELIO-1/a");
}

#[test]
fn what_the_link_service_gives_back_late_does_not_stay_in_the_outbox() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    let bundle = link.bundles().remove(0);
    let path = link.0.lock().unwrap().outbox.join(bundle);
    fs::remove_file(&path).unwrap();
    link.0.lock().unwrap().is_slow = true;
    rig.agent.cancel(id).unwrap();
    rounds(&mut pump, 2);
    fs::write(&path, b"given back").unwrap();
    link.is(&id.to_string(), Standing::Failed("CANCELLED: ".to_owned()));
    rounds(&mut pump, 1);
    assert_eq!(link.bundles(), Vec::<String>::new());
}

#[test]
fn what_ended_while_the_pump_was_down_is_cancelled_when_it_is_up_again() {
    let site = Site::new();
    let (rig, link) = (site.start(), Link::of(&site));
    let id = rig.take(&site.file("a", b"a"), [9, 9, 9]);
    pump(&rig, &link).round().unwrap();
    rig.agent.cancel(id).unwrap();
    drop(rig);
    let rig = site.start();
    let mut pump = pump(&rig, &link);
    rounds(&mut pump, 1);
    assert_eq!(link.0.lock().unwrap().cancelled, [id.to_string()]);
    assert_eq!(link.bundles(), Vec::<String>::new());
}
