//! A directory of the system: limits, and what a restart finds.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::{Directory, DirectoryLimits, FileStore, Staging, Step, StoreError};

use crate::{content, is_missing, is_not_allowed, lv, name, put, staging, transaction};

/// A store beneath a directory that is removed in the end.
pub(crate) struct Site {
    pub(crate) store: Directory,
    folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(limits())
    }

    pub(crate) fn with(limits: DirectoryLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        let store = Directory::open(&folder.path().join("root"), limits).unwrap();
        Site { store, folder }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// What is not the store's.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// As after a restart.
    pub(crate) fn open_again(&mut self) {
        self.store = Directory::open(&self.root(), limits()).unwrap();
    }
}

pub(crate) fn limits() -> DirectoryLimits {
    DirectoryLimits {
        free_bytes_min: 0,
        ..DirectoryLimits::default()
    }
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_root_that_is_not_there_is_not_made() {
    let site = Site::new();
    let none = site.root().join("none");
    let opened = Directory::open(&none, limits());
    assert!(matches!(opened, Err(StoreError::Failed { .. })));
    assert!(!none.exists());
}

#[test]
fn a_file_is_put_together_beside_what_it_will_be() {
    let mut site = Site::new();
    let _staged = site.store.stage(&staging(7, "a/file"), Some(3)).unwrap();
    assert_eq!(names_in(&site.root().join("a")), [".cfdp-3-7.part"]);
    let nowhere = Staging {
        transaction: transaction(8),
        beside: None,
    };
    let _staged = site.store.stage(&nowhere, None).unwrap();
    assert_eq!(names_in(&site.root()), [".cfdp-3-8.part", "a"]);
}

#[test]
fn a_source_is_the_file_that_was_opened() {
    let mut site = Site::new();
    put(&mut site.store, 1, "file", b"first").unwrap();
    let (mut source, first) = site.store.open(&name("file")).unwrap();
    assert_eq!(
        first.number,
        fs::metadata(site.root().join("file")).unwrap().ino()
    );
    put(&mut site.store, 2, "file", b"other").unwrap();
    let (_, other) = site.store.open(&name("file")).unwrap();
    assert_ne!(first, other);
    let mut octets = [0; 5];
    site.store.read(&mut source, 0, &mut octets).unwrap();
    assert_eq!(&octets, b"first");
}

#[test]
fn a_small_file_waits_for_the_disk_three_times_and_a_synced_one_two_times_more() {
    let mut site = Site::new();
    put(&mut site.store, 1, "file", b"abc").unwrap();
    let counts = site.store.counts();
    assert_eq!((counts.file_syncs, counts.directory_syncs), (1, 2));

    let place = staging(2, "file");
    let mut staged = site.store.stage(&place, Some(3)).unwrap();
    for _ in 0..2 {
        site.store.write(&mut staged, 0, b"abc").unwrap();
        site.store.sync(&mut staged).unwrap();
    }
    site.store.deliver(&place, 3, &name("file")).unwrap();
    let counts = site.store.counts();
    assert_eq!((counts.file_syncs, counts.directory_syncs), (4, 4));
}

/// The steps of a work.
fn steps_of(store: &mut Directory, work: impl FnOnce(&mut Directory)) -> Vec<Step> {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&steps);
    store.at_each_step(Box::new(move |step| told.lock().unwrap().push(step)));
    work(store);
    store.at_each_step(Box::new(|_| {}));
    let steps = steps.lock().unwrap();
    steps.clone()
}

#[test]
fn whatever_gets_a_name_is_on_the_disk_before_and_its_name_after() {
    let mut site = Site::new();
    let delivery = steps_of(&mut site.store, |store| {
        put(store, 1, "a/b", b"abc").unwrap();
    });
    let [made, synced, renamed] = [Step::PlaceMade, Step::FileSynced, Step::Renamed];
    let (named, name_synced) = (Step::PlaceNamed, Step::NameSynced);
    let expected = [
        Step::DirectoryMade,
        made,
        synced,
        named,
        renamed,
        name_synced,
    ];
    assert_eq!(delivery, expected);

    // A place that was synced is there after a cut of the power.
    let sync = steps_of(&mut site.store, |store| {
        let mut staged = store.stage(&staging(2, "a/b"), None).unwrap();
        store.sync(&mut staged).unwrap();
        store.sync(&mut staged).unwrap();
        store.deliver(&staging(2, "a/b"), 0, &name("a/b")).unwrap();
    });
    let place_synced = Step::PlaceSynced;
    let expected = [
        made,
        place_synced,
        named,
        place_synced,
        synced,
        renamed,
        name_synced,
    ];
    assert_eq!(sync, expected);

    let append = steps_of(&mut site.store, |store| {
        let (first, second) = (lv("a/b"), lv("a/b"));
        store.perform(&FilestoreRequest::AppendFile { first, second });
    });
    assert_eq!(append, [synced, renamed, name_synced]);

    // Found again, its name is synced again: the process before may not have come to it.
    let again = steps_of(&mut site.store, |store| {
        store.deliver(&staging(2, "a/b"), 0, &name("a/b")).unwrap();
    });
    assert_eq!(again, [name_synced]);
}

