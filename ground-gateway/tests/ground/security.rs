//! A link with security, between real processes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::rig::{Rig, Service, wait_until};
use crate::{PONG, assert_fails_with_one_line, pong};

/// A key file and a folder for the satellite's state.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link.key");
        fs::write(&path, format!("1 {}\n", "5a".repeat(32))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Keys(folder)
    }

    /// Lines for both ends; the state of the ground stands in the rig's folder.
    fn rig(&self, mode: &str) -> Rig {
        let key = self.0.path().join("link.key");
        let security = format!(
            "security = {{ key-file = '{}', mode = '{mode}', challenge-ms = 1000 }}\n",
            key.display()
        );
        let state = |end| format!("state-dir = '{}'\n", self.0.path().join(end).display());
        Rig::with_two_options(
            &format!("{}{security}", state("satellite")),
            &format!("{}{security}", state("ground")),
        )
    }
}

#[test]
fn with_a_key_at_both_ends_a_query_is_answered() {
    for mode in ["authenticate", "encrypt"] {
        let keys = Keys::new();
        let rig = keys.rig(mode);
        let service = Service::start(pong);
        let query = ["query", "--service", &service.argument(), "{ ping }"];
        // At the first start there are no keys yet.
        assert_fails_with_one_line(rig.run(&query), &["ground resync"]);
        let (code, _, stderr) = rig.run(&["resync", "--timeout", "30s"]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(stderr, "new keys on link `uhf`");
        // Each is a process of its own, and goes on with the numbers of the last.
        for _ in 0..3 {
            let (code, stdout, stderr) = rig.run(&query);
            assert_eq!((code, &*stdout, &*stderr), (0, PONG, ""));
        }
        assert_eq!(service.bodies().len(), 3);
        let listener = rig.start_listener(&["--count", "1", "--for", "30s"]);
        rig.downlink(b"beacon");
        let (code, stdout, _) = listener.finish();
        assert_eq!((code, stdout.contains("beacon")), (0, true), "{stdout}");
    }
}

#[test]
fn a_ground_that_lost_its_state_says_what_to_do() {
    let keys = Keys::new();
    let rig = keys.rig("authenticate");
    rig.run(&["resync", "--timeout", "30s"]);
    fs::remove_dir_all(keys.0.path().join("ground")).unwrap();
    let (code, _, stderr) = rig.run(&["resync", "--timeout", "1s"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("lost its state"), "{stderr}");
}

#[test]
fn a_key_file_that_others_can_read_stops_the_start() {
    let keys = Keys::new();
    let rig = keys.rig("authenticate");
    let path = keys.0.path().join("link.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let failed = rig.run(&["resync", "--timeout", "1s"]);
    assert_fails_with_one_line(failed, &["run chmod 600 on it"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    wait_until("keys", || rig.run(&["resync", "--timeout", "30s"]).0 == 0);
}

#[test]
fn a_link_without_security_has_no_keys_to_renew() {
    let rig = Rig::with_satellite();
    assert_fails_with_one_line(rig.run(&["resync"]), &["has no security"]);
}
