//! Files of apps: which may go out, and what becomes of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use link_client::LinkError;
use payload_controller::core::*;
use payload_controller::files::{AppFolders, Carrier, Confined, FileThreads, Stager, Standing};
use payload_controller::shell::door;
use payload_interface::AppName;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::eventually;

/// A link service that remembers.
#[derive(Clone)]
pub(crate) struct Fake(pub(crate) Arc<Mutex<Link>>);

#[derive(Default)]
pub(crate) struct Link {
    pub(crate) outbox: PathBuf,
    pub(crate) is_away: bool,
    pub(crate) takes_out_later: bool,
    pub(crate) handed_in: Vec<(String, Vec<u8>, String)>,
    pub(crate) standings: BTreeMap<String, Standing>,
}

impl Carrier for Fake {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        self.there()?;
        Ok(self.0.lock().unwrap().outbox.clone())
    }

    fn hand_in(&self, file: &Path, tracking: &str, record: &FileRecord) -> Result<(), LinkError> {
        self.there()?;
        let mut link = self.0.lock().unwrap();
        let beneath = file.strip_prefix(&link.outbox).unwrap();
        let name = beneath.to_str().unwrap().to_owned();
        let octets = fs::read(file).unwrap();
        if !link.takes_out_later {
            fs::remove_file(file).unwrap();
        }
        link.handed_in
            .push((name, octets, format!("{:?}", record.priority)));
        link.standings.insert(tracking.to_owned(), Standing::Open);
        Ok(())
    }

    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError> {
        self.there()?;
        Ok(self.0.lock().unwrap().standings.get(tracking).cloned())
    }
}

impl Fake {
    fn there(&self) -> Result<(), LinkError> {
        match self.0.lock().unwrap().is_away {
            false => Ok(()),
            true => Err(LinkError::NoService {
                at: "link.sock".to_owned(),
                error: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }

    fn all_stand(&self, standing: Standing) {
        let mut link = self.0.lock().unwrap();
        link.standings
            .values_mut()
            .for_each(|one| *one = standing.clone());
    }
}

struct Rig {
    stager: Stager<Fake>,
    link: Fake,
    outbound: PathBuf,
    _folder: tempfile::TempDir,
}

pub(crate) fn camera() -> AppName {
    "camera".parse().unwrap()
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn folders(root: &Path) -> AppFolders {
    let folders = AppFolders {
        outbound: root.join("outbound"),
        inbound: root.join("inbound"),
        owner: None,
    };
    fs::create_dir_all(&folders.outbound).unwrap();
    fs::create_dir_all(&folders.inbound).unwrap();
    folders
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let folders = folders(folder.path());
        let outbound = folders.outbound.clone();
        let link = Fake(Arc::new(Mutex::new(Link {
            outbox: folder.path().join("outbox"),
            ..Link::default()
        })));
        let stager = Stager::new(link.clone(), [(camera(), folders)], secs(30));
        Rig {
            stager,
            link,
            outbound,
            _folder: folder,
        }
    }

    fn write(&self, path: &str, octets: &str) {
        let path = self.outbound.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets).unwrap();
    }

    fn stage(&mut self, record: &FileRecord) -> Vec<Event> {
        self.stager.stage(record.clone(), secs(0));
        self.stager.work(secs(0))
    }

    /// It is handed in: what the controller then has of it.
    fn accepted(&mut self, record: &FileRecord) -> FileRecord {
        let events = self.stage(record);
        let [Event::FileAccepted { file, mark, bytes }] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(*file, record.id);
        FileRecord {
            state: FileState::Accepted,
            mark: Some(mark.clone()),
            bytes: *bytes,
            ..record.clone()
        }
    }

    fn refused(&mut self, path: &str) -> String {
        let events = self.stage(&record(1, path));
        match events.as_slice() {
            [Event::FileRefused(_, why)] => why.clone(),
            events => panic!("{path}: {events:?}"),
        }
    }
}

pub(crate) fn record(id: u64, path: &str) -> FileRecord {
    FileRecord {
        id: FileId(id),
        app: camera(),
        path: path.to_owned(),
        priority: FilePriority::High,
        band: FileBand::XBand,
        state: FileState::Asked,
        asked: 0,
        correlation_id: 1,
        session: 1,
        attempts: 1,
        mark: None,
        bytes: 0,
    }
}

#[test]
fn a_file_is_handed_in_with_its_octets_and_priority_and_stays_where_it_is() {
    let mut rig = Rig::new();
    rig.write("images/a.raw", "pixels");
    rig.accepted(&record(1, "images/a.raw"));
    let handed_in = rig.link.0.lock().unwrap().handed_in.clone();
    let expected = (
        "camera/images/a.raw".to_owned(),
        b"pixels".to_vec(),
        "High".to_owned(),
    );
    assert_eq!(handed_in, [expected]);
    assert!(rig.outbound.join("images/a.raw").exists());
}

#[test]
fn a_file_is_removed_when_the_ground_has_it() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    let record = rig.accepted(&record(1, "a"));
    assert!(rig.stager.watch().is_empty());
    rig.link.all_stand(Standing::Done);
    assert_eq!(rig.stager.watch(), [Event::FileOnGround(FileId(1))]);
    rig.stager.discard(record);
    assert_eq!(rig.stager.work(secs(1)), [Event::FileGone(FileId(1))]);
    assert!(!rig.outbound.join("a").exists());
}

#[test]
fn a_file_that_is_another_one_by_then_is_not_removed() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    let record = rig.accepted(&record(1, "a"));
    rig.write("a", "the next");
    rig.stager.discard(record);
    assert_eq!(rig.stager.work(secs(1)), [Event::FileGone(FileId(1))]);
    assert_eq!(fs::read(rig.outbound.join("a")).unwrap(), b"the next");
}

