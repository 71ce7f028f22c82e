//! What every store does, of a disk in memory and of a directory.

use file_delivery::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use file_delivery::store::{Change, FileStore, Journal, Staging};

use crate::{
    content, create_directory, is_missing, is_not_allowed, lv, name, put, staging, transaction,
};

/// Each of these functions is a test of a store of each kind.
macro_rules! every_store {
    ($($test:ident)*) => {
        mod of_memory {
            $(#[test]
            fn $test() {
                super::$test(&mut crate::MemoryDisk::new(1).store());
            })*
        }

        #[cfg(target_os = "linux")]
        mod of_a_directory {
            $(#[test]
            fn $test() {
                super::$test(&mut crate::directory::Site::new().store);
            })*
        }
    };
}

every_store! {
    a_file_put_together_out_of_order_gets_its_name_whole
    a_delivery_done_again_finds_it_done
    a_longer_old_file_leaves_no_tail
    a_longer_staged_file_is_cut_and_a_shorter_one_filled
    a_file_is_delivered_elsewhere_than_it_was_staged
    a_place_is_opened_again_with_what_was_written
    what_is_discarded_is_gone_and_discarding_nothing_is_done
    staging_is_not_seen
    names_of_the_store_itself_are_refused
    nothing_is_written_beyond_the_expected_size
    nothing_is_read_beyond_the_end
    files_are_created_once_and_deleted_once
    a_rename_overwrites_nothing
    appending_and_replacing_leave_the_second_file
    directories_are_removed_when_empty
    denying_what_is_not_there_is_done
    names_outside_the_grammar_are_not_allowed
    a_directory_is_no_file
    a_directory_is_listed_in_order
}

fn a_file_put_together_out_of_order_gets_its_name_whole(store: &mut impl FileStore) {
    let place = staging(1, "a/b/file");
    let mut staged = store.stage(&place, Some(9)).unwrap();
    for (offset, octets) in [(6, b"ghi"), (0, b"abc"), (3, b"def"), (3, b"def")] {
        store.write(&mut staged, offset, octets).unwrap();
    }
    let mut octets = [0; 4];
    store.read_staged(&mut staged, 2, &mut octets).unwrap();
    assert_eq!(&octets, b"cdef");
    store.sync(&mut staged).unwrap();
    assert!(is_missing(store.open(&name("a/b/file"))));
    store.deliver(&place, 9, &name("a/b/file")).unwrap();
    assert_eq!(content(store, "a/b/file").unwrap(), b"abcdefghi");
}

fn a_delivery_done_again_finds_it_done(store: &mut impl FileStore) {
    put(store, 1, "file", b"abc").unwrap();
    let place = staging(1, "file");
    store.deliver(&place, 3, &name("file")).unwrap();
    assert_eq!(content(store, "file").unwrap(), b"abc");
    // What is there is not this file.
    assert!(is_missing(store.deliver(&place, 4, &name("file"))));
    assert!(is_missing(store.deliver(&place, 3, &name("other"))));
}

fn a_longer_old_file_leaves_no_tail(store: &mut impl FileStore) {
    put(store, 1, "file", &[b'x'; 10_000]).unwrap();
    let (mut old, _) = store.open(&name("file")).unwrap();
    put(store, 2, "file", b"new").unwrap();
    assert_eq!(content(store, "file").unwrap(), b"new");
    // Who reads the old one goes on with the old one.
    let mut octets = [0; 5];
    store.read(&mut old, 9_995, &mut octets).unwrap();
    assert_eq!(&octets, b"xxxxx");
}

fn a_longer_staged_file_is_cut_and_a_shorter_one_filled(store: &mut impl FileStore) {
    for (number, written, file) in [(1, &b"abcdef"[..], &b"abc"[..]), (2, b"ab", b"ab\0")] {
        let place = staging(number, "file");
        let mut staged = store.stage(&place, None).unwrap();
        store.write(&mut staged, 0, written).unwrap();
        store.deliver(&place, 3, &name("file")).unwrap();
        assert_eq!(content(store, "file").unwrap(), file);
    }
}

