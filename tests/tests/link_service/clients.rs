//! Apps that use the clients in Rust and Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use link_client::{LinkClient, LinkError, Priority};

use crate::site::{PATIENCE, Site, TOKEN};

const SHORT: Duration = Duration::from_millis(300);

fn client(site: &Site, app: &str) -> LinkClient {
    LinkClient::connect(site.path(&format!("apps/{app}/link.sock")))
}

fn file(site: &Site, name: &str, octets: &str) -> PathBuf {
    let path = site.path(name);
    fs::write(&path, octets).unwrap();
    path
}

/// Runs a script in Python as an app.
#[track_caller]
fn python(site: &Site, app: &str, script: &str) {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    let output = Command::new("python3")
        .args(["-B", "-W", "error", "-c", script])
        .env("PYTHONPATH", clients)
        .env(
            "HELIOGRAPH_LINK_SOCKET",
            site.path(&format!("apps/{app}/link.sock")),
        )
        .current_dir(site.path(""))
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_file_is_sent_received_and_acknowledged_in_rust() {
    let site = Site::new();
    let service = site.start();
    let image = file(&site, "image.raw", "an image");
    let (camera, analyser) = (client(&site, "camera"), client(&site, "analyser"));
    let request = camera.request(&image).to("analyser").metadata("band", "x");
    let request = request.priority(Priority::High).subdirectory("raw/7");
    let sent = request.expires_in(PATIENCE).send().unwrap();
    let link = sent.wait_for(PATIENCE).unwrap();
    assert!(link.is_ok() && link.files[0].blake3.is_some(), "{link:?}");
    let delivery = analyser.receive().next().unwrap().unwrap();
    assert_eq!(fs::read_to_string(delivery.path()).unwrap(), "an image");
    assert!(delivery.path().ends_with("inbox/raw/7/image.raw"));
    assert_eq!(delivery.from(), "camera");
    assert_eq!(delivery.metadata()["band"], "x");
    assert_eq!(delivery.id(), sent.id());
    let path = delivery.path().to_path_buf();
    delivery.ack().unwrap();
    assert!(!path.exists());
    assert!(analyser.receive_within(SHORT).next().is_none());
    assert!(image.exists());
    assert!(names_left(&site).is_empty());
    service.stop();
}

fn names_left(site: &Site) -> Vec<String> {
    let left = site.left().into_iter();
    left.filter(|name| name != "raw").collect()
}

#[test]
fn a_client_that_asks_while_the_service_starts_again_makes_one_request() {
    let site = Site::new();
    let mut service = site.start();
    let image = file(&site, "image.raw", "an image");
    let camera = client(&site, "camera").with_patience(PATIENCE);
    let first = camera.send("analyser", &image).unwrap();
    service.process.signal("KILL");
    service.process.wait_for_exit(PATIENCE);
    std::thread::scope(|scope| {
        let again = scope.spawn(|| camera.send("analyser", &image).unwrap());
        let service = site.start();
        let again = again.join().unwrap();
        assert_eq!(again.id(), first.id());
        again.wait_for(PATIENCE).unwrap();
        assert_eq!(camera.list(false).unwrap().len(), 1);
        service.stop();
    });
    assert_eq!(site.arrived(), ["image.raw"]);
}

#[test]
fn what_failed_says_why_leaves_no_copy_and_is_made_anew() {
    let site = Site::new();
    let _service = site.start();
    let image = file(&site, "image.raw", "an image");
    let there = site.path("apps/analyser/inbox/image.raw");
    fs::write(&there, "there already").unwrap();
    let camera = client(&site, "camera");
    let failed = camera.send_file_to_app("analyser", &image, false);
    let failed = failed.unwrap_err();
    assert!(matches!(failed, LinkError::NotDelivered(_)), "{failed}");
    assert_eq!(failed.code(), Some("ALREADY_EXISTS"));
    assert!(site.left().is_empty());
    fs::remove_file(there).unwrap();
    let link = camera.send_file_to_app("analyser", &image, false).unwrap();
    assert!(link.is_ok());
    assert_eq!(camera.list(false).unwrap().len(), 2);
}

#[test]
fn what_is_refused_says_why() {
    let site = Site::new();
    let _service = site.start();
    let image = file(&site, "image.raw", "an image");
    let camera = client(&site, "camera");
    let refused = camera.send("nobody", &image).unwrap_err();
    assert_eq!(refused.code(), Some("UNKNOWN_RECIPIENT"));
    let refused = camera.downlink(&image).unwrap_err();
    assert!(matches!(refused, LinkError::Refused { .. }), "{refused}");
    assert!(site.left().is_empty());
    assert_eq!(camera.status("tracking:none").unwrap(), None);
}

#[test]
fn by_tcp_a_token_does_as_well_as_a_socket() {
    let site = Site::new();
    let service = site.start();
    let address = service.url.trim_start_matches("http://");
    let camera = LinkClient::connect_tcp(address, TOKEN);
    let image = file(&site, "image.raw", "an image");
    let sent = camera.send("analyser", image).unwrap();
    sent.wait_for(PATIENCE).unwrap();
    let stranger = LinkClient::connect_tcp(address, "wrong").with_patience(Duration::ZERO);
    assert_eq!(
        stranger.list(false).unwrap_err().code(),
        Some("UNKNOWN_SENDER")
    );
    assert_eq!(site.arrived(), ["image.raw"]);
}

#[test]
fn a_file_is_sent_received_and_acknowledged_in_python() {
    let site = Site::new();
    let service = site.start();
    file(&site, "image.raw", "an image");
    python(
        &site,
        "camera",
        "import heliograph_link as link
link.send('analyser', 'image.raw', priority='HIGH', metadata={'band': 'x'}).wait(60)
sent, = link.list_links()
assert sent.recipients == {'analyser': 'OK'} and sent.files == ['image.raw'], sent.said
assert link.send('analyser', 'image.raw', priority='HIGH', metadata={'band': 'x'}).id == sent.id
try:
    link.send('nobody', 'image.raw')
except link.Refused as refused:
    assert refused.code == 'UNKNOWN_RECIPIENT', refused
else:
    raise AssertionError
",
    );
    assert!(site.left().is_empty());
    python(
        &site,
        "analyser",
        "import heliograph_link as link
for f in link.receive(timeout=0.3):
    assert open(f.path).read() == 'an image' and f.metadata == {'band': 'x'}
    f.ack()
assert f.sender == 'camera' and list(link.receive(timeout=0)) == []
",
    );
    assert!(site.arrived().is_empty());
    python(
        &site,
        "camera",
        "import heliograph_link as link
again = link.send_file_to_app('analyser', 'image.raw', overwrite_destination_file=True)
assert again.is_ok
assert link.get_xfer_directories()['outbox'].endswith('camera/outbox')
",
    );
    assert_eq!(site.arrived(), ["image.raw"]);
    service.stop();
}

#[test]
fn several_files_arrive_as_one_or_not_at_all() {
    let site = Site::new();
    let _service = site.start();
    let names = ["a", "b", "c"];
    let files = names.map(|name| file(&site, name, name));
    let camera = client(&site, "camera");
    let absent = site.path("absent");
    let request = camera.request(&files[0]).with(absent).to("analyser");
    request.send().unwrap_err();
    assert!(site.left().is_empty());
    let request = || camera.request(&files[0]).with(&files[1]).with(&files[2]);
    let sent = request().to("analyser").send().unwrap();
    sent.wait_for(PATIENCE).unwrap();
    let again = request().to("analyser").send().unwrap();
    assert_eq!(again.id(), sent.id());
    let analyser = client(&site, "analyser");
    let mut deliveries = analyser.receive_within(SHORT);
    let delivery = deliveries.next().unwrap().unwrap();
    let arrived = delivery.files().iter();
    let arrived = arrived.map(|file| fs::read_to_string(&file.path).unwrap());
    assert_eq!(arrived.collect::<Vec<_>>(), names);
    delivery.ack().unwrap();
    assert!(deliveries.next().is_none());
    assert!(site.arrived().is_empty());
    python(
        &site,
        "camera",
        "import heliograph_link as link
sent = link.send('analyser', ['a', 'b', 'c'])
assert sent.wait(60).files == ['a', 'b', 'c']
assert link.send('analyser', ['a', 'b', 'c']).id == sent.id
",
    );
    let delivery = analyser.receive().next().unwrap().unwrap();
    assert_eq!(delivery.files().len(), 3);
}
