//! The power is cut, or the process ends, at every change of a node's disk; what is in the
//! bucket stays.

use heliograph_tests::wait::within;
use link_service::code::Code;
use link_service::folders::Side;
use link_service::folders::memory::MemoryDisk;
use link_service::record::TransferId;
use serde_json::{Value, json};

use crate::rig::{Node, PATIENCE, Shelf, app, disk, left, put, request};

const LONG: &[u8] = b"an image that is longer than one part of an upload";

/// What a failing change and a cut leave is by chance: so many chances.
const SEEDS: u64 = 5;

/// Whether there were as many changes before all was done.
type HasFailed = bool;

fn each_end(does: impl Fn(MemoryDisk, u64, fn(&MemoryDisk)) -> HasFailed) {
    for ends in [MemoryDisk::power_cut, MemoryDisk::restart] {
        for seed in 0..SEEDS {
            let all_done = (0..200).find(|changes| !does(disk(seed), *changes, ends));
            let all_done = all_done.expect("it is done after so many changes");
            assert!(all_done > 4, "{all_done} changes");
        }
    }
}

#[test]
fn at_any_change_a_file_for_a_bucket_comes_to_it_once_and_its_sender_hears_one_outcome() {
    each_end(|disk, changes, ends| {
        let shelf = Shelf::new();
        put(&disk, "image.raw", LONG);
        let accepted = Node::idle(&disk);
        let id = accepted.submit(request(&["image.raw"])).unwrap();
        drop(accepted);
        disk.power_cut();
        disk.fail_after(changes);
        let node = Node::start(&disk, &shelf);
        let is_done = || node.desk.status(&app("camera"), id).unwrap().has_ended();
        let _ = within(PATIENCE, || (disk.has_failed() || is_done()).then_some(()));
        let has_failed = disk.has_failed();
        drop(node);
        let first = shelf.etag("analyser/inbox/image.raw");
        ends(&disk);
        let node = Node::start(&disk, &shelf);
        let view = node.ended(id);
        assert_eq!(view.code, Code::Ok, "after {changes} changes: {view:?}");
        assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), LONG);
        let second = shelf.etag("analyser/inbox/image.raw");
        assert!(first.is_none() || first == second, "it was put twice");
        assert_eq!(left(&disk, "image.raw"), None);
        has_failed
    });
}

#[test]
fn at_any_change_a_request_in_a_bucket_is_made_once_and_answered() {
    each_end(|disk, changes, ends| {
        let shelf = Shelf::new();
        shelf.put("analyser/outbox/image.raw", LONG);
        let asked = json!({"destinationAppId": "archive"}).to_string();
        let key = "analyser/outbox/image.raw.linkrequest.json";
        shelf.put(key, asked.as_bytes());
        disk.fail_after(changes);
        let node = Node::start(&disk, &shelf);
        let is_over = || shelf.get(key).is_none().then_some(());
        let _ = within(PATIENCE, || {
            disk.has_failed().then_some(()).or_else(is_over)
        });
        let has_failed = disk.has_failed();
        drop(node);
        ends(&disk);
        let node = Node::start(&disk, &shelf);
        let over = within(PATIENCE, is_over);
        assert!(over.is_some(), "after {changes} changes it is not over");
        let receipt: Value = shelf.receipt("image.raw");
        assert_eq!(receipt["code"], "OK", "after {changes} changes: {receipt}");
        let arrived = disk.file(&app("archive"), Side::Inbox, "image.raw");
        assert_eq!(arrived.unwrap(), LONG);
        let left = shelf.list("analyser/outbox");
        assert!(
            left.is_empty(),
            "after {changes} changes: {left:?}, {:?}",
            (node.counts(), disk.paths(&app("analyser"), Side::Outbox))
        );
        let all = node.desk.list_all(TransferId(0), 10, |_| true);
        assert_eq!(all.len(), 1, "after {changes} changes");
        has_failed
    });
}
