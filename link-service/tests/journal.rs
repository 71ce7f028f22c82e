//! What the journal of transfers promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use link_service::journal::{Journal, RedbJournal};
use link_service::record::{Order, Phase, Transfer, TransferId};
use link_service::request::{LinkRequest, LinkType, Priority};
use tempfile::TempDir;

fn transfer(number: u64, attempts: u32) -> Transfer {
    Transfer {
        id: TransferId(number),
        sender: "camera".parse().unwrap(),
        origin: None,
        bundle_hash: None,
        request: LinkRequest {
            link_type: LinkType::App2App,
            priority: Priority::Medium,
            files: vec!["image.raw".parse().unwrap()],
            subdirectory: Default::default(),
            recipients: vec!["analyser".parse().unwrap()],
            overwrite: false,
            leave_source: false,
            expires: None,
            request_id: format!("image-{number}"),
            correlation_id: String::new(),
            metadata: BTreeMap::new(),
        },
        accepted_at: Duration::from_secs(1),
        files: Vec::new(),
        legs: Vec::new(),
        attempts,
        phase: Phase::Accepted,
    }
}

fn place(folder: &TempDir) -> PathBuf {
    folder.path().join("state/link.redb")
}

fn found(path: &Path) -> Vec<Transfer> {
    RedbJournal::open(path).unwrap().load().unwrap()
}

#[test]
fn the_last_record_of_each_is_there_after_a_restart_in_the_order_of_the_numbers() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    for (number, attempts) in [(3, 0), (1, 0), (2, 0), (3, 7)] {
        journal.put(&transfer(number, attempts)).unwrap();
    }
    journal.remove(TransferId(2)).unwrap();
    let expected = [transfer(1, 0), transfer(3, 7)];
    assert_eq!(journal.load().unwrap(), expected);
    drop(journal);
    assert_eq!(found(&place(&folder)), expected);
}

#[test]
fn what_nobody_waits_for_is_there_after_a_good_end() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    journal.note(&transfer(1, 1)).unwrap();
    drop(journal);
    assert_eq!(found(&place(&folder)), [transfer(1, 1)]);
}

#[test]
fn many_threads_put_at_once_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    thread::scope(|scope| {
        for first in 0..16 {
            let journal = journal.clone();
            scope.spawn(move || {
                for number in 0..20 {
                    journal.put(&transfer(first * 100 + number, 0)).unwrap();
                }
            });
        }
    });
    drop(journal);
    assert_eq!(found(&place(&folder)).len(), 16 * 20);
}

#[test]
fn a_damaged_journal_is_kept_aside_and_a_new_one_begun() {
    let folder = TempDir::new().unwrap();
    let path = place(&folder);
    drop(RedbJournal::open(&path).unwrap());
    fs::write(&path, "no database").unwrap();
    let journal = RedbJournal::open(&path).unwrap();
    let aside = journal.take_set_aside().unwrap();
    assert_eq!(fs::read_to_string(aside).unwrap(), "no database");
    assert_eq!(journal.take_set_aside(), None);
    journal.put(&transfer(1, 0)).unwrap();
    assert_eq!(journal.load().unwrap(), [transfer(1, 0)]);
}

#[test]
fn two_processes_do_not_share_a_journal() {
    let folder = TempDir::new().unwrap();
    let _first = RedbJournal::open(&place(&folder)).unwrap();
    let error = RedbJournal::open(&place(&folder)).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn what_was_asked_of_a_transfer_is_there_after_a_restart_until_it_is_forgotten() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    let held = Order {
        held: true,
        ..Order::default()
    };
    let first = Order {
        priority: Some(Priority::Critical),
        ..Order::default()
    };
    for (number, order) in [(1, first), (2, held), (3, first), (3, held)] {
        journal.order(TransferId(number), order).unwrap();
    }
    journal.remove(TransferId(2)).unwrap();
    drop(journal);
    let orders = RedbJournal::open(&place(&folder)).unwrap().load_orders();
    let expected = [(TransferId(1), first), (TransferId(3), held)];
    assert_eq!(orders.unwrap(), expected);
}

#[test]
fn what_nobody_waits_for_is_seen_by_whoever_reads_and_goes_with_the_next() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    for number in 0..3000 {
        journal.note(&transfer(number, 0)).unwrap();
    }
    assert_eq!(journal.load().unwrap().len(), 3000);
    journal.note(&transfer(1, 1)).unwrap();
    journal.put(&transfer(1, 2)).unwrap();
    assert_eq!(journal.load().unwrap()[1], transfer(1, 2), "in their order");
}

#[test]
fn what_is_done_while_a_record_is_put_is_done_once() {
    let folder = TempDir::new().unwrap();
    let journal = RedbJournal::open(&place(&folder)).unwrap();
    let mut done = 0;
    let put = journal.put_while(&transfer(1, 0), &mut || {
        done += 1;
        // Others need not wait for it.
        journal.put(&transfer(2, 0)).unwrap();
    });
    put.unwrap();
    assert_eq!(done, 1);
    assert_eq!(journal.load().unwrap().len(), 2);
}
