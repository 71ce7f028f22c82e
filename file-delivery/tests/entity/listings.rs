//! Listings of directories, which one end asks the other for.

use file_delivery::StoreName;
use file_delivery::entity::{Event, ListRequest};
use file_delivery::pdu::TransactionId;
use file_delivery::store::FileStore;

use crate::rig::{GROUND, LONG, Rig, SATELLITE, id, name};

/// The satellite has files, and the ground asks which.
fn ask(rig: &mut Rig, directory: Option<&str>) -> TransactionId {
    for file in ["log/b.txt", "log/a.txt", "log/old/c.txt", "image.bin"] {
        rig.sides[SATELLITE].disk.put(&name(file), b"octets");
    }
    let request = ListRequest {
        entity: id(SATELLITE),
        directory: directory.map(name),
        local: name("there.txt"),
        priority: 0,
    };
    let now = rig.now;
    let asked = rig.sides[GROUND].entity.list(now, &request);
    asked.expect("the request begins")
}

#[track_caller]
fn run_out(rig: &mut Rig) {
    rig.run_until(LONG, |rig| rig.reports().is_empty());
    assert_eq!(rig.reports(), [""; 0]);
}

/// Where the ground was told that the listing is, each time it was told.
fn told(rig: &Rig, asked: TransactionId) -> Vec<Option<StoreName>> {
    let events = rig.sides[GROUND].events.iter();
    events
        .filter_map(|event| match event {
            Event::Listed { request, listing } if *request == asked => Some(listing.clone()),
            _ => None,
        })
        .collect()
}

fn listing(rig: &Rig) -> Option<String> {
    let file = rig.sides[GROUND].disk.file(&name("there.txt"));
    file.map(|octets| String::from_utf8(octets).expect("text"))
}

/// What the satellite keeps of listings.
fn left(rig: &mut Rig) -> Vec<String> {
    let store = rig.sides[SATELLITE].entity.store();
    store.list(Some(&name("listings"))).unwrap_or_default()
}

#[test]
fn a_listing_has_a_name_a_line_and_leaves_nothing_where_it_was_made() {
    let mut rig = Rig::new();
    let asked = ask(&mut rig, Some("log"));
    run_out(&mut rig);
    assert_eq!(told(&rig, asked), [Some(name("there.txt"))]);
    assert_eq!(listing(&rig).as_deref(), Some("a.txt\nb.txt\nold/\n"));
    assert_eq!(left(&mut rig), [""; 0]);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
    assert_eq!(rig.sides[SATELLITE].entity.counts().requests_done, 1);
}

#[test]
fn the_root_is_listed_without_a_name() {
    let mut rig = Rig::new();
    ask(&mut rig, None);
    run_out(&mut rig);
    assert_eq!(listing(&rig).as_deref(), Some("image.bin\nlog/\n"));
}

#[test]
fn a_directory_that_is_not_there_has_no_listing_and_who_asked_is_told() {
    for directory in ["nowhere", "image.bin"] {
        let mut rig = Rig::new();
        let asked = ask(&mut rig, Some(directory));
        run_out(&mut rig);
        assert_eq!(told(&rig, asked), [None]);
        assert_eq!(listing(&rig), None);
        assert_eq!(rig.sides[SATELLITE].entity.counts().requests_refused, 1);
        assert_eq!(rig.sides[SATELLITE].faults().len(), 1);
    }
}

#[test]
fn who_may_not_ask_gets_no_listing() {
    let mut rig = Rig::with(|_, peer| peer.may_ask = false);
    let asked = ask(&mut rig, None);
    run_out(&mut rig);
    assert_eq!(told(&rig, asked), [None]);
}

#[test]
fn a_listing_for_which_there_is_no_room_leaves_nothing() {
    let mut rig = Rig::new();
    let asked = ask(&mut rig, None);
    rig.sides[SATELLITE].disk.set_bytes_max(25);
    run_out(&mut rig);
    assert_eq!(told(&rig, asked), [None]);
    assert_eq!(left(&mut rig), [""; 0]);
    assert_eq!(rig.sides[SATELLITE].disk.staged(), []);
}

#[test]
fn a_listing_comes_wherever_the_power_is_cut_and_leaves_nothing() {
    for side in [GROUND, SATELLITE] {
        let (begun, all) = {
            let mut rig = Rig::new();
            ask(&mut rig, Some("log"));
            let begun = rig.sides[side].disk.counts().changes;
            run_out(&mut rig);
            (begun, rig.sides[side].disk.counts().changes)
        };
        for change in 0..all - begun {
            let mut rig = Rig::new();
            let asked = ask(&mut rig, Some("log"));
            rig.sides[side].disk.fail_after(change);
            run_out(&mut rig);
            // The last change may be the removal, at which nobody waits.
            let now = rig.now;
            rig.sides[SATELLITE].cut(now);
            let listing = listing(&rig);
            let cut = format!("{side} cut at {change}");
            assert_eq!(listing.as_deref(), Some("a.txt\nb.txt\nold/\n"), "{cut}");
            assert!(told(&rig, asked).iter().all(Option::is_some), "{cut}");
            assert!(!told(&rig, asked).is_empty(), "{cut}");
            assert_eq!(left(&mut rig), [""; 0], "{cut}");
            assert_eq!(rig.sides[SATELLITE].disk.staged(), [], "{cut}");
        }
    }
}

#[test]
fn a_file_of_the_user_among_the_listings_stays() {
    let mut rig = Rig::new();
    let file = name("listings/mine.txt");
    rig.sides[SATELLITE].disk.put(&file, b"mine");
    ask(&mut rig, Some("log"));
    run_out(&mut rig);
    let now = rig.now;
    rig.sides[SATELLITE].cut(now);
    assert_eq!(left(&mut rig), ["mine.txt"]);
}
