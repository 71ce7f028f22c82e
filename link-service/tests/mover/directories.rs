//! Boxes that are directories of a real disk.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use link_service::code::Code;
use link_service::folders::{FolderError, Folders, Kind, Replace, Side};
use link_service::journal::{Journal, JournalError};
use link_service::mover::{Mover, Quota, Ran};
use link_service::names::AppId;
use link_service::record::{Order, Transfer, TransferId};
use link_service::request::LinkRequest;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::rig::{accept, app, limits, octets, request, run, run_to_end};
use crate::site::{FileJournal, Site, directories_at};

fn is_refused(site: &Site, request: &LinkRequest, code: Code) {
    let refused = accept(&site.mover(), 1, request).unwrap_err();
    assert_eq!(refused.code, code, "{refused}");
    assert_eq!(site.paths("journal"), Vec::<String>::new());
}

#[test]
fn a_file_arrives_with_its_octets_as_its_recipients_and_the_source_is_gone() {
    let site = Site::new();
    let image = octets("image", 3_000_000);
    fs::write(site.path("camera/outbox/image"), &image).unwrap();
    let old_mode = fs::Permissions::from_mode(0o6777);
    fs::set_permissions(site.path("camera/outbox/image"), old_mode).unwrap();
    let mover = Mover::new(
        directories_at(site.0.path()),
        NoJournal,
        Default::default(),
        |_: &AppId| Quota::UNLIMITED,
    );
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(fs::read(site.path("analyser/inbox/image")).unwrap(), image);
    assert_eq!(
        transfer.files[0].hash,
        Some(*blake3::hash(&image).as_bytes())
    );
    let metadata = fs::metadata(site.path("analyser/inbox/image")).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o640);
    assert_eq!(site.paths("camera/outbox"), Vec::<String>::new());
    assert_eq!(site.paths("analyser/inbox"), ["image"]);
}

#[test]
fn a_file_that_somebody_else_is_to_have_is_that_ones() {
    let site = Site::new();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    let folders = directories_at(site.0.path());
    let mut directories = Vec::new();
    for (name, owner) in [("camera", 0), ("analyser", 4711)] {
        let root = site.path(name);
        let boxes = link_service::folders::AppDirectories {
            inbox: root.join("inbox"),
            outbox: root.join("outbox"),
            owner: Some(owner),
            group: Some(owner),
        };
        directories.push((app(name), boxes));
    }
    folders.replace(directories);
    let mover = Mover::new(folders, NoJournal, limits(), |_: &AppId| Quota::UNLIMITED);
    let mut in_subdirectory = request(&["image"]);
    in_subdirectory.subdirectory = "raw".parse().unwrap();
    fs::create_dir(site.path("camera/outbox/raw")).unwrap();
    fs::rename(
        site.path("camera/outbox/image"),
        site.path("camera/outbox/raw/image"),
    )
    .unwrap();
    let mut transfer = accept(&mover, 1, &in_subdirectory).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    for path in ["analyser/inbox/raw", "analyser/inbox/raw/image"] {
        let metadata = fs::metadata(site.path(path)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (4711, 4711), "{path}");
    }
    // What is on its way is nobody's but the service's.
    let own = fs::metadata(site.path("analyser/inbox/.link")).unwrap();
    assert_eq!((own.uid(), own.mode() & 0o777), (0, 0o700));
}

#[test]
fn w1_no_name_leads_out_of_a_box() {
    for name in [
        "../../victim/outbox/image",
        "/etc/passwd",
        "..",
        ".",
        "",
        "raw/image",
    ] {
        assert!(
            name.parse::<link_service::names::FileName>().is_err(),
            "{name}"
        );
    }
    let subdirectory = "../../victim/inbox".parse::<link_service::names::Subdirectory>();
    assert!(subdirectory.is_err());
    // Nor would one that got so far.
    let site = Site::new();
    fs::write(site.path("camera/secret"), b"octets").unwrap();
    let folders = directories_at(site.0.path());
    let outbox = folders.open_box(&app("camera"), Side::Outbox).unwrap();
    for name in ["../secret", "..", ".", "", "/etc/passwd", "a/b", "a\0b"] {
        let is_refused = |error: FolderError| matches!(error, FolderError::NotAllowed { .. });
        assert!(
            is_refused(folders.open(&outbox, name).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.open_to_write(&outbox, name).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.look(&outbox, name).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.open_directory(&outbox, name).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.make_directory(&outbox, name, None).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.remove(&outbox, name).unwrap_err()),
            "{name}"
        );
        assert!(
            is_refused(folders.remove_directory(&outbox, name).unwrap_err()),
            "{name}"
        );
        let renamed = folders.rename((&outbox, name), (&outbox, "b"), Replace::May);
        assert!(is_refused(renamed.unwrap_err()), "{name}");
        let renamed = folders.rename((&outbox, "b"), (&outbox, name), Replace::Never);
        assert!(is_refused(renamed.unwrap_err()), "{name}");
    }
}

