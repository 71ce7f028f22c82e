//! A file up, a file down.

use std::fs;

use super::site::{Site, content, json};

const BYTES: usize = 300_000;

#[test]
fn a_file_goes_up_and_comes_down_again() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.desk("plan.bin"), content(BYTES)).unwrap();
    let put = site.run(&["put", "plan.bin", "plans/monday.bin"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert!(
        put.stderr.contains("as plans/monday.bin: 300000 octets"),
        "{put:?}"
    );
    assert_eq!(
        fs::read(site.satellite("plans/monday.bin")).unwrap(),
        content(BYTES)
    );

    let get = site.run(&["get", "plans/monday.bin"]);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert!(get.stderr.contains(": 300000 octets"), "{get:?}");
    assert_eq!(fs::read(site.desk("monday.bin")).unwrap(), content(BYTES));
    let get = site.run(&["get", "plans/monday.bin", "../desk/other.bin"]);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("other.bin")).unwrap(), content(BYTES));
    assert_eq!((site.stored("outgoing"), site.stored("incoming")), (0, 0));
}

#[test]
fn an_empty_file_goes_and_comes_too() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.desk("empty"), "").unwrap();
    assert_eq!(site.run(&["put", "empty", "empty"]).code, Some(0));
    assert_eq!(site.run(&["get", "empty", "back"]).code, Some(0));
    assert_eq!(fs::read(site.desk("back")).unwrap(), b"");
}

#[test]
fn files_arrive_whole_though_every_tenth_frame_is_lost() {
    let channel = "[file-service.radio.channel]\nseed = 7\nframe-loss = 0.1";
    let site = Site::with(channel, "bit-rate-bps = 4000000");
    let _satellite = site.start_satellite();
    fs::write(site.desk("plan.bin"), content(BYTES)).unwrap();
    let put = site.run(&["put", "plan.bin", "plan.bin"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    let get = site.run(&["get", "plan.bin", "back.bin"]);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("back.bin")).unwrap(), content(BYTES));
}

#[test]
fn a_file_that_is_not_acknowledged_is_a_success_only_where_it_arrived() {
    let site = Site::new();
    fs::write(site.desk("a"), content(2_000)).unwrap();
    {
        let _satellite = site.start_satellite();
        let put = site.run(&["put", "a", "a", "--unacknowledged"]);
        assert_eq!(put.code, Some(0), "{put:?}");
        assert_eq!(fs::read(site.satellite("a")).unwrap(), content(2_000));
        let get = site.run(&["get", "a", "b", "--unacknowledged"]);
        assert_eq!(get.code, Some(0), "{get:?}");
        assert_eq!(fs::read(site.desk("b")).unwrap(), content(2_000));
    }
    let put = site.run(&["put", "a", "b", "--unacknowledged", "--for", "2s"]);
    assert_eq!(put.code, Some(1), "{put:?}");
}

#[test]
fn what_a_program_reads_is_an_object_a_line_up_to_the_end() {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.desk("a"), content(BYTES)).unwrap();
    let put = site.run(&["put", "a", "a", "--json"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    let words = json(&put.stdout);
    let last = words.last().unwrap();
    assert_eq!(last["state"], "arrived");
    assert_eq!(
        (&last["octets"], &last["size"]),
        (&BYTES.into(), &BYTES.into())
    );
    assert_eq!(
        (&last["direction"], &last["remote"]),
        (&"up".into(), &"a".into())
    );

    let files = site.files();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0]["id"], last["id"]);
}