fn a_file_is_delivered_elsewhere_than_it_was_staged(store: &mut impl FileStore) {
    let place = Staging {
        transaction: transaction(1),
        beside: None,
    };
    let mut staged = store.stage(&place, None).unwrap();
    store.write(&mut staged, 0, b"abc").unwrap();
    for _ in 0..2 {
        store.deliver(&place, 3, &name("a/b/file")).unwrap();
    }
    assert_eq!(content(store, "a/b/file").unwrap(), b"abc");
    assert_eq!(store.list(None).unwrap(), ["a/"]);
}

fn a_place_is_opened_again_with_what_was_written(store: &mut impl FileStore) {
    let place = staging(1, "file");
    let mut staged = store.stage(&place, None).unwrap();
    store.write(&mut staged, 0, b"abc").unwrap();
    drop(staged);
    let mut staged = store.stage(&place, Some(6)).unwrap();
    store.write(&mut staged, 3, b"def").unwrap();
    store.deliver(&place, 6, &name("file")).unwrap();
    assert_eq!(content(store, "file").unwrap(), b"abcdef");
}

fn what_is_discarded_is_gone_and_discarding_nothing_is_done(store: &mut impl FileStore) {
    let place = staging(1, "file");
    let mut staged = store.stage(&place, None).unwrap();
    store.write(&mut staged, 0, b"abc").unwrap();
    store.discard(&place).unwrap();
    store.discard(&place).unwrap();
    store.discard(&staging(1, "no/such/file")).unwrap();
    assert!(is_missing(store.deliver(&place, 3, &name("file"))));
    let mut staged = store.stage(&place, None).unwrap();
    assert!(store.read_staged(&mut staged, 0, &mut [0; 3]).is_err());
}

fn staging_is_not_seen(store: &mut impl FileStore) {
    store.stage(&staging(1, "a/file"), Some(10)).unwrap();
    assert_eq!(store.list(None).unwrap(), ["a/"]);
    assert_eq!(store.list(Some(&name("a"))).unwrap(), [""; 0]);
}

fn names_of_the_store_itself_are_refused(store: &mut impl FileStore) {
    store.stage(&staging(1, "a/file"), Some(10)).unwrap();
    for own in ["a/.cfdp-3-1.part", ".cfdp-a/b", ".cfdp-"] {
        assert!(is_not_allowed(store.open(&name(own))), "{own}");
        assert!(is_not_allowed(store.stage(&staging(2, own), None)), "{own}");
        let delivered = store.deliver(&staging(1, "a/file"), 10, &name(own));
        assert!(is_not_allowed(delivered), "{own}");
        for request in [
            FilestoreRequest::DeleteFile(lv(own)),
            FilestoreRequest::DenyFile(lv(own)),
            FilestoreRequest::CreateFile(lv(own)),
            create_directory(own),
        ] {
            let status = store.perform(&request);
            assert_eq!(status, FilestoreStatus::NotAllowed, "{own}");
        }
    }
    // Others that begin with a dot are nobody's.
    put(store, 2, ".cfdp", b"abc").unwrap();
    assert_eq!(store.list(None).unwrap(), [".cfdp", "a/"]);
}

fn nothing_is_written_beyond_the_expected_size(store: &mut impl FileStore) {
    let place = staging(1, "file");
    let mut staged = store.stage(&place, Some(10)).unwrap();
    store.write(&mut staged, 7, b"abc").unwrap();
    for (offset, octets) in [
        (8, &b"abc"[..]),
        (10, b"a"),
        (1 << 32, b"a"),
        (u64::MAX, b"abc"),
    ] {
        assert!(
            is_not_allowed(store.write(&mut staged, offset, octets)),
            "{offset}"
        );
    }
    assert!(store.read_staged(&mut staged, 7, &mut [0; 4]).is_err());
}

fn nothing_is_read_beyond_the_end(store: &mut impl FileStore) {
    put(store, 1, "file", b"abc").unwrap();
    let (mut source, identity) = store.open(&name("file")).unwrap();
    assert_eq!(identity.size, 3);
    store.read(&mut source, 3, &mut []).unwrap();
    assert!(store.read(&mut source, 2, &mut [0; 2]).is_err());
    assert!(store.read(&mut source, u64::MAX, &mut [0; 2]).is_err());
}

fn statuses<S: FileStore>(store: &mut S, request: &FilestoreRequest<'_>) -> [FilestoreStatus; 2] {
    [store.perform(request), store.perform(request)]
}

