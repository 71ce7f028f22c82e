//! Every target on its corpus, and for a moment on octets at random. The random
//! runs are the same each time; `cargo xtask fuzz` searches anew.

mod lock;
mod mutation;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use heliograph_fuzz::{TARGETS, Target};

use mutation::Mutation;

/// About a second each without optimisation.
const RANDOM_RUNS: usize = 10_000;
const SEED: u64 = 0x4845_4C49_4F47_5241;

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = package().join("corpus").join(target.name);
    let mut files: Vec<_> = entries(&folder)
        .into_iter()
        .map(|path| {
            let octets = fs::read(&path).expect("a file of the corpus");
            (path, octets)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    files
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn replay(name: &str) {
    let target = target(name);
    for (path, input) in corpus(target) {
        run(target, &input, &path.display().to_string());
    }
}

fn run_at_random(name: &str) {
    let target = target(name);
    let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
    let mut mutation = Mutation::new(SEED, &inputs);
    for number in 0..RANDOM_RUNS {
        run(
            target,
            &mutation.next_input(),
            &format!("random input {number}"),
        );
    }
}

/// Says which input it was, before the panic goes on.
fn run(target: &Target, input: &[u8], what: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if outcome.is_err() {
        panic!("target {} fails on {what}: {input:02X?}", target.name);
    }
}

fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.expect("a target of this name")
}

#[test]
fn every_target_has_a_test_a_corpus_and_a_libfuzzer_program() {
    let names = |folder: &str| -> BTreeSet<String> {
        let paths = entries(&package().join(folder)).into_iter();
        let stems = paths.map(|path| path.file_stem().expect("a name").to_owned());
        stems
            .map(|stem| stem.into_string().expect("a plain name"))
            .collect()
    };
    let targets: BTreeSet<_> = TARGETS.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("libfuzzer/src/bin"), targets);
    assert_eq!(BTreeSet::from(TESTED.map(str::to_owned)), targets);
}

macro_rules! targets {
    ($($name:ident)*) => {
        const TESTED: [&str; TARGETS.len()] = [$(stringify!($name)),*];

        $(mod $name {
            #[test]
            fn nothing_in_the_corpus_is_a_find() {
                super::replay(stringify!($name));
            }

            #[test]
            fn nothing_at_random_is_a_find() {
                super::run_at_random(stringify!($name));
            }
        })*
    };
}

targets!(ax25 cfdp_pdu deframer engine hdlc kiss kubos security slip space_packet udp);
