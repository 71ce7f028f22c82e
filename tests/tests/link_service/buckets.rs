//! Boxes in a bucket: several nodes, and no share.

use std::time::Duration;

use heliograph_tests::seaweedfs::{ACCESS_KEY, READER_ACCESS_KEY, READER_SECRET_KEY, SECRET_KEY};
use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::shelf::{BUCKET, Shelf};
use crate::site::{PATIENCE, Site};

/// Files of a run, every tenth of which goes in parts.
const FILES: usize = 50;
const LARGE_BYTES: usize = 9 << 20;
/// For all of them, on a machine that has other things to do.
const ALL_PATIENCE: Duration = Duration::from_secs(180);

const ANYBODY: &str = "[[link-service.policy]]\nfrom = '*'\nto = '*'\n";

/// A node on which these apps have their boxes in the bucket.
fn node(shelf: &Shelf, apps: &[(&str, bool)]) -> Site {
    let mut text = shelf.table();
    for (app, is_polled) in apps {
        text.push_str(&format!(
            "[[link-service.apps]]\nid = '{app}'\nbucket = 'shared'\npolled = {is_polled}\n"
        ));
    }
    let site = Site::new();
    site.configure(&format!("{text}{ANYBODY}"));
    site
}

fn octets(number: usize) -> Vec<u8> {
    let bytes = match number % 10 {
        0 => LARGE_BYTES + number,
        few => few * 10_000 + number,
    };
    let mut octets: Vec<u8> = (0..bytes).map(|at| (at / 7 + number) as u8).collect();
    octets.extend_from_slice(format!("file {number}").as_bytes());
    octets
}

fn names() -> Vec<String> {
    (0..FILES)
        .map(|number| format!("image-{number:02}.raw"))
        .collect()
}

/// All came to the inbox of `app`, once, whole, and with their hashes.
#[track_caller]
fn all_arrived(shelf: &Shelf, app: &str) {
    let inbox = format!("{app}/inbox");
    assert_eq!(shelf.list(&inbox), names());
    for (number, name) in names().iter().enumerate() {
        let key = format!("{inbox}/{name}");
        let expected = octets(number);
        assert!(shelf.get(&key).unwrap() == expected, "{name}");
        let hash = shelf.metadata(&key)["heliograph-blake3"].clone();
        assert_eq!(hash, blake3::hash(&expected).to_hex().as_str(), "{name}");
    }
}

#[test]
fn two_nodes_send_each_other_files_through_a_bucket_though_each_is_killed_in_the_middle() {
    let shelf = Shelf::start();
    // The camera's machine, and the analyser's. The camera hands in at its socket; the
    // analyser knows nothing but the bucket.
    let first = node(&shelf, &[("camera", false), ("analyser", false)]);
    let second = node(&shelf, &[("analyser", true), ("camera", false)]);
    let mut of_camera = first.start();
    let of_analyser = second.start();

    for (number, name) in names().iter().enumerate() {
        first.put(name, &octets(number));
    }
    let ids: Vec<String> = names().iter().map(|name| first.send(name)).collect();
    eventually(ALL_PATIENCE, || {
        (shelf.list("analyser/inbox").len() >= FILES / 5).then_some(())
    });
    of_camera.process.signal("KILL");
    of_camera.process.wait_for_exit(PATIENCE);
    let before = shelf.list("analyser/inbox").len();
    assert!(before < FILES, "it was killed when all was done");
    let of_camera = first.start();
    let again: Vec<String> = names().iter().map(|name| first.send(name)).collect();
    assert_eq!(again, ids);
    for id in &ids {
        let ended = eventually(ALL_PATIENCE, || {
            let view = first.ended(id);
            view["recipients"][0]["code"]
                .as_str()
                .is_some_and(|code| code != "ACCEPTED")
                .then_some(view)
        });
        assert_eq!(ended["code"], "OK", "{ended}");
    }
    all_arrived(&shelf, "analyser");
    assert!(first.left().is_empty(), "{:?}", first.left());

    // And back: each file with a request beside it.
    for (number, name) in names().iter().enumerate() {
        shelf.put(&format!("analyser/outbox/{name}"), &octets(number));
        let request = json!({"destinationAppId": "camera"}).to_string();
        let key = format!("analyser/outbox/{name}.linkrequest.json");
        shelf.put(&key, request.as_bytes());
    }
    let mut of_analyser = of_analyser;
    eventually(ALL_PATIENCE, || {
        (shelf.list("camera/inbox").len() >= FILES / 5).then_some(())
    });
    of_analyser.process.signal("KILL");
    of_analyser.process.wait_for_exit(PATIENCE);
    assert!(shelf.list("camera/inbox").len() < FILES);
    let of_analyser = second.start();
    eventually(ALL_PATIENCE, || {
        shelf.list("analyser/outbox").is_empty().then_some(())
    });
    all_arrived(&shelf, "camera");
    let receipts = shelf.list("analyser/receipts");
    assert_eq!(receipts.len(), FILES);
    for receipt in receipts {
        let receipt = shelf.get(&format!("analyser/receipts/{receipt}")).unwrap();
        let receipt: Value = serde_json::from_slice(&receipt).unwrap();
        assert_eq!(receipt["code"], "OK", "{receipt}");
    }
    of_camera.stop();
    of_analyser.stop();
}

