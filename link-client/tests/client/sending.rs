//! Files leave.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use link_client::{LinkClient, LinkError, Priority};

use crate::service::Service;

#[test]
fn a_file_from_anywhere_is_copied_to_the_outbox_and_sent() {
    let service = Service::start();
    let file = service.file("data/image.raw", "octets");
    let link = service.client("camera").send("analyser", &file).unwrap();
    let link = link.wait().unwrap();
    assert!(link.is_ok());
    let arrived = service.read("analyser/inbox/image.raw");
    assert_eq!(arrived.as_deref(), Some("octets"));
    assert_eq!(fs::read_to_string(file).unwrap(), "octets", "it stays");
    assert_eq!(service.outbox(), Vec::<String>::new());
}

#[test]
fn a_file_in_the_outbox_is_sent_from_there_and_one_of_a_directory_of_it_comes_to_such_a_one() {
    let service = Service::start();
    let camera = service.client("camera");
    let file = service.file("camera/outbox/image.raw", "octets");
    camera.send("analyser", &file).unwrap().wait().unwrap();
    assert!(!file.exists());
    let file = service.file("camera/outbox/raw/7/image.raw", "others");
    camera.send("analyser", file).unwrap().wait().unwrap();
    let arrived = service.read("analyser/inbox/raw/7/image.raw");
    assert_eq!(arrived.as_deref(), Some("others"));
}

#[test]
fn a_directory_whose_name_begins_as_the_outbox_does_is_not_in_it() {
    let service = Service::start();
    let file = service.file("camera/outbox2/image.raw", "octets");
    let camera = service.client("camera");
    camera.send("analyser", file).unwrap().wait().unwrap();
    let arrived = service.read("analyser/inbox/image.raw");
    assert_eq!(arrived.as_deref(), Some("octets"));
}

#[test]
fn two_files_of_one_name_do_not_take_each_others_place() {
    let service = Service::start();
    service.state().is_held = true;
    let camera = service.client("camera");
    let first = service.file("a/image.raw", "first");
    let second = service.file("b/image.raw", "second");
    let first = camera.send("analyser", first).unwrap();
    let taken = camera.send("analyser", &second).unwrap_err();
    assert!(matches!(taken, LinkError::NameTaken { .. }), "{taken}");
    let outbox = service.read("camera/outbox/image.raw");
    assert_eq!(outbox.as_deref(), Some("first"));
    assert_eq!(service.outbox(), ["image.raw"], "no part is left");
    // Once the first is taken, there is room for the second.
    std::thread::scope(|scope| {
        let patient = camera.clone().with_patience(Duration::from_secs(30));
        let waits = scope.spawn(move || {
            patient
                .request(second)
                .to("analyser")
                .overwrite(true)
                .send()
        });
        service.go_on();
        waits.join().unwrap().unwrap().wait().unwrap();
    });
    first.wait().unwrap();
    let arrived = service.read("analyser/inbox/image.raw");
    assert_eq!(arrived.as_deref(), Some("second"));
}

#[test]
fn the_same_file_sent_again_is_the_same_request() {
    let service = Service::start();
    let camera = service.client("camera");
    let file = service.file("data/image.raw", "octets");
    let first = camera.send("analyser", &file).unwrap();
    let again = camera.send("analyser", &file).unwrap();
    assert_eq!(first.id(), again.id());
    again.wait().unwrap();
    assert_eq!(service.count(), 1);
    assert_eq!(service.outbox(), Vec::<String>::new());
    // With other words it is another one, and so is another file of the name.
    let overwriting = camera.request(&file).to("analyser").overwrite(true);
    overwriting.send().unwrap().wait().unwrap();
    fs::remove_file(&file).unwrap();
    service.file("data/image.raw", "octets, and more");
    let refused = camera.send("analyser", &file).unwrap().wait().unwrap_err();
    assert_eq!(refused.code(), Some("ALREADY_EXISTS"));
    assert_eq!(service.count(), 3);
}

#[test]
fn what_failed_is_made_anew_by_the_same_call_and_leaves_no_copy_in_the_way() {
    let service = Service::start();
    let camera = service.client("camera");
    let taken = service.file("analyser/inbox/image.raw", "there already");
    let file = service.file("data/image.raw", "octets");
    let failed = camera.send("analyser", &file).unwrap().wait().unwrap_err();
    assert!(matches!(failed, LinkError::NotDelivered(_)), "{failed}");
    assert_eq!(failed.code(), Some("ALREADY_EXISTS"));
    assert_eq!(service.outbox(), Vec::<String>::new());
    fs::remove_file(taken).unwrap();
    camera.send("analyser", &file).unwrap().wait().unwrap();
    let arrived = service.read("analyser/inbox/image.raw");
    assert_eq!(arrived.as_deref(), Some("octets"));
}

#[test]
fn an_answer_that_is_lost_makes_no_second_request() {
    let service = Service::start();
    let camera = service.client("camera");
    let file = service.file("camera/outbox/image.raw", "octets");
    service.state().is_held = true;
    let known = camera.status("tracking:none").unwrap();
    assert_eq!(known, None);
    // That of the look whether it is known, and that of the request.
    service.state().answers_lost = 2;
    let sent = camera.send("analyser", file).unwrap();
    service.go_on();
    sent.wait().unwrap();
    assert_eq!(service.count(), 1);
}

