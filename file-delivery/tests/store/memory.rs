//! A disk in memory whose power is cut.

use file_delivery::store::{Change, FileStore, Journal, JournalError, StoreError};

use crate::{MemoryDisk, content, is_not_allowed, name, put, staging, transaction};

#[test]
fn a_journal_holds_what_was_committed() {
    let disk = MemoryDisk::new(1);
    crate::contract::journal_holds_what_was_committed(|| disk.journal());
}

/// Puts a file in the place of an older one, and keeps a journal of it.
fn run(disk: &MemoryDisk) -> Result<(), ()> {
    let (mut store, mut journal) = (disk.store(), disk.journal());
    let place = staging(1, "file");
    let mut staged = store.stage(&place, Some(6)).map_err(drop)?;
    store.write(&mut staged, 0, b"new").map_err(drop)?;
    store.sync(&mut staged).map_err(drop)?;
    let synced = [Change::Put(transaction(1), b"3".to_vec())];
    journal.commit(&synced).map_err(drop)?;
    store.write(&mut staged, 3, b"est").map_err(drop)?;
    store.deliver(&place, 6, &name("file")).map_err(drop)?;
    let end = [Change::Remove(transaction(1))];
    journal.commit(&end).map_err(drop)
}

#[test]
fn a_cut_at_any_change_leaves_what_was_durable() {
    let mut ends = [0; 3];
    for seed in 0..20 {
        for changes in 0..8 {
            let disk = MemoryDisk::new(seed);
            disk.put(&name("file"), b"old");
            disk.fail_after(changes);
            assert_eq!(run(&disk).is_ok(), changes >= 7);
            assert_eq!(disk.has_failed(), changes < 7);
            disk.power_cut();
            let mut store = disk.store();
            let records = disk.journal().load().unwrap().records;
            let file = content(&mut store, "file").unwrap();
            match &*file {
                b"newest" => {
                    assert!(changes >= 5);
                    ends[if records.is_empty() { 2 } else { 1 }] += 1;
                }
                b"old" => {
                    assert!(changes <= 5);
                    ends[0] += 1;
                    if !records.is_empty() {
                        let mut staged = store.stage(&staging(1, "file"), Some(6)).unwrap();
                        let mut octets = [0; 3];
                        store.read_staged(&mut staged, 0, &mut octets).unwrap();
                        assert_eq!(&octets, b"new");
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(ends.iter().all(|ends| *ends > 0), "{ends:?}");
}

#[test]
fn after_it_failed_everything_fails_until_it_starts_again() {
    let disk = MemoryDisk::new(1);
    put(&mut disk.store(), 1, "file", b"abc").unwrap();
    disk.fail_after(0);
    let mut store = disk.store();
    assert!(store.stage(&staging(2, "file"), None).is_err());
    assert!(store.open(&name("file")).is_err());
    assert!(store.list(None).is_err());
    let failed = disk.journal().load();
    assert!(matches!(failed, Err(JournalError(_))));
    disk.restart();
    assert_eq!(content(&mut store, "file").unwrap(), b"abc");
}

#[test]
fn a_restart_without_a_cut_leaves_all_that_was_written() {
    for seed in 0..20 {
        let disk = MemoryDisk::new(seed);
        let mut store = disk.store();
        let mut staged = store.stage(&staging(1, "file"), None).unwrap();
        store.write(&mut staged, 0, b"abc").unwrap();
        disk.restart();
        let mut octets = [0; 3];
        store.read_staged(&mut staged, 0, &mut octets).unwrap();
        assert_eq!(&octets, b"abc");
        assert_eq!(disk.staged(), [transaction(1)]);
    }
}

#[test]
fn a_full_disk_refuses_a_file_before_its_first_octet_and_loses_nothing() {
    let disk = MemoryDisk::new(1);
    disk.set_bytes_max(10);
    let mut store = disk.store();
    put(&mut store, 1, "file", b"abc").unwrap();
    let first = staging(2, "other");
    let mut staged = store.stage(&first, Some(5)).unwrap();
    // What is expected is taken.
    assert!(is_not_allowed(store.stage(&staging(3, "other"), Some(3))));
    let mut unbounded = store.stage(&staging(4, "other"), None).unwrap();
    store.write(&mut unbounded, 0, b"ab").unwrap();
    let refused = store.write(&mut unbounded, 2, b"c");
    assert!(matches!(refused, Err(StoreError::Failed { .. })));
    store.write(&mut staged, 0, b"abcde").unwrap();
    store.deliver(&first, 5, &name("other")).unwrap();
    assert_eq!(content(&mut store, "other").unwrap(), b"abcde");
    let mut octets = [0; 2];
    store.read_staged(&mut unbounded, 0, &mut octets).unwrap();
    assert_eq!(&octets, b"ab");
}

#[test]
fn it_counts_what_it_does() {
    let disk = MemoryDisk::new(1);
    run(&disk).unwrap();
    let counts = disk.counts();
    assert_eq!((counts.changes, counts.octets_written), (7, 6));
    assert_eq!((counts.syncs, counts.delivered, counts.commits), (1, 1, 2));
}
