//! libFuzzer's programs have a `Cargo.lock` of their own, which no build of the
//! workspace keeps up to date.

use std::fs;

use crate::package;

fn text(path: &str) -> String {
    let path = package().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The names in the table `dependencies` of a manifest, but for optional ones.
fn needed(manifest: &str) -> Vec<&str> {
    let (_, table) = manifest.split_once("[dependencies]\n").expect("a table");
    let lines = table.lines().take_while(|line| !line.starts_with('['));
    let always = lines.filter(|line| !line.contains("optional = true"));
    let names = always.filter_map(|line| line.split(['.', ' ']).next());
    names.filter(|name| !name.is_empty()).collect()
}

fn assert_locked(package: &str, expected: &str) {
    let lock = text("libfuzzer/Cargo.lock");
    let mut packages = lock.split("[[package]]\n");
    let begin = format!("name = \"{package}\"\n");
    let entry = packages.find(|entry| entry.starts_with(&begin));
    let entry = entry.unwrap_or_else(|| panic!("no {package} in the lock file"));
    let manifest = text(&format!("../{package}/Cargo.toml"));
    let needed = needed(&manifest);
    assert!(needed.contains(&expected), "{needed:?}");
    for name in needed {
        let known = entry.contains(&format!(" \"{name}"));
        assert!(
            known,
            "no {name}: run `cargo update -w --manifest-path fuzz/libfuzzer/Cargo.toml`"
        );
    }
}

#[test]
fn the_lock_file_of_libfuzzer_has_all_that_radio_hal_needs() {
    assert_locked("radio-hal", "thiserror");
}

#[test]
fn the_lock_file_of_libfuzzer_has_all_that_comms_service_needs() {
    assert_locked("comms-service", "radio-hal");
}

#[test]
fn the_lock_file_of_libfuzzer_has_all_that_file_delivery_needs() {
    assert_locked("file-delivery", "crc");
}