#[test]
fn w2_no_name_of_an_app_leads_to_another() {
    for name in [
        "./platform-deployment",
        "x/../platform-deployment",
        "Platform-Deployment",
    ] {
        assert!(name.parse::<AppId>().is_err(), "{name}");
    }
}

#[test]
fn w3_a_symbolic_link_is_not_followed() {
    let site = Site::new();
    fs::write(site.path("archive/inbox/secret"), b"octets").unwrap();
    symlink(
        "../../archive/inbox/secret",
        site.path("camera/outbox/image"),
    )
    .unwrap();
    is_refused(&site, &request(&["image"]), Code::SourceNotRegular);
    // Nor one of a directory.
    symlink("../../archive/inbox", site.path("camera/outbox/raw")).unwrap();
    let mut through = request(&["secret"]);
    through.subdirectory = "raw".parse().unwrap();
    is_refused(&site, &through, Code::SourceNotRegular);
}

#[test]
fn a_hard_link_of_a_foreign_file_is_not_sent() {
    let site = Site::new();
    fs::write(site.path("archive/inbox/secret"), b"octets").unwrap();
    fs::hard_link(
        site.path("archive/inbox/secret"),
        site.path("camera/outbox/image"),
    )
    .unwrap();
    is_refused(&site, &request(&["image"]), Code::SourceNotRegular);
}

#[test]
fn a_fifo_a_device_a_socket_or_a_directory_is_neither_sent_nor_waited_for() {
    let site = Site::new();
    let _socket =
        std::os::unix::net::UnixListener::bind(site.path("camera/outbox/socket")).unwrap();
    fs::create_dir(site.path("camera/outbox/directory")).unwrap();
    let mode = Mode::from_raw_mode(0o600);
    mknodat(
        CWD,
        site.path("camera/outbox/fifo"),
        FileType::Fifo,
        mode,
        0,
    )
    .unwrap();
    let device = rustix::fs::makedev(1, 5);
    let kind = FileType::CharacterDevice;
    let made = mknodat(CWD, site.path("camera/outbox/device"), kind, mode, device);
    let mut names = vec!["socket", "directory", "fifo"];
    // Only root makes devices.
    names.extend(made.is_ok().then_some("device"));
    for name in names {
        is_refused(&site, &request(&[name]), Code::SourceNotRegular);
    }
}

#[test]
fn somebody_elses_file_is_not_sent() {
    let site = Site::new();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    std::os::unix::fs::chown(site.path("camera/outbox/image"), Some(4711), None).unwrap();
    is_refused(&site, &request(&["image"]), Code::SourceNotRegular);
}

#[test]
fn a_box_that_is_a_link_is_not_opened() {
    let site = Site::new();
    fs::remove_dir(site.path("analyser/inbox")).unwrap();
    symlink("../archive/inbox", site.path("analyser/inbox")).unwrap();
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    let mover = site.mover();
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let ran = run(&mover, &mut transfer);
    assert!(matches!(ran, Ran::Retry(Code::Unavailable, _)), "{ran:?}");
    let ran = mover.give_up(&mut transfer, Code::Expired, "");
    assert!(matches!(ran, Ran::Ended(_)), "{ran:?}");
    assert_eq!(site.paths("archive/inbox"), Vec::<String>::new());
    assert_eq!(site.paths("camera/outbox"), ["image"]);
}

#[test]
fn a_recipient_that_makes_a_link_of_a_subdirectory_gets_nothing_and_leads_nowhere() {
    let site = Site::new();
    symlink("../../archive/inbox", site.path("analyser/inbox/raw")).unwrap();
    fs::create_dir(site.path("camera/outbox/raw")).unwrap();
    fs::write(site.path("camera/outbox/raw/image"), b"octets").unwrap();
    let mut request = request(&["image"]);
    request.subdirectory = "raw".parse().unwrap();
    let mover = site.mover();
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert_ne!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(site.paths("archive/inbox"), Vec::<String>::new());
    assert_eq!(site.paths("camera/outbox"), ["raw/image"]);
}

