//! The generated code is that of its `.proto` files.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Set, it has the code written anew.
const WRITE: &str = "HELIOGRAPH_WRITE_PROTOS";

fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn generate(folder: &Path) {
    let protos = [in_package("proto")];
    let services =
        protox::compile(["antaris_api.proto", "heliograph_payload.proto"], protos).unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .btree_map(".")
        .out_dir(folder)
        .include_file("mod.rs")
        .compile_fds(services)
        .unwrap();
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_generated_code_is_that_of_the_protos() {
    let kept = in_package("src/generated");
    if std::env::var_os(WRITE).is_some() {
        generate(&kept);
    }
    let anew = TempDir::new().unwrap();
    generate(anew.path());
    let is_same = files(anew.path()) == files(&kept);
    assert!(is_same, "run this test once with {WRITE}=1");
}
