//! Apps that mean harm, on a real disk.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use link_service::code::Code;
use link_service::dropbox::{Dropbox, DropboxLimits};
use link_service::folders::{AppDirectories, Directories};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::Value;

use crate::desk::{CAMERA, Desk, DeskOf, adds_up, app};

const TO_ANALYSER: &str = r#"{"destinationAppId": "analyser"}"#;

struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Self {
        let site = Site(tempfile::tempdir().unwrap());
        for side in ["inbox", "outbox"] {
            fs::create_dir_all(site.0.path().join(side)).unwrap();
        }
        site
    }

    fn outbox(&self, path: &str) -> PathBuf {
        self.0.path().join("outbox").join(path)
    }

    fn elsewhere(&self, octets: &str) -> PathBuf {
        let path = self.0.path().join("elsewhere");
        fs::write(&path, octets).unwrap();
        path
    }

    fn dropbox(&self, desk: &Desk) -> Dropbox<DeskOf<Directories>> {
        let directories = AppDirectories {
            inbox: self.0.path().join("inbox"),
            outbox: self.0.path().join("outbox"),
            owner: Some(fs::metadata(self.0.path()).unwrap().uid()),
            group: None,
        };
        let folders = Directories::new([(app(CAMERA), directories)]);
        Dropbox::new(DeskOf(folders, desk.clone()), DropboxLimits::default())
    }
}

fn told(site: &Site, name: &str) -> Option<String> {
    let path = site.outbox(&format!("receipts/{name}.linkresponse.json"));
    let receipt: Value = serde_json::from_slice(&fs::read(path).ok()?).unwrap();
    Some(receipt["code"].as_str()?.to_owned())
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).unwrap().next().is_none()
}

/// Scans as often as it takes; it hangs nowhere.
fn refused(site: &Site, name: &str) {
    let desk = Desk::of(&[CAMERA]);
    let mut dropbox = site.dropbox(&desk);
    dropbox.scan();
    dropbox.scan();
    assert_eq!(told(site, name).as_deref(), Some("INVALID_ARGUMENT"));
    assert_eq!(desk.asked(), Vec::<String>::new());
    assert!(is_empty(&site.outbox(".requests")), "it is removed");
    assert_eq!(dropbox.counts().unread, 1);
    adds_up(dropbox.counts());
}

#[test]
fn a_link_is_no_request_and_what_it_leads_to_stays() {
    let site = Site::new();
    let elsewhere = site.elsewhere(TO_ANALYSER);
    symlink(&elsewhere, site.outbox("a.linkrequest.json")).unwrap();
    refused(&site, "a");
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), TO_ANALYSER);
}

#[test]
fn a_fifo_is_no_request_and_hangs_nothing() {
    let site = Site::new();
    let path = site.outbox("a.linkrequest.json");
    mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
    refused(&site, "a");
}

#[test]
fn a_second_name_of_a_file_is_no_request() {
    let site = Site::new();
    let elsewhere = site.elsewhere(TO_ANALYSER);
    fs::hard_link(elsewhere, site.outbox("a.linkrequest.json")).unwrap();
    refused(&site, "a");
}

#[test]
fn a_request_that_is_too_large_is_not_read() {
    let site = Site::new();
    let file = fs::File::create(site.outbox("a.linkrequest.json")).unwrap();
    file.set_len(1 << 40).unwrap();
    refused(&site, "a");
}

#[test]
fn a_request_of_many_brackets_is_refused() {
    let site = Site::new();
    fs::write(site.outbox("a.linkrequest.json"), "[".repeat(60_000)).unwrap();
    refused(&site, "a");
}

#[test]
fn a_receipt_is_written_through_no_link_of_the_app() {
    let site = Site::new();
    let elsewhere = site.elsewhere("precious");
    fs::create_dir(site.outbox("receipts")).unwrap();
    let receipt = site.outbox("receipts/a.linkresponse.json");
    symlink(&elsewhere, &receipt).unwrap();
    fs::write(site.outbox("a.linkrequest.json"), TO_ANALYSER).unwrap();
    let desk = Desk::of(&[CAMERA]);
    site.dropbox(&desk).scan();
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "precious");
    assert_eq!(told(&site, "a").as_deref(), Some("ACCEPTED"));
    assert!(!receipt.is_symlink());
}

#[test]
fn receipts_that_lead_elsewhere_are_not_written_and_the_request_goes_its_way() {
    let site = Site::new();
    let elsewhere = site.0.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, site.outbox("receipts")).unwrap();
    fs::write(site.outbox("a.linkrequest.json"), TO_ANALYSER).unwrap();
    let desk = Desk::of(&[CAMERA]);
    let mut dropbox = site.dropbox(&desk);
    dropbox.scan();
    desk.end(0, Code::Ok);
    dropbox.scan();
    assert!(is_empty(&elsewhere));
    assert!(!dropbox.is_waiting());
    assert_eq!(dropbox.counts().untold, 2);
}

#[test]
fn the_part_of_a_receipt_is_no_file_that_the_app_put_there() {
    let site = Site::new();
    let elsewhere = site.elsewhere("precious");
    fs::create_dir(site.outbox(".requests")).unwrap();
    fs::hard_link(&elsewhere, site.outbox(".requests/receipt.part")).unwrap();
    fs::write(site.outbox("a.linkrequest.json"), TO_ANALYSER).unwrap();
    site.dropbox(&Desk::of(&[CAMERA])).scan();
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "precious");
    assert_eq!(told(&site, "a").as_deref(), Some("ACCEPTED"));
}

#[test]
fn an_app_that_takes_away_what_is_kept_harms_itself_alone() {
    let site = Site::new();
    fs::write(site.outbox("a.linkrequest.json"), TO_ANALYSER).unwrap();
    let desk = Desk::of(&[CAMERA]);
    let mut dropbox = site.dropbox(&desk);
    dropbox.scan();
    desk.known().refuses = Some(Code::Unavailable);
    fs::write(site.outbox("b.linkrequest.json"), TO_ANALYSER).unwrap();
    dropbox.scan();
    fs::rename(site.outbox(".requests"), site.outbox("mine")).unwrap();
    dropbox.scan();
    assert!(!dropbox.is_waiting());
    assert_eq!(
        (dropbox.counts().untold, dropbox.counts().taken_away),
        (1, 1)
    );
    adds_up(dropbox.counts());
}
