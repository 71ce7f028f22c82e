//! What is printed where nobody sits at a terminal.

use std::fs;

use heliograph_tests::wait::eventually;

use super::PATIENCE;
use super::site::{Site, content, end_of};

const BYTES: usize = 1_000_000;

#[test]
fn a_pipe_gets_a_line_for_each_tenth_and_no_more() {
    let site = Site::slow(4_000_000);
    let _satellite = site.start_satellite();
    fs::write(site.desk("up.bin"), content(BYTES)).unwrap();
    let put = site.run(&["put", "up.bin", "up.bin"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    let lines: Vec<_> = put.stderr.lines().collect();
    assert!((3..30).contains(&lines.len()), "{lines:?}");
    assert!(!put.stderr.contains('\u{1b}'), "{lines:?}");
    let moving = lines.iter().filter(|line| line.contains("moving"));
    for line in moving {
        for part in ["up.bin: ", " of 1.0 MB, ", "%, ", "B/s, ", " left, "] {
            assert!(line.contains(part), "no {part:?} in {line}");
        }
    }
    assert_eq!(put.stdout, "");
}

#[test]
fn the_table_has_a_row_for_each_file_that_is_under_way() {
    let site = Site::slow(500_000);
    let _satellite = site.start_satellite();
    assert!(
        site.run(&["files"])
            .stderr
            .contains("no files are under way")
    );
    let _serve = site.start(&["serve"]);
    fs::write(site.desk("up.bin"), content(BYTES)).unwrap();
    fs::write(site.satellite("down.bin"), content(BYTES)).unwrap();
    assert_eq!(
        site.run(&["put", "up.bin", "up.bin", "--detach"]).code,
        Some(0)
    );
    assert_eq!(site.run(&["get", "down.bin", "--detach"]).code, Some(0));
    let table = eventually(PATIENCE, || {
        let files = site.run(&["files", "--pass", "1s"]);
        let moving = files.stdout.lines().filter(|line| line.contains("moving"));
        (moving.count() == 2).then_some(files.stdout)
    });
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    for heading in ["ID", "OCTETS", "RATE", "HOLES", "PASSES", "STATE", "FILE"] {
        assert!(rows[0].contains(heading), "{table}");
    }
    assert!(
        rows[1].starts_with("2-") && rows[1].contains("-> up.bin"),
        "{table}"
    );
    assert!(
        rows[2].starts_with("2-") && rows[2].contains("down.bin ->"),
        "{table}"
    );
    // 1 MB at 62 kB/s, a second a pass.
    let passes: u32 = rows[1].split_whitespace().nth(8).unwrap().parse().unwrap();
    assert!(passes > 1, "{table}");

    let watch = site.start(&["files", "--watch", "--json"]);
    watch.wait_for_line("\"remote\":\"down.bin\"", PATIENCE);
    watch.signal("INT");
    assert_eq!(end_of(watch).code, Some(0));
}

#[test]
fn after_a_pass_it_is_known_how_many_more_a_file_takes() {
    let passes = "[file-service.radio.channel]\n\
                  contacts = [{ aos-s = 0, los-s = 4 }, { aos-s = 8, los-s = 1e6 }]";
    let site = Site::with(passes, "bit-rate-bps = 1000000\ncontact-hold-ms = 500");
    let _satellite = site.start_satellite();
    fs::write(site.satellite("down.bin"), content(BYTES)).unwrap();
    let _serve = site.start(&["serve"]);
    let get = site.start(&["get", "down.bin", "--json"]);
    let words = |end: &str| get.wait_for_line(end, PATIENCE);
    let first = words("\"passes_left\":null");
    assert!(first.contains("\"octets_per_pass\":null"), "{first}");
    // Of the first pass, in the second or before it.
    words("\"passes_left\":1");
    let get = end_of(get);
    assert_eq!(get.code, Some(0), "{get:?}");
    assert_eq!(fs::read(site.desk("down.bin")).unwrap(), content(BYTES));
}
