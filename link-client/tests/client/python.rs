//! The client in Python: the same as that in Rust.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::service::Service;

/// Runs a script as an app, with files at `DATA`.
fn run(service: &Service, app: &str, script: &str) {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    let socket = service.path(&format!("{app}/link.sock"));
    let prelude = "import os, sys, pathlib, threading, time
import heliograph_link as link
from heliograph_link import LinkClient
ROOT = pathlib.Path(sys.argv[1])
DATA, OUTBOX = ROOT / 'data', ROOT / 'camera/outbox'
quick = LinkClient(os.environ['HELIOGRAPH_LINK_SOCKET'], patience=0.2)
def raises(error, call, *args, **words):
    try:
        call(*args, **words)
    except error as raised:
        return raised
    raise AssertionError(f'{error} is not raised')
";
    let output = Command::new("python3")
        .args(["-B", "-W", "error", "-c"])
        .arg(format!("{prelude}{script}"))
        .arg(service.path(""))
        .env("PYTHONPATH", clients)
        .env("HELIOGRAPH_LINK_SOCKET", socket)
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_file_is_sent_in_one_line_and_received_in_two() {
    let service = Service::start();
    service.file("data/image.raw", "octets");
    run(
        &service,
        "camera",
        "link.send('analyser', DATA / 'image.raw').wait()
assert (DATA / 'image.raw').exists()
link.send('analyser', str(OUTBOX.parent / 'outbox/../../data/image.raw'), overwrite=True).wait(20)
",
    );
    assert_eq!(service.outbox(), Vec::<String>::new());
    run(
        &service,
        "analyser",
        "seen = []
for f in link.receive(timeout=0.1):
    seen.append((f.sender, f.files[0].name, os.path.exists(f.path)))
    f.ack()
assert seen[0] == ('camera', 'image.raw', True), seen
assert list(link.receive(timeout=0)) == []
",
    );
    assert_eq!(service.read("analyser/inbox/image.raw"), None);
}

#[test]
fn names_and_directories_are_kept_apart() {
    let service = Service::start();
    service.file("a/image.raw", "first");
    service.file("b/image.raw", "second");
    service.file("camera/outbox/raw/7/image.raw", "third");
    service.file("camera/outbox2/other.raw", "fourth");
    service.state().is_held = true;
    run(
        &service,
        "camera",
        "first = quick.send('analyser', ROOT / 'a/image.raw')
raises(link.NameTaken, quick.send, 'analyser', ROOT / 'b/image.raw')
assert (OUTBOX / 'image.raw').read_text() == 'first'
quick.send('analyser', OUTBOX / 'raw/7/image.raw')
quick.send('analyser', ROOT / 'camera/outbox2/other.raw')
raises(link.NotSendable, quick.send, 'analyser', OUTBOX / 'raw/7/image.raw', subdirectory='b')
raises(link.NotSendable, quick.send, 'analyser', ROOT / 'a/image.raw', subdirectory='../..')
raises(link.NotSendable, quick.send, 'analyser', ROOT / 'a')
raises(FileNotFoundError, quick.send, 'analyser', ROOT / 'a/absent')
assert [each.subdirectory for each in quick.list()] == ['', 'raw/7', '']
",
    );
    assert_eq!(service.outbox(), ["image.raw", "other.raw", "raw"]);
    service.go_on();
    let arrived = service.read("analyser/inbox/raw/7/image.raw");
    assert_eq!(arrived.as_deref(), Some("third"));
}

#[test]
fn the_same_file_is_the_same_request_until_it_fails() {
    let service = Service::start();
    let there = service.file("analyser/inbox/image.raw", "there already");
    service.file("data/image.raw", "octets");
    run(
        &service,
        "camera",
        "sent = quick.send('analyser', DATA / 'image.raw')
failed = raises(link.NotDelivered, sent.wait)
assert failed.code == 'ALREADY_EXISTS', failed
assert list(OUTBOX.glob('[!.]*')) == []
",
    );
    fs::remove_file(there).unwrap();
    service.state().answers_lost = 3;
    run(
        &service,
        "camera",
        "sent = link.send('analyser', DATA / 'image.raw')
assert sent.wait().is_ok
assert link.send('analyser', DATA / 'image.raw').id == sent.id
assert link.status('tracking:' + sent.link.tracking_id).id == sent.id
assert link.status('tracking:none') is None
",
    );
    assert_eq!(service.count(), 2);
}

#[test]
fn a_request_whose_file_was_taken_already_is_found() {
    let service = Service::start();
    service.state().is_held = true;
    service.file("camera/outbox/image.raw", "octets");
    run(
        &service,
        "camera",
        "sent = quick.send('analyser', OUTBOX / 'image.raw')
os.rename(OUTBOX / 'image.raw', ROOT / 'claimed')
assert quick.send('analyser', OUTBOX / 'image.raw').id == sent.id
raises(FileNotFoundError, quick.send, 'archive', OUTBOX / 'image.raw')
raises(link.NotEnded, sent.wait, 0)
raises(TimeoutError, sent.wait, 0.01)
assert sent.cancel().code == 'CANCELLED' and sent.status().has_ended
",
    );
}

#[test]
fn what_is_refused_says_why_and_a_service_that_is_away_is_an_error_of_its_own() {
    let service = Service::start();
    service.state().refuses = Some((429, "UNAVAILABLE"));
    service.file("data/image.raw", "octets");
    run(
        &service,
        "camera",
        "refused = raises(link.Refused, link.send, 'analyser', DATA / 'image.raw')
assert (refused.code, refused.retry_after) == ('UNAVAILABLE', 7), refused
assert list(OUTBOX.iterdir()) == []
away = raises(link.NoService, LinkClient(ROOT / 'absent.sock', patience=0).list)
assert isinstance(away, ConnectionError) and isinstance(away, link.LinkError)
",
    );
}

#[test]
fn everything_that_can_be_said_of_a_request_arrives() {
    let service = Service::start();
    service.state().is_held = true;
    service.file("data/image.raw", "octets");
    run(
        &service,
        "camera",
        "link.send(['analyser', 'archive@node-b'], DATA / 'image.raw', priority='HIGH',
    overwrite=True, leave_source=True, expires_in=60, subdirectory='raw',
    correlation_id='pass', metadata={'band': 'x'})
link.downlink(DATA / 'image.raw', tracking_id='pass-7')
assert link.list_links(open_only=True)[1].tracking_id == 'pass-7'
",
    );
    let state = service.state();
    let body = &state.links[0].body;
    assert_eq!(body["destinationAppIds"][1], "archive@node-b");
    assert_eq!(body["linkType"], "CROSSLINK");
    assert_eq!(body["priority"], "HIGH");
    assert_eq!(body["overwrite"], true);
    assert_eq!(body["leaveSourceFile"], false, "a copy is not left");
    assert_eq!(body["expiresInSeconds"], 60);
    assert_eq!(body["subdirectory"], "raw");
    assert_eq!(body["requestHeader"]["correlationId"], "pass");
    assert_eq!(body["requestHeader"]["metadata"]["band"], "x");
    let body = &state.links[1].body;
    assert_eq!(body["linkType"], "DOWNLINK");
    assert_eq!(body["destinationAppIds"][0], "ground");
}

