//! Records of transfers, as octets.

use link_service::record::Transfer;

use crate::rig::{accept, disk, mover, put, request, run_to_end};

#[test]
fn a_record_is_read_as_it_was_written() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let mover = mover(&disk);
    let mut transfer = accept(&mover, 1, &request(&["image"])).unwrap();
    let read = |transfer: &Transfer| Transfer::decode(&transfer.encode().unwrap()).unwrap();
    assert_eq!(read(&transfer), transfer);
    run_to_end(&mover, &mut transfer);
    assert_eq!(read(&transfer), transfer);
}

#[test]
fn what_is_no_record_is_said_to_be_none() {
    let disk = disk(1);
    put(&disk, "image", b"octets");
    let octets = accept(&mover(&disk), 1, &request(&["image"])).unwrap();
    let mut octets = octets.encode().unwrap();
    for bytes in 0..octets.len() {
        assert!(Transfer::decode(&octets[..bytes]).is_err());
    }
    octets[0] = 9;
    let error = Transfer::decode(&octets).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
}
