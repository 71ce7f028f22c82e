//! A link with a key: the service as it is installed, killed and started again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, Stream, binary};

use serde_json::json;

use super::{PATIENCE, Service, Site, failure_with};

/// Keys and states of both ends in the site's folder.
fn secured(mode: u32) -> Site {
    let site = Site::new("kiss-ax25");
    for end in ["satellite", "ground"] {
        site.write_keys(end, &[1], mode);
    }
    let end = |end: &str, more: &str| {
        let state = site.folder.path().join(end);
        let key = site.key_file(end);
        format!(
            "state-dir = '{}'\nsecurity = {{ key-file = '{}'{more} }}\n",
            state.display(),
            key.display()
        )
    };
    let more = format!(
        "{}confirm-window-ms = 3000\n[link.comms]\n{}",
        end("satellite", ", challenge-ms = 1000"),
        end("ground", "")
    );
    site.write(&site.satellite("kiss-ax25"), &more);
    site
}

impl Site {
    fn key_file(&self, end: &str) -> PathBuf {
        self.folder.path().join(format!("{end}.link.key"))
    }

    /// The keys of these generations.
    fn write_keys(&self, end: &str, generations: &[u8], mode: u32) {
        let line = |generation: &u8| {
            let key = format!("{:02x}", 0xC2 + generation).repeat(32);
            format!("{generation} {key}\n")
        };
        let path = self.key_file(end);
        fs::write(&path, generations.iter().map(line).collect::<String>()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Runs `ground` to its end; what it printed.
#[track_caller]
fn ground(site: &Site, arguments: &[&str]) -> String {
    let mut ground = ChildGuard::spawn(
        Command::new(binary("ground"))
            .arg("-c")
            .arg(site.config())
            .args(arguments)
            .env("HELIOGRAPH_RUNTIME_DIR", site.folder.path().join("run"))
            .env("XDG_STATE_HOME", site.folder.path().join("state")),
    );
    let status = ground.wait_for_exit(PATIENCE);
    let lines = ground.lines();
    assert!(status.success(), "{lines:?}");
    let printed = lines.iter().filter(|line| line.stream == Stream::Stdout);
    printed.map(|line| &*line.text).collect()
}

fn pings(site: &Site, service: &Service) -> bool {
    let port = service.http.to_string();
    let query = [
        "query",
        "--timeout",
        "2s",
        "--retries",
        "5",
        "--service",
        &port,
        "{ ping }",
    ];
    ground(site, &query).contains("pong")
}

#[test]
fn a_service_with_a_key_that_is_killed_takes_the_next_query() {
    let site = secured(0o600);
    let service = site.start();
    ground(&site, &["resync", "--timeout", "30s"]);
    assert!(pings(&site, &service));
    // By SIGKILL, which leaves no time to store anything.
    drop(service);
    for _ in 0..2 {
        let service = site.start();
        assert!(pings(&site, &service));
    }
}

#[test]
fn a_key_file_that_others_can_read_stops_the_start() {
    let text = failure_with(&secured(0o604).config());
    assert!(
        text.contains("link.key") && text.contains("run chmod 600"),
        "{text}"
    );
    assert!(!text.contains("c3c3"), "{text}");
}

#[test]
fn keys_change_while_the_service_runs_and_no_query_is_lost() {
    let site = secured(0o600);
    let service = site.start();
    ground(&site, &["resync", "--timeout", "30s"]);
    assert!(pings(&site, &service));
    for (satellite, ground) in [(&[1, 2][..], &[1][..]), (&[1, 2], &[1, 2]), (&[2], &[2])] {
        site.write_keys("ground", ground, 0o600);
        site.write_keys("satellite", satellite, 0o600);
        service.child.signal("HUP");
        let taken = "the configuration was read again";
        service.child.wait_for_line(taken, PATIENCE);
        assert!(pings(&site, &service));
    }
    let told = service.post(
        "/graphql",
        "{ telemetry { security { mode inSync generations stations { station generation } } } }",
    );
    let stations = json!([{ "station": 1, "generation": 2 }]);
    let security = json!({
        "mode": "authenticate", "inSync": true, "generations": [2], "stations": stations,
    });
    assert_eq!(told["data"]["telemetry"]["security"], security);
    let metrics = service.get("/metrics", "*/*");
    let line = "heliograph_security_generation{station=\"1\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    assert!(metrics.contains("heliograph_security_heard_seconds"));
    // A key file that is wrong changes nothing.
    site.write_keys("satellite", &[3], 0o644);
    service.child.signal("HUP");
    let line = service.child.wait_for_line("chmod 600", PATIENCE);
    assert!(line.contains("stays as it was"), "{line}");
    // Nor does another mode, which the ground would have to take at the same moment.
    site.write_keys("satellite", &[2], 0o600);
    let text = fs::read_to_string(site.config()).unwrap();
    let text = text.replacen("key-file", "mode = 'encrypt', key-file", 1);
    fs::write(site.config(), text).unwrap();
    service.child.signal("HUP");
    service.child.wait_for_line("security.mode", PATIENCE);
    let text = fs::read_to_string(site.config()).unwrap();
    fs::write(site.config(), text.replacen("mode = 'encrypt', ", "", 1)).unwrap();
    assert!(pings(&site, &service));
}

#[test]
fn keys_that_the_ground_does_not_have_are_rolled_back() {
    let site = secured(0o600);
    let service = site.start();
    ground(&site, &["resync", "--timeout", "30s"]);
    assert!(pings(&site, &service));
    site.write_keys("satellite", &[2], 0o600);
    let port = service.http.to_string();
    let mutation = "mutation { reloadConfiguration { success errors } }";
    let answer = ground(&site, &["query", "--service", &port, mutation]);
    assert!(answer.contains("true"), "{answer}");
    service.child.wait_for_line("on trial", PATIENCE);
    service.child.wait_for_line("is rolled back", PATIENCE);
    // The former keys hold, though they stand in no file any more.
    assert!(pings(&site, &service));
}
