//! The power is cut at every change of the disk.

use link_service::code::Code;

use crate::desk::{CAMERA, Desk, disk, dropbox, put, told};

/// Seeds of each cut: what was not synced is there or not.
const SEEDS: u64 = 24;

#[test]
fn a_cut_of_the_power_makes_one_request_of_one_and_its_end_is_told() {
    let mut cut = 0;
    for seed in 0..SEEDS {
        for changes in 0.. {
            let (disk, desk) = (disk(seed), Desk::of(&[CAMERA]));
            let request = r#"{"destinationAppId": "analyser"}"#;
            put(&disk, "image.raw.linkrequest.json", request);
            let mut before = dropbox(&disk, &desk);
            disk.fail_after(changes);
            before.scan();
            desk.end(0, Code::Ok);
            before.scan();
            let has_failed = disk.has_failed();
            disk.power_cut();
            let mut after = dropbox(&disk, &desk);
            for _ in 0..3 {
                after.scan();
            }
            let at = format!("seed {seed}, after {changes} changes");
            assert_eq!(desk.asked(), ["image.raw"], "{at}");
            assert_eq!(told(&disk, "image.raw").as_deref(), Some("OK"), "{at}");
            assert!(!after.is_waiting(), "{at}");
            if !has_failed {
                break;
            }
            cut += 1;
        }
    }
    assert!(cut > 10 * SEEDS, "{cut} cuts");
}
