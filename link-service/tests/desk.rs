//! What the desk promises to whoever hands in requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use link_service::access::{Access, LiveAccess};
use link_service::code::Code;
use link_service::desk::{AskError, Desk, DeskLimits, Errand, SystemClock, TransferView, Workers};
use link_service::folders::Side;
use link_service::folders::memory::{MemoryDisk, MemoryFolders, MemoryJournal};
use link_service::mover::{Mover, MoverLimits, Quota, Refused};
use link_service::names::AppId;
use link_service::queue::{QueueLimits, Route, Standing};
use link_service::record::TransferId;
use link_service::request::{Expiry, LinkRequest, LinkType, Priority};
use service_host::config_file::ConfigFile;

const PATIENCE: Duration = Duration::from_secs(30);
const FOREVER: Duration = Duration::from_secs(600);

const CONFIG: &str = "
[[link-service.apps]]
id = 'camera'
[[link-service.apps]]
id = 'analyser'
[[link-service.apps]]
id = 'archive'
[[link-service.policy]]
from = 'camera'
to = 'analyser'
size-max = 100
[[link-service.policy]]
from = 'camera'
to = 'archive'
[[link-service.policy]]
from = 'camera'
to = 'ground'
";

type MemoryDesk = Desk<MemoryFolders, MemoryJournal>;

fn app(name: &str) -> AppId {
    name.parse().unwrap()
}

fn disk() -> MemoryDisk {
    let disk = MemoryDisk::new(1);
    for (name, owner) in ["camera", "analyser", "archive"].into_iter().zip(1..) {
        disk.add_app(&app(name), owner);
    }
    disk
}

fn access() -> Arc<LiveAccess> {
    let file = ConfigFile {
        table: CONFIG.parse().unwrap(),
        path: None,
    };
    Arc::new(LiveAccess::new(Access::read(&file).unwrap()))
}

fn open_with(disk: &MemoryDisk, limits: DeskLimits) -> Arc<MemoryDesk> {
    let mover_limits = MoverLimits {
        chunk_bytes: 16,
        free_bytes_min: 0,
    };
    let unlimited = |_: &AppId| Quota::UNLIMITED;
    let mover = Mover::new(disk.folders(), disk.journal(), mover_limits, unlimited);
    let desk = Desk::open(mover, access(), limits, SystemClock::default());
    Arc::new(desk.unwrap())
}

fn open(disk: &MemoryDisk) -> Arc<MemoryDesk> {
    open_with(disk, DeskLimits::default())
}

fn request(file: &str, to: &[&str]) -> LinkRequest {
    LinkRequest {
        link_type: LinkType::App2App,
        priority: Priority::Medium,
        files: vec![file.parse().unwrap()],
        subdirectory: Default::default(),
        recipients: to.iter().map(|to| to.parse().unwrap()).collect(),
        overwrite: false,
        leave_source: false,
        expires: None,
        request_id: String::new(),
        correlation_id: String::new(),
        metadata: BTreeMap::new(),
    }
}

fn named(id: &str, request: LinkRequest) -> LinkRequest {
    LinkRequest {
        request_id: id.to_owned(),
        ..request
    }
}

fn put(disk: &MemoryDisk, file: &str, octets: &[u8]) {
    disk.put(&app("camera"), Side::Outbox, file, octets);
}

fn arrived(disk: &MemoryDisk, at: &str, file: &str) -> Option<Vec<u8>> {
    disk.file(&app(at), Side::Inbox, file)
}

fn submit(desk: &MemoryDesk, request: LinkRequest) -> Result<TransferId, Refused> {
    desk.submit(&app("camera"), request)
        .map(|receipt| receipt.id)
}

#[track_caller]
fn ended(desk: &MemoryDesk, id: TransferId) -> TransferView {
    let view = desk.wait(&app("camera"), id, PATIENCE).unwrap();
    assert!(view.has_ended(), "{view:?}");
    view
}

#[test]
fn a_file_arrives_the_source_is_gone_and_the_sender_hears_it() {
    let disk = disk();
    let desk = open(&disk);
    let _workers = Workers::start(&desk, 2).unwrap();
    put(&disk, "image.raw", b"an image");
    let id = submit(&desk, request("image.raw", &["analyser", "archive"])).unwrap();
    let view = ended(&desk, id);
    assert_eq!((view.code, view.standing), (Code::Ok, None));
    let legs: Vec<_> = view.legs.iter().map(|leg| (leg.code, leg.octets)).collect();
    assert_eq!(legs, [(Code::Ok, 8), (Code::Ok, 8)]);
    for at in ["analyser", "archive"] {
        assert_eq!(
            arrived(&disk, at, "image.raw").as_deref(),
            Some(&b"an image"[..])
        );
    }
    assert_eq!(disk.file(&app("camera"), Side::Outbox, "image.raw"), None);
}

