//! What the book says of apps and policy.

use std::fs;
use std::process::Command;

use crate::rig::{access, refusal};

const PAGE: &str = include_str!("../../../docs/src/link-service.md");

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fenced = PAGE.split("\n```").skip(1).step_by(2);
    fenced
        .filter_map(|block| block.strip_prefix(language))
        .collect()
}

#[test]
fn the_tables_of_the_book_are_taken_and_the_second_refused_as_it_says() {
    let [taken, refused, bucket, staging] = blocks("toml")[..] else {
        panic!("the page has other tables");
    };
    assert_eq!(access(taken).policy().rules().len(), 2);
    let apps = taken.split("[[link-service.policy]]").next().unwrap();
    let error = refusal(&format!("{apps}{refused}"));
    assert!(error.contains("number 2: it decides nothing"), "{error}");
    let in_bucket = access(bucket);
    assert_eq!(in_bucket.buckets().len(), 1);
    access(staging);
}

#[test]
fn explain_says_what_the_book_shows() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.toml"), blocks("toml")[0]).unwrap();
    let shown: Vec<&str> = blocks("text")[0].trim().lines().collect();
    assert_eq!(shown.len(), 6);
    for pair in shown.chunks(2) {
        let words = pair[0].strip_prefix("$ link-service ").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_link-service"));
        command.args(words.split(' ')).current_dir(directory.path());
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(said.trim_end(), pair[1]);
    }
}
