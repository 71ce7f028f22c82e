//! What the original left behind in the work directory is taken over.

use std::fs;

use delivery_receipt::{Receipt, SigningKey};
use oort_agent::agent::AgentSettings;
use serde_json::{Value, json};

use crate::rig::{NOW, Site, crc32, settings};

const ID: &str = "0b0e7b0a-3c3e-4b0e-8d5c-0d6a2f1f3a11";

/// A pair as version 1.4.1 writes it.
fn leave(site: &Site, directory: &str, options: &Value) {
    let octets = b"octets";
    let meta = json!({
        "destination": "ground", "extra": null,
        "file_info": {
            "created": NOW, "crc32": crc32(octets), "delivery_hints": null, "extra": null,
            "id": ID, "modified": NOW, "path": "/data/a.txt", "size": octets.len(),
        },
        "meta_version": "1.3", "node": "payload", "send_options": options, "time": NOW,
        "topic": "images",
    });
    let path = |suffix| site.work.join(format!("{directory}/{ID}.{suffix}.oort"));
    fs::write(path("data"), octets).unwrap();
    fs::write(path("meta"), meta.to_string()).unwrap();
}

#[test]
fn an_item_that_the_original_queued_without_options_or_with_odd_ones_stays_queued() {
    let odd = json!({
        "TTLParams": {"urgent": -5, "bulk": 99_999_999_999_u64, "surplus": null},
        "reliable": null,
    });
    for (options, stage, times) in [
        (Value::Null, "urgent", [9_000, 43_200, 172_800]),
        (
            json!({"TTLParams": null}),
            "urgent",
            [9_000, 43_200, 172_800],
        ),
        (odd, "bulk", [0, 2_147_483_647, 172_800]),
    ] {
        let site = Site::new();
        drop(site.start());
        leave(&site, "transfers", &options);
        let rig = site.start();
        assert_eq!(site.names("dead"), Vec::<String>::new(), "{options}");
        let item = rig.get(&format!("/sdk/v2/files/{ID}")).body;
        assert_eq!(
            (&item["state"], &item["stage"]),
            (&json!("waiting"), &json!(stage))
        );
        let meta = rig.get(&format!("/collector/v1/meta/{ID}")).body;
        let [urgent, bulk, surplus] = times;
        assert_eq!(
            meta["send_options"],
            json!({
                "TTLParams": {"urgent": urgent, "bulk": bulk, "surplus": surplus},
                "reliable": true,
            })
        );
        assert_eq!(
            rig.agent.next_out().unwrap().meta.file_info.id.to_string(),
            ID
        );
    }
}

#[test]
fn an_item_that_the_original_queued_is_delivered_by_its_receipt() {
    let site = Site::new();
    drop(site.start());
    leave(&site, "transfers", &Value::Null);
    let key = SigningKey::of(&[7; 32]);
    let settings = AgentSettings {
        receipt_key: Some(key.public_key()),
        ..settings()
    };
    let rig = site.start_with(site.store(), settings);
    let receipt = |size| Receipt {
        uuid: ID.to_owned(),
        sha256: "of its octets".to_owned(),
        size,
        ..Receipt::default()
    };
    assert!(rig.agent.accept_receipt(key.signed(receipt(7))).is_err());
    rig.agent.accept_receipt(key.signed(receipt(6))).unwrap();
    assert_eq!(rig.state(ID.parse().unwrap()), "delivered");
}

#[test]
fn an_upload_whose_meta_says_null_is_found_and_retrieved() {
    let site = Site::new();
    let rig = site.start();
    leave(&site, "uploads", &Value::Null);
    let files = rig.get("/sdk/v1/query_available_files/images").body;
    assert_eq!(files["files"][0]["id"], ID);
    let to = site.payload.join("out");
    let asked = json!({"id": ID, "save_path": to});
    assert_eq!(rig.post("/sdk/v1/retrieve_file", &asked).status, 200);
    assert_eq!(fs::read(to).unwrap(), b"octets");
}

#[test]
fn a_meta_that_says_too_little_is_still_none() {
    let site = Site::new();
    drop(site.start());
    leave(&site, "transfers", &Value::Null);
    let path = site.work.join(format!("transfers/{ID}.meta.oort"));
    let mut meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    meta["file_info"]["size"] = Value::Null;
    fs::write(&path, meta.to_string()).unwrap();
    let rig = site.start();
    assert_eq!(rig.agent.queued_ids(), []);
    assert_eq!(site.names("dead").len(), 2);
}
