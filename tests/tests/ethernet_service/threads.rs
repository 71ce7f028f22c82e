//! The threads of the service, as the system counts them: there are never more
//! than at the start, whatever it is asked.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::ports::bind_udp;

use crate::{PATIENCE, Service, Site};

const QUERIES: u16 = 1000;
/// Askers of the GraphQL endpoint: more than are executed at once.
const ASKERS: usize = 12;

fn threads(service: &Service) -> BTreeSet<OsString> {
    let folder = format!("/proc/{}/task", service.child.id());
    let threads = fs::read_dir(folder).expect("the service runs").flatten();
    threads.map(|thread| thread.file_name()).collect()
}

// The HTTP client started one to look up each address.
/// Of an arena of glibc's allocator.
const ARENA_BYTES: u64 = 64 << 20;

#[test]
fn a_query_starts_no_thread() {
    let payload = HttpService::always(Reply::ok("pong"));
    let site = Site::new("raw");
    let service = site.start();
    let ground = bind_udp(site.ground).expect("nobody else has it");
    ground.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let format = SpacePacketFormat::new(End::Ground);
    let ask = |number: u16| {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id: u64::from(number) + 1,
            port: payload.port(),
        };
        let mut packet = Vec::new();
        let built = format.build(&head, b"{}", 0, number, &mut packet);
        built.expect("it fits into a packet");
        let sent = ground.send_to(&packet, ("127.0.0.1", site.radio));
        sent.expect("the radio is there");
        ground.recv(&mut [0; 256]).expect("an answer");
    };
    ask(0);
    let before = threads(&service);
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let seen = scope.spawn(|| {
            let mut seen = threads(&service);
            while !done.load(Ordering::Relaxed) {
                seen.append(&mut threads(&service));
            }
            seen
        });
        (1..QUERIES).for_each(ask);
        done.store(true, Ordering::Relaxed);
        seen.join().expect("it only counts")
    });
    assert_eq!(payload.requests().len(), usize::from(QUERIES));
    assert_eq!(seen, before);
}

#[test]
fn no_question_to_the_endpoint_starts_a_thread() {
    let site = Site::new("raw");
    let service = site.start();
    // The first question is answered once everything has started.
    service.post("/", "{ping}");
    let before = threads(&service);
    thread::scope(|scope| {
        for _ in 0..ASKERS {
            scope.spawn(|| {
                service.get("/metrics", "*/*");
                service.post("/", "{ping errors}");
            });
        }
    });
    site.ground_query(service.http, "{ping}");
    assert_eq!(threads(&service), before);
}

#[test]
#[cfg(target_env = "gnu")]
fn all_threads_share_one_arena_of_the_allocator() {
    let site = Site::new("raw");
    let service = site.start();
    let maps = fs::read_to_string(format!("/proc/{}/maps", service.child.id()));
    let maps = maps.expect("the service runs");
    let mapped: Vec<(u64, u64, &str)> = maps.lines().filter_map(mapping).collect();
    // A further arena has 64 MiB, which begin where 64 MiB begin: what is used, and the rest.
    let arenas = mapped.windows(2).filter(|pair| {
        let [(start, middle, "rw-p"), (rest, end, "---p")] = pair else {
            return false;
        };
        start % ARENA_BYTES == 0 && middle == rest && end - start == ARENA_BYTES
    });
    assert_eq!(arenas.count(), 0, "{maps}");
}

/// Where a line of the map begins and ends, and what may be done with it.
fn mapping(line: &str) -> Option<(u64, u64, &str)> {
    let (start, rest) = line.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?, rest.get(..4)?))
}