#[test]
fn the_same_file_has_the_same_mark_and_is_handed_in_once() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    let first = rig.accepted(&record(1, "a"));
    let second = rig.accepted(&record(2, "a"));
    assert_eq!(first.mark, second.mark);
    assert_eq!(rig.link.0.lock().unwrap().handed_in.len(), 1);
    rig.write("a", "changed");
    let third = rig.accepted(&record(3, "a"));
    assert_ne!(first.mark, third.mark);
}

#[test]
fn a_file_that_waits_for_the_link_service_is_not_written_over_by_the_next_of_its_name() {
    let mut rig = Rig::new();
    rig.link.0.lock().unwrap().takes_out_later = true;
    rig.write("a", "first");
    rig.accepted(&record(1, "a"));
    rig.write("a", "second");
    rig.accepted(&record(2, "a"));
    let outbox = rig.link.0.lock().unwrap().outbox.clone();
    assert_eq!(fs::read(outbox.join("camera/a")).unwrap(), b"first");
    assert_eq!(fs::read(outbox.join("camera/2/a")).unwrap(), b"second");
    // Once it is taken out, its name is free.
    fs::remove_file(outbox.join("camera/a")).unwrap();
    rig.write("a", "the third");
    rig.accepted(&record(3, "a"));
    assert_eq!(fs::read(outbox.join("camera/a")).unwrap(), b"the third");
}

#[test]
fn a_file_that_was_accepted_before_a_restart_is_watched_though_it_is_gone_here() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    let accepted = rig.accepted(&record(1, "a"));
    fs::remove_file(rig.outbound.join("a")).unwrap();
    rig.stager = Stager::new(
        rig.link.clone(),
        [(
            camera(),
            AppFolders {
                outbound: rig.outbound.clone(),
                inbound: PathBuf::new(),
                owner: None,
            },
        )],
        secs(30),
    );
    assert!(rig.stage(&accepted).is_empty());
    assert!(!rig.stager.is_busy());
    rig.link.all_stand(Standing::Done);
    assert_eq!(rig.stager.watch(), [Event::FileOnGround(FileId(1))]);
}

#[test]
fn a_file_that_failed_is_handed_in_again_under_another_id_if_it_is_the_same() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    let accepted = rig.accepted(&record(1, "a"));
    rig.link.all_stand(Standing::Failed("expired".to_owned()));
    let failed = Event::FileFailed(FileId(1), "expired".to_owned());
    assert_eq!(rig.stager.watch(), [failed]);
    let again = FileRecord {
        attempts: 2,
        ..accepted
    };
    assert!(matches!(
        rig.stage(&again).as_slice(),
        [Event::FileAccepted { .. }]
    ));
    assert_eq!(rig.link.0.lock().unwrap().handed_in.len(), 2);
    rig.write("a", "another");
    let third = FileRecord {
        attempts: 3,
        ..again
    };
    let events = rig.stage(&third);
    assert!(
        matches!(events.as_slice(), [Event::FileRefused(..)]),
        "{events:?}"
    );
}

