//! Many files, a large one, and many apps: all of it arrives, and memory has a limit.

use std::fmt::Write as _;
use std::fs;
use std::thread;

use link_client::LinkClient;
use serde_json::json;

use crate::site::{PATIENCE, Service, Site};

const FILES: usize = 1000;
const FLIGHTS: usize = 16;
const LARGE_BYTES: u64 = 512 << 20;
/// What the service may take more than at its start.
const MORE_KIB_MAX: u64 = 24 << 10;
const APPS: usize = 100;

/// The most that the service had in memory, in KiB.
fn peak_kib(service: &Service) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", service.process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    word.unwrap().parse().unwrap()
}

fn camera(site: &Site) -> LinkClient {
    LinkClient::connect(site.path("apps/camera/link.sock")).with_patience(PATIENCE)
}

#[test]
fn a_thousand_files_from_sixteen_threads_all_arrive_in_bounded_memory() {
    let site = Site::new();
    let service = site.start();
    let before = peak_kib(&service);
    let outbox = site.path("apps/camera/outbox");
    thread::scope(|scope| {
        for flight in 0..FLIGHTS {
            let (client, outbox) = (camera(&site), &outbox);
            scope.spawn(move || {
                for number in (flight..FILES).step_by(FLIGHTS) {
                    let file = outbox.join(format!("file-{number:04}"));
                    fs::write(&file, number.to_string()).unwrap();
                    let sent = client.send("analyser", file).unwrap();
                    assert!(sent.wait_for(PATIENCE).unwrap().is_ok());
                }
            });
        }
    });
    let names: Vec<String> = (0..FILES)
        .map(|number| format!("file-{number:04}"))
        .collect();
    assert_eq!(site.arrived(), names);
    for (number, name) in names.iter().enumerate() {
        let octets = fs::read_to_string(site.path("apps/analyser/inbox").join(name));
        assert_eq!(octets.unwrap(), number.to_string());
    }
    assert!(site.left().is_empty());
    let more = peak_kib(&service) - before;
    assert!(more < MORE_KIB_MAX, "{more} KiB more");
    service.stop();
}

#[test]
fn a_file_that_is_larger_than_memory_may_be_arrives_whole_in_bounded_memory() {
    let site = Site::new();
    let service = site.start();
    let before = peak_kib(&service);
    let large = site.path("apps/camera/outbox/large.bin");
    fs::File::create(&large)
        .unwrap()
        .set_len(LARGE_BYTES)
        .unwrap();
    let sent = camera(&site).send("analyser", large).unwrap();
    let link = sent.wait_for(10 * PATIENCE).unwrap();
    assert!(link.is_ok(), "{link:?}");
    let arrived = fs::metadata(site.path("apps/analyser/inbox/large.bin"));
    assert_eq!(arrived.unwrap().len(), LARGE_BYTES);
    let more = peak_kib(&service) - before;
    assert!(more < MORE_KIB_MAX, "{more} KiB more");
    service.stop();
}

#[test]
fn each_of_a_hundred_apps_may_send_to_the_next_and_to_no_other() {
    let mut apps = String::new();
    for app in 0..APPS {
        let next = (app + 1) % APPS;
        write!(
            apps,
            "[[link-service.apps]]\nid = 'app-{app}'\n\
             [[link-service.policy]]\nfrom = 'app-{app}'\nto = 'app-{next}'\n"
        )
        .unwrap();
    }
    let site = Site::new();
    site.configure(&apps);
    let service = site.start();
    for app in 0..APPS {
        let file = site.path(&format!("apps/app-{app}/outbox/image.raw"));
        fs::write(file, app.to_string()).unwrap();
        let from = site.at(&format!("app-{app}"));
        let send = |to: usize| {
            let to = format!("app-{}", to % APPS);
            let request = json!({"fileName": "image.raw", "destinationAppId": to});
            from.post("/v1/links", &request)
        };
        assert_eq!(send(app + 2).body["code"], "FORBIDDEN");
        let sent = send(app + 1).body;
        let id = sent["id"].as_str().unwrap();
        let ended = from.get(&format!("/v1/links/{id}?waitSeconds=60"));
        assert_eq!(ended.body["code"], "OK");
    }
    for app in 0..APPS {
        let file = site.path(&format!("apps/app-{}/inbox/image.raw", (app + 1) % APPS));
        assert_eq!(fs::read_to_string(file).unwrap(), app.to_string());
    }
    service.stop();
}
