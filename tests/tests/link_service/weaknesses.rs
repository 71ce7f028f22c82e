//! What went wrong in the service that this one succeeds, by the numbers of that list, at the
//! service as it runs.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use link_client::LinkClient;
use serde_json::json;

use crate::site::{PATIENCE, Site};

fn camera(site: &Site) -> LinkClient {
    LinkClient::connect(site.path("apps/camera/link.sock"))
}

#[test]
fn w4_no_app_acts_as_another_whatever_it_says() {
    let site = Site::new();
    let _service = site.start();
    site.put("image.raw", b"an image");
    let request = |header| {
        json!({
            "requestHeader": header, "fileName": "image.raw", "destinationAppId": "analyser",
        })
    };
    let camera = site.at("camera");
    let forged = camera.post("/v1/links", &request(json!({"appId": "analyser"})));
    assert_eq!(forged.body["code"], "FORBIDDEN");
    let forged = camera.post("/v1/links", &request(json!({"originAppId": "analyser"})));
    assert_eq!(forged.body["code"], "INVALID_ARGUMENT");
    // What an app writes beside is its own to say, and makes it nobody else.
    let said = json!({"metadata": {"SOURCE_PAYLOAD_APP_ID": "analyser"}});
    let sent = camera.post("/v1/links", &request(said));
    let id = sent.body["id"].as_str().unwrap();
    assert_eq!(site.ended(id)["code"], "OK");
    let inbox = site.at("analyser").get("/v1/inbox").body;
    assert_eq!(inbox["deliveries"][0]["fromAppId"], "camera");
    // Neither reads nor takes an app what is another's.
    assert_eq!(camera.get("/v1/inbox").body["deliveries"], json!([]));
    let acknowledged = camera.post(&format!("/v1/inbox/{id}/ack"), &json!({}));
    assert_eq!(acknowledged.body["code"], "UNKNOWN_REQUEST");
    let of_other = site.at("analyser").get(&format!("/v1/links/{id}"));
    assert_eq!(of_other.body["code"], "UNKNOWN_REQUEST");
    assert_eq!(site.arrived(), ["image.raw"]);
}

#[test]
fn w5_a_file_that_is_called_as_a_receipt_is_data_and_no_receipt() {
    let site = Site::new();
    let _service = site.start();
    let forged = br#"{"responseHeader": {"status": "SUCCESSFUL"}, "code": "OK"}"#;
    site.put("x.png.linkResponse", forged);
    let id = site.send("x.png.linkResponse");
    assert_eq!(site.ended(&id)["code"], "OK");
    site.put("x.png.linkresponse.json", forged);
    let request = json!({"fileName": "x.png.linkresponse.json", "destinationAppId": "analyser"});
    let refused = site.at("camera").post("/v1/links", &request);
    assert_eq!(refused.body["code"], "INVALID_NAME");
    // A directory that is called as that of receipts is one of the inbox, where none are.
    let receipts = site.path("apps/camera/outbox/receipts");
    fs::create_dir_all(&receipts).unwrap();
    fs::write(receipts.join("y"), forged).unwrap();
    let request = json!({
        "fileName": "y", "subdirectory": "receipts", "destinationAppId": "analyser",
    });
    let sent = site.at("camera").post("/v1/links", &request);
    assert_eq!(site.ended(sent.body["id"].as_str().unwrap())["code"], "OK");
    assert_eq!(site.arrived(), ["receipts", "x.png.linkResponse"]);
    assert!(!site.path("apps/analyser/outbox/receipts").exists());
    // The service itself says of all of it what is so.
    let deliveries = site.at("analyser").get("/v1/inbox").body["deliveries"].clone();
    let files = deliveries.as_array().unwrap().iter();
    let files = files.map(|delivery| delivery["files"][0]["name"].clone());
    assert_eq!(files.collect::<Vec<_>>(), ["x.png.linkResponse", "y"]);
}

#[test]
fn w9_a_consumer_that_looks_all_the_time_sees_each_file_whole_or_not_at_all() {
    const OLD: usize = 1 << 20;
    const NEW: usize = 24 << 20;
    let site = Site::new();
    let _service = site.start();
    let inbox = site.path("apps/analyser/inbox");
    let (image, stop) = (inbox.join("image.raw"), AtomicBool::new(false));
    let sizes = thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut sizes = BTreeSet::new();
            while !stop.load(Ordering::SeqCst) {
                sizes.extend(fs::metadata(&image).map(|facts| facts.len()));
            }
            sizes
        });
        for (id, bytes) in [("old", OLD), ("new", NEW)] {
            site.put("image.raw", &vec![7; bytes]);
            let request = json!({
                "requestHeader": {"trackingId": id}, "overwrite": true,
                "fileName": "image.raw", "destinationAppId": "analyser",
            });
            let sent = site.at("camera").post("/v1/links", &request);
            assert_eq!(site.ended(sent.body["id"].as_str().unwrap())["code"], "OK");
        }
        stop.store(true, Ordering::SeqCst);
        looks.join().unwrap()
    });
    assert_eq!(sizes, BTreeSet::from([OLD as u64, NEW as u64]));
    assert!(fs::read(&image).unwrap() == vec![7; NEW]);
}

