//! What cannot be meant is refused, in one line, before anything goes out.

use std::fs;

use super::site::{Ended, Site};

fn assert_refused(ended: &Ended, parts: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    for part in parts {
        assert!(last.contains(part), "no {part:?} in {ended:?}");
    }
}

#[test]
fn a_file_that_the_satellite_has_not_is_named_as_such() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    let get = site.run(&["get", "nothing.bin"]);
    assert_refused(&get, &["`helio` has no file nothing.bin"]);
    assert!(!site.desk("nothing.bin").exists());
}

#[test]
fn the_names_of_the_satellites_files_are_listed() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::create_dir(site.satellite("logs")).unwrap();
    fs::write(site.satellite("logs/today.txt"), "today").unwrap();
    fs::write(site.satellite("plan.bin"), "plan").unwrap();
    let root = site.run(&["files", "--remote"]);
    assert_eq!(
        (root.code, &*root.stdout),
        (Some(0), "logs/\nplan.bin"),
        "{root:?}"
    );
    let logs = site.run(&["files", "--remote", "logs"]);
    assert_eq!(
        (logs.code, &*logs.stdout),
        (Some(0), "today.txt"),
        "{logs:?}"
    );
    let none = site.run(&["files", "--remote", "none"]);
    assert_refused(&none, &["`helio` has no such directory"]);
    assert_eq!((site.files().len(), site.stored("incoming")), (0, 0));
}

#[test]
fn a_file_here_is_not_replaced_unasked() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.satellite("log.txt"), "new").unwrap();
    fs::write(site.desk("log.txt"), "old").unwrap();
    let get = site.run(&["get", "log.txt"]);
    assert_refused(&get, &["log.txt exists", "--force"]);
    assert_eq!(fs::read(site.desk("log.txt")).unwrap(), b"old");
    assert_eq!(site.files().len(), 0, "it was asked for");

    let get = site.run(&["get", "log.txt", "--force"]);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("log.txt")).unwrap(), b"new");
}

#[test]
fn a_name_that_leads_out_is_refused_here() {
    let site = Site::new();
    fs::write(site.desk("a"), "a").unwrap();
    for remote in ["../a", "/a", "a/", "a//b", ".cfdp-1-1.part/../x"] {
        assert_refused(&site.run(&["get", remote, "b"]), &["REMOTE"]);
        assert_refused(&site.run(&["put", "a", remote]), &["REMOTE"]);
    }
    assert_eq!(site.files().len(), 0);
}

#[test]
fn a_file_here_that_cannot_be_read_or_written_is_refused() {
    let site = Site::new();
    assert_refused(
        &site.run(&["put", "none", "a"]),
        &["cannot send", "desk/none", "No such file"],
    );
    assert_refused(&site.run(&["put", ".", "a"]), &["no regular file"]);
    assert_refused(
        &site.run(&["get", "a", "no/such/folder"]),
        &["the folder of"],
    );
    assert_eq!(site.stored("outgoing"), 0);
    assert_refused(
        &site.run(&["files", "--cancel", "2-99"]),
        &["no transaction 2-99"],
    );
    assert_refused(&site.run(&["files", "--cancel", "x"]), &["such as 2-17"]);
}

#[test]
fn a_link_without_files_says_how_to_have_them() {
    let site = Site::new();
    let config = fs::read_to_string(site.path("ground.toml")).unwrap();
    let (without, _) = config.split_once("[link.files]").unwrap();
    fs::write(site.path("ground.toml"), without).unwrap();
    let get = site.run(&["get", "a"]);
    assert_refused(&get, &["link `uhf`", "[link.files]"]);
}
