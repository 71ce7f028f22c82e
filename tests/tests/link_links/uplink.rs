//! A file goes up from the ground to the inbox of an app: through lost frames and the end of
//! the service, or is turned away before it goes.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use heliograph_tests::wait::eventually;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::site::{Site, octets};

#[test]
fn a_file_goes_up_through_lost_frames_to_the_inbox_of_an_app_which_hears_of_it() {
    let site = Site::new("channel = { frame-loss = 0.05 }", 2_000_000);
    let _satellite = site.start_satellite();
    let plan = octets(100_000);
    let said = site
        .ground_put("plan.bin", &plan, "app:camera/plans")
        .unwrap();
    assert!(
        said.contains("to the link service for app camera"),
        "{said}"
    );

    let deliveries = site.ask("GET", "/v1/inbox?waitSeconds=30", &Value::Null);
    let delivery = &deliveries["deliveries"][0];
    assert_eq!(delivery["fromAppId"], "ground", "{deliveries}");
    assert_eq!(delivery["subdirectory"], "plans", "{deliveries}");
    assert_eq!(site.inbox("camera", "plans/plan.bin").unwrap(), plan);
    site.assert_nothing_is_held();

    let id = delivery["id"].as_str().unwrap();
    site.ask("POST", &format!("/v1/inbox/{id}/ack"), &json!({}));
    let again = site.ground_put("plan.bin", &plan, "app:camera/plans");
    again.expect("what was taken may come again");
    eventually(PATIENCE, || site.inbox("camera", "plans/plan.bin"));
}

#[test]
fn a_file_that_goes_up_arrives_once_though_the_service_is_killed_in_the_middle() {
    let site = Site::new(
        "channel = { frame-loss = 0.05, bit-rate-bps = 400_000 }",
        400_000,
    );
    let mut satellite = site.start_satellite();
    let plan = octets(200_000);
    let is_coming = || {
        let entries = fs::read_dir(site.path("files")).ok()?;
        let mut names = entries.flatten().map(|entry| entry.file_name());
        let is_place = |name: &std::ffi::OsString| name.to_string_lossy().starts_with(".cfdp-");
        names.any(|name| is_place(&name)).then_some(())
    };
    let said = std::thread::scope(|scope| {
        let put = scope.spawn(|| site.ground_put("plan.bin", &plan, "app:camera"));
        eventually(PATIENCE, is_coming);
        satellite.signal("KILL");
        satellite.wait_for_exit(PATIENCE);
        assert!(
            site.inbox("camera", "plan.bin").is_none(),
            "it was too quick"
        );
        satellite = site.start_satellite();
        put.join().expect("a thread")
    });
    said.unwrap();
    eventually(PATIENCE, || site.inbox("camera", "plan.bin"));
    assert_eq!(site.inbox("camera", "plan.bin").unwrap(), plan);
    site.assert_nothing_is_held();
    let deliveries = site.ask("GET", "/v1/inbox", &Value::Null);
    assert_eq!(deliveries["deliveries"].as_array().unwrap().len(), 1);
}

#[test]
fn what_may_not_come_or_finds_no_room_is_turned_away_and_the_ground_hears_why() {
    let site = Site::new("", 2_000_000);
    let _satellite = site.start_satellite();
    let small = octets(2_000);
    for to in ["app:analyser", "app:nobody"] {
        let said = site.ground_put("plan.bin", &small, to).unwrap_err();
        assert!(
            said.contains("the satellite does not take it"),
            "{to}: {said}"
        );
    }
    let large = octets(1_000_001);
    let said = site
        .ground_put("large.bin", &large, "app:camera")
        .unwrap_err();
    assert!(said.contains("no room"), "{said}");

    site.ground_put("plan.bin", &small, "app:camera").unwrap();
    eventually(PATIENCE, || site.inbox("camera", "plan.bin"));
    let said = site
        .ground_put("plan.bin", &small, "app:camera")
        .unwrap_err();
    assert!(said.contains("a file of that name"), "{said}");
    let other = octets(2_001);
    let to = ["app:camera", "--overwrite"];
    site.ground_put_with("plan.bin", &other, &to).unwrap();
    eventually(PATIENCE, || {
        (site.inbox("camera", "plan.bin")? == other).then_some(())
    });
    assert!(site.inbox("analyser", "plan.bin").is_none());
    site.assert_nothing_is_held();
}

#[test]
fn the_folder_of_a_link_is_the_services_alone() {
    let site = Site::new("", 2_000_000);
    let _satellite = site.start_satellite();
    let made = fs::metadata(site.path("files")).expect("the folder");
    assert_eq!(made.mode() & 0o777, 0o700);
}

#[test]
fn w25_the_ground_hears_of_success_only_when_the_link_service_has_the_file_for_good() {
    let site = Site::new("channel = { bit-rate-bps = 400_000 }", 400_000);
    let mut satellite = site.start_satellite();
    let plan = octets(100_000);
    site.ground_put("plan.bin", &plan, "app:camera").unwrap();
    // At that moment the power may fail.
    satellite.signal("KILL");
    satellite.wait_for_exit(PATIENCE);
    let _satellite = site.start_satellite();
    let arrived = eventually(PATIENCE, || site.inbox("camera", "plan.bin"));
    assert_eq!(arrived, plan);
}

#[test]
fn the_operator_asks_and_commands_over_the_link() {
    let site = Site::new("", 2_000_000);
    let _satellite = site.start_satellite();
    let files = [("first", 400_000), ("second", 400_000)].map(|(name, bytes)| {
        site.put(name, &octets(bytes));
        site.send_down(name)
    });
    let [_, second] = &files;
    let mutation = format!("mutation {{ it: cancel(id: \"{second}\") {{ success errors }} }}");
    assert_eq!(site.ground_query(&mutation)["data"]["it"]["success"], true);
    let query = "{ links(state: ENDED) { id } }";
    eventually(PATIENCE, || {
        let links = site.ground_query(query)["data"]["links"].clone();
        let links = links.as_array().expect("a list").clone();
        let is_it = |link: &Value| link["id"] == second.as_str();
        links.iter().any(is_it).then_some(())
    });
    assert_eq!(site.wait_for_end(second)["code"], "CANCELLED");
}