fn files_are_created_once_and_deleted_once(store: &mut impl FileStore) {
    use FilestoreStatus::{FirstMissing, NotAllowed, Successful};
    let create = FilestoreRequest::CreateFile(lv("file"));
    assert_eq!(statuses(store, &create), [Successful, NotAllowed]);
    assert_eq!(content(store, "file").unwrap(), b"");
    let delete = FilestoreRequest::DeleteFile(lv("file"));
    assert_eq!(statuses(store, &delete), [Successful, FirstMissing]);
    assert!(is_missing(store.open(&name("file"))));
    let beneath_nothing = FilestoreRequest::CreateFile(lv("no/file"));
    assert_eq!(store.perform(&beneath_nothing), NotAllowed);
    let beneath_nothing = FilestoreRequest::DeleteFile(lv("no/file"));
    assert_eq!(store.perform(&beneath_nothing), FirstMissing);
}

fn a_rename_overwrites_nothing(store: &mut impl FileStore) {
    use FilestoreStatus::{FirstMissing, SecondExists, Successful};
    put(store, 1, "first", b"1").unwrap();
    put(store, 2, "second", b"2").unwrap();
    store.perform(&create_directory("directory"));
    let mut rename = |old, new| {
        let (old, new) = (lv(old), lv(new));
        store.perform(&FilestoreRequest::RenameFile { old, new })
    };
    assert_eq!(rename("first", "second"), SecondExists);
    assert_eq!(rename("first", "directory"), SecondExists);
    assert_eq!(rename("third", "second"), FirstMissing);
    assert_eq!(rename("first", "directory/third"), Successful);
    assert_eq!(rename("first", "directory/third"), FirstMissing);
    assert_eq!(content(store, "second").unwrap(), b"2");
    assert_eq!(content(store, "directory/third").unwrap(), b"1");
}

fn appending_and_replacing_leave_the_second_file(store: &mut impl FileStore) {
    use FilestoreStatus::{FirstMissing, SecondMissing, Successful};
    put(store, 1, "first", b"first").unwrap();
    put(store, 2, "second", b"2").unwrap();
    fn pair<'a>(append: bool, first: &'a str, second: &'a str) -> FilestoreRequest<'a> {
        let (first, second) = (lv(first), lv(second));
        match append {
            true => FilestoreRequest::AppendFile { first, second },
            false => FilestoreRequest::ReplaceFile { first, second },
        }
    }
    for (append, becomes) in [(true, &b"first2"[..]), (false, b"2")] {
        let mut perform = |first, second| store.perform(&pair(append, first, second));
        assert_eq!(perform("none", "second"), FirstMissing);
        assert_eq!(perform("first", "none"), SecondMissing);
        assert_eq!(perform("first", "second"), Successful);
        assert_eq!(content(store, "first").unwrap(), becomes);
        assert_eq!(content(store, "second").unwrap(), b"2");
    }
    assert_eq!(store.perform(&pair(true, "first", "first")), Successful);
    assert_eq!(content(store, "first").unwrap(), b"22");
    assert_eq!(store.list(None).unwrap(), ["first", "second"]);
}

fn directories_are_removed_when_empty(store: &mut impl FileStore) {
    use FilestoreStatus::{FirstMissing, NotAllowed, Successful};
    let create = create_directory("a");
    assert_eq!(statuses(store, &create), [Successful, NotAllowed]);
    assert_eq!(store.perform(&create_directory("x/y")), NotAllowed);
    put(store, 1, "a/file", b"abc").unwrap();
    let remove = FilestoreRequest::RemoveDirectory(lv("a"));
    assert_eq!(store.perform(&remove), NotAllowed);
    let deny = FilestoreRequest::DenyDirectory(lv("a"));
    assert_eq!(store.perform(&deny), NotAllowed);
    let remove_file = FilestoreRequest::RemoveDirectory(lv("a/file"));
    assert_eq!(store.perform(&remove_file), NotAllowed);
    store.perform(&FilestoreRequest::DeleteFile(lv("a/file")));
    assert_eq!(statuses(store, &remove), [Successful, FirstMissing]);
    assert_eq!(store.list(None).unwrap(), [""; 0]);
}

