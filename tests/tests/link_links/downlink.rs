//! A file goes from an app's outbox through the link service down to the ground: through
//! lost frames, and the end of either process.

use std::fs;

use heliograph_tests::wait::eventually;
use serde_json::json;

use crate::PATIENCE;
use crate::site::{Site, octets, unpack};

#[test]
fn a_file_goes_down_through_lost_frames_and_its_source_is_released() {
    let site = Site::new("channel = { frame-loss = 0.05 }", 2_000_000);
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let image = octets(100_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    assert_eq!(ended["responseHeader"]["status"], "SUCCESSFUL", "{ended}");
    site.assert_arrived("image.raw", &image);
}

#[test]
fn a_file_that_was_accepted_goes_down_though_both_ends_are_killed_in_the_middle() {
    let site = Site::new(
        "channel = { frame-loss = 0.02, bit-rate-bps = 400_000 }",
        400_000,
    );
    let mut satellite = site.start_satellite();
    let image = octets(200_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let mut ground = site.start_ground();
    // Something of it has come.
    let is_coming = || {
        let entries = fs::read_dir(site.path("ground/camera")).ok()?;
        (entries.count() > 0).then_some(())
    };
    eventually(PATIENCE, is_coming);
    satellite.signal("KILL");
    satellite.wait_for_exit(PATIENCE);
    ground.signal("KILL");
    ground.wait_for_exit(PATIENCE);
    assert!(
        !site.path("ground/camera/image.raw").exists(),
        "it was too quick"
    );

    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "OK", "{ended}");
    site.assert_arrived("image.raw", &image);
}

#[test]
fn a_file_that_is_cancelled_does_not_go_down_and_its_source_is_there() {
    let site = Site::new("", 9_600);
    let _satellite = site.start_satellite();
    let _ground = site.start_ground();
    let image = octets(200_000);
    site.put("image.raw", &image);
    let id = site.send_down("image.raw");
    let cancel = format!("/v1/links/{id}/cancel");
    site.ask("POST", &cancel, &json!({}));
    let ended = site.wait_for_end(&id);
    assert_eq!(ended["code"], "CANCELLED", "{ended}");
    let outbox = site.path("apps/camera/outbox/image.raw");
    assert_eq!(fs::read(outbox).expect("the source"), image);
    assert!(!site.path("ground/camera/image.raw").exists());
}

#[test]
fn a_batch_goes_down_as_one_archive_though_the_satellite_is_killed_in_the_middle() {
    let site = Site::new(
        "channel = { frame-loss = 0.02, bit-rate-bps = 400_000 }",
        400_000,
    );
    let mut satellite = site.start_satellite();
    let files = [
        ("image.raw", octets(150_000)),
        ("times.csv", octets(999)),
        ("empty", octets(0)),
    ];
    for (name, octets) in &files {
        site.put(name, octets);
    }
    let request = json!({
        "requestHeader": { "trackingId": "pass-7" },
        "linkType": "DOWNLINK", "fileNames": files.each_ref().map(|(name, _)| name),
    });
    let answer = site.ask("POST", "/v1/links", &request);
    assert_eq!(answer["code"], "ACCEPTED", "{answer}");
    let id = answer["id"].as_str().expect("an id");
    let _ground = site.start_ground();
    let is_coming = || {
        let entries = fs::read_dir(site.path("ground/camera")).ok()?;
        (entries.count() > 0).then_some(())
    };
    eventually(PATIENCE, is_coming);
    satellite.signal("KILL");
    satellite.wait_for_exit(PATIENCE);
    let archive = site.path("ground/camera/camera.pass-7.batch.tar");
    assert!(!archive.exists(), "it was too quick");

    let _satellite = site.start_satellite();
    let ended = site.wait_for_end(id);
    assert_eq!(ended["code"], "OK", "{ended}");
    let folder = site.path("unpacked");
    unpack(&archive, &folder);
    for (name, octets) in &files {
        assert!(
            fs::read(folder.join(name)).expect(name) == *octets,
            "{name}"
        );
        assert!(
            !site.path("apps/camera/outbox").join(name).exists(),
            "{name}"
        );
    }
}
