//! What leaves an outbox in a bucket.

use heliograph_tests::wait::eventually;
use link_service::folders::Side;
use serde_json::json;

use crate::rig::{Node, PATIENCE, Shelf, app, disk};

const LONG: &[u8] = b"an image that is longer than one part of an upload";

fn ask(shelf: &Shelf, stem: &str, request: &serde_json::Value) {
    let key = format!("analyser/outbox/{stem}.linkrequest.json");
    shelf.put(&key, request.to_string().as_bytes());
}

/// The request is removed last.
#[track_caller]
fn is_over(shelf: &Shelf, stem: &str) {
    let key = format!("analyser/outbox/{stem}.linkrequest.json");
    eventually(PATIENCE, || shelf.get(&key).is_none().then_some(()));
}

#[test]
fn a_file_and_its_request_are_put_and_a_receipt_comes() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    shelf.put("analyser/outbox/pass-7/image.raw", LONG);
    shelf.put("analyser/outbox/other.raw", b"stays");
    let request = json!({"destinationAppId": "archive", "subdirectory": "pass-7"});
    ask(&shelf, "image.raw", &request);
    is_over(&shelf, "image.raw");
    let receipt = shelf.receipt("image.raw");
    assert_eq!(receipt["code"], "OK", "{receipt}");
    assert_eq!(receipt["linkRequest"]["fileName"], "image.raw");
    let arrived = disk.file(&app("archive"), Side::Inbox, "pass-7/image.raw");
    assert_eq!(arrived.unwrap(), LONG);
    assert_eq!(shelf.list("analyser/outbox"), ["other.raw"]);
    // Nothing is kept of it here.
    eventually(PATIENCE, || (node.counts().ended == 1).then_some(()));
    let kept = disk.paths(&app("analyser"), Side::Outbox);
    assert!(kept.is_empty(), "{kept:?}");
}

#[test]
fn from_one_bucket_app_to_itself_and_several_files_at_once() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let _node = Node::start(&disk, &shelf);
    for name in ["a.raw", "b.raw"] {
        shelf.put(&format!("analyser/outbox/{name}"), name.as_bytes());
    }
    let request = json!({
        "destinationAppId": "analyser", "fileNames": ["a.raw", "b.raw"],
        "requestHeader": {"trackingId": "both"},
    });
    ask(&shelf, "both", &request);
    is_over(&shelf, "both");
    assert_eq!(shelf.receipt("both")["code"], "OK");
    let names = ["a.raw", "b.raw", "batch.json"];
    assert_eq!(shelf.list("analyser/inbox/analyser.both.batch"), names);
    assert!(shelf.list("analyser/outbox").is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_by_a_receipt_and_the_file_stays() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    let to = |app: &str| json!({"destinationAppId": app}).to_string();
    let large = vec![b'x'; 1001];
    for (stem, octets, request, code) in [
        ("forbidden", &b"octets"[..], to("camera"), "FORBIDDEN"),
        ("nobody", b"octets", to("nobody"), "UNKNOWN_RECIPIENT"),
        ("large", &large, to("archive"), "TOO_LARGE"),
        ("no-json", b"octets", "{".to_owned(), "INVALID_ARGUMENT"),
        ("empty", b"octets", String::new(), "INVALID_ARGUMENT"),
        ("long", b"octets", " ".repeat(1001), "INVALID_ARGUMENT"),
        (
            "unknown",
            b"octets",
            "{\"x\": 1}".to_owned(),
            "INVALID_ARGUMENT",
        ),
    ] {
        shelf.put(&format!("analyser/outbox/{stem}"), octets);
        let key = format!("analyser/outbox/{stem}.linkrequest.json");
        shelf.put(&key, request.as_bytes());
        is_over(&shelf, stem);
        assert_eq!(shelf.receipt(stem)["code"], code, "{stem}");
        assert_eq!(
            shelf.get(&format!("analyser/outbox/{stem}")).unwrap(),
            octets
        );
    }
    ask(&shelf, "gone", &json!({"destinationAppId": "archive"}));
    is_over(&shelf, "gone");
    assert_eq!(shelf.receipt("gone")["code"], "SOURCE_NOT_FOUND");
    let counts = node.counts();
    assert_eq!((counts.taken, counts.refused + counts.unread), (8, 8));
    assert_eq!(counts.fetched_bytes, 0);
}

