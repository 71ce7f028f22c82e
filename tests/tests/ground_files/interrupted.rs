//! Commands and machines stop in the middle; files go on.

use std::fs;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::wait::eventually;

use super::PATIENCE;
use super::site::{Site, content, end_of, json, wait_for_file};

/// Takes some four seconds.
const BYTES: usize = 1_000_000;
const BIT_RATE_BPS: u64 = 2_000_000;

/// Waits until a command that prints JSON says that something of its file moved.
#[track_caller]
fn wait_until_it_moves(command: &ChildGuard) {
    eventually(PATIENCE, || {
        let lines = command.lines();
        let text: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        let words = json(&text.join("\n"));
        let octets = words.last()?["octets"].as_u64()?;
        (octets > BYTES as u64 / 10).then_some(())
    });
}

#[test]
fn a_put_that_is_interrupted_is_finished_by_whoever_holds_the_link() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    fs::write(site.desk("up.bin"), content(BYTES)).unwrap();
    let put = site.start(&["put", "up.bin", "up.bin", "--json"]);
    wait_until_it_moves(&put);
    put.signal("INT");
    let put = end_of(put);
    assert_eq!(put.code, Some(1), "{put:?}");
    assert!(put.stderr.contains(" goes on whenever"), "{put:?}");
    // It was copied.
    fs::remove_file(site.desk("up.bin")).unwrap();

    let files = site.files();
    assert_eq!(
        (files.len(), &files[0]["id"]),
        (1, &json(&put.stdout).pop().unwrap()["id"]),
        "{files:?}"
    );
    assert!(files[0]["end"].is_null(), "{files:?}");
    let serve = site.start(&["serve"]);
    serve.wait_for_line(": put ", PATIENCE);
    assert_eq!(fs::read(site.satellite("up.bin")).unwrap(), content(BYTES));
    serve.signal("INT");
    assert_eq!(end_of(serve).code, Some(0));
    assert_eq!(site.stored("outgoing"), 0);
}

#[test]
fn a_get_that_is_interrupted_comes_and_asked_for_again_it_is_the_same() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    fs::write(site.satellite("down.bin"), content(BYTES)).unwrap();
    let get = site.start(&["get", "down.bin", "--json"]);
    wait_until_it_moves(&get);
    get.signal("INT");
    assert_eq!(end_of(get).code, Some(1));
    assert!(!site.desk("down.bin").exists());

    let get = site.run(&["get", "down.bin"]);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("down.bin")).unwrap(), content(BYTES));
    assert_eq!(site.files().len(), 1, "it was asked for twice");
}

#[test]
fn a_file_goes_on_when_the_process_that_holds_the_link_leaves() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    fs::write(site.satellite("down.bin"), content(BYTES)).unwrap();
    let holder = site.start(&["-l", "info", "serve"]);
    holder.wait_for_line("serving files", PATIENCE);
    let get = site.start(&["get", "down.bin", "--json"]);
    wait_until_it_moves(&get);
    holder.signal("INT");
    assert_eq!(end_of(holder).code, Some(0));
    let get = end_of(get);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("down.bin")).unwrap(), content(BYTES));
    assert_eq!(site.files().len(), 1);
}

#[test]
fn a_file_goes_on_when_the_process_that_holds_the_link_is_killed() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    fs::write(site.desk("up.bin"), content(BYTES)).unwrap();
    let holder = site.start(&["-l", "info", "serve"]);
    holder.wait_for_line("serving files", PATIENCE);
    let put = site.start(&["put", "up.bin", "up.bin", "--json"]);
    wait_until_it_moves(&put);
    holder.signal("KILL");
    let put = end_of(put);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert_eq!(fs::read(site.satellite("up.bin")).unwrap(), content(BYTES));
    assert_eq!(site.files().len(), 1);
}