#[test]
fn a_request_whose_file_was_taken_already_is_found_by_its_name() {
    let service = Service::start();
    service.state().is_held = true;
    let camera = service.client("camera");
    let file = service.file("camera/outbox/image.raw", "octets");
    let sent = camera.send("analyser", &file).unwrap();
    fs::rename(&file, service.path("camera/claimed")).unwrap();
    assert_eq!(camera.send("analyser", &file).unwrap().id(), sent.id());
    let other = camera.send("archive", &file).unwrap_err();
    assert!(matches!(other, LinkError::NoFile { .. }), "{other}");
}

#[test]
fn an_id_of_the_apps_own_is_the_same_request_though_the_file_is_gone() {
    let service = Service::start();
    let camera = service.client("camera");
    let file = service.file("camera/outbox/image.raw", "octets");
    let request = || camera.request(&file).to("analyser").tracking_id("pass-7");
    let first = request().send().unwrap();
    assert!(!file.exists());
    assert_eq!(request().send().unwrap().id(), first.id());
}

#[test]
fn a_copy_that_a_crash_left_with_two_names_is_sent_by_the_next_try() {
    let service = Service::start();
    let file = service.file("data/image.raw", "octets");
    let copy = service.file("camera/outbox/.link-client-0123456789abcdef.part", "octets");
    let left = service.path("camera/outbox/image.raw");
    fs::hard_link(copy, &left).unwrap();
    service.state().is_held = true;
    service.client("camera").send("analyser", file).unwrap();
    assert_eq!(fs::metadata(left).unwrap().nlink(), 1);
    assert_eq!(service.outbox(), ["image.raw"]);
}

#[test]
fn what_is_refused_says_why_and_leaves_nothing_in_the_outbox() {
    let service = Service::start();
    service.state().refuses = Some((429, "UNAVAILABLE"));
    let file = service.file("data/image.raw", "octets");
    let refused = service.client("camera").send("analyser", file).unwrap_err();
    assert_eq!(refused.to_string(), "UNAVAILABLE: it is refused");
    let LinkError::Refused { retry_after, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    assert_eq!(service.outbox(), Vec::<String>::new());
}

#[test]
fn everything_that_can_be_said_of_a_request_arrives() {
    let service = Service::start();
    service.state().is_held = true;
    let file = service.file("data/image.raw", "octets");
    let request = service.client("camera").request(file);
    let request = request.to_all(["analyser", "archive@node-b"]);
    let request = request.priority(Priority::High).overwrite(true);
    let request = request
        .expires_in(Duration::from_secs(60))
        .subdirectory("raw");
    let request = request.correlation_id("pass").metadata("band", "x");
    request.leave_source(true).send().unwrap();
    let state = service.state();
    let body = &state.links[0].body;
    assert_eq!(body["destinationAppIds"][1], "archive@node-b");
    assert_eq!(body["linkType"], "CROSSLINK");
    assert_eq!(body["priority"], "HIGH");
    assert_eq!(body["overwrite"], true);
    assert_eq!(body["expiresInSeconds"], 60);
    assert_eq!(body["subdirectory"], "raw");
    assert_eq!(body["requestHeader"]["correlationId"], "pass");
    assert_eq!(body["requestHeader"]["metadata"]["band"], "x");
    assert_eq!(body["leaveSourceFile"], false, "a copy is not left");
}

#[test]
fn requests_are_listed_over_all_pages_and_cancelled() {
    let service = Service::start();
    service.state().is_held = true;
    let camera = service.client("camera");
    let mut sent = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let file = service.file(&format!("data/{name}"), "octets");
        sent.push(camera.downlink(file).unwrap());
    }
    let ids: Vec<String> = camera
        .list(false)
        .unwrap()
        .into_iter()
        .map(|link| link.id)
        .collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"]);
    assert_eq!(sent[1].cancel().unwrap().code, "CANCELLED");
    assert_eq!(camera.list(true).unwrap().len(), 4);
    let ended = sent[1].wait().unwrap_err();
    assert_eq!(ended.code(), Some("CANCELLED"));
    let open = sent[0].wait_for(Duration::from_millis(1)).unwrap_err();
    assert!(matches!(open, LinkError::NotEnded { .. }), "{open}");
}

#[test]
fn the_names_of_the_original_are_there() {
    let service = Service::start();
    let camera = service.client("camera");
    let directories = camera.get_xfer_directories().unwrap();
    assert_eq!(directories.outbox, service.path("camera/outbox"));
    let file = service.file("data/image.raw", "octets");
    assert!(
        camera
            .send_file_to_app("analyser", &file, false)
            .unwrap()
            .is_ok()
    );
    assert!(camera.downlink_file("", &file, false).unwrap().is_ok());
    service.state().is_held = true;
    let file = service.file("data/other.raw", "octets");
    assert_eq!(
        camera.request(&file).to("a@b").send().unwrap().link().code,
        "ACCEPTED"
    );
}

#[test]
fn a_service_that_is_not_there_is_waited_for_as_long_as_patience_says() {
    let directory = tempfile::tempdir().unwrap();
    let client = LinkClient::connect(directory.path().join("link.sock"));
    let client = client.with_patience(Duration::ZERO);
    let error = client.list(false).unwrap_err();
    assert!(matches!(error, LinkError::NoService { .. }), "{error}");
}