#[test]
fn what_the_policy_does_not_allow_is_refused_and_tells_nothing_of_files() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "large.raw", &[7; 200]);
    let code = |request| submit(&desk, request).unwrap_err().code;
    let from_archive = desk.submit(&app("archive"), request("no-such-file", &["camera"]));
    assert_eq!(from_archive.unwrap_err().code, Code::Forbidden);
    assert_eq!(code(request("large.raw", &["analyser"])), Code::TooLarge);
    assert_eq!(
        code(request("large.raw", &["stranger"])),
        Code::UnknownRecipient
    );
    assert_eq!(
        code(request("no-such-file", &["analyser"])),
        Code::SourceNotFound
    );
    // One that may not have it, and nobody has it.
    assert_eq!(
        code(request("large.raw", &["archive", "analyser"])),
        Code::TooLarge
    );
    let from = desk.submit(&app("stranger"), request("large.raw", &["archive"]));
    assert_eq!(from.unwrap_err().code, Code::UnknownSender);
    assert!(desk.list(&app("camera"), TransferId(0), 10).is_empty());
    submit(&desk, request("large.raw", &["archive"])).unwrap();
}

#[test]
fn the_same_request_is_made_once_and_another_with_its_id_is_a_conflict() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    put(&disk, "other.raw", b"another");
    let image = named("pass-7", request("image.raw", &["analyser"]));
    let first = desk.submit(&app("camera"), image.clone()).unwrap();
    let again = desk.submit(&app("camera"), image.clone()).unwrap();
    assert_eq!((again.id, again.is_known), (first.id, true));
    assert!(!first.is_known);
    let other = named("pass-7", request("other.raw", &["analyser"]));
    assert_eq!(submit(&desk, other).unwrap_err().code, Code::Conflict);
    let workers = Workers::start(&desk, 1).unwrap();
    ended(&desk, first.id);
    drop(workers);
    // The source is gone, and it is the same request all the same; after a restart too.
    for desk in [Arc::clone(&desk), open(&disk)] {
        let again = desk.submit(&app("camera"), image.clone()).unwrap();
        assert_eq!((again.id, again.is_known), (first.id, true));
        assert_eq!(desk.find(&app("camera"), "pass-7"), Some(first.id));
    }
}

#[test]
fn a_request_that_was_refused_may_be_made_again_with_its_id() {
    let disk = disk();
    let desk = open(&disk);
    let image = named("pass-7", request("image.raw", &["analyser"]));
    assert!(submit(&desk, image.clone()).is_err());
    put(&disk, "image.raw", b"an image");
    submit(&desk, image).unwrap();
}

#[test]
fn many_who_make_the_same_request_at_once_make_one() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let image = named("pass-7", request("image.raw", &["analyser"]));
    let ids: Vec<_> = thread::scope(|scope| {
        let submits = (0..8).map(|_| scope.spawn(|| submit(&desk, image.clone()).unwrap()));
        let submits: Vec<_> = submits.collect();
        submits.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(desk.list(&app("camera"), TransferId(0), 10).len(), 1);
}

#[test]
fn what_was_accepted_goes_on_after_a_power_cut() {
    let disk = disk();
    put(&disk, "image.raw", b"an image");
    let id = submit(&open(&disk), request("image.raw", &["analyser"])).unwrap();
    disk.power_cut();
    let desk = open(&disk);
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
    assert!(arrived(&disk, "analyser", "image.raw").is_some());
}

#[test]
fn one_that_is_cancelled_is_not_delivered_and_its_source_is_there() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let id = submit(&desk, request("image.raw", &["analyser"])).unwrap();
    desk.cancel(&app("camera"), id).unwrap();
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Cancelled);
    assert_eq!(arrived(&disk, "analyser", "image.raw"), None);
    assert!(
        disk.file(&app("camera"), Side::Outbox, "image.raw")
            .is_some()
    );
    assert_eq!(desk.cancel(&app("camera"), id), Err(AskError::Ended));
}

