//! Which files a link lets in, and what becomes of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use file_delivery::StoreName;
use file_delivery::address::Address;
use file_delivery::pdu::{EntityId, TransactionId, TransactionSeq};
use file_delivery::store::{Directory, DirectoryLimits, FileStore, Staging, StoreError};
use link_service::code::Code;
use link_service::courier::{CourierStore, Import, Lane};
use link_service::desk::{Desk, Workers};
use link_service::folders::memory::MemoryJournal;
use link_service::folders::{AppDirectories, Directories};
use tempfile::TempDir;

use crate::rig::{PATIENCE, QUOTA_BYTES, address, app, desk, memory_journal};

const PLAN: &[u8] = b"what the camera is to look at";

/// A link to the ground or to a peer, with real directories.
struct Site {
    folder: TempDir,
    lane: Lane,
    desk: Arc<Desk<Directories, MemoryJournal>>,
    store: CourierStore<Directories, MemoryJournal>,
}

impl Site {
    fn new(lane: Lane) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().join("link");
        fs::create_dir(&root).unwrap();
        let boxes = |name: &str| {
            let [inbox, outbox] =
                ["inbox", "outbox"].map(|side| folder.path().join(name).join(side));
            fs::create_dir_all(&inbox).unwrap();
            fs::create_dir_all(&outbox).unwrap();
            AppDirectories {
                inbox,
                outbox,
                owner: None,
                group: None,
            }
        };
        let mut directories = vec![
            (app("camera"), boxes("camera")),
            (app("analyser"), boxes("analyser")),
        ];
        let of_link = AppDirectories {
            outbox: root.clone(),
            ..boxes("other")
        };
        directories.push((lane.id(), of_link));
        let desk = desk(Directories::new(directories), memory_journal());
        let store = Directory::open(&root, DirectoryLimits::default()).unwrap();
        let store = CourierStore::new(Arc::clone(&desk), store, lane.clone());
        Site {
            folder,
            lane,
            desk,
            store,
        }
    }

    fn ground() -> Self {
        Site::new(Lane::Ground)
    }

    /// What is beneath the folder of the link.
    fn held(&self) -> Vec<PathBuf> {
        let mut open = vec![self.folder.path().join("link")];
        let mut files = Vec::new();
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => files.push(path),
                }
            }
        }
        files
    }

    fn may(&mut self, name: &str, size: u64) -> Result<(), StoreError> {
        let name: StoreName = name.parse().unwrap();
        self.store.may_receive(&name, transaction(1), Some(size))
    }

    fn may_come(&mut self, address: &Address, size: u64) -> Result<(), StoreError> {
        self.may(&address.to_string(), size)
    }

    /// A file with these octets comes whole.
    fn come(&mut self, number: u64, address: &Address, octets: &[u8]) -> Result<(), StoreError> {
        let name: StoreName = address.name().unwrap();
        let staging = Staging {
            transaction: transaction(number),
            beside: Some(name.clone()),
        };
        let size = octets.len() as u64;
        self.store
            .may_receive(&name, staging.transaction, Some(size))?;
        let mut staged = self.store.stage(&staging, Some(size))?;
        self.store.write(&mut staged, 0, octets)?;
        self.store.sync(&mut staged)?;
        let delivered = self.store.deliver(&staging, size, &name);
        if delivered.is_err() {
            self.store.discard(&staging)?;
        }
        delivered
    }

    fn turned_away(&self, code: Code) -> u64 {
        self.desk
            .counts()
            .turned_away
            .get(&code)
            .copied()
            .unwrap_or_default()
    }
}

fn transaction(number: u64) -> TransactionId {
    TransactionId {
        source: EntityId(2),
        number: TransactionSeq(number),
    }
}

fn plan(to: &str) -> Address {
    address(to, "ground", "today", PLAN)
}

#[track_caller]
fn assert_refused(result: Result<(), StoreError>, text: &str) {
    match result {
        Err(StoreError::Refused { why, .. }) => assert!(why.contains(text), "{why}"),
        result => panic!("{text}: {result:?}"),
    }
}