#[test]
fn the_names_of_the_original_are_there() {
    let service = Service::start();
    service.file("data/image.raw", "octets");
    run(
        &service,
        "camera",
        "directories = link.get_xfer_directories()
assert pathlib.Path(directories['outbox']) == OUTBOX
assert sorted(directories) == ['inbox', 'outbox', 'root']
image = str(DATA / 'image.raw')
assert link.send_file_to_app('analyser', image, overwrite_destination_file=True).is_ok
assert link.downlink_file('mts', image, response_timeout_seconds=20).is_ok
os.chdir(ROOT / 'camera')
del os.environ['HELIOGRAPH_LINK_SOCKET']
assert link.send_file_to_app('analyser', image, True).is_ok
",
    );
    assert_eq!(service.count(), 2, "the last is the first again");
}

#[test]
fn what_arrives_while_it_is_waited_for_comes_once() {
    let service = Service::start();
    service.file("data/image.raw", "octets");
    run(
        &service,
        "analyser",
        "camera = LinkClient(ROOT / 'camera/link.sock')
def later():
    time.sleep(0.05)
    camera.send('analyser', DATA / 'image.raw')
threading.Thread(target=later).start()
arrived = next(link.receive())
assert pathlib.Path(arrived.path).read_text() == 'octets'
assert [each.id for each in link.receive(timeout=0.3)] == [arrived.id]
arrived.keep()
assert list(link.receive(timeout=0)) == []
assert os.path.exists(arrived.path)
",
    );
}
