//! What comes to an inbox in a bucket.

use std::thread;
use std::time::Duration;

use heliograph_tests::wait::eventually;
use link_service::code::Code;
use link_service::folders::Side;
use link_service::request::LinkRequest;
use serde_json::Value;

use crate::rig::{Node, PART_BYTES, PATIENCE, Shelf, app, disk, left, put, request};

const LONG: &[u8] = b"an image that is longer than one part of an upload";

#[test]
fn a_file_arrives_with_its_octets_and_says_whose_it_is_and_its_source_is_gone() {
    assert!(LONG.len() > 2 * PART_BYTES);
    for octets in [&b"an image"[..], LONG, b""] {
        let (disk, shelf) = (disk(1), Shelf::new());
        let node = Node::start(&disk, &shelf);
        put(&disk, "image.raw", octets);
        let mut sent = request(&["image.raw"]);
        sent.correlation_id = "pass 7".to_owned();
        sent.metadata.insert("orbit".to_owned(), "5 ä".to_owned());
        let id = node.submit(sent).unwrap();
        let view = node.ended(id);
        assert_eq!(view.code, Code::Ok, "{view:?}");
        let hash = blake3::hash(octets);
        assert_eq!(view.transfer.files[0].hash, Some(*hash.as_bytes()));
        assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), octets);
        let carried = shelf.metadata("analyser/inbox/image.raw");
        let id = id.to_string();
        for (name, value) in [
            ("heliograph-blake3", hash.to_hex().as_str()),
            ("heliograph-transfer", id.as_str()),
            ("heliograph-sender", "camera"),
            ("heliograph-request", "of+image.raw"),
            ("heliograph-correlation", "pass+7"),
            ("heliograph-metadata", "orbit=5+%C3%A4"),
        ] {
            assert_eq!(carried[name], value, "{name}");
        }
        assert_eq!(left(&disk, "image.raw"), None);
        assert_eq!(node.counts().put, 1);
        // Nobody is to acknowledge it: who has it, is in the bucket.
        assert!(node.desk.deliveries(&app("analyser"), 10).is_empty());
    }
}

#[test]
fn a_file_goes_to_a_directory_and_to_a_bucket_with_one_request() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    put(&disk, "image.raw", LONG);
    let mut sent = request(&["image.raw"]);
    sent.recipients.push("archive".parse().unwrap());
    let id = node.submit(sent).unwrap();
    let view = node.ended(id);
    let codes: Vec<Code> = view.legs.iter().map(|leg| leg.code).collect();
    assert_eq!(codes, [Code::Ok, Code::Ok]);
    assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), LONG);
    assert_eq!(node.desk.deliveries(&app("archive"), 10).len(), 1);
    assert_eq!(left(&disk, "image.raw"), None);
}

#[test]
fn an_object_that_is_there_stays_unless_it_is_to_be_replaced() {
    for octets in [&b"another"[..], LONG] {
        let (disk, shelf) = (disk(1), Shelf::new());
        shelf.put("analyser/inbox/image.raw", b"the first");
        let node = Node::start(&disk, &shelf);
        put(&disk, "image.raw", octets);
        let id = node.submit(request(&["image.raw"])).unwrap();
        assert_eq!(node.ended(id).code, Code::AlreadyExists);
        assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), b"the first");
        assert_eq!(left(&disk, "image.raw").unwrap(), octets);
        let again = LinkRequest {
            overwrite: true,
            request_id: "again".to_owned(),
            ..request(&["image.raw"])
        };
        let id = node.submit(again).unwrap();
        assert_eq!(node.ended(id).code, Code::Ok);
        assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), octets);
    }
}

