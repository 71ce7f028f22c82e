//! Who has a hand in the directory, or says what offsets and names there are, gets
//! nothing out of the root and nothing into what is outside it.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use file_delivery::StoreName;
use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::{DirectoryLimits, FileStore, Staging, StoreError};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::directory::{Site, limits};
use crate::{content, create_directory, is_not_allowed, lv, name, put, staging, transaction};

const SECRET: &str = "nothing for the link";

/// A site with something outside that must stay as it is, and links that lead there.
fn site() -> Site {
    let site = Site::new();
    let outside = site.outside().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), SECRET).unwrap();
    fs::write(outside.join(".cfdp-9-9.part"), SECRET).unwrap();
    let root = site.root();
    symlink(&outside, root.join("absolute")).unwrap();
    symlink("../outside", root.join("relative")).unwrap();
    symlink("../outside/secret", root.join("file")).unwrap();
    symlink("../outside/new", root.join("dangling")).unwrap();
    fs::create_dir(root.join("inside")).unwrap();
    fs::write(root.join("inside/file"), "inside").unwrap();
    // Not even one that leads to where one may go.
    symlink("inside", root.join("round")).unwrap();
    site
}

#[track_caller]
fn outside_is_as_it_was(site: &Site) {
    let outside = site.outside().join("outside");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 2);
    for file in ["secret", ".cfdp-9-9.part"] {
        assert_eq!(fs::read_to_string(outside.join(file)).unwrap(), SECRET);
    }
}

/// Every request with this name, and with another that is there.
fn requests(of: &str) -> Vec<FilestoreRequest<'_>> {
    let (of, other) = (lv(of), lv("inside/file"));
    let pairs = [(of, other), (other, of)];
    let pairs = pairs.into_iter().flat_map(|(first, second)| {
        [
            FilestoreRequest::RenameFile {
                old: first,
                new: second,
            },
            FilestoreRequest::AppendFile { first, second },
            FilestoreRequest::ReplaceFile { first, second },
        ]
    });
    let single = [
        FilestoreRequest::CreateFile(of),
        FilestoreRequest::DeleteFile(of),
        FilestoreRequest::DenyFile(of),
        FilestoreRequest::CreateDirectory(of),
        FilestoreRequest::RemoveDirectory(of),
        FilestoreRequest::DenyDirectory(of),
    ];
    pairs.chain(single).collect()
}

#[test]
fn nothing_goes_through_a_link() {
    let mut site = site();
    for through in [
        "absolute/secret",
        "relative/secret",
        "absolute/new",
        "relative/new/deeper",
        "round/file",
        "file",
        "dangling",
        "absolute",
        "round",
    ] {
        let store = &mut site.store;
        assert!(is_not_allowed(store.open(&name(through))), "{through}");
        assert!(is_not_allowed(put(store, 1, through, b"new")), "{through}");
        let elsewhere = Staging {
            transaction: transaction(2),
            beside: None,
        };
        store.stage(&elsewhere, None).unwrap();
        let delivered = store.deliver(&elsewhere, 0, &name(through));
        assert!(is_not_allowed(delivered), "{through}");
        for request in requests(through) {
            let status = store.perform(&request);
            // The name of a link is taken.
            let is_refused = matches!(
                status,
                FilestoreStatus::NotAllowed | FilestoreStatus::SecondExists
            );
            assert!(is_refused, "{request:?} {status:?}");
        }
    }
    for directory in ["absolute", "relative", "round", "file"] {
        assert!(is_not_allowed(site.store.list(Some(&name(directory)))));
    }
    assert_eq!(site.store.list(None).unwrap(), ["inside/"]);
    outside_is_as_it_was(&site);
    let links = ["absolute", "relative", "file", "dangling", "round"];
    assert!(links.iter().all(|link| site.root().join(link).is_symlink()));
    assert_eq!(content(&mut site.store, "inside/file").unwrap(), b"inside");
}

