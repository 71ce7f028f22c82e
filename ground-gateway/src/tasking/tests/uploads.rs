//! An upload, from its octets to its end.

use std::fs;

use serde_json::json;

use super::rig::{Ground, caller, id_of, sha256, upload_order};
use crate::tasking::desk::{Asked, Key};

fn ground() -> (tempfile::TempDir, Ground) {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path());
    (folder, ground)
}

#[test]
fn an_upload_goes_up_as_a_bundle_of_its_id_with_all_that_was_said() {
    let (_folder, mut ground) = ground();
    let octets = b"print('hello')\n".repeat(1_000);
    let id = ground.upload(&octets).unwrap();
    assert_eq!(ground.uploads()[0].1, "PENDING");
    ground.work();
    assert_eq!(ground.uploads()[0].1, "UPLOADING");
    ground.sky.end_transfers(None);
    ground.live(20);
    assert_eq!(ground.uploads()[0].1, "UPLOADED");
    let bundles = ground.sky.bundles();
    let [bundle] = bundles.as_slice() else {
        panic!("{bundles:?}")
    };
    assert_eq!((&bundle.uuid, &*bundle.topic), (&id, "sdr"));
    assert_eq!(
        (&*bundle.path, &bundle.sha256),
        ("run.py", &sha256(&octets))
    );
    let hints = json!({"dest_path": "/signaling/inbox/john/run.py", "mode": "755"});
    assert_eq!(bundle.delivery_hints, Some(hints));
    // Nothing is left of it on the ground.
    assert_eq!(fs::read_dir(&ground.desk.uploads).unwrap().count(), 0);
}

#[test]
fn an_upload_that_does_not_arrive_has_failed_and_says_why() {
    let (_folder, mut ground) = ground();
    ground.upload(b"octets").unwrap();
    ground.work();
    ground
        .sky
        .end_transfers(Some("the store there refused the file"));
    ground.live(20);
    let (_, state, reason) = ground.uploads().remove(0);
    assert_eq!(
        (state, &*reason),
        ("FAILED", "the store there refused the file")
    );
}

#[test]
fn only_some_uploads_go_up_at_once_the_oldest_first_and_none_outside_of_contact() {
    let (_folder, mut ground) = ground();
    for number in 0..6_u8 {
        ground.upload(&[number; 10]).unwrap();
    }
    ground.work_with(Some(false));
    assert_eq!(ground.sky.orders_count(), 0);
    ground.live(20);
    assert_eq!(ground.sky.orders_count(), 4);
    let states: Vec<_> = ground.uploads().into_iter().map(|one| one.1).collect();
    assert_eq!(states[..2], ["PENDING"; 2]);
    assert_eq!(states[2..], ["UPLOADING"; 4]);
    ground.sky.end_transfers(None);
    ground.live(20);
    assert_eq!(ground.sky.orders_count(), 6);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let (_folder, ground) = ground();
    let (caller, order) = (caller(), upload_order());
    let asked = ground.asked(&caller);
    let mut incoming = ground.desk.begin_upload(&asked, &order, 0).unwrap();
    ground.desk.write_upload(&mut incoming, b"some").unwrap();
    assert_eq!(fs::read_dir(&ground.desk.uploads).unwrap().count(), 1);
    drop(incoming);
    assert_eq!(fs::read_dir(&ground.desk.uploads).unwrap().count(), 0);
    assert!(ground.uploads().is_empty());
}

#[test]
fn the_same_upload_with_the_same_key_is_one_and_another_is_refused() {
    let (_folder, ground) = ground();
    let (caller, order) = (caller(), upload_order());
    let key = Key::new(b"key-1", &[b"upload"]).unwrap();
    let asked = Asked {
        key: Some(&key),
        ..ground.asked(&caller)
    };
    let upload = |octets: &[u8]| {
        let mut incoming = ground.desk.begin_upload(&asked, &order, 0)?;
        ground.desk.write_upload(&mut incoming, octets)?;
        ground.desk.end_upload(&asked, &order, incoming)
    };
    let first = upload(b"octets").unwrap();
    assert_eq!(id_of(&upload(b"octets").unwrap()), id_of(&first));
    assert_eq!(upload(b"others").unwrap_err().status, 422);
    assert_eq!(ground.uploads().len(), 1);
    assert_eq!(fs::read_dir(&ground.desk.uploads).unwrap().count(), 1);
}

#[test]
fn an_upload_that_is_too_large_is_refused_while_it_comes() {
    let (_folder, ground) = ground();
    let problem = ground.upload(&vec![0; 10_000_001]).unwrap_err();
    assert_eq!(problem.status, 413);
    assert!(problem.detail.contains("10000000"), "{}", problem.detail);
    assert_eq!(fs::read_dir(&ground.desk.uploads).unwrap().count(), 0);
}