#[test]
fn what_was_not_delivered_is_in_the_bucket_still_and_not_here() {
    let (disk, shelf) = (disk(1), Shelf::new());
    disk.put(&app("archive"), Side::Inbox, "image.raw", b"the first");
    let node = Node::start(&disk, &shelf);
    shelf.put("analyser/outbox/image.raw", LONG);
    ask(&shelf, "image.raw", &json!({"destinationAppId": "archive"}));
    is_over(&shelf, "image.raw");
    assert_eq!(shelf.receipt("image.raw")["code"], "ALREADY_EXISTS");
    assert_eq!(shelf.list("analyser/outbox"), ["image.raw"]);
    eventually(PATIENCE, || (node.counts().ended == 1).then_some(()));
    assert_eq!(disk.file(&app("analyser"), Side::Outbox, "image.raw"), None);
}

#[test]
fn a_source_that_is_to_stay_or_is_another_by_then_stays() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    shelf.put("analyser/outbox/a.raw", b"octets");
    let request = json!({"destinationAppId": "archive", "leaveSourceFile": true});
    ask(&shelf, "a.raw", &request);
    is_over(&shelf, "a.raw");
    assert_eq!(shelf.receipt("a.raw")["code"], "OK");
    assert_eq!(shelf.get("analyser/outbox/a.raw").unwrap(), b"octets");
    drop(node);

    // Accepted here, and put again before it goes.
    let idle = Node::start_without_workers(&disk, &shelf);
    shelf.put("analyser/outbox/b.raw", b"the first");
    ask(&shelf, "b.raw", &json!({"destinationAppId": "archive"}));
    eventually(PATIENCE, || (idle.counts().accepted == 1).then_some(()));
    shelf.put("analyser/outbox/b.raw", b"the second");
    drop(idle);
    let _node = Node::start(&disk, &shelf);
    is_over(&shelf, "b.raw");
    assert_eq!(shelf.receipt("b.raw")["code"], "OK");
    let arrived = disk.file(&app("archive"), Side::Inbox, "b.raw");
    assert_eq!(arrived.unwrap(), b"the first");
    assert_eq!(shelf.get("analyser/outbox/b.raw").unwrap(), b"the second");
}

#[test]
fn a_request_of_the_same_name_is_another_request() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    for turn in 1..=3 {
        shelf.put(
            "analyser/outbox/image.raw",
            format!("turn {turn}").as_bytes(),
        );
        let request = json!({"destinationAppId": "archive", "overwrite": true});
        ask(&shelf, "image.raw", &request);
        is_over(&shelf, "image.raw");
        assert_eq!(shelf.receipt("image.raw")["code"], "OK");
        let arrived = disk.file(&app("archive"), Side::Inbox, "image.raw");
        assert_eq!(arrived.unwrap(), format!("turn {turn}").as_bytes());
    }
    eventually(PATIENCE, || (node.counts().ended == 3).then_some(()));
    assert_eq!(node.counts().accepted, 3);
}

#[test]
fn octets_that_are_not_those_that_the_app_says_do_not_go() {
    let (disk, shelf) = (disk(1), Shelf::new());
    let node = Node::start(&disk, &shelf);
    shelf.put_with_hash("analyser/outbox/image.raw", b"octets", &"0".repeat(64));
    ask(&shelf, "image.raw", &json!({"destinationAppId": "archive"}));
    eventually(PATIENCE, || (node.counts().failed > 2).then_some(()));
    assert_eq!(node.counts().accepted, 0);
    let hash = blake3::hash(b"octets").to_hex();
    shelf.put_with_hash("analyser/outbox/image.raw", b"octets", &hash);
    is_over(&shelf, "image.raw");
    assert_eq!(shelf.receipt("image.raw")["code"], "OK");
}

#[test]
fn another_node_leaves_the_outbox_alone() {
    let (disk, shelf) = (disk(1), Shelf::new());
    shelf.put("camera/outbox/image.raw", b"octets");
    let request = json!({"destinationAppId": "archive"}).to_string();
    let key = "camera/outbox/image.raw.linkrequest.json";
    shelf.put(key, request.as_bytes());
    let node = Node::start(&disk, &shelf);
    shelf.put("analyser/outbox/a.raw", b"octets");
    ask(&shelf, "a.raw", &json!({"destinationAppId": "archive"}));
    is_over(&shelf, "a.raw");
    assert!(shelf.get(key).is_some());
    assert_eq!(node.counts().taken, 1);
}