#[test]
fn one_that_is_not_delivered_in_its_time_expires() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let late = LinkRequest {
        expires: Some(Expiry::After(Duration::ZERO)),
        ..request("image.raw", &["analyser"])
    };
    let id = submit(&desk, late).unwrap();
    let _workers = Workers::start(&desk, 1).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Expired);
    assert!(
        disk.file(&app("camera"), Side::Outbox, "image.raw")
            .is_some()
    );
}

#[test]
fn one_on_hold_waits_until_it_is_let_go() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let id = submit(&desk, request("image.raw", &["analyser"])).unwrap();
    desk.hold(&app("camera"), id).unwrap();
    let _workers = Workers::start(&desk, 1).unwrap();
    let view = desk
        .wait(&app("camera"), id, Duration::from_millis(50))
        .unwrap();
    assert_eq!(view.standing, Some(Standing::Held));
    desk.release(&app("camera"), id).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
}

#[test]
fn what_is_of_one_app_is_nobody_elses_business() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let image = named("pass-7", request("image.raw", &["analyser"]));
    let id = submit(&desk, image).unwrap();
    for stranger in ["analyser", "archive"].map(app) {
        assert_eq!(desk.status(&stranger, id).unwrap_err(), AskError::Unknown);
        assert_eq!(desk.cancel(&stranger, id), Err(AskError::Unknown));
        assert_eq!(desk.find(&stranger, "pass-7"), None);
        assert!(desk.list(&stranger, TransferId(0), 10).is_empty());
    }
}

#[test]
fn a_sender_with_too_many_open_requests_is_to_try_again_later() {
    let disk = disk();
    let limits = DeskLimits {
        queue: QueueLimits {
            open_per_sender_max: 1,
            ..QueueLimits::default()
        },
        ..DeskLimits::default()
    };
    let desk = open_with(&disk, limits);
    put(&disk, "a", b"a");
    put(&disk, "b", b"b");
    let first = submit(&desk, request("a", &["analyser"])).unwrap();
    let full = submit(&desk, request("b", &["analyser"])).unwrap_err();
    assert_eq!(full.code, Code::Unavailable);
    let _workers = Workers::start(&desk, 1).unwrap();
    ended(&desk, first);
    submit(&desk, request("b", &["analyser"])).unwrap();
}

#[test]
fn the_oldest_that_have_ended_are_forgotten_and_no_number_is_given_twice() {
    let disk = disk();
    let limits = DeskLimits {
        ended_max: 2,
        unread_max: 2,
        ..DeskLimits::default()
    };
    let desk = open_with(&disk, limits.clone());
    let workers = Workers::start(&desk, 1).unwrap();
    let ids = (0..4).map(|number| {
        let file = format!("image-{number}");
        put(&disk, &file, b"an image");
        let id = submit(&desk, request(&file, &["analyser"])).unwrap();
        ended(&desk, id);
        id
    });
    let ids: Vec<_> = ids.collect();
    let known = |desk: &MemoryDesk| -> Vec<TransferId> {
        let all = desk.list(&app("camera"), TransferId(0), 10);
        all.iter().map(|view| view.transfer.id).collect()
    };
    let until = Instant::now() + PATIENCE;
    while known(&desk).len() > 2 && Instant::now() < until {
        thread::yield_now();
    }
    assert_eq!(known(&desk), ids[2..]);
    drop(workers);
    let desk = open_with(&disk, limits);
    assert!(known(&desk).len() <= 3);
    put(&disk, "another", b"an image");
    let another = submit(&desk, request("another", &["analyser"])).unwrap();
    assert!(ids.iter().all(|id| *id < another));
}

#[test]
fn a_wait_ends_when_the_desk_does() {
    let disk = disk();
    let desk = open(&disk);
    put(&disk, "image.raw", b"an image");
    let id = submit(&desk, request("image.raw", &["analyser"])).unwrap();
    desk.hold(&app("camera"), id).unwrap();
    let workers = Workers::start(&desk, 1).unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| desk.wait(&app("camera"), id, FOREVER).unwrap());
        drop(workers);
        assert!(!waits.join().unwrap().has_ended());
    });
}

/// A desk at which a file has arrived, and nothing runs any more.
fn with_arrival(seed: u64) -> (MemoryDisk, Arc<MemoryDesk>, TransferId) {
    let disk = MemoryDisk::new(seed);
    for (name, owner) in ["camera", "analyser", "archive"].into_iter().zip(1..) {
        disk.add_app(&app(name), owner);
    }
    let desk = open(&disk);
    let workers = Workers::start(&desk, 1).unwrap();
    put(&disk, "image.raw", b"an image");
    let id = submit(&desk, request("image.raw", &["analyser"])).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
    drop(workers);
    (disk, desk, id)
}

