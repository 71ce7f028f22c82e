//! Room on the disk while something is written.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use oort_agent::agent::{Agent, AgentSettings};
use oort_agent::clock::VirtualClock;
use oort_agent::store::{Room, Space, Step, Store};

use crate::pump::bundle_of;
use crate::rig::{NOW, Rig, Site, settings, words};

const MIB: u64 = 1 << 20;

/// A disk of `mib` MiB, of which nothing is to be left free.
fn disk(site: &Site, mib: u64) -> AgentSettings {
    let places = ["transfers", "uploads", ".agent/intake"].map(|name| site.work.join(name));
    let said = move || {
        let entries = places.iter().flat_map(|place| fs::read_dir(place).unwrap());
        let files = entries.filter_map(|entry| entry.unwrap().metadata().ok());
        // What is known of an item is not counted, so that a test can count by MiB.
        let used: u64 = files.map(|file| file.len() / MIB * MIB).sum();
        Room {
            free: (mib * MIB).saturating_sub(used),
            all: mib * MIB,
        }
    };
    AgentSettings {
        space: Space::Said(Box::new(said)),
        ..settings()
    }
}

fn octets(mib: u64) -> Vec<u8> {
    vec![7; usize::try_from(mib * MIB).unwrap()]
}

/// Hands a file over in chunks.
fn stream(rig: &Rig, mib: u64) -> String {
    let address = rig.url("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "POST /sdk/v2/files?topic=images HTTP/1.1\r\nHost: a\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..mib {
        stream.write_all(format!("{MIB:x}\r\n").as_bytes()).unwrap();
        stream.write_all(&octets(1)).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_body_needs_room_for_itself_once_and_nothing_goes_for_it_that_need_not() {
    let site = Site::new();
    let rig = site.start_with(site.store(), disk(&site, 30));
    let surplus = rig.take(&site.file("a", octets(2)), [0, 0, 9]);
    let answer = stream(&rig, 27);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(rig.state(surplus), "waiting");
    // There is 1 MiB left: what is surplus goes for 2, and for 9 there is no room.
    let answer = stream(&rig, 2);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(rig.state(surplus), "evicted");
    let answer = stream(&rig, 9);
    assert!(answer.starts_with("HTTP/1.1 507"), "{answer}");
}

#[test]
fn one_whose_length_is_known_needs_room_once_as_well() {
    let site = Site::new();
    let rig = site.start_with(site.store(), disk(&site, 10));
    let path = "/sdk/v2/files?topic=images";
    rig.post_octets(path, &octets(6), &[]).id();
    rig.post_octets(path, &octets(4), &[]).id();
    rig.post_octets(path, &octets(1), &[])
        .is_refused(507, "insufficient disk space");
}

#[test]
fn of_a_copy_only_what_is_still_to_be_written_is_kept_for_it() {
    let site = Site::new();
    let mut store = Store::open(&site.work).unwrap().always_copying();
    let agent: Arc<OnceLock<Arc<Agent>>> = Arc::default();
    let (seen, is_first) = (Arc::clone(&agent), AtomicBool::new(true));
    let other = site.file("other", octets(4));
    store.at_each_step(Box::new(move |step| {
        // The first one is written, and not queued yet.
        if step == Step::Copied && is_first.swap(false, Ordering::SeqCst) {
            let agent = seen.get().unwrap();
            agent.send_file(&other, words([9, 9, 9])).unwrap();
        }
    }));
    let clock = Box::new(VirtualClock::at(NOW));
    let opened = Agent::open(store, disk(&site, 10), clock).unwrap();
    let opened = agent.get_or_init(|| Arc::new(opened));
    let path = site.file("a", octets(6));
    opened.send_file(&path, words([9, 9, 9])).unwrap();
    assert_eq!(opened.queued_ids().len(), 2);
}

#[test]
fn of_what_comes_up_as_well() {
    let site = Site::new();
    let mut store = Store::open(&site.work).unwrap();
    let agent: Arc<OnceLock<Arc<Agent>>> = Arc::default();
    let seen = Arc::clone(&agent);
    store.at_each_step(Box::new(move |step| {
        if step == Step::Unpacked {
            let agent = seen.get().unwrap();
            assert!(agent.begin(words([9, 9, 9]), 4 * MIB).is_ok());
        }
    }));
    let clock = Box::new(VirtualClock::at(NOW));
    let opened = Agent::open(store, disk(&site, 10), clock).unwrap();
    let opened = agent.get_or_init(|| Arc::new(opened));
    let path = site.file("a", octets(6));
    let id = opened.send_file(&path, words([9, 9, 9])).unwrap();
    let mut meta = opened.meta(id).unwrap();
    meta.topic = "plans".parse().unwrap();
    opened.cancel(id).unwrap();
    let bundle = bundle_of(&site, "up.oort.tar", &meta, &octets(6));
    oort_agent::pump::take(opened, &bundle).unwrap();
    assert_eq!(opened.query(&meta.topic).unwrap().files.len(), 1);
}
