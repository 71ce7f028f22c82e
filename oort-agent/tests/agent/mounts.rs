//! Two mounts of one file system, in a mount namespace of a child: where the system lets
//! nobody but root mount one, this is not tested, and said.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use oort_agent::agent::AgentSettings;
use oort_agent::store::{Floor, Room, Space};

use crate::rig::{Site, names, settings};

const CHILD: &str = "OORT_AGENT_MOUNTS_TEST";

/// Runs a test of this file once more, as a child whose payload is on another mount of the file
/// system that the work directory is on; there, runs `test`.
fn with_another_mount(name: &str, test: impl FnOnce(&Site)) {
    if std::env::var_os(CHILD).is_some() {
        let site = Site::new();
        let mut mount = Command::new("mount");
        let mount = mount.arg("--bind").args([&site.payload, &site.payload]);
        let mount = mount.status();
        match mount {
            Ok(status) if status.success() => test(&site),
            other => eprintln!("not tested, for want of a mount: {other:?}"),
        }
        let _ = Command::new("umount").arg(&site.payload).status();
        return;
    }
    let mut child = Command::new("unshare");
    child.args(["--user", "--map-root-user", "--mount"]);
    child.arg(std::env::current_exe().unwrap());
    child.args([&format!("mounts::{name}"), "--exact", "--nocapture"]);
    let output = child.env(CHILD, "").output();
    match output {
        Ok(output) if output.status.success() => {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("running 1 test") => {
            panic!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        other => eprintln!("not tested, for want of a namespace: {other:?}"),
    }
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
