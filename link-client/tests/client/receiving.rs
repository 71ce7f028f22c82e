//! Files arrive.

use std::fs;
use std::time::Duration;

use link_client::{Delivery, LinkError};

use crate::service::Service;

const SHORT: Duration = Duration::from_millis(50);

fn send(service: &Service, name: &str) {
    let file = service.file(&format!("data/{name}"), name);
    service.client("camera").send("analyser", file).unwrap();
}

fn names(deliveries: impl Iterator<Item = Result<Delivery, LinkError>>) -> Vec<String> {
    let names = deliveries.map(|delivery| delivery.unwrap().files()[0].name.clone());
    names.collect()
}

#[test]
fn deliveries_come_in_order_and_are_removed_once_they_are_acknowledged() {
    let service = Service::start();
    for name in ["a", "b"] {
        send(&service, name);
    }
    let analyser = service.client("analyser");
    let mut seen = Vec::new();
    for delivery in analyser.receive_within(SHORT) {
        let delivery = delivery.unwrap();
        assert_eq!(delivery.from(), "camera");
        seen.push(fs::read_to_string(delivery.path()).unwrap());
        let path = delivery.path().to_path_buf();
        delivery.ack().unwrap();
        assert!(!path.exists());
    }
    assert_eq!(seen, ["a", "b"]);
    assert_eq!(names(analyser.receive_within(SHORT)), Vec::<String>::new());
}

#[test]
fn what_arrives_while_it_is_waited_for_comes() {
    let service = Service::start();
    let analyser = service.client("analyser");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| names(analyser.receive().take(1)));
        send(&service, "a");
        assert_eq!(waits.join().unwrap(), ["a"]);
    });
}

#[test]
fn what_is_not_acknowledged_comes_once_and_again_with_the_next_receive() {
    let service = Service::start();
    send(&service, "a");
    let analyser = service.client("analyser");
    assert_eq!(names(analyser.receive_within(SHORT)), ["a"]);
    assert_eq!(names(analyser.receive_within(SHORT)), ["a"]);
}

#[test]
fn what_is_kept_stays_in_the_inbox_and_does_not_come_again() {
    let service = Service::start();
    send(&service, "a");
    let analyser = service.client("analyser");
    let delivery = analyser.receive().next().unwrap().unwrap();
    let path = delivery.path().to_path_buf();
    delivery.keep().unwrap();
    assert!(path.exists());
    assert_eq!(names(analyser.receive_within(SHORT)), Vec::<String>::new());
}

#[test]
fn an_app_that_sees_its_directories_elsewhere_gets_paths_that_are_right_there() {
    let service = Service::start();
    send(&service, "a");
    let container = service.path("container");
    std::os::unix::fs::symlink(service.path("analyser"), &container).unwrap();
    let client = link_client::LinkClient::connect(container.join("link.sock"));
    let delivery = client.receive().next().unwrap().unwrap();
    assert_eq!(delivery.path(), container.join("inbox/a"));
}
