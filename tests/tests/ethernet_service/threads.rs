//! What the service takes of the machine does not depend on what it is asked.
#![cfg(target_os = "linux")]

use std::fs;
use std::thread;

use crate::{Service, Site};

/// More than are executed at once.
const ASKERS: usize = 12;

fn threads(service: &Service) -> usize {
    let folder = format!("/proc/{}/task", service.child.id());
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn no_question_starts_a_thread() {
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
