//! Boxes on file systems of their own.

use std::fs;

use link_service::code::Code;
use link_service::folders::FileSystem;
use link_service::mover::Ran;
use link_service::record::{LegPhase, Phase};

use crate::rig::{accept, octets, request, run, run_to_end};
use crate::site::Site;

const SMALL_BYTES: usize = 64 << 10;

/// Runs `test` with a small file system mounted at a place of a site.
fn with_a_file_system_at(place: &str, name: &str, test: impl FnOnce(&Site)) {
    with_a_file_system(
        &["-t", "tmpfs", "-o", &format!("size={SMALL_BYTES}")],
        place,
        name,
        test,
    );
}

/// The same, of the kind that `mount` is told.
fn with_a_file_system(kind: &[&str], place: &str, name: &str, test: impl FnOnce(&Site)) {
    own_mounts::in_own_namespace(&format!("mounts::{name}"), || {
        let site = Site::new();
        let at = site.path(place);
        fs::create_dir_all(&at).unwrap();
        if let Some(_mounted) = own_mounts::mount(&[kind, &["none"]].concat(), &at) {
            test(&site);
        }
    });
}

#[test]
fn an_inbox_on_another_file_system_gets_files_until_it_is_full_and_again_when_it_is_not() {
    let name =
        "an_inbox_on_another_file_system_gets_files_until_it_is_full_and_again_when_it_is_not";
    with_a_file_system_at("analyser/inbox", name, |site| {
        let mover = site.mover();
        let image = octets("image", SMALL_BYTES / 2);
        for (id, name) in [(1, "first"), (2, "second")] {
            fs::write(site.path("camera/outbox").join(name), &image).unwrap();
            let mut transfer = accept(&mover, id, &request(&[name])).unwrap();
            if id == 1 {
                assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
                assert_eq!(fs::read(site.path("analyser/inbox/first")).unwrap(), image);
                continue;
            }
            // A neighbour fills the disk.
            let neighbour = site.path("analyser/inbox/neighbour");
            fs::write(&neighbour, vec![0; SMALL_BYTES]).unwrap_err();
            let ran = run(&mover, &mut transfer);
            assert!(matches!(ran, Ran::Retry(Code::NoSpace, _)), "{ran:?}");
            assert_eq!(site.paths("analyser/inbox"), ["first", "neighbour"]);
            fs::remove_file(neighbour).unwrap();
            assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
            assert_eq!(fs::read(site.path("analyser/inbox/second")).unwrap(), image);
        }
        assert_eq!(site.paths("camera/outbox"), Vec::<String>::new());
    });
}

#[test]
fn a_subdirectory_that_is_another_file_system_gets_nothing_and_the_source_goes_back() {
    let name = "a_subdirectory_that_is_another_file_system_gets_nothing_and_the_source_goes_back";
    with_a_file_system_at("analyser/inbox/raw", name, |site| {
        fs::create_dir(site.path("camera/outbox/raw")).unwrap();
        fs::write(site.path("camera/outbox/raw/image"), b"octets").unwrap();
        let mut request = request(&["image"]);
        request.subdirectory = "raw".parse().unwrap();
        let mover = site.mover();
        let mut transfer = accept(&mover, 1, &request).unwrap();
        let outcome = run_to_end(&mover, &mut transfer);
        assert_eq!(outcome.code, Code::IoError);
        assert!(outcome.text.contains("mount none beneath"), "{outcome:?}");
        assert_eq!(site.paths("camera/outbox"), ["raw/image"]);
        assert_eq!(site.paths("analyser/inbox"), Vec::<String>::new());
    });
}

/// `ramfs` stands for a share here: it is none of the file systems that are known to be on a
/// disk of this machine, so that nothing rests on when that was started.
const FOREIGN: [&str; 2] = ["-t", "ramfs"];

fn a_file_arrives_with(place: &str, name: &str) {
    with_a_file_system(&FOREIGN, place, name, |site| {
        let system = FileSystem::of(&site.path(place)).unwrap();
        assert!(system.is_degraded(), "{system}");
        let mover = site.mover();
        let image = octets("image", SMALL_BYTES);
        fs::write(site.path("camera/outbox/image"), &image).unwrap();
        let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
        assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
        assert_eq!(fs::read(site.path("analyser/inbox/image")).unwrap(), image);
        assert!(!site.path("camera/outbox/image").exists());
    });
}

#[test]
fn to_a_file_system_that_is_not_known_and_says_nothing_of_room_files_arrive() {
    let name = "to_a_file_system_that_is_not_known_and_says_nothing_of_room_files_arrive";
    a_file_arrives_with("analyser/inbox", name);
}

#[test]
fn from_a_file_system_that_is_not_known_files_arrive_and_are_released() {
    let name = "from_a_file_system_that_is_not_known_files_arrive_and_are_released";
    a_file_arrives_with("camera/outbox", name);
}

#[test]
fn on_a_file_system_that_is_not_known_what_was_renamed_before_a_crash_is_found_by_its_octets() {
    let name =
        "on_a_file_system_that_is_not_known_what_was_renamed_before_a_crash_is_found_by_its_octets";
    with_a_file_system(&FOREIGN, "analyser/inbox", name, |site| {
        let mover = site.mover();
        let image = octets("image", SMALL_BYTES);
        fs::write(site.path("camera/outbox/image"), &image).unwrap();
        let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
        // Renamed, and the journal does not know.
        let verified = transfer.clone();
        assert_eq!(run_to_end(&mover, &mut transfer).code, Code::Ok);
        let mut again = verified;
        again.files = transfer.files.clone();
        again.phase = Phase::Claimed;
        again.legs[0].phase = LegPhase::Verified { boot: None };
        assert_eq!(run_to_end(&mover, &mut again).code, Code::Ok);
        assert_eq!(site.paths("analyser/inbox"), ["image"]);
        assert_eq!(fs::read(site.path("analyser/inbox/image")).unwrap(), image);
    });
}