#[test]
fn a_file_goes_on_with_the_next_command_when_everything_here_was_killed() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    fs::write(site.satellite("down.bin"), content(BYTES)).unwrap();
    let get = site.start(&["get", "down.bin", "--json"]);
    wait_until_it_moves(&get);
    get.signal("KILL");
    assert_eq!(end_of(get).code, None);
    let _serve = site.start(&["serve"]);
    wait_for_file(&site.desk("down.bin"), &content(BYTES));
}

#[test]
fn nobody_at_the_other_end_is_no_failure_but_a_wait() {
    let site = Site::new();
    fs::write(site.desk("up.bin"), content(3_000)).unwrap();
    let put = site.run(&["put", "up.bin", "up.bin", "--for", "500ms"]);
    assert_eq!(put.code, Some(1), "{put:?}");
    assert!(put.stderr.contains("goes on whenever"), "{put:?}");
    let put = site.run(&["put", "up.bin", "second.bin", "--detach"]);
    assert_eq!(put.code, Some(0), "{put:?}");

    let _satellite = site.start_satellite();
    let _serve = site.start(&["serve"]);
    wait_for_file(&site.satellite("up.bin"), &content(3_000));
    wait_for_file(&site.satellite("second.bin"), &content(3_000));
}

#[test]
fn a_transaction_is_suspended_resumed_and_cancelled() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    let _serve = site.start(&["serve"]);
    fs::write(site.desk("up.bin"), content(4 * BYTES)).unwrap();
    let put = site.start(&["put", "up.bin", "up.bin", "--json"]);
    wait_until_it_moves(&put);
    let id = site.files()[0]["id"].as_str().unwrap().to_owned();
    let suspended = site.run(&["files", "--suspend", &id]);
    assert_eq!(suspended.code, Some(0), "{suspended:?}");
    assert_eq!(site.files()[0]["state"], "suspended");
    assert_eq!(site.run(&["files", "--resume", &id]).code, Some(0));
    assert_ne!(site.files()[0]["state"], "suspended");
    assert_eq!(site.run(&["files", "--cancel", &id]).code, Some(0));
    let put = end_of(put);
    assert_eq!(put.code, Some(1), "{put:?}");
    assert!(put.stderr.contains("cancelled"), "{put:?}");
    assert!(!site.satellite("up.bin").exists());
    assert_eq!(site.stored("outgoing"), 0);
}

#[test]
fn a_get_is_suspended_there_and_cancelled_there() {
    let site = Site::slow(BIT_RATE_BPS);
    let _satellite = site.start_satellite();
    let _serve = site.start(&["serve"]);
    fs::write(site.satellite("down.bin"), content(4 * BYTES)).unwrap();
    let get = site.start(&["get", "down.bin", "--json"]);
    wait_until_it_moves(&get);
    let id = site.files()[0]["id"].as_str().unwrap().to_owned();
    let suspended = site.run(&["files", "--suspend", &id]);
    assert_eq!(suspended.code, Some(0), "{suspended:?}");
    let octets = || site.files()[0]["octets"].as_u64();
    // The satellite is silent once it heard of it.
    eventually(PATIENCE, || {
        let before = octets();
        std::thread::sleep(std::time::Duration::from_millis(300));
        (octets() == before).then_some(())
    });
    assert_eq!(site.files()[0]["state"], "suspended");
    assert_eq!(site.run(&["files", "--cancel", &id]).code, Some(0));
    let get = end_of(get);
    assert_eq!(get.code, Some(1), "{get:?}");
    assert!(!site.desk("down.bin").exists());
    eventually(PATIENCE, || (site.stored("incoming") == 0).then_some(()));
}

#[test]
fn a_station_that_lost_its_state_is_understood_as_before() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.desk("up.bin"), content(3_000)).unwrap();
    assert_eq!(site.run(&["put", "up.bin", "first.bin"]).code, Some(0));
    fs::remove_dir_all(site.path("state")).unwrap();
    // Numbers are seconds: not two of them in one.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let put = site.run(&["put", "up.bin", "second.bin"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert_eq!(
        fs::read(site.satellite("second.bin")).unwrap(),
        content(3_000)
    );
    assert_eq!(site.run(&["get", "second.bin"]).code, Some(0));
}
