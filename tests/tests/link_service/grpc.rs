//! Apps that ask by gRPC: a client in Python, with code that is generated of the `.proto`
//! files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use heliograph_tests::referee;
use tempfile::TempDir;

use crate::site::{APPS, PATIENCE, Service, Site, TOKEN};

const ANALYSER_TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// What the scripts begin with.
const PRELUDE: &str = "
import os
import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.link.v1 import link_pb2 as own
from heliograph.link.v1.link_pb2_grpc import LinkStub
from spacefx.common_pb2 import *
from spacefx.link_pb2 import LinkRequest, LinkResponse
link = LinkStub(grpc.insecure_channel(os.environ['LINK']))
camera = [('authorization', 'Bearer ' + os.environ['CAMERA'])]
analyser = [('authorization', 'Bearer ' + os.environ['ANALYSER'])]
def request(tracking_id, **fields):
    fields = dict(linkType=LinkRequest.APP2APP, fileName='image.raw',
                  destinationAppId='analyser') | fields
    return LinkRequest(requestHeader=RequestHeader(trackingId=tracking_id), **fields)
def said(answer):
    header = answer.responseHeader
    return StatusCodes.Name(header.status), header.metadata['heliograph-code']
";

/// A service with gRPC, and generated code.
struct Apps {
    site: Site,
    generated: TempDir,
}

impl Apps {
    fn new() -> Apps {
        let site = Site::new();
        let token = site.path("analyser.token");
        fs::write(&token, ANALYSER_TOKEN).unwrap();
        fs::set_permissions(token, Permissions::from_mode(0o600)).unwrap();
        site.configure(&config("127.0.0.1:0"));
        let generated = TempDir::new().unwrap();
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../link-service/proto");
        let output = Command::new(referee::python())
            .args(["-m", "grpc_tools.protoc", "-I", "."])
            .arg(format!("--python_out={}", generated.path().display()))
            .arg(format!("--grpc_python_out={}", generated.path().display()))
            .args(["spacefx/common.proto", "spacefx/link.proto"])
            .arg("heliograph/link/v1/link.proto")
            .current_dir(protos)
            .output()
            .expect("protoc");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Apps { site, generated }
    }

    /// Runs a script after what all begin with.
    #[track_caller]
    fn run(&self, service: &Service, script: &str) {
        self.python(&addr(service), &format!("{PRELUDE}{script}"));
    }

