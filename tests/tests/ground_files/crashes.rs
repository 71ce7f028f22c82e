//! What a process that was killed at the worst moment leaves behind, and what the next one
//! makes of it.

use std::fs;

use serde_json::{Value, json};

use super::site::{Site, content};

/// The orders, with these still pending.
fn leave_pending(site: &Site, orders: &[Value]) {
    let path = site.path("state/heliograph/uhf/files.orders.json");
    let text = fs::read_to_string(&path).expect("orders");
    let mut known: Value = serde_json::from_str(&text).expect("JSON");
    known["pending"] = orders.into();
    known["ended"] = json!([]);
    fs::write(path, known.to_string()).expect("a file");
}

fn order(direction: &str, transaction: Option<&str>, local: &str, stored: &str) -> Value {
    json!({
        "key": "0f", "direction": direction, "asked_here": true, "transaction": transaction,
        "remote": "a", "local": local, "stored": stored, "force": false, "size": null,
        "is_moving": false, "end": null,
    })
}

/// A site whose only transfer, a put, is over; and its transaction.
fn after_a_put() -> (Site, String) {
    let site = Site::new();
    let _satellite = site.start_satellite();
    fs::write(site.desk("a"), content(100)).unwrap();
    assert_eq!(site.run(&["put", "a", "a"]).code, Some(0));
    let id = site.files()[0]["id"].as_str().unwrap().to_owned();
    (site, id)
}

#[test]
fn a_put_whose_end_was_not_noted_is_known_by_the_journal() {
    let (site, id) = after_a_put();
    let stored = "outgoing/0f-a";
    fs::write(site.path("state/heliograph/uhf/files").join(stored), "a").unwrap();
    leave_pending(&site, &[order("up", Some(&id), "/a", stored)]);
    assert_eq!(site.files()[0]["state"], "arrived");
    assert_eq!(site.stored("outgoing"), 0);

    leave_pending(&site, &[order("up", Some("2-1"), "/a", stored)]);
    let files = site.files();
    assert_eq!(files[0]["state"], "failed");
    assert!(
        files[0]["failure"]
            .as_str()
            .unwrap()
            .contains("nobody knows"),
        "{files:?}"
    );
}

#[test]
fn a_file_that_came_and_was_not_moved_is_moved() {
    let (site, _) = after_a_put();
    let stored = "incoming/0f-b";
    let folder = site.path("state/heliograph/uhf/files");
    fs::create_dir_all(folder.join("incoming")).unwrap();
    fs::write(folder.join(stored), content(200)).unwrap();
    let local = site.desk("b");
    let local = local.to_str().unwrap();
    leave_pending(&site, &[order("down", Some("2-1"), local, stored)]);
    assert_eq!(site.files()[0]["state"], "arrived");
    assert_eq!(fs::read(local).unwrap(), content(200));
    assert_eq!(site.stored("incoming"), 0);

    // It was moved, and that was not noted.
    let mut moved = order("down", Some("2-1"), local, stored);
    moved["is_moving"] = true.into();
    leave_pending(&site, &[moved]);
    assert_eq!(site.files()[0]["state"], "arrived");
}

#[test]
fn an_order_that_was_not_begun_is_forgotten_and_its_copy_removed() {
    let (site, _) = after_a_put();
    let stored = "outgoing/0f-a";
    fs::write(site.path("state/heliograph/uhf/files").join(stored), "a").unwrap();
    leave_pending(&site, &[order("up", None, "/a", stored)]);
    assert_eq!(site.files().len(), 0);
    assert_eq!(site.stored("outgoing"), 0);
}

#[test]
fn orders_that_are_damaged_are_kept_aside_and_commands_go_on() {
    let (site, _) = after_a_put();
    let path = site.path("state/heliograph/uhf/files.orders.json");
    fs::write(&path, "{\"pending\":").unwrap();
    let files = site.run(&["files", "--all"]);
    assert_eq!(files.code, Some(0), "{files:?}");
    assert!(files.stderr.contains("damaged"), "{files:?}");
    assert!(
        site.path("state/heliograph/uhf/files.orders.damaged")
            .exists()
    );
}
