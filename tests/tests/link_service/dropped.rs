//! Apps that know nothing but files.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::site::{PATIENCE, Site};

/// Drops a request as a file.
fn drop_request(site: &Site, name: &str, request: &str) {
    site.put(&format!("{name}.linkrequest.json"), request.as_bytes());
}

/// The receipt, once it has that code.
#[track_caller]
fn told(site: &Site, name: &str, code: &str) -> Value {
    let path = format!("apps/camera/outbox/receipts/{name}.linkresponse.json");
    let until = Instant::now() + PATIENCE;
    loop {
        let receipt = fs::read(site.path(&path)).unwrap_or_default();
        let receipt: Value = serde_json::from_slice(&receipt).unwrap_or_default();
        if receipt["code"] == code {
            return receipt;
        }
        assert!(Instant::now() < until, "{name}: {receipt}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_file_and_its_request_are_dropped_and_a_receipt_comes() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw.part", b"an image");
    let outbox = site.path("apps/camera/outbox");
    fs::rename(outbox.join("image.raw.part"), outbox.join("image.raw")).unwrap();
    drop_request(&site, "image.raw", r#"{"destinationAppId": "analyser"}"#);
    let receipt = told(&site, "image.raw", "OK");
    assert_eq!(receipt["responseHeader"]["status"], "SUCCESSFUL");
    assert_eq!(receipt["linkRequest"]["fileName"], "image.raw");
    assert_eq!(receipt["fileSizeBytes"], 8);
    assert_eq!(site.arrived(), ["image.raw"]);
    assert_eq!(site.left(), ["receipts"]);
    // The API knows it as well.
    let id = receipt["id"].as_str().unwrap();
    assert_eq!(site.ended(id)["code"], "OK");
    let until = Instant::now() + PATIENCE;
    let ended = "link_dropped_requests_total{is=\"ended\"} 1";
    while !service.get("/metrics", None).1.contains(ended) {
        assert!(Instant::now() < until, "it is not counted");
        thread::sleep(Duration::from_millis(20));
    }
    service.stop();
}

#[test]
fn what_cannot_be_meant_is_refused_by_a_receipt_and_the_file_stays() {
    let site = Site::new();
    let _service = site.start();
    let dropped = [
        (
            "a",
            r#"{"destinationAppId": "nobody"}"#,
            "UNKNOWN_RECIPIENT",
        ),
        (
            "b",
            r#"{"destinationAppID": "analyser"}"#,
            "INVALID_ARGUMENT",
        ),
        ("c", "to: analyser", "INVALID_ARGUMENT"),
        (
            "d",
            r#"{"destinationAppId": "analyser", "requestHeader": {"appId": "analyser"}}"#,
            "FORBIDDEN",
        ),
        (
            "e",
            r#"{"destinationAppId": "analyser", "subdirectory": "../analyser"}"#,
            "INVALID_NAME",
        ),
    ];
    for (name, request, _) in dropped {
        site.put(name, b"octets");
        drop_request(&site, name, request);
    }
    for (name, _, code) in dropped {
        told(&site, name, code);
    }
    assert_eq!(site.left(), ["a", "b", "c", "d", "e", "receipts"]);
    assert!(site.arrived().is_empty());
}

#[test]
fn a_receipt_is_not_forged_by_another_app() {
    let site = Site::new();
    let _service = site.start();
    // Neither under the name of a receipt, nor to where receipts are.
    site.put("x.linkresponse.json", b"{\"code\": \"OK\"}");
    let camera = site.at("camera");
    let request = serde_json::json!({
        "fileName": "x.linkresponse.json", "destinationAppId": "analyser",
    });
    let refused = camera.post("/v1/links", &request);
    assert_eq!(refused.body["code"], "INVALID_NAME");
    let outbox = site.path("apps/camera/outbox");
    fs::create_dir_all(outbox.join("receipts")).unwrap();
    fs::write(outbox.join("receipts/y"), "octets").unwrap();
    let request = serde_json::json!({
        "fileName": "y", "subdirectory": "receipts", "destinationAppId": "analyser",
    });
    let sent = camera.post("/v1/links", &request);
    assert_eq!(site.ended(sent.body["id"].as_str().unwrap())["code"], "OK");
    let theirs = site.path("apps/analyser");
    assert!(theirs.join("inbox/receipts/y").exists());
    assert!(!theirs.join("outbox/receipts").exists());
}

#[test]
fn requests_that_were_dropped_survive_a_kill_and_are_made_once() {
    let site = Site::new();
    let mut service = site.start();
    let names: Vec<String> = (0..8).map(|number| format!("image-{number}")).collect();
    for name in &names {
        site.put(name, &vec![7; 4 << 20]);
        drop_request(&site, name, r#"{"destinationAppId": "analyser"}"#);
    }
    let first = site.path("apps/camera/outbox/receipts/image-0.linkresponse.json");
    let until = Instant::now() + PATIENCE;
    while !first.exists() {
        assert!(Instant::now() < until, "nothing is taken");
        thread::sleep(Duration::from_millis(1));
    }
    service.process.signal("KILL");
    service.process.wait_for_exit(PATIENCE);
    let service = site.start();
    for name in &names {
        told(&site, name, "OK");
    }
    assert_eq!(site.arrived(), names);
    let links = site.at("camera").get("/v1/links").body["links"].clone();
    assert_eq!(links.as_array().unwrap().len(), names.len());
    service.stop();
}