#[test]
fn a_link_that_is_replaced_is_replaced_itself() {
    let site = Site::new();
    fs::write(site.path("archive/inbox/victim"), b"victim").unwrap();
    symlink(
        "../../archive/inbox/victim",
        site.path("analyser/inbox/image"),
    )
    .unwrap();
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    let mut request = request(&["image"]);
    request.overwrite = true;
    let mover = site.mover();
    let mut transfer = accept(&mover, 1, &request).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(
        fs::read(site.path("archive/inbox/victim")).unwrap(),
        b"victim"
    );
    let metadata = fs::symlink_metadata(site.path("analyser/inbox/image")).unwrap();
    assert!(metadata.is_file());
}

#[test]
fn a_sender_that_swaps_its_claim_sends_nothing_foreign() {
    let site = Site::new();
    fs::write(site.path("archive/inbox/secret"), b"octet!").unwrap();
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    let mover = site.mover();
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(mover.run(&mut transfer, &|| false), Ran::Preempted);
    let claim = site.path("camera/outbox/.link/0000000000000001.image");
    fs::remove_file(&claim).unwrap();
    symlink("../../../archive/inbox/secret", &claim).unwrap();
    let outcome = run_to_end(&mover, &mut transfer);
    assert_eq!(outcome.code, Code::SourceNotRegular, "{outcome:?}");
    assert_eq!(site.paths("analyser/inbox"), Vec::<String>::new());
    assert_eq!(
        fs::read(site.path("archive/inbox/secret")).unwrap(),
        b"octet!"
    );
}

#[test]
fn a_sender_that_writes_on_after_the_claim_does_not_send_half_of_each() {
    use std::io::{Seek as _, Write as _};
    let site = Site::new();
    let path = site.path("camera/outbox/image");
    fs::write(&path, octets("image", 64)).unwrap();
    let mut file = fs::File::options().write(true).open(path).unwrap();
    let mover = site.mover();
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let chunks = std::cell::Cell::new(0);
    let write = || {
        if chunks.replace(chunks.get() + 1) == 2 {
            file_write(&file);
        }
        true
    };
    let ran = mover.run(&mut transfer, &write);
    assert!(matches!(ran, Ran::Ended(outcome) if outcome.code == Code::SourceChanged));
    assert_eq!(site.paths("analyser/inbox"), Vec::<String>::new());
    assert_eq!(site.paths("camera/outbox"), ["image"]);
    file.rewind().unwrap();
    file.flush().unwrap();
}

/// Through a descriptor that was open before.
fn file_write(mut file: &fs::File) {
    use std::io::Write as _;
    file.write_all(b"other").unwrap();
    file.sync_all().unwrap();
}

#[test]
fn without_renames_that_replace_nothing_nothing_is_replaced_either() {
    let site = Site::new();
    let folders = directories_at(site.0.path()).without_renames_without_replacing();
    let inbox = folders.open_box(&app("analyser"), Side::Inbox).unwrap();
    let put = |name: &str| fs::write(site.path("analyser/inbox").join(name), name).unwrap();
    put("a");
    put("b");
    let renamed = folders.rename((&inbox, "a"), (&inbox, "b"), Replace::Never);
    assert!(
        matches!(renamed, Err(FolderError::Exists { .. })),
        "{renamed:?}"
    );
    folders
        .rename((&inbox, "a"), (&inbox, "c"), Replace::Never)
        .unwrap();
    assert_eq!(site.paths("analyser/inbox"), ["b", "c"]);
    // A crash between the two names.
    fs::hard_link(site.path("analyser/inbox/c"), site.path("analyser/inbox/d")).unwrap();
    folders
        .rename((&inbox, "c"), (&inbox, "d"), Replace::Never)
        .unwrap();
    assert_eq!(site.paths("analyser/inbox"), ["b", "d"]);
    // Directories.
    for name in ["e", "f"] {
        folders.make_directory(&inbox, name, None).unwrap();
    }
    let renamed = folders.rename((&inbox, "e"), (&inbox, "f"), Replace::Never);
    assert!(
        matches!(renamed, Err(FolderError::Exists { .. })),
        "{renamed:?}"
    );
    folders
        .rename((&inbox, "e"), (&inbox, "g"), Replace::Never)
        .unwrap();

    let mover = Mover::new(folders, FileJournal::at(&site), limits(), |_: &AppId| {
        Quota::UNLIMITED
    });
    fs::write(site.path("camera/outbox/image"), b"octets").unwrap();
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
    assert_eq!(site.paths("camera/outbox"), Vec::<String>::new());
    assert_eq!(site.paths("analyser/inbox"), ["b", "d", "image"]);
}

