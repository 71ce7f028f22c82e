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

#[test]
fn the_lock_file_of_libfuzzer_has_all_that_radio_hal_needs() {
    let lock = text("libfuzzer/Cargo.lock");
    let mut packages = lock.split("[[package]]\n");
    let radio = packages
        .find(|package| package.starts_with("name = \"radio-hal\"\n"))
        .expect("radio-hal in the lock file");
    let manifest = text("../radio-hal/Cargo.toml");
    let needed = needed(&manifest);
    assert!(needed.contains(&"thiserror"), "{needed:?}");
    for name in needed {
        let known = radio.contains(&format!(" \"{name}"));
        assert!(
            known,
            "no {name}: run `cargo update -w --manifest-path fuzz/libfuzzer/Cargo.toml`"
        );
    }
}
