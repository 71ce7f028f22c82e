//! Files that go into a bucket.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::rig::{Item, Kept, Site};
use crate::delivery::object::Object;
use crate::delivery::place::Place;
use crate::delivery::step::{AtStep, Step, unwatched};

const FOLDER: &str = "files/helio/downlink/2026/11/27/20261127T120000Z_";

#[test]
fn an_object_carries_whose_it_is_be_it_of_parts_or_whole() {
    let site = Site::new();
    for (number, bytes) in [0, 1, 999, 1000, 1001, 2000, 12_345]
        .into_iter()
        .enumerate()
    {
        let octets: Vec<u8> = (0..bytes).map(|at: u32| (at % 251) as u8).collect();
        let item = Item {
            path: format!("/data/{bytes}"),
            tags: json!({"token": "für 1%", "window": "7", "other": "x"}),
            ..Item::new(u8::try_from(number).unwrap(), &octets)
        };
        site.bring(&item);
        let bucket = Kept::new("s3://mission/files");
        let mut deliverer = site.start_with(vec![bucket.boxed()], &[], unwatched());
        deliverer.round(site.now);
        let (found, attributes) = bucket.get(&format!("{FOLDER}{bytes}"));
        assert_eq!(found, octets);
        let sha256 = item.sha256();
        let crc32 = item.meta()["file_info"]["crc32"]
            .as_str()
            .unwrap()
            .to_owned();
        for (name, value) in [
            ("uuid", &*item.uuid),
            ("topic", "images"),
            ("satellite", "helio"),
            ("sha256", &sha256),
            ("crc32", &crc32),
            ("token", "f%C3%BCr%201%25"),
            ("window", "7"),
        ] {
            assert_eq!(attributes[name], value);
        }
        assert!(!attributes.contains_key("other"));
    }
}

#[test]
fn the_topic_chooses_the_bucket() {
    let site = Site::new();
    let (usual, images) = (Kept::new("s3://usual"), Kept::new("s3://images"));
    site.bring(&Item::new(1, b"1"));
    site.bring(&Item {
        topic: "logs".to_owned(),
        ..Item::new(2, b"2")
    });
    let places = vec![usual.boxed(), images.boxed()];
    site.start_with(places, &[("images", 1)], unwatched())
        .round(site.now);
    let key = format!("{FOLDER}picture.raw");
    assert_eq!(usual.get(&key).0, b"2");
    assert_eq!(images.get(&key).0, b"1");
    let mut buckets: Vec<_> = site.receipts().into_iter().map(|of| of.bucket).collect();
    buckets.sort();
    assert_eq!(buckets, ["s3://images", "s3://usual"]);
}

#[test]
fn an_object_of_another_stays_what_it_is() {
    let site = Site::new();
    let bucket = Kept::new("s3://mission");
    let key = format!("{FOLDER}picture.raw");
    bucket.put(&key, b"another's");
    for number in 1..3 {
        // One of parts, and one that is not.
        site.bring(&Item::new(number, &vec![number; 900 * usize::from(number)]));
    }
    site.start_with(vec![bucket.boxed()], &[], unwatched())
        .round(site.now);
    assert_eq!(bucket.get(&key).0, b"another's");
    for number in 1..3_u8 {
        let key = format!("{FOLDER}picture_{number:08x}.raw");
        assert_eq!(bucket.get(&key).0, vec![number; 900 * usize::from(number)]);
    }
}