#[test]
fn what_is_for_nobody_or_may_not_come_is_refused_before_it_does() {
    let mut site = Site::ground();
    site.may_come(&plan("camera"), 10).unwrap();
    assert_refused(site.may_come(&plan("nobody"), 10), "no app `nobody`");
    assert_refused(site.may_come(&plan("analyser"), 10), "no rule");
    assert_refused(site.may_come(&plan("camera"), 2001), "2001 octets");
    for name in ["to/camera", "to/camera/ground/12/today", "arrived/2-1/x"] {
        assert_refused(site.may(name, 10), "");
    }
    let of_app = address("camera", "analyser", "today", PLAN);
    assert_refused(site.may_come(&of_app, 10), "`analyser` sends nothing");
    for path in [".hidden", "today.part", "a/../b"] {
        let name = plan("camera").to_string().replace("today", path);
        if let Ok(name) = name.parse::<StoreName>() {
            assert_refused(site.may(name.as_str(), 10), "");
        }
    }
    assert_eq!(site.turned_away(Code::UnknownRecipient), 1);
    assert_eq!(site.turned_away(Code::Forbidden), 1);
    assert_eq!(site.turned_away(Code::TooLarge), 1);
}

#[test]
fn from_a_peer_comes_what_its_apps_send_to_apps_and_nothing_else() {
    let mut site = Site::new(Lane::Peer(app("helio-2")));
    site.may_come(&address("camera", "analyser", "today", PLAN), 10)
        .unwrap();
    assert_refused(site.may_come(&plan("camera"), 10), "`ground` sends nothing");
    assert_refused(site.may("log.txt", 10), "for no app");
    let mut ground = Site::ground();
    ground.may("log.txt", 10).unwrap();
}

#[test]
fn what_there_is_no_room_for_may_come_another_time() {
    let mut site = Site::ground();
    let no_room = |result| matches!(result, Err(StoreError::NotAllowed { .. }));
    assert!(no_room(site.may_come(&plan("camera"), QUOTA_BYTES + 1)));
    site.come(1, &plan("camera"), PLAN).unwrap();
    Import::new(Lane::Ground).look(&site.desk).unwrap();
    // What is on its way takes room, too.
    let next = address("camera", "ground", "tomorrow", PLAN);
    assert!(no_room(site.may_come(&next, QUOTA_BYTES - 10)));
    site.may_come(&next, 10).unwrap();
    assert_eq!(site.turned_away(Code::QuotaExceeded), 2);
}

#[test]
fn a_file_whose_octets_are_others_than_its_name_says_is_not_taken() {
    let mut site = Site::ground();
    let mut other = PLAN.to_vec();
    other[0] ^= 1;
    let wrong = site.come(1, &plan("camera"), &other);
    assert!(
        matches!(wrong, Err(StoreError::WrongOctets { .. })),
        "{wrong:?}"
    );
    assert_eq!(site.held(), Vec::<PathBuf>::new());
    assert_eq!(site.turned_away(Code::HashMismatch), 1);
}

#[test]
fn what_has_come_is_told_to_have_come_again_though_its_app_has_it_already() {
    let mut site = Site::ground();
    site.come(1, &plan("camera"), PLAN).unwrap();
    let name = plan("camera").name().unwrap();
    let staging = Staging {
        transaction: transaction(1),
        beside: Some(name.clone()),
    };
    let size = PLAN.len() as u64;
    // The process ended before the entity had noted it.
    site.store.deliver(&staging, size, &name).unwrap();
    let mut import = Import::new(site.lane.clone());
    assert_eq!(import.look(&site.desk).unwrap(), 1);
    site.store.deliver(&staging, size, &name).unwrap();
    {
        let _workers = Workers::start(&site.desk, 1).unwrap();
        heliograph_tests::wait::eventually(PATIENCE, || site.held().is_empty().then_some(()));
    }
    site.store.deliver(&staging, size, &name).unwrap();
    assert_eq!(site.held(), Vec::<PathBuf>::new());
    let inbox = site.folder.path().join("camera/inbox/today");
    assert_eq!(fs::read(inbox).unwrap(), PLAN);
}

#[test]
fn a_name_that_an_app_has_is_free_again_once_it_is_taken_and_not_before() {
    let mut site = Site::ground();
    let inbox = site.folder.path().join("camera/inbox/today");
    fs::write(&inbox, b"older").unwrap();
    assert_refused(site.may_come(&plan("camera"), 10), "has today already");
    let over = Address {
        overwrite: true,
        ..plan("camera")
    };
    site.may_come(&over, 10).unwrap();
    fs::remove_file(inbox).unwrap();
    site.come(1, &plan("camera"), PLAN).unwrap();
    Import::new(Lane::Ground).look(&site.desk).unwrap();
    assert_refused(site.may_come(&plan("camera"), 10), "on its way");
}
