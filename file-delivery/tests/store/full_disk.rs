//! Small file systems.

use std::fs;
use std::path::PathBuf;

use file_delivery::store::{Directory, FileStore, Staging, StoreError};

use crate::directory::limits;
use crate::{content, is_not_allowed, name, put, staging, transaction};

const SMALL_BYTES: u64 = 64 << 10;

/// Runs `test` in a root with a small file system mounted at `small`.
fn with_a_small_file_system(name: &str, test: impl FnOnce(PathBuf)) {
    own_mounts::in_own_namespace(&format!("full_disk::{name}"), || {
        let site = tempfile::tempdir().unwrap();
        let small = site.path().join("small");
        fs::create_dir(&small).unwrap();
        let size = format!("size={SMALL_BYTES}");
        if let Some(_mounted) = own_mounts::mount(&["-t", "tmpfs", "-o", &size, "none"], &small) {
            test(site.path().to_owned());
        }
    });
}

#[test]
fn a_full_disk_refuses_or_fails_and_loses_nothing() {
    with_a_small_file_system("a_full_disk_refuses_or_fails_and_loses_nothing", |root| {
        let mut store = Directory::open(&root.join("small"), limits()).unwrap();
        put(&mut store, 1, "old", b"old").unwrap();
        let first = staging(2, "file");
        let mut staged = store.stage(&first, Some(8 << 10)).unwrap();
        // What it will need is taken: nobody else gets it.
        assert!(is_not_allowed(
            store.stage(&staging(3, "other"), Some(SMALL_BYTES - (8 << 10)))
        ));
        // A neighbour fills the disk.
        let filled = fs::write(root.join("small/neighbour"), vec![0; SMALL_BYTES as usize]);
        filled.unwrap_err();
        store.write(&mut staged, 0, &[7; 8 << 10]).unwrap();
        store.sync(&mut staged).unwrap();
        store.deliver(&first, 8 << 10, &name("file")).unwrap();
        assert_eq!(content(&mut store, "file").unwrap(), [7; 8 << 10]);
        assert_eq!(content(&mut store, "old").unwrap(), b"old");

        // Without a size nothing can be taken: then it is a write that fails.
        fs::remove_file(root.join("small/neighbour")).unwrap();
        let unbounded = staging(4, "other");
        let mut staged = store.stage(&unbounded, None).unwrap();
        let mut there = 0;
        let refused = loop {
            match store.write(&mut staged, there, &[8; 1 << 10]) {
                Ok(()) => there += 1 << 10,
                Err(error) => break error,
            }
        };
        assert!(
            matches!(
                refused,
                StoreError::NotAllowed { .. } | StoreError::Failed { .. }
            ),
            "{refused}"
        );
        assert!(there >= 16 << 10, "{there}");
        store.sync(&mut staged).unwrap();
        store.deliver(&unbounded, there, &name("other")).unwrap();
        let octets = content(&mut store, "other").unwrap();
        assert!(octets.iter().all(|octet| *octet == 8));
    });
}

#[test]
fn a_file_is_delivered_to_another_file_system() {
    with_a_small_file_system("a_file_is_delivered_to_another_file_system", |root| {
        let mut store = Directory::open(&root, limits()).unwrap();
        put(&mut store, 1, "small/file", b"a longer old file").unwrap();
        let place = Staging {
            transaction: transaction(2),
            beside: None,
        };
        let mut staged = store.stage(&place, Some(3)).unwrap();
        store.write(&mut staged, 0, b"new").unwrap();
        for _ in 0..2 {
            store.deliver(&place, 3, &name("small/file")).unwrap();
        }
        assert_eq!(content(&mut store, "small/file").unwrap(), b"new");
        assert_eq!(store.staged_files(), 0);
        for directory in [root.clone(), root.join("small")] {
            assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
        }

        // One that the other has no room for stays where it is.
        let bytes = 2 * SMALL_BYTES;
        let place = Staging {
            transaction: transaction(3),
            beside: None,
        };
        store.stage(&place, Some(bytes)).unwrap();
        let delivered = store.deliver(&place, bytes, &name("small/file"));
        assert!(is_not_allowed(delivered));
        assert_eq!(content(&mut store, "small/file").unwrap(), b"new");
        store.deliver(&place, bytes, &name("file")).unwrap();
    });
}
