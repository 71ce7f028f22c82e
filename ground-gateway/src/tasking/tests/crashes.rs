//! The process ends, after each step.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};

use super::rig::{BEGIN_S, Ground, Sky, order};
use crate::tasking::step::{ALL, AtStep, Step, unwatched};

const FOLDER: &str = "TASKING_TEST_FOLDER";
const STEP: &str = "TASKING_TEST_STEP";
const ME: &str = "tasking::tests::crashes::the_process_that_is_killed";
/// Times of a step after which it ends.
const TIMES: usize = 3;

/// Windows start so many seconds after the begin; the third is cancelled.
const STARTS_S: [i64; 3] = [1_000, 2_000, 3_000];
const OCTETS: [&[u8]; 2] = [b"one", b"two"];

/// Does something at the n-th time of a step.
fn at(step: Step, times: usize, does: impl Fn() + Send + Sync + 'static) -> AtStep {
    let left = AtomicUsize::new(times);
    Arc::new(move |reached| {
        if reached == step && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            does();
        }
    })
}

/// A customer orders what is not there yet, as one does who got no answer.
fn order_what_is_missing(ground: &Ground) {
    for start_s in STARTS_S {
        let is_there = |start_s: i64| {
            let windows = ground.windows();
            windows
                .iter()
                .any(|window| window.span.start_s == BEGIN_S + start_s)
        };
        if !is_there(start_s) && ground.sky.now().s() < BEGIN_S + start_s - 200 {
            ground.order(&order(start_s)).unwrap();
        }
    }
    for octets in &OCTETS[ground.uploads().len().min(OCTETS.len())..] {
        ground.upload(octets).unwrap();
    }
}

/// From the first order to the last answer, as far as it comes.
fn work(folder: &Path, sky: Arc<Sky>, at_step: AtStep) {
    let mut ground = Ground::watched(folder, sky, at_step);
    order_what_is_missing(&ground);
    ground.live(60);
    for window in ground.windows() {
        if window.span.start_s == BEGIN_S + STARTS_S[2] && !window.reason.starts_with("cancel") {
            // It may have ended: then it is not cancelled.
            let _ = ground.cancel(window.id);
        }
    }
    ground.sky.end_transfers(None);
    let left_s = BEGIN_S + 4_000 - ground.sky.now().s();
    ground.live(left_s.max(100));
    ground.sky.end_transfers(None);
    ground.live(100);
}

/// Not a test of its own.
#[test]
fn the_process_that_is_killed() {
    let (Some(folder), Ok(step)) = (env::var_os(FOLDER), env::var(STEP)) else {
        return;
    };
    let (step, times) = step.split_once(' ').unwrap();
    let step = ALL[step.parse::<usize>().unwrap()];
    let folder = Path::new(&folder);
    let sky = Sky::new(folder, BEGIN_S);
    let until = Arc::clone(&sky);
    let clock = folder.join("clock");
    let killed = at(step, times.parse().unwrap(), move || {
        std::fs::write(&clock, until.now().s().to_string()).unwrap();
        kill_process(getpid(), Signal::KILL).unwrap();
    });
    work(folder, sky, killed);
}

/// Everything has ended, once, and nothing is left.
#[track_caller]
fn is_well(ground: &Ground, which: &str) {
    let windows = ground.windows();
    let starts: BTreeSet<i64> = windows.iter().map(|window| window.span.start_s).collect();
    assert_eq!(
        (starts.len(), windows.len()),
        (3, 3),
        "{which}: {windows:?}"
    );
    let on_board = ground.sky.spacecraft.windows();
    for window in &windows {
        let there = on_board.get(&window.id.to_string());
        let runs = there.map_or(0, |there| there["runs"].as_i64().unwrap());
        let state = window.state.as_str();
        let expected = match window.span.start_s - BEGIN_S {
            3_000 => ("CANCELLED", 0),
            _ => ("EXECUTED", 1),
        };
        assert_eq!((state, runs), expected, "{which}: {window:?} {there:?}");
    }
    assert_eq!(
        on_board.len(),
        on_board
            .keys()
            .filter(|id| { windows.iter().any(|window| window.id.to_string() == **id) })
            .count()
    );
    let uploads = ground.uploads();
    assert!(
        uploads.iter().all(|one| one.1 == "UPLOADED"),
        "{which}: {uploads:?}"
    );
    let bundles = ground.sky.bundles();
    let mut sums: Vec<_> = bundles.iter().map(|bundle| bundle.sha256.clone()).collect();
    sums.sort();
    let mut expected: Vec<_> = OCTETS.map(super::rig::sha256).to_vec();
    expected.sort();
    assert_eq!(sums, expected, "{which}");
    let left = std::fs::read_dir(&ground.desk.uploads).unwrap().count();
    assert_eq!(left, 0, "{which}: octets are left on the ground");
}

/// What the ground says of each window is what became of it on board, and nothing is left.
#[track_caller]
fn is_true(ground: &Ground, which: &str) {
    let on_board = ground.sky.spacecraft.windows();
    let windows = ground.windows();
    for window in &windows {
        let there = on_board.get(&window.id.to_string());
        let runs = there.map_or(0, |there| there["runs"].as_i64().unwrap());
        let expected = match window.state.as_str() {
            "EXECUTED" => 1,
            "FAILED" | "CANCELLED" => 0,
            other => panic!("{which}: {other} at the end"),
        };
        assert_eq!(runs, expected, "{which}: {window:?} {there:?}");
    }
    for id in on_board.keys() {
        let is_known = windows.iter().any(|window| window.id.to_string() == *id);
        assert!(is_known, "{which}: window {id} is forgotten");
    }
    let uploads = ground.uploads();
    assert!(
        uploads.iter().all(|one| one.1 == "UPLOADED"),
        "{which}: {uploads:?}"
    );
    assert_eq!(ground.sky.bundles().len(), OCTETS.len(), "{which}");
}

#[test]
fn a_ground_that_is_killed_after_any_step_runs_no_window_twice_and_forgets_none() {
    after_any_step(5, is_well);
}

#[test]
fn a_ground_that_is_killed_and_down_until_all_is_over_tells_what_became_of_each_window() {
    after_any_step(6_000, is_true);
}

/// Kills a ground after each step, and looks at what the next makes of it, which begins so many
/// seconds later.
fn after_any_step(down_s: i64, look: fn(&Ground, &str)) {
    // They wait for the disk most of the time.
    thread::scope(|scope| {
        for number in 0..ALL.len() {
            scope.spawn(move || sweep(number, down_s, look));
        }
    });
}

fn sweep(number: usize, down_s: i64, look: fn(&Ground, &str)) {
    let step = ALL[number];
    let mut killed = 0;
    for times in 1..=TIMES {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([ME, "--exact"]).env(FOLDER, folder.path());
        let command = command.env(STEP, format!("{number} {times}"));
        let output = command.output().unwrap();
        if output.status.success() {
            // The step is not reached so often.
            continue;
        }
        killed += 1;
        let which = format!("{step:?}, {times}");
        let clock = std::fs::read_to_string(folder.path().join("clock"));
        let clock = clock.unwrap_or_else(|_| panic!("{which}: {output:?}"));
        let sky = Sky::new(folder.path(), clock.parse::<i64>().unwrap());
        sky.wait(down_s);
        work(folder.path(), sky, unwatched());
        let after = Sky::new(folder.path(), BEGIN_S + 20_000);
        look(&Ground::watched(folder.path(), after, unwatched()), &which);
    }
    assert!(killed > 0, "{step:?} is never reached");
}