#[test]
fn a_place_that_fails_rests_and_holds_up_no_other() {
    let mut site = Site::new();
    let bucket = Kept::new("s3://mission");
    let broken = site.path("broken");
    std::fs::create_dir(&broken).unwrap();
    let place = crate::delivery::place::DirectoryPlace::open(&broken, unwatched()).unwrap();
    std::fs::remove_dir(&broken).unwrap();
    std::fs::write(&broken, "in its place").unwrap();
    for number in 1..4 {
        site.bring(&Item::new(number, b"1"));
    }
    site.bring(&Item {
        topic: "logs".to_owned(),
        ..Item::new(9, b"2")
    });
    let places = vec![bucket.boxed(), Box::new(place) as Box<_>];
    let mut deliverer = site.start_with(places, &[("images", 1)], unwatched());
    deliverer.round(site.now);
    deliverer.round(site.now);
    assert_eq!((bucket.keys().len(), site.waiting()), (1, 3));
    assert_eq!(deliverer.counts().unwrap().failures, 1);
    std::fs::remove_file(&broken).unwrap();
    std::fs::create_dir(&broken).unwrap();
    site.wait(1);
    deliverer.round(site.now);
    assert_eq!((site.delivered("broken").len(), site.waiting()), (3, 0));
}

#[test]
fn what_waits_for_a_place_that_rests_is_not_read_again_and_leaves_room_for_others() {
    let mut site = Site::new();
    let bucket = Kept::new("s3://mission");
    let broken = site.path("broken");
    let place = crate::delivery::place::DirectoryPlace::open(&broken, unwatched()).unwrap();
    std::fs::remove_dir(&broken).unwrap();
    std::fs::write(&broken, "in its place").unwrap();
    // As many as are looked at in a round.
    for number in 0..1024 {
        let item = Item {
            uuid: format!("{number:08x}-0000-4000-8000-000000000000"),
            ..Item::new(0, b"1")
        };
        site.bring(&item);
    }
    let inspected = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&inspected);
    let at_step: AtStep = Arc::new(move |step| {
        counted.fetch_add(usize::from(step == Step::Inspected), Ordering::SeqCst);
    });
    let places = vec![bucket.boxed(), Box::new(place) as Box<_>];
    let mut deliverer = site.start_with(places, &[("images", 1)], at_step);
    deliverer.round(site.now);
    site.bring(&Item {
        topic: "logs".to_owned(),
        uuid: "ffffffff-0000-4000-8000-000000000000".to_owned(),
        ..Item::new(0, b"2")
    });
    for _ in 0..3 {
        deliverer.round(site.now);
    }
    assert_eq!((bucket.keys().len(), site.waiting()), (1, 1024));
    assert_eq!(inspected.load(Ordering::SeqCst), 1024 + 1);
    // One of them finds out that it still does not work.
    site.wait(1);
    deliverer.round(site.now);
    assert_eq!(inspected.load(Ordering::SeqCst), 1024 + 2);
}

#[test]
fn an_object_whose_answer_was_lost_is_not_put_again() {
    let mut site = Site::new();
    let bucket = Kept::new("s3://mission");
    bucket.store().loses_answers.store(true, Ordering::SeqCst);
    site.bring(&Item::new(1, b"octets"));
    let mut deliverer = site.start_with(vec![bucket.boxed()], &[], unwatched());
    deliverer.round(site.now);
    assert_eq!(bucket.keys(), [format!("{FOLDER}picture.raw")]);
    site.wait(700);
    deliverer.round(site.now);
    let keys = bucket.keys();
    let manifests = keys.iter().filter(|key| key.contains("/manifests/"));
    assert_eq!((manifests.count(), keys.len()), (1, 2), "{keys:?}");
    assert_eq!(deliverer.counts().unwrap().failures, 0);
}

/// Octets, and then the disk fails.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = buffer.len().min(self.0);
        self.0 -= octets;
        match octets {
            0 => Err(io::Error::other("the disk")),
            octets => Ok(octets),
        }
    }
}

#[test]
fn of_a_file_that_cannot_be_read_to_its_end_nothing_is_put() {
    let bucket = Kept::new("s3://mission");
    for size in [900, 9000] {
        let object = Object {
            size,
            ..Object::default()
        };
        let octets = usize::try_from(size).unwrap() / 2;
        let put = Place::put(&bucket, "a/b", &object, &mut Failing(octets), &mut |_| {
            Ok(())
        });
        assert!(put.unwrap_err().to_string().contains("the disk"), "{size}");
    }
    assert!(bucket.keys().is_empty());
    assert!(bucket.store().uploads.lock().unwrap().is_empty());
}
