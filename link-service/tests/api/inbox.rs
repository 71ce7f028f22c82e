//! What has arrived is told until it is acknowledged.

use std::thread;

use heliograph_tests::unix_http::UnixHttp;
use link_service::desk::DeskLimits;
use serde_json::{Value, json};

use crate::rig::Rig;

fn send(rig: &Rig, request: &Value) -> String {
    let camera = rig.at("camera");
    let accepted = camera.post("/v1/links", request);
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let id = accepted.body["id"].as_str().unwrap().to_owned();
    let ended = camera.get(&format!("/v1/links/{id}?waitSeconds=60"));
    assert_eq!(ended.body["code"], "OK", "{}", ended.body);
    id
}

fn unread(at: &UnixHttp) -> Vec<Value> {
    let inbox = at.get("/v1/inbox");
    assert_eq!(inbox.status, 200);
    inbox.body["deliveries"].as_array().unwrap().clone()
}

#[test]
fn a_delivery_is_told_until_it_is_acknowledged_and_then_its_file_is_gone() {
    let rig = Rig::new().run();
    rig.put("image.raw", b"an image");
    let id = send(
        &rig,
        &json!({
            "requestHeader": {"trackingId": "7", "correlationId": "c", "metadata": {"k": "v"}},
            "fileName": "image.raw", "destinationAppId": "analyser",
        }),
    );
    let analyser = rig.at("analyser");
    let deliveries = unread(&analyser);
    assert_eq!(deliveries.len(), 1);
    let delivery = &deliveries[0];
    assert_eq!(delivery["id"], id.as_str());
    assert_eq!(delivery["fromAppId"], "camera");
    assert_eq!(delivery["metadata"], json!({"k": "v"}));
    assert_eq!(delivery["trackingId"], "7");
    assert!(delivery["deliveredTime"].is_string());
    let path = delivery["files"][0]["path"].as_str().unwrap();
    assert!(
        path.starts_with('/') && path.ends_with("/analyser/inbox/image.raw"),
        "{path}"
    );
    assert_eq!(unread(&analyser), deliveries);
    assert!(unread(&rig.at("archive")).is_empty());
    let stranger = rig
        .at("archive")
        .post(&format!("/v1/inbox/{id}/ack"), &json!({}));
    assert_eq!(stranger.status, 404);
    for _ in 0..2 {
        let done = analyser.post(&format!("/v1/inbox/{id}/ack"), &json!({}));
        assert_eq!((done.status, done.body), (200, json!({})));
        assert!(unread(&analyser).is_empty());
        assert!(rig.arrived("analyser", "image.raw").is_none());
    }
}

#[test]
fn a_file_stays_if_its_recipient_wants_it_to() {
    let rig = Rig::new().run();
    rig.put("image.raw", b"an image");
    let id = send(
        &rig,
        &json!({"fileName": "image.raw", "destinationAppId": "analyser"}),
    );
    let analyser = rig.at("analyser");
    analyser.post(&format!("/v1/inbox/{id}/ack"), &json!({"remove": false}));
    assert!(unread(&analyser).is_empty());
    assert_eq!(rig.arrived("analyser", "image.raw").unwrap(), b"an image");
}

#[test]
fn a_file_that_took_the_place_of_the_delivered_one_is_not_removed_with_it() {
    let rig = Rig::new().run();
    let request = json!({
        "fileName": "image.raw", "destinationAppId": "analyser", "overwrite": true,
    });
    rig.put("image.raw", b"the first");
    let first = send(&rig, &request);
    rig.put("image.raw", b"the second");
    let second = send(&rig, &request);
    let analyser = rig.at("analyser");
    let ack = |id: &str| {
        analyser
            .post(&format!("/v1/inbox/{id}/ack"), &json!({}))
            .status
    };
    assert_eq!(ack(&first), 200);
    assert_eq!(rig.arrived("analyser", "image.raw").unwrap(), b"the second");
    assert_eq!(ack(&second), 200);
    assert!(rig.arrived("analyser", "image.raw").is_none());
}

#[test]
fn a_batch_is_one_delivery_with_all_its_files() {
    let rig = Rig::new().run();
    rig.put("a", b"an image");
    rig.put("b", b"its header");
    let id = send(
        &rig,
        &json!({
            "requestHeader": {"trackingId": "both"},
            "fileNames": ["a", "b"], "destinationAppIds": ["analyser", "archive"],
        }),
    );
    for name in ["analyser", "archive"] {
        let at = rig.at(name);
        let deliveries = unread(&at);
        let files = deliveries[0]["files"].as_array().unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        assert!(
            paths[0].ends_with("/inbox/camera.both.batch/a"),
            "{paths:?}"
        );
        assert!(
            paths[1].ends_with("/inbox/camera.both.batch/b"),
            "{paths:?}"
        );
        assert_eq!(
            at.post(&format!("/v1/inbox/{id}/ack"), &json!({})).status,
            200
        );
        assert!(unread(&at).is_empty());
        let left = rig
            .disk
            .paths(&crate::rig::app(name), link_service::folders::Side::Inbox);
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn who_waits_for_its_inbox_hears_at_once_what_comes() {
    let rig = Rig::new().run();
    let analyser = rig.at("analyser");
    thread::scope(|scope| {
        let waits = scope.spawn(|| analyser.get("/v1/inbox?waitSeconds=60"));
        rig.put("image.raw", b"an image");
        send(
            &rig,
            &json!({"fileName": "image.raw", "destinationAppId": "analyser"}),
        );
        let deliveries = waits.join().unwrap().body["deliveries"].clone();
        assert_eq!(deliveries.as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_restart_forgets_neither_what_was_acknowledged_nor_what_was_not() {
    let rig = Rig::new().run();
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        rig.put(name, name.as_bytes());
        ids.push(send(
            &rig,
            &json!({"fileName": name, "destinationAppId": "analyser"}),
        ));
    }
    let path = format!("/v1/inbox/{}/ack", ids[0]);
    assert_eq!(rig.at("analyser").post(&path, &json!({})).status, 200);
    let disk = rig.disk.clone();
    drop(rig);
    disk.power_cut();
    let rig = Rig::on(disk, DeskLimits::default()).run();
    let analyser = rig.at("analyser");
    let deliveries = unread(&analyser);
    assert_eq!(deliveries.len(), 1);
    assert_eq!(deliveries[0]["id"], ids[1].as_str());
    assert_eq!(analyser.post(&path, &json!({})).status, 200);
    assert!(rig.arrived("analyser", "a").is_none());
}

#[test]
fn what_nobody_acknowledges_is_forgotten_in_the_end_and_counted_and_the_file_stays() {
    let limits = DeskLimits {
        unread_max: 1,
        ..DeskLimits::default()
    };
    let rig = Rig::on(link_service::folders::memory::MemoryDisk::new(1), limits).run();
    for name in ["a", "b", "c"] {
        rig.put(name, name.as_bytes());
        send(
            &rig,
            &json!({"fileName": name, "destinationAppId": "analyser"}),
        );
    }
    let analyser = rig.at("analyser");
    while unread(&analyser).len() > 1 {
        thread::yield_now();
    }
    assert_eq!(rig.desk.counts().unread_forgotten, 2);
    assert!(rig.arrived("analyser", "a").is_some());
}