#[test]
fn w19_a_name_with_a_directory_in_it_is_refused_and_told_where_that_goes() {
    let site = Site::new();
    let _service = site.start();
    fs::create_dir(site.path("apps/camera/outbox/sub")).unwrap();
    site.put("sub/f.bin", b"octets");
    let nested = json!({"fileName": "sub/f.bin", "destinationAppId": "analyser"});
    let refused = site.at("camera").post("/v1/links", &nested);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["code"], "INVALID_NAME");
    assert_eq!(refused.body["responseHeader"]["status"], "INVALID_ARGUMENT");
    let said = refused.body["responseHeader"]["message"].as_str().unwrap();
    assert!(said.contains("`subdirectory`"), "{said}");
    let right = json!({
        "fileName": "f.bin", "subdirectory": "sub", "destinationAppId": "analyser",
    });
    let sent = site.at("camera").post("/v1/links", &right);
    assert_eq!(site.ended(sent.body["id"].as_str().unwrap())["code"], "OK");
    let arrived = fs::read(site.path("apps/analyser/inbox/sub/f.bin"));
    assert_eq!(arrived.unwrap(), b"octets");
}

#[test]
fn w23_what_waits_what_runs_and_what_hangs_is_on_the_metrics_page() {
    let site = Site::new();
    let service = site.start();
    site.put("image.raw", b"an image");
    let id = site.send("image.raw");
    assert_eq!(site.ended(&id)["code"], "OK");
    let (_, page) = service.get("/metrics", None);
    for name in [
        "link_transfers_open 0",
        "link_transfers_running 0",
        "link_mover_silent_seconds 0",
        "link_transfers_ended_total{code=\"OK\"} 1",
    ] {
        assert!(page.lines().any(|line| line == name), "{name}: {page}");
    }
}

#[test]
fn a_file_in_a_directory_of_the_outbox_and_one_beside_the_outbox_are_sent_as_what_they_are() {
    let site = Site::new();
    let _service = site.start();
    let outbox = site.path("apps/camera/outbox");
    for (directory, octets) in [
        (outbox.join("raw"), "within"),
        (site.path("apps/camera/outbox2"), "beside"),
    ] {
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("image.raw"), octets).unwrap();
        let sent = camera(&site).send("analyser", directory.join("image.raw"));
        sent.unwrap().wait_for(PATIENCE).unwrap();
    }
    let inbox = site.path("apps/analyser/inbox");
    let arrived = |path: &str| fs::read_to_string(inbox.join(path)).unwrap();
    assert_eq!(arrived("raw/image.raw"), "within");
    assert_eq!(arrived("image.raw"), "beside");
}

#[test]
fn two_files_of_one_name_from_two_directories_arrive_each_with_its_own_octets() {
    let site = Site::new();
    let _service = site.start();
    thread::scope(|scope| {
        for (part, octets) in [("a", "first"), ("b", "another")] {
            let (site, camera) = (&site, camera(&site).with_patience(PATIENCE));
            scope.spawn(move || {
                fs::create_dir(site.path(part)).unwrap();
                let image = site.path(part).join("image.raw");
                fs::write(&image, octets).unwrap();
                let request = camera.request(image).to("analyser").overwrite(true);
                let sent = request.metadata("part", part).send().unwrap();
                let link = sent.wait_for(PATIENCE).unwrap();
                assert_eq!(link.files[0].size, octets.len() as u64);
            });
        }
    });
    assert_eq!(site.arrived(), ["image.raw"]);
}

#[test]
fn who_did_not_wait_for_the_end_and_asks_again_hears_of_the_same_request() {
    let site = Site::new();
    let _service = site.start();
    let beside = site.path("image.raw");
    let within = site.path("apps/camera/outbox/times.csv");
    fs::write(&beside, vec![7; 8 << 20]).unwrap();
    fs::write(&within, "times").unwrap();
    let camera = camera(&site);
    let of_file = || camera.send("analyser", &beside).unwrap();
    let request = || camera.request(&within).to("analyser").tracking_id("pass-7");
    let of_id = || request().send().unwrap();
    let asks: [&dyn Fn() -> link_client::Sent; 2] = [&of_file, &of_id];
    for ask in asks {
        let first = ask();
        // Over or not: nobody looks.
        let _ = first.wait_for(Duration::ZERO);
        let again = ask();
        assert_eq!(again.id(), first.id());
        assert!(again.wait_for(PATIENCE).unwrap().is_ok());
        assert_eq!(ask().id(), first.id());
    }
    assert!(!within.exists());
    assert_eq!(camera.list(false).unwrap().len(), 2);
}
