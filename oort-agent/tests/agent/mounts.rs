//! Two mounts of one file system.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use oort_agent::agent::AgentSettings;
use oort_agent::store::{Floor, Room, Space};

use crate::rig::{Site, names, settings};

/// Runs `test` with a payload on another mount of the file system that the work directory is on.
fn with_another_mount(name: &str, test: impl FnOnce(&Site)) {
    own_mounts::in_own_namespace(&format!("mounts::{name}"), || {
        let site = Site::new();
        let payload = site.payload.to_string_lossy();
        if let Some(_mounted) = own_mounts::mount(&["--bind", &payload], &site.payload) {
            test(&site);
        }
    });
}

#[test]
fn a_file_on_another_mount_of_the_same_file_system_is_copied_and_its_source_removed() {
    let name = "a_file_on_another_mount_of_the_same_file_system_is_copied_and_its_source_removed";
    with_another_mount(name, |site| {
        let device = |path| fs::metadata(path).unwrap().dev();
        assert_eq!(device(&site.work), device(&site.payload));
        let rig = site.start();
        let id = rig.send(&site.file("file", b"octets")).id();
        let data = site.work.join(format!("transfers/{id}.data.oort"));
        assert_eq!(fs::read(data).unwrap(), b"octets");
        assert_eq!(site.names("transfers").len(), 2);
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
        assert_eq!(names(&site.payload), Vec::<String>::new());
    });
}

#[test]
fn a_copy_to_another_mount_takes_room_and_is_refused_where_there_is_none() {
    let name = "a_copy_to_another_mount_takes_room_and_is_refused_where_there_is_none";
    with_another_mount(name, |site| {
        let settings = AgentSettings {
            floor: Floor::Bytes(100),
            space: Space::Said(Box::new(|| Room {
                free: 105,
                all: 1_000,
            })),
            ..settings()
        };
        let rig = site.start_with(site.store(), settings);
        let path = site.file("file", b"octets");
        rig.send(&path).is_refused(507, "insufficient disk space");
        assert_eq!(fs::read(&path).unwrap(), b"octets");
        assert_eq!(site.names("transfers"), Vec::<String>::new());
        assert_eq!(site.names(".agent/intake"), Vec::<String>::new());
    });
}
