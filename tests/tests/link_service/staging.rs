//! Files go down by means of the operator's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::site::{APPS, PATIENCE, Service, Site};

/// What a program of the operator does.
struct Operator<'a>(&'a Site);

impl Operator<'_> {
    fn staged(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path("staged")).unwrap();
        let all = entries.map(|entry| entry.unwrap().path());
        let mut all: Vec<PathBuf> = all
            .filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'))
            .collect();
        all.sort_unstable();
        all
    }

    /// The next that is staged, with its paper.
    #[track_caller]
    fn next(&self) -> (PathBuf, Value) {
        let path = eventually(PATIENCE, || self.staged().into_iter().next());
        let paper = fs::read_to_string(path.join("request.json")).unwrap();
        (path, serde_json::from_str(&paper).unwrap())
    }

    #[track_caller]
    fn wait_for_none(&self) {
        eventually(PATIENCE, || self.staged().is_empty().then_some(()));
    }
}

const STAGING: &str = "
[[link-service.policy]]
from = 'camera'
to = 'ground'
[link-service.staging]
directory = 'staged'
";

fn start() -> (Site, Service) {
    let site = Site::new();
    site.configure(&format!("{APPS}{STAGING}"));
    let service = site.start();
    (site, service)
}

impl Site {
    #[track_caller]
    fn downlink(&self, request: &Value) -> String {
        let answer = self.at("camera").post("/v1/links", request);
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Sends one file down.
    fn send_down(&self, name: &str, octets: &[u8]) -> String {
        self.put(name, octets);
        self.downlink(&json!({"fileName": name, "linkType": "DOWNLINK"}))
    }

    fn standing(&self, id: &str) -> Value {
        self.at("camera").get(&format!("/v1/links/{id}")).body
    }
}

#[test]
fn a_file_is_staged_and_its_source_goes_when_the_operator_says_that_the_ground_has_it() {
    let (site, _service) = start();
    let id = site.send_down("image.raw", b"an image");
    let (staged, paper) = Operator(&site).next();
    let hash = blake3::hash(b"an image").to_hex();
    assert_eq!(paper["id"], id.as_str());
    assert_eq!(
        (&paper["sender"], &paper["directory"]),
        (&json!("camera"), &json!("camera"))
    );
    let file = json!({"name": "image.raw", "sizeBytes": 8, "blake3": hash.as_str()});
    assert_eq!(paper["files"], json!([file]));
    assert_eq!(
        fs::read(staged.join("files/image.raw")).unwrap(),
        b"an image"
    );
    // Until then the sender is told nothing, and nothing is released.
    assert_eq!(site.standing(&id)["code"], "ACCEPTED");
    let claim = format!("apps/camera/outbox/.link/{id}.image.raw");
    assert!(site.path(&claim).exists());
    fs::write(staged.join("delivered"), b"").unwrap();
    assert_eq!(site.ended(&id)["code"], "OK");
    assert!(site.left().is_empty());
    Operator(&site).wait_for_none();
}

#[test]
fn what_the_operator_cannot_send_goes_back_to_the_outbox_with_its_reason() {
    let (site, _service) = start();
    let id = site.send_down("image.raw", b"an image");
    let (staged, _) = Operator(&site).next();
    fs::write(staged.join("failed"), b"no station takes it\n").unwrap();
    let ended = site.ended(&id);
    assert_eq!(ended["code"], "UNAVAILABLE");
    let said = ended["responseHeader"]["message"].as_str().unwrap();
    assert!(said.contains("no station takes it"), "{said}");
    assert_eq!(site.left(), ["image.raw"]);
}

#[test]
fn a_reason_that_is_no_file_is_none_and_nobody_waits_for_it() {
    let (site, _service) = start();
    let id = site.send_down("image.raw", b"an image");
    let (staged, _) = Operator(&site).next();
    let made = Command::new("mkfifo").arg(staged.join("failed")).status();
    assert!(made.unwrap().success());
    assert_eq!(site.ended(&id)["code"], "UNAVAILABLE");
    assert_eq!(site.left(), ["image.raw"]);
}

#[test]
fn a_batch_is_staged_as_a_whole() {
    let (site, _service) = start();
    site.put("a", b"first");
    site.put("b", b"second");
    let id = site.downlink(&json!({"fileNames": ["a", "b"], "linkType": "DOWNLINK"}));
    let (staged, paper) = Operator(&site).next();
    assert_eq!(paper["files"][1]["name"], "b");
    assert_eq!(fs::read(staged.join("files/a")).unwrap(), b"first");
    assert_eq!(fs::read(staged.join("files/b")).unwrap(), b"second");
    fs::write(staged.join("delivered"), b"").unwrap();
    assert_eq!(site.ended(&id)["code"], "OK");
}

#[test]
fn what_is_staged_outlives_a_kill_and_what_the_operator_said_meanwhile_counts() {
    let (site, mut service) = start();
    let id = site.send_down("image.raw", b"an image");
    let (staged, _) = Operator(&site).next();
    service.process.signal("KILL");
    service.process.wait_for_exit(PATIENCE);
    fs::write(staged.join("delivered"), b"").unwrap();
    // What it was filling then is of nobody.
    fs::create_dir(site.path("staged/.00000000000000aa")).unwrap();
    let _service = site.start();
    assert_eq!(site.ended(&id)["code"], "OK");
    assert!(site.left().is_empty());
    assert!(!site.path("staged/.00000000000000aa").exists());
}

#[test]
fn what_is_cancelled_leaves_the_staging_directory_and_is_back_in_the_outbox() {
    let (site, _service) = start();
    let id = site.send_down("image.raw", b"an image");
    Operator(&site).next();
    let cancelled = site
        .at("camera")
        .post(&format!("/v1/links/{id}/cancel"), &json!({}));
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    assert_eq!(site.ended(&id)["code"], "CANCELLED");
    assert_eq!(site.left(), ["image.raw"]);
    Operator(&site).wait_for_none();
}

#[test]
fn what_disappears_without_a_word_is_staged_again() {
    let (site, _service) = start();
    let id = site.send_down("image.raw", b"an image");
    let (staged, paper) = Operator(&site).next();
    fs::remove_dir_all(&staged).unwrap();
    let (staged, again) = Operator(&site).next();
    assert_eq!(again, paper);
    fs::write(staged.join("delivered"), b"").unwrap();
    assert_eq!(site.ended(&id)["code"], "OK");
}

#[test]
fn two_ways_down_are_one_too_many() {
    let site = Site::new();
    site.configure(&format!("{APPS}{STAGING}[link-service.files]\n"));
    let mut process = site.launch();
    assert_eq!(process.wait_for_exit(PATIENCE).code(), Some(1));
    let said = process
        .lines()
        .into_iter()
        .any(|line| line.text.contains("leave one out"));
    assert!(said);
}

#[test]
fn no_app_may_write_where_files_are_staged() {
    let site = Site::new();
    let in_its_root = "[[link-service.apps]]\nid = 'foreign'\nroot = 'staged'\n";
    site.configure(&format!("{APPS}{in_its_root}{STAGING}"));
    let mut process = site.launch();
    assert_eq!(process.wait_for_exit(PATIENCE).code(), Some(1));
    let is_told = |line: &str| line.contains("staging directory") && line.contains("foreign");
    assert!(process.lines().iter().any(|line| is_told(&line.text)));
    // Nor by a reload.
    site.configure(&format!("{APPS}{STAGING}"));
    let service = site.start();
    site.configure(&format!("{APPS}{in_its_root}{STAGING}"));
    let reloaded = service.graphql("mutation { reloadApps { success errors } }");
    assert_eq!(reloaded["reloadApps"]["success"], false);
    assert!(
        is_told(reloaded["reloadApps"]["errors"].as_str().unwrap()),
        "{reloaded}"
    );
}
