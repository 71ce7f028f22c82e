//! Receipts, and the keys that sign them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use delivery_receipt::{KeyError, PublicKey, Receipt, SigningKey};

fn receipt() -> Receipt {
    Receipt {
        uuid: "0190a1b2-0000-4000-8000-000000000001".to_owned(),
        topic: "images".to_owned(),
        sha256: "ab".repeat(32),
        size: 3,
        crc32: "352441c2".to_owned(),
        bucket: "s3://mission".to_owned(),
        key: "helio/downlink/2026/11/27/20261127T120000Z_a.bin".to_owned(),
        satellite: "helio".to_owned(),
        time: 1_795_780_800,
        signature: String::new(),
    }
}

/// Whoever else implements this compares with it.
#[test]
fn a_receipt_is_signed_as_it_always_was() {
    let key = SigningKey::of(&[7; 32]);
    let public = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    assert_eq!(key.public_key().to_string(), public);
    let signed = key.signed(receipt());
    let golden = include_str!("golden.json");
    let golden: Receipt = serde_json::from_str(golden).unwrap();
    assert_eq!(signed, golden);
    assert!(public.parse::<PublicKey>().unwrap().is_of(&golden));
}

#[test]
fn a_receipt_that_was_changed_is_not_of_the_key() {
    let key = SigningKey::random().unwrap();
    let signed = key.signed(receipt());
    let public = key.public_key();
    assert!(public.is_of(&signed));
    assert!(!SigningKey::random().unwrap().public_key().is_of(&signed));
    let changes: [fn(&mut Receipt); 11] = [
        |receipt| receipt.uuid.push('1'),
        |receipt| receipt.topic.push('1'),
        |receipt| receipt.sha256.push('1'),
        |receipt| receipt.size += 1,
        |receipt| receipt.crc32.push('1'),
        |receipt| receipt.satellite.push('1'),
        |receipt| receipt.time += 1,
        |receipt| receipt.signature.clear(),
        |receipt| receipt.signature.push_str("00"),
        |receipt| receipt.signature = "zz".repeat(64),
        // What ends one field does not begin the next.
        |receipt| {
            receipt.bucket.push('h');
            receipt.key.remove(0);
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = signed.clone();
        change(&mut changed);
        assert!(!public.is_of(&changed), "{number}");
    }
}

#[test]
fn a_key_is_written_once_and_nobody_else_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipts.key");
    let key = SigningKey::random().unwrap();
    key.write(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(matches!(key.write(&path), Err(KeyError::File { .. })));
    let read = SigningKey::read(&path).unwrap();
    assert_eq!(read.public_key(), key.public_key());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        SigningKey::read(&path),
        Err(KeyError::Exposed { mode: 0o644, .. })
    ));
    let secret = fs::read_to_string(&path).unwrap();
    assert!(!format!("{key:?}").contains(secret.trim()));
}

#[test]
fn what_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("receipts.key");
    for text in [
        "",
        "ab",
        &"ab".repeat(31),
        &"ab".repeat(33),
        &"zz".repeat(32),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(
            SigningKey::read(&path),
            Err(KeyError::Unfit { .. })
        ));
        assert!(PublicKey::read(&path).is_err(), "{text}");
    }
}