#[test]
fn a_name_is_taken_by_a_file_a_link_or_a_directory() {
    let site = Site::new();
    let folders = directories_at(site.0.path());
    let inbox = folders.open_box(&app("analyser"), Side::Inbox).unwrap();
    let put = |name: &str| fs::write(site.path("analyser/inbox").join(name), name).unwrap();
    put("a");
    put("file");
    symlink("nowhere", site.path("analyser/inbox/link")).unwrap();
    folders.make_directory(&inbox, "directory", None).unwrap();
    for taken in ["file", "link", "directory"] {
        let renamed = folders.rename((&inbox, "a"), (&inbox, taken), Replace::Never);
        assert!(
            matches!(renamed, Err(FolderError::Exists { .. })),
            "{renamed:?}"
        );
    }
    let renamed = folders.rename((&inbox, "a"), (&inbox, "directory"), Replace::May);
    assert!(
        matches!(renamed, Err(FolderError::Exists { .. })),
        "{renamed:?}"
    );
    let listed = folders.list(&inbox).unwrap();
    let listed: Vec<_> = listed.iter().map(|(name, kind)| (&**name, *kind)).collect();
    let wanted = [
        ("a", Kind::File),
        ("directory", Kind::Directory),
        ("file", Kind::File),
        ("link", Kind::Other),
    ];
    assert_eq!(listed, wanted);
}

#[test]
fn a_box_that_is_not_there_is_missing_and_not_made() {
    let site = Site::new();
    fs::remove_dir(site.path("analyser/inbox")).unwrap();
    let folders = directories_at(site.0.path());
    for name in ["analyser", "nobody"] {
        let opened = folders.open_box(&app(name), Side::Inbox);
        assert!(matches!(opened, Err(FolderError::Missing { .. })));
    }
    assert!(!site.path("analyser/inbox").exists());
}

#[test]
fn many_threads_deliver_with_one_mover() {
    const THREADS: u64 = 8;
    const FILES: u64 = 25;
    let site = Site::new();
    let mover = site.mover();
    let name = |id: u64| format!("image-{id}");
    for id in 0..THREADS * FILES {
        let octets = octets(&name(id), id as usize);
        fs::write(site.path("camera/outbox").join(name(id)), octets).unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let mover = &mover;
            scope.spawn(move || {
                for id in thread * FILES..(thread + 1) * FILES {
                    let mut transfer = accept(mover, id, &request(&[&name(id)])).unwrap();
                    assert_eq!(run_to_end(mover, &mut transfer).code, Code::Ok);
                }
            });
        }
    });
    assert_eq!(site.paths("camera/outbox"), Vec::<String>::new());
    assert_eq!(site.paths("analyser/inbox").len() as u64, THREADS * FILES);
    for id in 0..THREADS * FILES {
        let path = site.path("analyser/inbox").join(name(id));
        assert_eq!(fs::read(path).unwrap(), octets(&name(id), id as usize));
    }
}

/// A journal that keeps nothing.
struct NoJournal;

impl Journal for NoJournal {
    fn load(&self) -> Result<Vec<Transfer>, JournalError> {
        Ok(Vec::new())
    }

    fn put(&self, _: &Transfer) -> Result<(), JournalError> {
        Ok(())
    }

    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError> {
        Ok(Vec::new())
    }

    fn acknowledge(&self, _: TransferId, _: u32) -> Result<(), JournalError> {
        Ok(())
    }

    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError> {
        Ok(Vec::new())
    }

    fn order(&self, _: TransferId, _: Order) -> Result<(), JournalError> {
        Ok(())
    }

    fn remove(&self, _: TransferId) -> Result<(), JournalError> {
        Ok(())
    }
}
