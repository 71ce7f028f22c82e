//! File systems of their own, in a mount namespace of a child: where the system lets nobody
//! but root mount one, this is not tested, and said.

use std::fs;
use std::process::Command;

use link_service::code::Code;
use link_service::mover::Ran;

use crate::rig::{accept, octets, request, run, run_to_end};
use crate::site::Site;

const CHILD: &str = "LINK_SERVICE_MOUNTS_TEST";
const SMALL_BYTES: usize = 64 << 10;

/// Runs a test of this file once more, as a child that has a small file system mounted at
/// a place of a site; there, runs `test`.
fn with_a_file_system_at(place: &str, name: &str, test: impl FnOnce(&Site)) {
    let site = Site::new();
    fs::create_dir_all(site.path(place)).unwrap();
    if let Ok(place) = std::env::var(CHILD) {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={SMALL_BYTES}"), "none"])
            .arg(site.path(&place))
            .status();
        match mount {
            Ok(status) if status.success() => test(&site),
            other => eprintln!("not tested, for want of a mount: {other:?}"),
        }
        let _ = Command::new("umount").arg(site.path(&place)).status();
        return;
    }
    let mut child = Command::new("unshare");
    child.args(["--user", "--map-root-user", "--mount"]);
    child.arg(std::env::current_exe().unwrap());
    child.args([&format!("mounts::{name}"), "--exact", "--nocapture"]);
    let output = child.env(CHILD, place).output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("running 1 test") => {
            panic!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        other => eprintln!("not tested, for want of a namespace: {other:?}"),
    }
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
