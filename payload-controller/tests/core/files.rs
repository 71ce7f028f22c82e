//! Files that go down, and files that are copied to another app.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReturnCode};

use crate::rig::*;

fn world() -> World {
    let mut camera = rules("camera", 4);
    camera.copies_to = vec![name("radar")];
    camera.files.open_max = 3;
    let mut world = World::of([camera, rules("radar", 5)]);
    world.register("camera");
    world
}

/// It is asked for: which file that is.
fn staged(world: &mut World, path: &str) -> FileRecord {
    assert_eq!(world.code("camera", stage(path)), 0);
    match world.take_actions().pop() {
        Some(Action::Stage(file)) => *file,
        action => panic!("{action:?}"),
    }
}

fn accept(world: &mut World, file: FileId, mark: &str) {
    world.event(Event::FileAccepted {
        file,
        mark: mark.to_owned(),
        bytes: 1000,
    });
}

fn statuses(world: &mut World) -> Vec<i32> {
    let calls = world.take_calls().into_iter();
    calls
        .filter_map(|call| match call {
            Callback::ResponseStageFileDownload(told) => Some(told.req_status),
            _ => None,
        })
        .collect()
}

fn open(world: &World) -> Vec<FileState> {
    let files = world.controller.files(&name("camera"));
    files.into_iter().map(|file| file.state).collect()
}

#[test]
fn success_is_told_when_the_link_service_has_it_in_its_books() {
    let mut world = world();
    let file = staged(&mut world, "images/a.raw");
    assert_eq!(
        (file.priority, file.band),
        (FilePriority::High, FileBand::XBand)
    );
    assert!(statuses(&mut world).is_empty(), "not before");
    accept(&mut world, file.id, "m");
    assert_eq!(statuses(&mut world), [0]);
}

#[test]
fn a_file_is_removed_only_when_the_ground_has_it() {
    let mut world = world();
    let file = staged(&mut world, "a");
    accept(&mut world, file.id, "m");
    world.pass(secs(100_000));
    assert!(world.take_actions().is_empty());
    world.event(Event::FileOnGround(file.id));
    let actions = world.take_actions();
    assert!(matches!(actions.as_slice(), [Action::Discard(one)] if one.id == file.id));
    assert_eq!(open(&world), [FileState::OnGround]);
    world.event(Event::FileGone(file.id));
    assert!(open(&world).is_empty());
    world.counters_add_up();
}

#[test]
fn a_path_that_leads_out_of_the_outbound_directory_is_refused_before_anything_happens() {
    let mut world = world();
    for path in [
        "../../../etc/shadow",
        "a/../../b",
        "/etc/shadow",
        "/opt/antaris/outbound",
        "/opt/antaris/outbound2/a",
        "/opt/antaris/outbound/../a",
        "",
        ".",
        "a/",
        "a\0b",
        &"x".repeat(192),
    ] {
        let code = world.code("camera", stage(path));
        assert_eq!(code, ReturnCode::INVALID_PARAMS.0, "{path:?}");
    }
    assert!(world.take_actions().is_empty());
}

#[test]
fn a_path_may_be_named_from_the_root_too_and_may_have_191_octets() {
    let mut world = world();
    let file = staged(&mut world, "/opt/antaris/outbound//a/./b.raw");
    assert_eq!(file.path, "a/b.raw");
    let long = "x".repeat(191);
    assert_eq!(staged(&mut world, &long).path, long);
}

#[test]
fn what_is_no_priority_and_no_band_is_refused() {
    let mut world = world();
    let mut ask = stage("a");
    ask.file_priority = 77;
    assert_eq!(
        world.code("camera", ask.clone()),
        ReturnCode::INVALID_PARAMS.0
    );
    ask.file_priority = 0;
    ask.file_dl_band = 2;
    assert_eq!(world.code("camera", ask), ReturnCode::INVALID_PARAMS.0);
}

#[test]
fn what_is_no_file_that_may_go_down_is_a_failure() {
    let mut world = world();
    let file = staged(&mut world, "a");
    world.event(Event::FileRefused(
        file.id,
        "it is a symbolic link".to_owned(),
    ));
    assert_eq!(statuses(&mut world), [1]);
    assert!(open(&world).is_empty());
}

#[test]
fn the_same_file_that_is_asked_for_twice_is_one_and_succeeds_twice() {
    let mut world = world();
    let first = staged(&mut world, "a");
    accept(&mut world, first.id, "inode 5, of 12:00");
    let second = staged(&mut world, "a");
    accept(&mut world, second.id, "inode 5, of 12:00");
    assert_eq!(statuses(&mut world), [0, 0]);
    assert_eq!(open(&world).len(), 1);
    let third = staged(&mut world, "a");
    accept(&mut world, third.id, "inode 6, of 12:01");
    assert_eq!(open(&world).len(), 2, "another file of that name");
    world.counters_add_up();
}