#[test]
fn a_link_in_the_place_of_staging_is_not_written_through() {
    let mut site = site();
    let target = site.outside().join("outside/secret");
    symlink(target, site.root().join("inside/.cfdp-3-1.part")).unwrap();
    let place = staging(1, "inside/file");
    assert!(is_not_allowed(site.store.stage(&place, None)));
    assert!(is_not_allowed(site.store.deliver(
        &place,
        0,
        &name("inside/file")
    )));
    outside_is_as_it_was(&site);
    // The start removes the link, also where the transaction is known.
    let cleared = site.store.clear_unknown_staging(&[transaction(1)]).unwrap();
    assert_eq!((cleared.removed, cleared.kept), (1, 0));
    put(&mut site.store, 1, "inside/file", b"new").unwrap();
    outside_is_as_it_was(&site);
}

#[test]
fn another_name_of_a_file_outside_is_not_written_through() {
    let mut site = site();
    let target = site.outside().join("outside/secret");
    fs::hard_link(target, site.root().join("inside/.cfdp-3-1.part")).unwrap();
    let place = staging(1, "inside/file");
    assert!(is_not_allowed(site.store.stage(&place, None)));
    assert!(is_not_allowed(site.store.deliver(
        &place,
        0,
        &name("inside/file")
    )));
    outside_is_as_it_was(&site);
}

#[test]
fn the_start_goes_through_no_link() {
    let mut site = site();
    let cleared = site.store.clear_unknown_staging(&[]).unwrap();
    assert_eq!((cleared.removed, cleared.unreadable), (0, 0));
    outside_is_as_it_was(&site);
}

fn make_node(path: &Path, kind: FileType) -> bool {
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), 0x0103).is_ok()
}

#[test]
fn only_regular_files_are_opened_and_nobody_waits_for_others() {
    let mut site = site();
    let root = site.root();
    assert!(make_node(&root.join("fifo"), FileType::Fifo));
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    let mut specials = vec!["fifo", "socket"];
    // Only who may make devices can be shown one.
    if make_node(&root.join("device"), FileType::CharacterDevice) {
        specials.push("device");
    }
    for special in specials {
        let store = &mut site.store;
        // A device that there is no driver of, or that may not be opened, fails.
        let refused = |result: Result<(), StoreError>| {
            is_not_allowed(result.clone()) || matches!(result, Err(StoreError::Failed { .. }))
        };
        assert!(refused(store.open(&name(special)).map(drop)), "{special}");
        assert!(is_not_allowed(put(store, 1, special, b"new")), "{special}");
        for request in requests(special) {
            let status = store.perform(&request);
            let is_refused = matches!(
                status,
                FilestoreStatus::NotAllowed | FilestoreStatus::SecondExists
            );
            assert!(is_refused, "{request:?} {status:?}");
        }
        let kind = fs::symlink_metadata(root.join(special))
            .unwrap()
            .file_type();
        assert!(kind.is_fifo() || kind.is_socket() || kind.is_char_device());
    }
    assert_eq!(site.store.list(None).unwrap(), ["inside/"]);
}

#[test]
fn an_octet_at_four_gibibytes_of_a_small_file_takes_no_room() {
    let mut site = site();
    let mut staged = site.store.stage(&staging(1, "file-1"), Some(100)).unwrap();
    for offset in [100, u64::from(u32::MAX), 1 << 32, i64::MAX as u64, u64::MAX] {
        let written = site.store.write(&mut staged, offset, b"x");
        assert!(is_not_allowed(written), "{offset}");
    }
    let mut unbounded = site.store.stage(&staging(2, "file-2"), None).unwrap();
    let most = limits().file_bytes_max;
    for offset in [most, i64::MAX as u64, u64::MAX] {
        let written = site.store.write(&mut unbounded, offset, b"x");
        assert!(is_not_allowed(written), "{offset}");
    }
    for place in [".cfdp-3-1.part", ".cfdp-3-2.part"] {
        assert_eq!(fs::metadata(site.root().join(place)).unwrap().len(), 0);
    }
    assert_eq!(site.store.staged_bytes(), 100);
}

