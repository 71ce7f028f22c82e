//! The process ends, after each step.

use std::collections::BTreeSet;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use super::rig::{Item, Kept, Site};
use crate::delivery::step::{ALL, AtStep, Step, unwatched};

const FOLDER: &str = "DELIVERY_TEST_FOLDER";
const STEP: &str = "DELIVERY_TEST_STEP";
const ME: &str = "delivery::tests::crashes::the_process_that_is_killed";

/// Does something at the n-th time of a step.
fn at(step: Step, times: usize, does: impl Fn() + Send + Sync + 'static) -> AtStep {
    let left = AtomicUsize::new(times);
    Arc::new(move |reached| {
        if reached == step && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            does();
        }
    })
}

fn items() -> [Item; 2] {
    [1, 2].map(|number| Item::new(number, &[number; 5000]))
}

/// Once each, and all of it said.
#[track_caller]
fn is_done(site: &Site, delivered: usize) {
    assert_eq!(delivered, 2);
    assert_eq!((site.waiting(), site.dead()), (0, 0));
    let receipts = site.receipts();
    let ids: BTreeSet<&str> = receipts.iter().map(|receipt| &*receipt.uuid).collect();
    assert_eq!((ids.len(), receipts.len()), (2, 2));
    let counts = site.start().counts().unwrap();
    let expected = (2, 2, 0, 2);
    let found = (
        counts.arrived,
        counts.delivered,
        counts.repeated,
        counts.receipts,
    );
    assert_eq!(found, expected, "{counts:?}");
}

#[track_caller]
fn is_listed_once(site: &Site) {
    let mut listed: Vec<String> = Vec::new();
    for manifest in site.manifests() {
        let files = manifest["files"].as_array().unwrap();
        listed.extend(files.iter().map(|file| file["uuid"].to_string()));
    }
    listed.sort();
    let ids = items().map(|item| format!("{:?}", item.uuid));
    assert_eq!(listed, ids);
}

/// Two passes: one with files, one after it.
fn work(site: &mut Site, at_step: AtStep) {
    let mut deliverer = site.start_watched(at_step);
    deliverer.round(site.now);
    site.wait(700);
    deliverer.round(site.now);
}

/// Not a test of its own.
#[test]
fn the_process_that_is_killed() {
    let (Some(folder), Ok(step)) = (env::var_os(FOLDER), env::var(STEP)) else {
        return;
    };
    let (step, times) = step.split_once(' ').unwrap();
    let step = ALL[step.parse::<usize>().unwrap()];
    let killed = at(step, times.parse().unwrap(), || {
        kill_process(getpid(), Signal::KILL).unwrap();
    });
    work(&mut Site::at(folder.as_ref()), killed);
}

#[test]
fn a_process_that_is_killed_after_any_step_delivers_each_file_once() {
    for (number, step) in ALL.into_iter().enumerate() {
        for times in 1..=2 {
            let mut site = Site::new();
            items().iter().for_each(|item| site.bring(item));
            let mut command = Command::new(env::current_exe().unwrap());
            command.args([ME, "--exact"]).env(FOLDER, site.path(""));
            let output = command.env(STEP, format!("{number} {times}")).output();
            let is_of_manifest = matches!(step, Step::ManifestChosen | Step::ManifestPut);
            let is_killed = !output.unwrap().status.success();
            // There is one manifest, and a directory has no parts.
            let is_to_be = (times == 1 || !is_of_manifest) && step != Step::Begun;
            assert_eq!(is_killed, is_to_be, "{step:?}");
            site.wait(5);
            work(&mut site, unwatched());
            is_done(&site, site.delivered("out").len());
            is_listed_once(&site);
        }
    }
}

#[test]
fn a_process_that_ends_after_any_step_puts_each_object_once() {
    for step in ALL {
        for times in 1..=2 {
            let mut site = Site::new();
            items().iter().for_each(|item| site.bring(item));
            let bucket = Kept::new("s3://mission/files");
            let ends = at(step, times, || panic!("the process ends"));
            let mut deliverer = site.start_with(vec![bucket.boxed()], &[], ends);
            let _ = catch_unwind(AssertUnwindSafe(|| {
                deliverer.round(site.now);
                site.wait(700);
                deliverer.round(site.now);
            }));
            drop(deliverer);
            let mut deliverer = site.start_with(vec![bucket.boxed()], &[], unwatched());
            deliverer.round(site.now);
            site.wait(700);
            deliverer.round(site.now);
            drop(deliverer);
            let keys = bucket.keys();
            let is_manifest = |key: &&String| key.contains("/manifests/");
            assert_eq!(
                keys.iter().filter(is_manifest).count(),
                1,
                "{step:?}: {keys:?}"
            );
            is_done(&site, keys.len() - 1);
            assert!(
                bucket.store().uploads.lock().unwrap().is_empty(),
                "{step:?}"
            );
        }
    }
}

#[test]
fn a_process_that_ends_once_a_receipt_is_ordered_again_leaves_one_order() {
    let mut site = Site::new();
    site.bring(&Item::new(1, b"octets"));
    site.orders.is_refused.store(true, Ordering::SeqCst);
    let mut deliverer = site.start_watched(at(Step::Ordered, 2, || panic!("the process ends")));
    deliverer.round(site.now);
    site.orders.is_refused.store(false, Ordering::SeqCst);
    site.wait(5);
    let ended = catch_unwind(AssertUnwindSafe(|| deliverer.round(site.now)));
    assert!(ended.is_err());
    drop(deliverer);
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert_eq!(site.receipts().len(), 1);
    assert_eq!(deliverer.counts().unwrap().receipts, 2);
}
