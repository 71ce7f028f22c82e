//! A link with a key: the service as it is installed, killed and started again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use heliograph_tests::binaries::{ChildGuard, Stream, binary};

use super::{PATIENCE, Service, Site, failure_with};

/// Keys and states of both ends in the site's folder.
fn secured(mode: u32) -> Site {
    let site = Site::new("kiss-ax25");
    let key = site.folder.path().join("link.key");
    fs::write(&key, format!("1 {}\n", "c3".repeat(32))).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    let end = |end: &str, more: &str| {
        let state = site.folder.path().join(end);
        format!(
            "state-dir = '{}'\nsecurity = {{ key-file = '{}'{more} }}\n",
            state.display(),
            key.display()
        )
    };
    let more = format!(
        "{}[link.comms]\n{}",
        end("satellite", ", challenge-ms = 1000"),
        end("ground", "")
    );
    site.write(&site.satellite("kiss-ax25"), &more);
    site
}

/// Runs `ground` to its end; what it printed.
#[track_caller]
fn ground(site: &Site, arguments: &[&str]) -> String {
    let mut ground = ChildGuard::spawn(
        Command::new(binary("ground"))
            .arg("-c")
            .arg(site.config())
            .args(arguments)
            .env("HELIOGRAPH_RUNTIME_DIR", site.folder.path().join("run")),
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
