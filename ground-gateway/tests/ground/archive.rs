//! `ground archive`, and what is left when who writes it is killed.

use std::fs;
use std::path::PathBuf;

use ground_gateway::archive::{Account, ArchiveReader};
use rusqlite::Connection;
use serde_json::Value;

use crate::pong;
use crate::rig::{Rig, Service, wait_until};

fn file(rig: &Rig) -> PathBuf {
    rig.file("state/heliograph/archive/uhf.packets.sqlite")
}

fn account(rig: &Rig) -> Account {
    let reader = ArchiveReader::open(&file(rig)).unwrap();
    reader.map_or_else(Account::default, |reader| reader.account().unwrap())
}

/// What `ground archive --json` prints.
#[track_caller]
fn frames(rig: &Rig, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["archive", "--json"], arguments].concat();
    let (code, stdout, stderr) = rig.run(&arguments);
    assert_eq!(code, 0, "{stderr}");
    let lines = stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[track_caller]
fn query(rig: &Rig, service: &Service) {
    let port = service.port.to_string();
    let (code, _, stderr) = rig.run(&["query", "--service", &port, "{ ping }"]);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn what_is_heard_is_found_again_while_another_process_holds_the_link() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let listener = rig.start_listener(&[]);
    assert!(frames(&rig, &[]).is_empty());
    query(&rig, &service);
    rig.downlink(b"telemetry");
    listener.wait_for_stdout(1);
    wait_until("two frames", || account(&rig).stored >= 2);

    let all = frames(&rig, &[]);
    assert_eq!(all.len(), 2, "{all:?}");
    let answer = all
        .iter()
        .find(|frame| frame["port"] == service.port)
        .unwrap();
    let command = answer["command_id"].to_string();
    assert_eq!(
        frames(&rig, &["--command", &command]),
        std::slice::from_ref(answer)
    );
    let apid = answer["apid"].to_string();
    assert_eq!(
        frames(&rig, &["--apid", &apid]),
        std::slice::from_ref(answer)
    );
    let telemetry = all.iter().find(|frame| *frame != answer).unwrap();
    assert_eq!(telemetry["port"], rig.downlink_port);
    assert_eq!(telemetry["command_id"], Value::Null);
    let octets = hex::encode("telemetry");
    assert!(telemetry["hex"].as_str().unwrap().contains(&octets));
    assert_eq!(frames(&rig, &["--since", "1h"]).len(), 2);
    assert!(frames(&rig, &["--until", "1h"]).is_empty());
    assert_eq!(frames(&rig, &["--limit", "1"]), [all[1].clone()]);

    let (_, stdout, _) = rig.run(&["archive"]);
    let line = format!(", command {command}, port {}, ", service.port);
    assert!(stdout.contains(&line), "{stdout}");
    let (_, stdout, _) = rig.run(&["archive", "--account"]);
    assert!(stdout.starts_with("2 heard = 2 stored + 0 "), "{stdout}");
}

#[test]
fn a_command_that_holds_the_link_itself_leaves_what_it_heard() {
    let rig = Rig::with_satellite();
    query(&rig, &Service::start(pong));
    let account = account(&rig);
    assert!(account.balances(), "{account:?}");
    assert_eq!(account.stored, 1);
}

#[test]
fn a_holder_that_is_killed_leaves_a_whole_archive_and_the_next_goes_on_with_it() {
    let rig = Rig::with_satellite();
    let mut stored = 0;
    for _ in 0..3 {
        let mut listener = rig.start_listener(&[]);
        // It is killed while it writes.
        wait_until("frames on the disk", || {
            rig.downlink(&[7; 100]);
            account(&rig).stored > stored
        });
        for _ in 0..50 {
            rig.downlink(&[7; 100]);
        }
        listener.kill();
        let database = Connection::open(file(&rig)).unwrap();
        let check: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
        let rows: u64 = database
            .query_row("SELECT count(*) FROM frames", [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
            .cast_unsigned();
        let account = account(&rig);
        assert!(account.balances(), "{account:?}");
        assert_eq!(account.stored, rows);
        assert!(account.stored > stored);
        stored = account.stored;
    }
}

#[test]
fn a_capture_of_the_archive_is_replayed_as_it_was_heard() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    query(&rig, &service);
    query(&rig, &service);
    let capture = rig.file("pass.pcap");
    let capture = capture.to_str().unwrap();
    let (code, _, stderr) = rig.run(&["archive", "--pcap", capture]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("2 packets in"), "{stderr}");
    let (code, stdout, stderr) = rig.run(&["replay", "--json", capture]);
    assert_eq!(code, 0, "{stderr}");
    // Two frames, and the summary.
    assert_eq!(stdout.lines().count(), 3, "{stdout}");
    assert!(stdout.contains(&service.port.to_string()), "{stdout}");
    let (code, _, stderr) = rig.run(&["archive", "--pcap", capture]);
    assert_eq!(code, 1);
    assert!(stderr.contains("pass.pcap"), "{stderr}");
}

#[test]
fn an_archive_that_cannot_be_written_stops_no_command_and_is_said() {
    let rig = Rig::with_satellite();
    let directory = rig.file("taken");
    fs::write(&directory, "").unwrap();
    rig.configure(&format!("[archive]\ndirectory = {directory:?}\n"));
    let service = Service::start(pong);
    let port = service.port.to_string();
    let (code, stdout, stderr) = rig.run(&["query", "--service", &port, "{ ping }"]);
    assert_eq!((code, stdout.as_str()), (0, crate::PONG), "{stderr}");
    assert!(stderr.contains("nothing is archived"), "{stderr}");
}

#[test]
fn an_archive_that_is_not_enabled_is_not_there() {
    let rig = Rig::with_satellite();
    rig.configure("[archive]\nenabled = false\n");
    query(&rig, &Service::start(pong));
    assert!(!file(&rig).exists());
    crate::assert_fails_with_one_line(rig.run(&["archive"]), &["`uhf`", "not enabled"]);
}