#[test]
fn a_batch_is_whole_once_its_manifest_is_there() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    put(&disk, "a.raw", b"first");
    put(&disk, "b.raw", LONG);
    let sent = LinkRequest {
        request_id: "both".to_owned(),
        ..request(&["a.raw", "b.raw"])
    };
    let id = node.submit(sent).unwrap();
    assert_eq!(node.ended(id).code, Code::Ok);
    let names = ["a.raw", "b.raw", "batch.json"];
    assert_eq!(shelf.list("analyser/inbox/camera.both.batch"), names);
    let manifest = shelf.get("analyser/inbox/camera.both.batch/batch.json");
    let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
    assert_eq!(manifest["sender"], "camera");
    assert_eq!(manifest["files"][1]["name"], "b.raw");
    assert_eq!(manifest["files"][1]["size"], LONG.len());
    let hash = blake3::hash(LONG).to_hex();
    assert_eq!(manifest["files"][1]["blake3"], hash.as_str());
}

#[test]
fn a_batch_that_cannot_be_whole_leaves_nothing() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    for (files, code) in [
        (["a.raw", "batch.json"], Code::InvalidName),
        // Somebody has put a directory of that name there.
        (["a.raw", "b.raw"], Code::AlreadyExists),
    ] {
        shelf.put("analyser/inbox/camera.second.batch/batch.json", b"{}");
        for file in files {
            put(&disk, file, b"octets");
        }
        let sent = LinkRequest {
            request_id: match code {
                Code::InvalidName => "first".to_owned(),
                _ => "second".to_owned(),
            },
            ..request(&files)
        };
        let id = node.submit(sent).unwrap();
        assert_eq!(node.ended(id).code, code);
        for file in files {
            assert!(left(&disk, file).is_some(), "{file}");
        }
    }
    let left = ["camera.second.batch/batch.json"];
    assert_eq!(shelf.list("analyser/inbox"), left);
}

#[test]
fn a_name_that_the_store_cannot_have_is_said_to_be_none() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let subdirectory = vec!["x".repeat(250); 4].join("/");
    for end in [250, 501, 752, 1003] {
        disk.put_directory(&app("camera"), Side::Outbox, &subdirectory[..end]);
    }
    put(&disk, &format!("{subdirectory}/image.raw"), b"octets");
    let node = Node::start(&disk, &shelf);
    let sent = LinkRequest {
        subdirectory: subdirectory.parse().unwrap(),
        ..request(&["image.raw"])
    };
    let id = node.submit(sent).unwrap();
    let view = node.ended(id);
    assert_eq!(view.code, Code::InvalidName);
    assert!(view.text.contains("1024"), "{}", view.text);
}

#[test]
fn while_the_store_is_away_files_wait_and_can_be_cancelled() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let away = Node::start_without_bucket(&disk);
    for file in ["a.raw", "b.raw"] {
        put(&disk, file, b"octets");
    }
    let waits = away.submit(request(&["a.raw"])).unwrap();
    let cancelled = away.submit(request(&["b.raw"])).unwrap();
    away.desk.cancel(&app("camera"), cancelled).unwrap();
    assert_eq!(away.ended(cancelled).code, Code::Cancelled);
    assert!(left(&disk, "b.raw").is_some());
    assert!(shelf.list("analyser/inbox").is_empty());
    drop(away);
    disk.restart();
    let node = Node::start(&disk, &shelf);
    assert_eq!(node.ended(waits).code, Code::Ok);
    assert_eq!(shelf.list("analyser/inbox"), ["a.raw"]);
}

#[test]
fn a_source_that_somebody_still_writes_to_does_not_arrive() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let away = Node::start_without_bucket(&disk);
    put(&disk, "image.raw", LONG);
    let id = away.submit(request(&["image.raw"])).unwrap();
    let claim = format!(".link/{id}.image.raw");
    eventually(PATIENCE, || left(&disk, &claim));
    drop(away);
    put(&disk, &claim, b"something else");
    let node = Node::start(&disk, &shelf);
    assert_eq!(node.ended(id).code, Code::SourceChanged);
    thread::sleep(Duration::from_millis(20));
    assert!(shelf.list("analyser/inbox").is_empty());
}