fn denying_what_is_not_there_is_done(store: &mut impl FileStore) {
    put(store, 1, "file", b"abc").unwrap();
    store.perform(&create_directory("directory"));
    for deny in [
        FilestoreRequest::DenyFile(lv("file")),
        FilestoreRequest::DenyDirectory(lv("directory")),
        FilestoreRequest::DenyFile(lv("no/file")),
        FilestoreRequest::DenyDirectory(lv("no/directory")),
    ] {
        assert_eq!(statuses(store, &deny), [FilestoreStatus::Successful; 2]);
    }
    assert_eq!(store.list(None).unwrap(), [""; 0]);
}

fn names_outside_the_grammar_are_not_allowed(store: &mut impl FileStore) {
    put(store, 1, "file", b"abc").unwrap();
    for outside in [
        "",
        "/file",
        "../file",
        "a/../file",
        ".",
        "a//b",
        "file/",
        "a\0b",
    ] {
        for request in [
            FilestoreRequest::CreateFile(lv(outside)),
            FilestoreRequest::DeleteFile(lv(outside)),
            FilestoreRequest::DenyFile(lv(outside)),
            FilestoreRequest::RemoveDirectory(lv(outside)),
            FilestoreRequest::DenyDirectory(lv(outside)),
            create_directory(outside),
            FilestoreRequest::RenameFile {
                old: lv("file"),
                new: lv(outside),
            },
            FilestoreRequest::AppendFile {
                first: lv("file"),
                second: lv(outside),
            },
        ] {
            let status = store.perform(&request);
            assert_eq!(status, FilestoreStatus::NotAllowed, "{request:?}");
        }
    }
    assert_eq!(content(store, "file").unwrap(), b"abc");
    assert_eq!(store.list(None).unwrap(), ["file"]);
}

fn a_directory_is_no_file(store: &mut impl FileStore) {
    store.perform(&create_directory("a"));
    assert!(is_not_allowed(store.open(&name("a"))));
    assert!(is_not_allowed(put(store, 1, "a", b"abc")));
    for request in [
        FilestoreRequest::DeleteFile(lv("a")),
        FilestoreRequest::DenyFile(lv("a")),
        FilestoreRequest::AppendFile {
            first: lv("a"),
            second: lv("a"),
        },
        FilestoreRequest::RenameFile {
            old: lv("a"),
            new: lv("b"),
        },
    ] {
        assert_eq!(store.perform(&request), FilestoreStatus::NotAllowed);
    }
    put(store, 2, "file", b"abc").unwrap();
    assert!(is_not_allowed(put(store, 3, "file/below", b"abc")));
    assert_eq!(store.list(None).unwrap(), ["a/", "file"]);
}

fn a_directory_is_listed_in_order(store: &mut impl FileStore) {
    for (number, file) in ["b", "a/c", "a.b", "a/b/c"].iter().enumerate() {
        put(store, number as u64, file, b"abc").unwrap();
    }
    assert_eq!(store.list(None).unwrap(), ["a.b", "a/", "b"]);
    assert_eq!(store.list(Some(&name("a"))).unwrap(), ["b/", "c"]);
    assert!(is_missing(store.list(Some(&name("c")))));
    assert!(is_not_allowed(store.list(Some(&name("b")))));
}

/// What every journal does, opened again by `reopen`.
pub(crate) fn journal_holds_what_was_committed<J: Journal>(mut reopen: impl FnMut() -> J) {
    let mut journal = reopen();
    assert_eq!(journal.load().unwrap().next_number, 0);
    assert_eq!(journal.load().unwrap().records, []);
    journal
        .commit(&[
            Change::Put(transaction(2), b"two".to_vec()),
            Change::Put(transaction(1), b"one".to_vec()),
            Change::Put(transaction(300), b"many".to_vec()),
            Change::NextNumber(8),
        ])
        .unwrap();
    journal
        .commit(&[
            Change::Remove(transaction(300)),
            Change::Remove(transaction(4)),
            Change::Put(transaction(1), b"once more".to_vec()),
            Change::NextNumber(5),
        ])
        .unwrap();
    drop(journal);
    let found = reopen().load().unwrap();
    assert_eq!(found.next_number, 8);
    assert_eq!(
        found.records,
        [
            (transaction(1), b"once more".to_vec()),
            (transaction(2), b"two".to_vec())
        ]
    );
}