#[test]
fn names_that_cannot_be_asked_for_are_not_listed() {
    let mut site = site();
    for odd in ["back\\slash", "new\nline"] {
        fs::write(site.root().join(odd), "").unwrap();
    }
    use std::os::unix::ffi::OsStrExt as _;
    let latin = std::ffi::OsStr::from_bytes(b"caf\xE9");
    fs::write(site.root().join(latin), "").unwrap();
    assert_eq!(site.store.list(None).unwrap(), ["inside/"]);
}

/// Also where the test fails.
struct EndsAtDrop<'a>(&'a AtomicBool);

impl Drop for EndsAtDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn who_swaps_a_directory_for_a_link_all_the_time_gains_nothing() {
    let mut site = site();
    let root = site.root();
    fs::create_dir(root.join("swapped")).unwrap();
    fs::write(root.join("swapped/secret"), "of the store").unwrap();
    symlink("../outside", root.join("link")).unwrap();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let exchange = rustix::fs::RenameFlags::EXCHANGE;
            let (a, b) = (root.join("swapped"), root.join("link"));
            while !ended.load(Ordering::Relaxed) {
                let _ = rustix::fs::renameat_with(CWD, &a, CWD, &b, exchange);
            }
        });
        let _ends = EndsAtDrop(&ended);
        for number in 0..2_000 {
            if let Ok(octets) = content(&mut site.store, "swapped/secret") {
                assert_ne!(octets, SECRET.as_bytes());
            }
            let _ = put(&mut site.store, number, "swapped/new", b"new");
            let _ = site.store.discard(&staging(number, "swapped/new"));
            let _ = site.store.perform(&create_directory("swapped/directory"));
            let delete = FilestoreRequest::DeleteFile(lv("swapped/secret"));
            if number % 100 == 0 {
                let _ = site.store.perform(&delete);
                let _ = put(&mut site.store, number, "swapped/secret", b"of the store");
            }
            if number % 10 == 0 {
                let _ = site.store.clear_unknown_staging(&[]);
            }
        }
    });
    outside_is_as_it_was(&site);
}

#[test]
fn a_disk_that_is_full_fails_and_loses_nothing() {
    // A file's greatest size stands for a full disk: the system refuses either.
    let mut site = Site::with(DirectoryLimits {
        file_bytes_max: u64::MAX,
        staged_bytes_max: u64::MAX,
        ..limits()
    });
    let place = staging(1, "file");
    let mut staged = site.store.stage(&place, None).unwrap();
    site.store.write(&mut staged, 0, b"abc").unwrap();
    let refused = site.store.write(&mut staged, i64::MAX as u64, b"def");
    assert!(!matches!(refused, Ok(()) | Err(StoreError::Missing { .. })));
    site.store.sync(&mut staged).unwrap();
    site.store.deliver(&place, 3, &name("file")).unwrap();
    assert_eq!(content(&mut site.store, "file").unwrap(), b"abc");
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(6),
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    /// Whatever a name is, what is outside stays as it is.
    #[test]
    fn no_name_leads_outside(
        parts in prop::collection::vec(
            prop_oneof![
                Just(".."), Just("."), Just(""), Just("absolute"), Just("relative"),
                Just("inside"), Just("secret"), Just("file"), Just("outside"), Just("round"),
                Just("..\\outside"), Just("\0"), Just(".cfdp-3-1.part"), Just("new"),
            ],
            1..6,
        ),
    ) {
        let mut site = site();
        let of = parts.join("/");
        for request in requests(&of) {
            site.store.perform(&request);
        }
        if let Ok(name) = StoreName::new(of.as_bytes()) {
            if let Ok(octets) = content(&mut site.store, name.as_str()) {
                prop_assert_ne!(octets, SECRET.as_bytes());
            }
            let _ = put(&mut site.store, 1, name.as_str(), b"new");
            let _ = site.store.list(Some(&name));
        }
        outside_is_as_it_was(&site);
    }
}