#[test]
fn a_bucket_that_refuses_is_waited_for_and_what_was_accepted_arrives_once_it_does_not() {
    let shelf = Shelf::start();
    let apps = "[[link-service.apps]]\nid = 'camera'\n\
                [[link-service.apps]]\nid = 'analyser'\nbucket = 'shared'\n";
    let site = Site::new();
    let url = format!("s3://{BUCKET}/apps");
    let wrong = [
        // It may read, and not write: 403.
        shelf.table_of(&url, READER_ACCESS_KEY, READER_SECRET_KEY),
        // The store knows no such key: 403.
        shelf.table_of(&url, "nobody", "nosecret"),
        // NoSuchBucket: 404.
        shelf.table_of("s3://no-such-bucket/apps", ACCESS_KEY, SECRET_KEY),
    ];
    site.configure(&format!("{}{apps}{ANYBODY}", wrong[0]));
    drop(site.start());
    site.put("image.raw", b"an image");
    let mut id = None;
    for (table, said) in wrong.iter().zip(["keys", "keys", "not there"]) {
        site.configure(&format!("{table}{apps}{ANYBODY}"));
        let service = site.start();
        let id = id.get_or_insert_with(|| site.send("image.raw")).clone();
        let message = eventually(PATIENCE, || {
            let view = site.at("camera").get(&format!("/v1/links/{id}")).body;
            assert_eq!(view["code"], "ACCEPTED", "{view}");
            let message = view["responseHeader"]["message"].as_str().unwrap();
            (!message.is_empty()).then(|| message.to_owned())
        });
        assert!(message.contains(said), "{message}");
        assert!(!message.contains("nosecret") && !message.contains(READER_SECRET_KEY));
        service.stop();
    }
    site.configure(&format!("{}{apps}{ANYBODY}", shelf.table()));
    let service = site.start();
    assert_eq!(site.ended(&id.unwrap())["code"], "OK");
    assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), b"an image");
    assert!(site.left().is_empty());
    service.stop();
}

#[test]
fn the_server_itself_keeps_an_object_from_being_replaced() {
    let shelf = Shelf::start();
    assert!(shelf.create("analyser/inbox/image.raw", b"the first"));
    // Two nodes look at once, and nothing is there: one of them is told no by the server.
    assert!(!shelf.create("analyser/inbox/image.raw", b"the second"));
    assert_eq!(shelf.get("analyser/inbox/image.raw").unwrap(), b"the first");
}

#[test]
fn a_file_in_parts_that_is_cancelled_leaves_nothing_in_the_bucket() {
    let shelf = Shelf::start();
    let site = node(&shelf, &[("analyser", false)]);
    let text = "[[link-service.apps]]\nid = 'camera'\n[[link-service.apps]]\nid = 'analyser'\n\
                bucket = 'shared'\n";
    site.configure(&format!("{}{text}{ANYBODY}", shelf.table()));
    let service = site.start();
    site.put("long.raw", &vec![7; 200 << 20]);
    let id = site.send("long.raw");
    eventually(PATIENCE, || {
        let view = site.at("camera").get(&format!("/v1/links/{id}")).body;
        (view["standing"] == "running").then_some(())
    });
    let cancel = format!("/v1/links/{id}/cancel");
    assert_eq!(site.at("camera").post(&cancel, &json!({})).status, 200);
    assert_eq!(site.ended(&id)["code"], "CANCELLED");
    assert!(shelf.list("analyser/inbox").is_empty());
    assert_eq!(site.left(), ["long.raw"]);
    service.stop();
}

#[test]
fn counters_tell_what_went_into_a_bucket_and_another_bucket_needs_a_restart() {
    let shelf = Shelf::start();
    let text = "[[link-service.apps]]\nid = 'camera'\n[[link-service.apps]]\nid = 'analyser'\n\
                bucket = 'shared'\n";
    let site = Site::new();
    site.configure(&format!("{}{text}{ANYBODY}", shelf.table()));
    let service = site.start();
    site.put("image.raw", b"an image");
    let id = site.send("image.raw");
    assert_eq!(site.ended(&id)["code"], "OK");
    let page = service.get("/metrics", None).1;
    for line in [
        "link_bucket_objects_total{bucket=\"shared\",is=\"put\"} 1",
        "link_bucket_bytes_total{bucket=\"shared\",way=\"put\"} 8",
        "link_bucket_errors_total{bucket=\"shared\"} 0",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let other = shelf.table_of("s3://other/apps", ACCESS_KEY, SECRET_KEY);
    site.configure(&format!("{other}{text}{ANYBODY}"));
    let reloaded = service.graphql("mutation { reloadApps { success errors } }");
    assert_eq!(reloaded["reloadApps"]["success"], false);
    let errors = reloaded["reloadApps"]["errors"].as_str().unwrap();
    assert!(
        errors.contains("`buckets`") && errors.contains("restart"),
        "{errors}"
    );
    // Apps may come to it, and begin and cease to be asked here.
    let more = "[[link-service.apps]]\nid = 'archive'\nbucket = 'shared'\npolled = false\n";
    site.configure(&format!("{}{text}{more}{ANYBODY}", shelf.table()));
    let reloaded = service.graphql("mutation { reloadApps { success errors } }");
    assert_eq!(reloaded["reloadApps"]["success"], true, "{reloaded}");
    service.stop();
}