    /// What a script prints.
    #[track_caller]
    fn python(&self, addr: &str, script: &str) -> String {
        let output = Command::new(referee::python())
            .args(["-B", "-c", script])
            .env("PYTHONPATH", self.generated.path())
            .env("LINK", addr)
            .env("CAMERA", TOKEN)
            .env("ANALYSER", ANALYSER_TOKEN)
            .current_dir(self.site.path(""))
            .output()
            .expect("python");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Where a service has its gRPC.
fn addr(service: &Service) -> String {
    let line = service.process.wait_for_line("gRPC for apps at ", PATIENCE);
    line.rsplit(' ').next().unwrap().to_owned()
}

fn config(addr: &str) -> String {
    let apps = APPS.replace(
        "'analyser'\n",
        "'analyser'\ntoken-file = 'analyser.token'\n",
    );
    format!("[link-service.grpc]\naddr = '{addr}'\n{apps}")
}

#[test]
fn a_file_is_sent_followed_received_and_acknowledged_by_generated_code() {
    let apps = Apps::new();
    let service = apps.site.start();
    apps.site.put("image.raw", b"an image");
    apps.run(
        &service,
        "
request = request('pass/7', priority=HIGH, overwrite=True)
request.requestHeader.metadata['band'] = 'x'
answers = list(link.Follow(request, metadata=camera))
assert [said(answer) for answer in answers] == [('PENDING', 'ACCEPTED'), ('SUCCESSFUL', 'OK')]
ended = answers[-1]
assert ended.responseHeader.trackingId == 'pass/7' and ended.fileSizeKB == 1
assert ended.responseHeader.metadata['band'] == 'x'
assert ended.linkRequest.requestHeader.appId == 'camera'
assert ended.linkProcessedTime.ToSeconds() > 1577836800
id = ended.responseHeader.metadata['heliograph-id']
status = link.Status(own.LinkReference(tracking_id='pass/7'), metadata=camera)
assert status == ended
assert link.Send(request, metadata=camera) == ended
page = link.List(own.ListRequest(state=own.ListRequest.STATE_ENDED), metadata=camera)
assert list(page.links) == [ended] and page.next == ''
deliveries = link.Receive(own.ReceiveRequest(), metadata=analyser)
delivery = next(deliveries)
assert (delivery.id, delivery.from_app_id) == (id, 'camera')
assert dict(delivery.metadata) == {'band': 'x'}
assert open(delivery.files[0].path).read() == 'an image'
directories = link.GetXferDirectories(own.GetXferDirectoriesRequest(), metadata=analyser)
assert delivery.files[0].path == directories.inbox + '/image.raw'
link.Acknowledge(own.AcknowledgeRequest(id=id), metadata=analyser)
deliveries.cancel()
present = link.Receive(own.ReceiveRequest(only_present=True), metadata=analyser)
assert list(present) == []
",
    );
    assert!(apps.site.left().is_empty() && apps.site.arrived().is_empty());
    service.stop();
}

#[test]
fn the_example_of_the_book_runs() {
    let book = include_str!("../../../docs/src/link-service.md");
    let (_, section) = book.split_once("### By gRPC").unwrap();
    let (_, example) = section.split_once("```python\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let apps = Apps::new();
    let service = apps.site.start();
    apps.site.put("image.raw", b"an image");
    let addr = addr(&service);
    let printed = apps.python(&addr, &example.replace("127.0.0.1:50061", &addr));
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    assert_eq!(lines, ["PENDING ACCEPTED", "SUCCESSFUL OK"]);
    service.stop();
}

#[test]
fn w4_who_asks_by_grpc_is_whose_token_it_shows_and_nothing_else_is_more_than_refused() {
    let apps = Apps::new();
    let service = apps.site.start();
    apps.site.put("image.raw", b"an image");
    apps.run(
        &service,
        "
for wrong in None, [], [('authorization', 'Bearer x')], [('authorization', camera[0][1] + 'x')]:
    for call in lambda: link.Send(request('7'), metadata=wrong), \\
            lambda: list(link.Follow(request('7'), metadata=wrong)), \\
            lambda: list(link.Receive(own.ReceiveRequest(), metadata=wrong)):
        try:
            call()
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
            assert ('heliograph-code', 'UNKNOWN_SENDER') in error.trailing_metadata()
        else:
            raise AssertionError(wrong)
for field in 'appId', 'originAppId':
    forged = request('7')
    setattr(forged.requestHeader, field, 'camera')
    assert said(link.Send(forged, metadata=analyser)) == ('FORBIDDEN', 'FORBIDDEN')
invalid = [('INVALID_ARGUMENT', 'INVALID_ARGUMENT')]
for wrong in dict(linkType=0), dict(linkType=99), dict(linkType=-1), dict(priority=4), \\
        dict(fileName=''), dict(destinationAppId=''), \\
        dict(expirationTime=Timestamp(nanos=-1)):
    wrong = request('7', **wrong)
    assert [said(a) for a in link.Follow(wrong, metadata=camera)] == invalid, wrong
assert said(link.Send(LinkRequest(), metadata=camera)) == invalid[0]
for wrong in dict(fileName='../image.raw'), dict(subdirectory='..'), \\
        dict(destinationAppId='../analyser'), dict(fileName='/etc/passwd'):
    answer = link.Send(request('7', **wrong), metadata=camera)
    assert said(answer) == ('INVALID_ARGUMENT', 'INVALID_NAME'), answer
try:
    link.Send(request('7', fileName='x' * 1000000), metadata=camera)
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.OUT_OF_RANGE, error
else:
    raise AssertionError
assert said(link.Send(request('7', destinationAppId='nobody'), metadata=camera))[0] == 'NOT_FOUND'
",
    );
    assert_eq!(apps.site.left(), ["image.raw"]);
    apps.run(
        &service,
        "
answers = list(link.Follow(LinkRequest(linkType=LinkRequest.APP2APP, fileName='image.raw',
                                       destinationAppId='analyser'), metadata=camera))
assert answers[0].responseHeader.trackingId != '', answers
assert said(answers[-1]) == ('SUCCESSFUL', 'OK'), answers
",
    );
    service.stop();
}

#[test]
fn w15_w17_who_follows_across_a_crash_hears_of_one_request_and_of_one_end() {
    let apps = Apps::new();
    let mut service = apps.site.start();
    apps.site.put("image.raw", &[7; 3_000_000]);
    apps.run(
        &service,
        "
answer = link.Send(request('7'), metadata=camera)
assert said(answer) == ('PENDING', 'ACCEPTED')
open('id', 'w').write(answer.responseHeader.metadata['heliograph-id'])
",
    );
    service.process.signal("KILL");
    service.process.wait_for_exit(PATIENCE);
    let service = apps.site.start();
    apps.run(
        &service,
        "
answers = list(link.Follow(request('7'), metadata=camera))
finals = [answer for answer in answers if said(answer)[0] != 'PENDING']
assert len(finals) == 1 and answers[-1] is finals[0] and said(finals[0])[1] == 'OK', answers
for answer in answers:
    assert answer.responseHeader.metadata['heliograph-id'] == open('id').read()
other = request('7', overwrite=True)
assert said(link.Send(other, metadata=camera)) == ('REJECTED', 'CONFLICT')
",
    );
    assert_eq!(apps.site.arrived(), ["image.raw"]);
    service.stop();
}

#[test]
fn who_waits_by_grpc_is_told_when_the_service_stops() {
    let apps = Apps::new();
    let mut service = apps.site.start();
    let process = service.process.id();
    let script = format!(
        "
deliveries = link.Receive(own.ReceiveRequest(), metadata=analyser)
deliveries.initial_metadata()
os.kill({process}, 15)
try:
    list(deliveries)
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.UNAVAILABLE, error
else:
    raise AssertionError
"
    );
    apps.run(&service, &script);
    assert!(service.process.wait_for_exit(PATIENCE).success());
}

#[test]
fn there_is_no_grpc_unless_the_configuration_says_where() {
    let site = Site::new();
    let service = site.start();
    let lines = service.process.lines();
    assert!(!lines.iter().any(|line| line.text.contains("gRPC")));
    service.stop();
    site.configure(&format!("{APPS}[link-service.grpc]\naddr = '0.0.0.0:0'\n"));
    let mut refused = site.launch();
    refused.wait_for_line("is not on the loopback interface", PATIENCE);
    assert!(!refused.wait_for_exit(PATIENCE).success());
    site.configure(&format!("{APPS}[link-service.grpc]\nadr = '127.0.0.1:0'\n"));
    let mut refused = site.launch();
    refused.wait_for_line("did you mean `addr`?", PATIENCE);
    assert!(!refused.wait_for_exit(PATIENCE).success());
}

#[test]
fn where_grpc_is_served_is_changed_by_a_restart_only() {
    let apps = Apps::new();
    let service = apps.site.start();
    apps.site.configure(&config("127.0.0.1:1"));
    service.process.signal("HUP");
    let hint = "[link-service.grpc] is another: only a restart changes it";
    service.process.wait_for_line(hint, PATIENCE);
    service.stop();
}