#[test]
fn the_link_service_may_be_away_for_a_time() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    rig.link.0.lock().unwrap().is_away = true;
    assert!(rig.stage(&record(1, "a")).is_empty());
    assert!(rig.stager.work(secs(29)).is_empty());
    rig.link.0.lock().unwrap().is_away = false;
    let events = rig.stager.work(secs(29));
    assert!(matches!(events.as_slice(), [Event::FileAccepted { .. }]));
    rig.link.0.lock().unwrap().is_away = true;
    rig.write("b", "1");
    assert!(rig.stage(&record(2, "b")).is_empty());
    let events = rig.stager.work(secs(30));
    assert!(matches!(
        events.as_slice(),
        [Event::FileFailed(FileId(2), _)]
    ));
}

#[test]
fn what_the_link_service_has_forgotten_has_failed() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    rig.accepted(&record(1, "a"));
    rig.link.0.lock().unwrap().standings.clear();
    let events = rig.stager.watch();
    assert!(matches!(
        events.as_slice(),
        [Event::FileFailed(FileId(1), _)]
    ));
}

#[test]
fn no_path_leads_out_or_through_a_link() {
    let mut rig = Rig::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "s").unwrap();
    symlink(outside.path().join("secret"), rig.outbound.join("link")).unwrap();
    symlink(outside.path(), rig.outbound.join("folder")).unwrap();
    fs::create_dir(rig.outbound.join("sub")).unwrap();
    for path in [
        "link",
        "folder/secret",
        "../secret",
        "sub/../link",
        "",
        "/etc/passwd",
    ] {
        let why = rig.refused(path);
        assert!(why.contains("leads through a link"), "{path}: {why}");
    }
    assert_eq!(rig.refused("nothing"), "there is no such file");
    assert!(rig.link.0.lock().unwrap().handed_in.is_empty());
}

#[test]
fn what_is_no_regular_file_is_neither_sent_nor_waited_for() {
    let mut rig = Rig::new();
    fs::create_dir(rig.outbound.join("directory")).unwrap();
    let fifo = rig.outbound.join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(rig.outbound.join("socket")).unwrap();
    for path in ["directory", "fifo", "socket"] {
        assert_eq!(rig.refused(path), "it is no regular file", "{path}");
    }
}

#[test]
fn a_hard_link_is_not_sent() {
    let mut rig = Rig::new();
    rig.write("a", "1");
    fs::hard_link(rig.outbound.join("a"), rig.outbound.join("b")).unwrap();
    assert!(rig.refused("b").contains("a hard link"));
}

#[test]
fn a_file_of_another_user_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "1").unwrap();
    let mine = rustix::process::geteuid().as_raw();
    assert!(Confined::open(folder.path(), "a", Some(mine)).is_ok());
    let error = Confined::open(folder.path(), "a", Some(mine + 1)).unwrap_err();
    assert!(error.to_string().contains("belongs to user"), "{error}");
}

#[test]
fn a_copy_to_another_app_arrives_whole_beneath_the_name_of_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    let radar: AppName = "radar".parse().unwrap();
    let of_camera = folders(&folder.path().join("camera"));
    let of_radar = folders(&folder.path().join("radar"));
    fs::create_dir(of_camera.outbound.join("sub")).unwrap();
    fs::write(of_camera.outbound.join("sub/a"), "pixels").unwrap();
    fs::write(of_camera.outbound.join("b"), "1").unwrap();
    let inbound = of_radar.inbound.clone();
    let outside = tempfile::tempdir().unwrap();
    let all = BTreeMap::from([(camera(), of_camera), (radar.clone(), of_radar)]);
    let (door, inputs) = door();
    let link = Fake(Arc::new(Mutex::new(Link::default())));
    let stager = Stager::new(link, all.clone(), secs(30));
    let threads = FileThreads::start(stager, all, secs(1), &door).unwrap();
    threads.copy(camera(), radar.clone(), CopyId(1), "sub/a".to_owned());
    let copy = inbound.join("camera/sub/a");
    eventually("it is there", || {
        fs::read(&copy).is_ok_and(|octets| octets == b"pixels")
    });
    // The peer makes a link of where it would go.
    fs::remove_dir_all(inbound.join("camera")).unwrap();
    symlink(outside.path(), inbound.join("camera")).unwrap();
    threads.copy(camera(), radar, CopyId(2), "b".to_owned());
    drop(threads);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    drop(inputs);
}
