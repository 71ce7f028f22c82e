//! The journal on the disk.

use std::fs;
use std::path::PathBuf;

use file_delivery::store::{Change, Journal, RedbJournal, Step};

use crate::transaction;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Site { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("state/files.redb")
    }

    fn open(&self) -> RedbJournal {
        RedbJournal::open(&self.path()).unwrap()
    }
}

fn record(number: u64) -> Change {
    Change::Put(transaction(number), vec![7; 100])
}

fn numbers(journal: &mut RedbJournal) -> Vec<u64> {
    let records = journal.load().unwrap().records;
    records.iter().map(|(id, _)| id.number.0).collect()
}

#[test]
fn a_journal_holds_what_was_committed() {
    let site = Site::new();
    crate::contract::journal_holds_what_was_committed(|| site.open());
}

#[test]
fn records_come_in_the_order_of_their_ids() {
    let site = Site::new();
    let mut journal = site.open();
    let ids = [300, 2, u64::MAX, 0, 70_000];
    journal.commit(&ids.map(record)).unwrap();
    assert_eq!(numbers(&mut journal), [0, 2, 300, 70_000, u64::MAX]);
}

#[test]
fn commits_and_syncs_are_counted() {
    let site = Site::new();
    let mut journal = site.open();
    let before = journal.counts();
    assert_eq!(before.commits, 0);
    for number in 0..100 {
        journal.commit(&[record(number)]).unwrap();
    }
    let after = journal.counts();
    assert_eq!(after.commits, 100);
    let syncs = after.syncs - before.syncs;
    assert!((100..=110).contains(&syncs), "{syncs}");
}

#[test]
fn a_journal_does_not_grow_with_what_it_forgot() {
    let site = Site::new();
    let mut journal = site.open();
    let bytes = || fs::metadata(site.path()).unwrap().len();
    let mut largest = 0;
    for number in 0..500 {
        journal.commit(&[record(number)]).unwrap();
        journal
            .commit(&[Change::Remove(transaction(number))])
            .unwrap();
        if number == 99 {
            largest = bytes();
        }
    }
    assert!(bytes() <= largest, "{} {largest}", bytes());
}

#[test]
fn a_damaged_journal_is_kept_aside_and_a_new_one_begun() {
    let site = Site::new();
    let mut journal = site.open();
    let changes: Vec<Change> = (0..50).map(record).collect();
    journal.commit(&changes).unwrap();
    drop(journal);
    let whole = fs::read(site.path()).unwrap();
    let mut overwritten = whole.clone();
    overwritten[100..].fill(0xA5);
    let damages = [
        b"no database".to_vec(),
        whole[..1001].to_vec(),
        vec![0; whole.len()],
        overwritten,
    ];
    for (number, damage) in damages.iter().enumerate() {
        fs::write(site.path(), damage).unwrap();
        let mut journal = site.open();
        let aside = journal.take_set_aside().unwrap();
        assert!(aside.ends_with(format!("files.redb.damaged-{}", number + 1)));
        assert_eq!(fs::read(aside).unwrap().len(), damage.len());
        assert_eq!(journal.take_set_aside(), None);
        assert_eq!(numbers(&mut journal), [0; 0]);
        journal.commit(&[record(1)]).unwrap();
    }
    assert_eq!(numbers(&mut site.open()), [1]);
}

#[test]
fn two_processes_do_not_share_a_journal() {
    let site = Site::new();
    let _first = site.open();
    let error = RedbJournal::open(&site.path()).map(drop).unwrap_err();
    assert!(error.to_string().contains("another process has"), "{error}");
}

#[test]
fn after_a_failure_the_next_commit_opens_the_journal_again() {
    for step in [Step::JournalWritten, Step::JournalSynced] {
        let site = Site::new();
        let mut journal = site.open();
        journal.commit(&[record(1)]).unwrap();
        let mut is_failing = true;
        journal.at_each_step(Box::new(move |done| {
            if done == step && std::mem::take(&mut is_failing) {
                panic!("as the database library does in a file that it does not know");
            }
        }));
        journal.commit(&[record(2)]).unwrap_err();
        journal.commit(&[record(3)]).unwrap();
        assert_eq!(journal.take_set_aside(), None);
        drop(journal);
        let numbers = numbers(&mut site.open());
        assert!(numbers == [1, 3] || numbers == [1, 2, 3], "{numbers:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error() {
    let site = Site::new();
    fs::write(site.folder.path().join("state"), "").unwrap();
    assert!(RedbJournal::open(&site.path()).is_err());
}