#[test]
fn a_power_cut_at_any_change_undoes_no_acknowledgement_that_was_answered() {
    let analyser = app("analyser");
    let mut changes = 0;
    loop {
        let (disk, desk, id) = with_arrival(changes);
        disk.fail_after(changes);
        let acknowledged = desk.acknowledge(&analyser, id, true).is_ok();
        let has_failed = disk.has_failed();
        drop(desk);
        disk.power_cut();
        let desk = open(&disk);
        if acknowledged {
            assert!(desk.deliveries(&analyser, 10).is_empty(), "{changes}");
        } else {
            desk.acknowledge(&analyser, id, true).unwrap();
        }
        assert!(desk.deliveries(&analyser, 10).is_empty(), "{changes}");
        let left = disk.paths(&analyser, Side::Inbox);
        assert!(
            left.iter().all(|path| path == ".link"),
            "{changes}: {left:?}"
        );
        if !has_failed {
            break;
        }
        changes += 1;
    }
    assert!(changes > 3);
}

#[test]
fn a_file_that_was_about_to_be_removed_and_is_another_goes_back_to_its_place() {
    let analyser = app("analyser");
    for (octets, goes_back) in [(b"an image".as_slice(), false), (b"another", true)] {
        let (disk, desk, id) = with_arrival(1);
        drop(desk);
        assert!(disk.take(&analyser, Side::Inbox, "image.raw"));
        disk.put(&analyser, Side::Inbox, &format!(".link/{id}.done"), octets);
        let _desk = open(&disk);
        let back = arrived(&disk, "analyser", "image.raw");
        assert_eq!(back.as_deref(), goes_back.then_some(octets));
        let left = disk.paths(&analyser, Side::Inbox);
        assert!(!left.iter().any(|path| path.ends_with(".done")), "{left:?}");
    }
}

/// A request for the ground, once it is claimed and waits for a link.
fn going_down(desk: &MemoryDesk) -> TransferId {
    let down = LinkRequest {
        link_type: LinkType::Downlink,
        ..request("image.raw", &["ground"])
    };
    let id = submit(desk, down).unwrap();
    assert_eq!(next_down(desk), id);
    id
}

#[track_caller]
fn next_down(desk: &MemoryDesk) -> TransferId {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(Errand { transfer, .. }) = desk.next_errand(&Route::Downlink) {
            return transfer.id;
        }
        assert!(Instant::now() < until, "nothing is to go down");
        thread::yield_now();
    }
}

fn to_ground(attempts_max: u32) -> DeskLimits {
    DeskLimits {
        links: [Route::Downlink].into(),
        attempts_max,
        queue: QueueLimits {
            retry_pause: Duration::from_millis(1),
            ..QueueLimits::default()
        },
        ..DeskLimits::default()
    }
}

#[test]
fn the_source_of_what_goes_down_is_released_when_the_ground_has_it() {
    let disk = disk();
    let desk = open_with(&disk, to_ground(10));
    let _workers = Workers::start(&desk, 1).unwrap();
    put(&disk, "image.raw", b"an image");
    let id = going_down(&desk);
    assert!(!desk.status(&app("camera"), id).unwrap().has_ended());
    desk.errand_ended(id, 0, &Ok(())).unwrap();
    assert_eq!(ended(&desk, id).code, Code::Ok);
    assert!(disk.paths(&app("camera"), Side::Outbox).is_empty());
}

#[test]
fn what_could_not_go_down_is_tried_again_and_given_back_when_that_was_too_often() {
    let disk = disk();
    let desk = open_with(&disk, to_ground(3));
    let _workers = Workers::start(&desk, 1).unwrap();
    put(&disk, "image.raw", b"an image");
    let id = going_down(&desk);
    let full = Refused {
        code: Code::Unavailable,
        text: "its disk is full".to_owned(),
    };
    for _ in 0..3 {
        desk.errand_failed(id, 0, &full).unwrap();
        assert_eq!(next_down(&desk), id);
    }
    desk.errand_failed(id, 0, &full).unwrap();
    let view = ended(&desk, id);
    assert_eq!(
        (view.code, &*view.text),
        (Code::Unavailable, "its disk is full")
    );
    assert!(
        disk.file(&app("camera"), Side::Outbox, "image.raw")
            .is_some()
    );
}