#[test]
fn what_is_expected_is_taken_before_the_first_octet_and_given_back_in_the_end() {
    let mut site = Site::with(DirectoryLimits {
        file_bytes_max: 100,
        staged_bytes_max: 150,
        staged_files_max: 3,
        ..limits()
    });
    let store = &mut site.store;
    assert!(is_not_allowed(store.stage(&staging(1, "a"), Some(101))));
    store.stage(&staging(1, "a"), Some(100)).unwrap();
    assert!(is_not_allowed(store.stage(&staging(2, "b"), Some(51))));
    store.stage(&staging(2, "b"), Some(49)).unwrap();
    let mut unbounded = store.stage(&staging(3, "c"), None).unwrap();
    assert!(is_not_allowed(store.stage(&staging(4, "d"), Some(0))));
    // The first two are there already.
    store.stage(&staging(1, "a"), Some(100)).unwrap();
    store.stage(&staging(2, "b"), None).unwrap();
    assert_eq!((store.staged_files(), store.staged_bytes()), (3, 149));

    store.write(&mut unbounded, 0, b"x").unwrap();
    assert!(is_not_allowed(store.write(&mut unbounded, 1, b"x")));
    store.discard(&staging(1, "a")).unwrap();
    store.write(&mut unbounded, 99, b"x").unwrap();
    assert!(is_not_allowed(store.write(&mut unbounded, 100, b"x")));
    store.deliver(&staging(3, "c"), 100, &name("c")).unwrap();
    assert_eq!((store.staged_files(), store.staged_bytes()), (1, 49));
    assert!(is_not_allowed(store.deliver(
        &staging(2, "b"),
        101,
        &name("b")
    )));
    store.discard(&staging(2, "b")).unwrap();
    assert_eq!((store.staged_files(), store.staged_bytes()), (0, 0));
}

#[test]
fn a_file_system_is_never_filled() {
    let mut site = Site::with(DirectoryLimits {
        free_bytes_min: 1 << 60,
        ..limits()
    });
    assert!(is_not_allowed(site.store.stage(&staging(1, "a"), Some(1))));
    assert_eq!(names_in(&site.root()), [""; 0]);
    let create = FilestoreRequest::CreateFile(lv("file"));
    assert_eq!(site.store.perform(&create), FilestoreStatus::NotAllowed);
}

#[test]
fn room_on_the_disk_is_taken_when_a_file_is_staged() {
    let mut site = Site::new();
    let place = staging(1, "file");
    let bytes = 1 << 20;
    site.store.stage(&place, Some(bytes)).unwrap();
    let metadata = fs::metadata(site.root().join(".cfdp-3-1.part")).unwrap();
    assert_eq!(metadata.len(), 0);
    // Not every file system can.
    assert!([0, bytes].contains(&(metadata.blocks() * 512).min(bytes)));
    // What was too much is given back.
    site.store.deliver(&place, 10, &name("file")).unwrap();
    let metadata = fs::metadata(site.root().join("file")).unwrap();
    assert_eq!(metadata.len(), 10);
    assert!(metadata.blocks() * 512 < bytes);
}

#[test]
fn a_request_makes_no_file_that_is_too_large() {
    let mut site = Site::with(DirectoryLimits {
        file_bytes_max: 5,
        ..limits()
    });
    put(&mut site.store, 1, "first", b"abc").unwrap();
    let append = FilestoreRequest::AppendFile {
        first: lv("first"),
        second: lv("first"),
    };
    assert_eq!(site.store.perform(&append), FilestoreStatus::NotAllowed);
    assert_eq!(content(&mut site.store, "first").unwrap(), b"abc");
    assert_eq!(names_in(&site.root()), ["first"]);
}

#[test]
fn a_listing_has_an_end() {
    let mut site = Site::with(DirectoryLimits {
        listed_names_max: 2,
        ..limits()
    });
    put(&mut site.store, 1, "a", b"").unwrap();
    put(&mut site.store, 2, "b", b"").unwrap();
    assert_eq!(site.store.list(None).unwrap(), ["a", "b"]);
    put(&mut site.store, 3, "c", b"").unwrap();
    assert!(is_not_allowed(site.store.list(None)));
}

#[test]
fn at_the_start_places_of_unknown_transactions_are_removed_and_others_counted() {
    let mut site = Site::new();
    for (number, beside) in [(1, "a/b/known"), (2, "a/b/unknown"), (3, "known"), (4, "x")] {
        let mut staged = site.store.stage(&staging(number, beside), None).unwrap();
        site.store.write(&mut staged, 0, b"abc").unwrap();
    }
    put(&mut site.store, 5, "a/file", b"abc").unwrap();
    fs::write(site.root().join("a/.cfdp-copy.part"), "half a copy").unwrap();
    fs::write(site.root().join("a/.cfdp-else"), "no place").unwrap();
    site.open_again();
    let known = [transaction(3), transaction(1), transaction(9)];
    let cleared = site.store.clear_unknown_staging(&known).unwrap();
    assert_eq!((cleared.removed, cleared.kept), (3, 2));
    assert_eq!(cleared.unreadable, 0);
    assert_eq!(
        (site.store.staged_files(), site.store.staged_bytes()),
        (2, 6)
    );
    assert_eq!(names_in(&site.root()), [".cfdp-3-3.part", "a"]);
    assert_eq!(
        names_in(&site.root().join("a")),
        [".cfdp-else", "b", "file"]
    );
    assert_eq!(names_in(&site.root().join("a/b")), [".cfdp-3-1.part"]);
    let place = staging(1, "a/b/known");
    site.store.deliver(&place, 3, &name("a/b/known")).unwrap();
    assert_eq!(content(&mut site.store, "a/b/known").unwrap(), b"abc");
}

#[test]
fn an_old_file_of_the_same_size_is_no_delivery_of_what_was_discarded() {
    let mut site = Site::new();
    let place = staging(1, "file");
    site.store.stage(&place, Some(3)).unwrap();
    site.store.discard(&place).unwrap();
    assert!(is_missing(site.store.deliver(&place, 3, &name("file"))));
    fs::write(site.root().join("file"), "older").unwrap();
    assert!(is_missing(site.store.deliver(&place, 3, &name("file"))));
}