#[test]
fn more_files_than_may_be_open_are_refused_until_one_is_down() {
    let mut world = world();
    let files: Vec<_> = ["a", "b", "c"]
        .map(|path| staged(&mut world, path))
        .into_iter()
        .collect();
    let code = world.code("camera", stage("d"));
    assert_eq!(code, ReturnCode::OUT_OF_RESOURCES.0);
    world.event(Event::FileOnGround(files[0].id));
    world.event(Event::FileGone(files[0].id));
    world.actions.clear();
    staged(&mut world, "d");
}

#[test]
fn a_file_that_failed_is_handed_in_again_after_pauses_that_double_until_it_is_given_up() {
    let mut rules = rules("camera", 4);
    rules.files.attempts_max = 3;
    let mut world = World::of([rules]);
    world.register("camera");
    let file = staged(&mut world, "a");
    accept(&mut world, file.id, "m");
    for pause in [60, 120] {
        world.event(Event::FileFailed(file.id, "expired".to_owned()));
        world.pass(secs(pause - 1));
        assert!(world.take_actions().is_empty());
        world.pass(secs(1));
        let actions = world.take_actions();
        assert!(matches!(actions.as_slice(), [Action::Stage(one)] if one.id == file.id));
    }
    world.event(Event::FileFailed(file.id, "expired".to_owned()));
    assert!(open(&world).is_empty());
    world.pass(secs(100_000));
    assert!(world.take_actions().is_empty(), "it stays where it is");
    world.counters_add_up();
}

#[test]
fn a_payload_that_was_started_anew_hears_nothing_of_files_of_the_one_before() {
    let mut world = world();
    let file = staged(&mut world, "a");
    world.register("camera");
    accept(&mut world, file.id, "m");
    assert!(statuses(&mut world).is_empty());
    assert_eq!(
        open(&world),
        [FileState::Accepted],
        "it goes down all the same"
    );
}

fn copy(names: &[&str], peer: i32) -> msg::HostToPeerFcmOperation {
    let padded = |name: &&str| {
        let mut filename = name.as_bytes().to_vec();
        filename.resize(128, 0);
        msg::FileInput {
            filename_length: name.len() as i32,
            filename,
        }
    };
    let mut file_input: Vec<_> = names.iter().map(padded).collect();
    file_input.resize(32, msg::FileInput::default());
    msg::HostToPeerFcmOperation {
        correlation_id: 11,
        peer_app_id: peer,
        no_of_files: names.len() as i32,
        file_input,
        ..Default::default()
    }
}

#[test]
fn files_are_copied_one_after_the_other_and_the_app_hears_of_each() {
    let mut world = world();
    assert_eq!(
        world.code("camera", copy(&["a.raw", "b/with-a-long-name.raw"], 5)),
        0
    );
    let mut told = Vec::new();
    for result in [Ok(()), Err("no space".to_owned())] {
        let action = world.take_actions().pop();
        let Some(Action::Copy { copy, peer, .. }) = action else {
            panic!("{action:?}");
        };
        assert_eq!(peer, name("radar"));
        world.event(Event::Copied(name("camera"), copy, result));
    }
    for call in world.take_calls() {
        if let Callback::FcmOperationNotify(note) = call {
            assert_eq!(note.correlation_id, 11);
            told.push((note.fcm_complete, note.req_status, note.file_name));
        }
    }
    let expected = [
        (1, 0, "a.raw".to_owned()),
        (0, 1, "b/with-a-long-n".to_owned()),
    ];
    assert_eq!(told, expected, "0 is the last");
}

#[test]
fn a_copy_to_whom_the_app_may_not_and_of_what_it_may_not_is_refused() {
    let mut world = world();
    let refused = ReturnCode::NOT_PERMITTED.0;
    assert_eq!(world.code("camera", copy(&["a"], 4)), refused, "itself");
    assert_eq!(world.code("camera", copy(&["a"], 77)), refused, "nobody");
    assert_eq!(world.code("camera", copy(&["a"], -1)), refused);
    let invalid = ReturnCode::INVALID_PARAMS.0;
    assert_eq!(world.code("camera", copy(&["../a"], 5)), invalid);
    assert_eq!(world.code("camera", copy(&[], 5)), invalid);
    let mut longer = copy(&["a"], 5);
    longer.file_input[0].filename_length = 129;
    assert_eq!(world.code("camera", longer), invalid);
    assert!(world.take_actions().is_empty());
}
