//! Messages to the user that go with a transaction.

use file_delivery::entity::{Event, PutRequest};

use crate::rig::{GROUND, LONG, Rig, SATELLITE, content, id, name};

fn messages(rig: &Rig, side: usize) -> Vec<&[u8]> {
    let events = rig.sides[side].events.iter();
    events
        .filter_map(|event| match event {
            Event::MessageToUser { octets, .. } => Some(octets.as_slice()),
            _ => None,
        })
        .collect()
}

#[test]
fn messages_come_to_the_user_in_order_before_it_hears_of_the_end() {
    let mut rig = Rig::new();
    let file = name("up.bin");
    rig.sides[GROUND].disk.put(&file, &content(1_000));
    let request = PutRequest::file(id(SATELLITE), file.clone(), file);
    let request = request.with_message(b"first").unwrap();
    let transaction = rig.put(request.with_message(b"").unwrap());
    rig.run_to_the_end(transaction);
    assert_eq!(messages(&rig, SATELLITE), [&b"first"[..], b""]);
    let events = &rig.sides[SATELLITE].events;
    let at = |is: fn(&Event) -> bool| events.iter().position(is);
    let told = at(|event| matches!(event, Event::MessageToUser { .. }));
    let ended = at(|event| matches!(event, Event::Finished { .. }));
    assert!(told < ended, "{events:?}");
}

#[test]
fn messages_come_without_a_file_too() {
    let mut rig = Rig::new();
    let request = PutRequest::without_file(id(SATELLITE));
    let transaction = rig.put(request.with_message(b"hello").unwrap());
    let outcomes = rig.run_to_the_end(transaction);
    assert!(outcomes.iter().all(|outcome| outcome.is_success()));
    assert_eq!(messages(&rig, SATELLITE), [b"hello"]);
}

#[test]
fn messages_of_a_transaction_that_is_cancelled_are_not_told() {
    let mut rig = Rig::new();
    let file = name("up.bin");
    rig.sides[GROUND].disk.put(&file, &content(5_000));
    let request = PutRequest::file(id(SATELLITE), file.clone(), file);
    let transaction = rig.put(request.with_message(b"whole").unwrap());
    rig.run_until(LONG, |rig| rig.passed > 5);
    let now = rig.now;
    let cancelled = rig.sides[GROUND].entity.cancel(now, transaction);
    cancelled.expect("it is under way");
    rig.run_to_the_end(transaction);
    assert_eq!(messages(&rig, SATELLITE), [b""; 0]);
}

#[test]
fn a_reserved_message_that_nobody_knows_is_for_the_user() {
    let mut rig = Rig::new();
    let unknown = b"cfdp\x77whatever";
    let request = PutRequest::without_file(id(SATELLITE));
    let transaction = rig.put(request.with_message(unknown).unwrap());
    rig.run_to_the_end(transaction);
    assert_eq!(messages(&rig, SATELLITE), [unknown]);
}

#[test]
fn more_messages_than_a_transaction_may_have_are_counted() {
    let mut rig = Rig::with(|_, peer| peer.pdu_bytes_max = 1_000);
    let mut request = PutRequest::without_file(id(SATELLITE));
    for number in 0..100 {
        request = request.with_message(&[number]).unwrap();
    }
    let transaction = rig.put(request);
    rig.run_to_the_end(transaction);
    let told = messages(&rig, SATELLITE).len() as u64;
    let dropped = rig.sides[SATELLITE].entity.counts().messages_dropped;
    assert!(told > 0 && dropped > 0);
    assert_eq!(told + dropped, 100);
}

#[test]
fn a_message_of_more_octets_than_it_holds_is_refused() {
    let request = PutRequest::without_file(id(SATELLITE));
    assert!(request.clone().with_message(&[7; 255]).is_ok());
    assert!(request.with_message(&[7; 256]).is_err());
}

#[test]
fn messages_of_any_octets_are_survived_and_the_transaction_ends_well() {
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rig = Rig::new();
        let mut request = PutRequest::without_file(id(SATELLITE));
        for _ in 0..random.usize(1..4) {
            // The types that there are, and some beside.
            let kind = [
                random.u8(0..12),
                random.u8(0x10..0x12),
                random.u8(0x20..0x40),
            ];
            let mut octets = b"cfdp".to_vec();
            octets.push(kind[random.usize(..3)]);
            let bytes = random.usize(..20);
            octets.extend(std::iter::repeat_with(|| random.u8(..4)).take(bytes));
            request = request.with_message(&octets).expect("it fits");
        }
        let transaction = rig.put(request);
        let outcomes = rig.run_to_the_end(transaction);
        assert!(
            outcomes.iter().all(|outcome| outcome.is_success()),
            "seed {seed}"
        );
        rig.run_until(LONG, |rig| rig.reports().is_empty());
        assert_eq!(rig.reports(), [""; 0], "seed {seed}");
        rig.assert_counts_add_up();
    }
}
