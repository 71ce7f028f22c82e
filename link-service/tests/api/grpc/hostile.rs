//! Nobody is who he says, and no message is more than refused.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use link_service::api::grpc::messages::link_request::LinkType;
use link_service::api::grpc::messages::{
    AcknowledgeRequest, GetXferDirectoriesRequest, LinkReference, ListRequest, ReceiveRequest,
    RequestHeader, StatusCodes,
};
use link_service::folders::Side;
use link_service::record::TransferId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use prost_types::Timestamp;
use tonic::Code;

use super::rig::{Client, GrpcRig, PATIENCE, header, request, said, token};
use crate::rig::app;

#[test]
fn w4_neither_message_nor_metadata_makes_a_request_anothers() {
    let rig = GrpcRig::new();
    // Both have a file of that name, and only the camera may send.
    rig.rig.put("image.raw", b"the camera's");
    let archive_outbox = (app("archive"), Side::Outbox);
    let (archive, outbox) = &archive_outbox;
    rig.rig.disk.put(archive, *outbox, "image.raw", b"its own");
    let thief = rig.at("archive");
    let plain = request("7", "image.raw", "analyser");
    for (app_id, origin_app_id) in [("camera", ""), ("", "camera"), ("archive", "camera")] {
        let mut forged = plain.clone();
        forged.request_header = Some(RequestHeader {
            app_id: app_id.to_owned(),
            origin_app_id: origin_app_id.to_owned(),
            ..plain.request_header.clone().unwrap()
        });
        let refused = rig.block_on(thief.send(forged));
        assert_eq!(said(&refused), (StatusCodes::Forbidden, "FORBIDDEN"));
        assert!(header(&refused).message.contains("camera"), "{refused:#?}");
        assert_eq!(header(&refused).app_id, "archive");
    }
    // Of what else may be said in a message or a call, nothing is made.
    let mut forged = plain;
    let head = forged.request_header.as_mut().unwrap();
    for key in [
        "appId",
        "SOURCE_PAYLOAD_APP_ID",
        "heliograph-code",
        "heliograph-id",
    ] {
        head.metadata.insert(key.to_owned(), "camera".to_owned());
    }
    let mut call = thief.with(forged);
    for key in ["appid", "app-id", "cloudevent.source", "x-forwarded-for"] {
        call.metadata_mut().insert(key, "camera".parse().unwrap());
    }
    let second = format!("Bearer {}", token("camera"));
    let metadata = call.metadata_mut();
    metadata.append("x-authorization", second.parse().unwrap());
    let refused = rig.block_on(thief.calls.clone().send(call)).unwrap();
    let refused = refused.into_inner();
    // No rule lets the archive send.
    assert_eq!(said(&refused), (StatusCodes::Forbidden, "FORBIDDEN"));
    assert_eq!(header(&refused).app_id, "archive");
    assert!(!header(&refused).metadata.contains_key("heliograph-id"));
    for app_id in ["camera", "archive"] {
        assert!(rig.rig.desk.list(&app(app_id), TransferId(0), 9).is_empty());
        let left = rig.rig.disk.file(&app(app_id), Side::Outbox, "image.raw");
        assert!(left.is_some());
    }
}

#[test]
fn who_shows_no_token_or_nobodys_is_told_nothing_by_any_call() {
    let rig = GrpcRig::new().run();
    for shown in [
        "Bearer 0123456789abcdef",
        "Bearer ",
        "Bearer",
        "",
        "Basic Y2FtZXJhOg==",
        &token("camera"),
    ] {
        let client = rig.block_on(Client::connect(rig.addr, shown));
        let mut calls = client.calls.clone();
        let codes = rig.block_on(async {
            let message = request("7", "image.raw", "analyser");
            [
                calls.send(client.with(message.clone())).await.err(),
                calls.follow(client.with(message)).await.err(),
                calls
                    .status(client.with(LinkReference::default()))
                    .await
                    .err(),
                calls
                    .cancel(client.with(LinkReference::default()))
                    .await
                    .err(),
                calls.list(client.with(ListRequest::default())).await.err(),
                calls
                    .receive(client.with(ReceiveRequest::default()))
                    .await
                    .err(),
                calls
                    .acknowledge(client.with(AcknowledgeRequest::default()))
                    .await
                    .err(),
                calls
                    .get_xfer_directories(client.with(GetXferDirectoriesRequest {}))
                    .await
                    .err(),
            ]
        });
        for status in codes {
            let status = status.expect("it is refused");
            assert_eq!(status.code(), Code::Unauthenticated, "{shown:?}");
            let code = status.metadata().get("heliograph-code").unwrap();
            assert_eq!(code, "UNKNOWN_SENDER");
        }
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_the_field_is_named() {
    let rig = GrpcRig::new();
    rig.rig.put("image.raw", b"an image");
    let plain = request("7", "image.raw", "analyser");
    let mut cases = Vec::new();
    for link_type in [0, 5, -1, i32::MAX] {
        let mut message = plain.clone();
        message.link_type = link_type;
        cases.push((message, "INVALID_ARGUMENT", "linkType"));
    }
    for priority in [4, -1, i32::MIN] {
        let mut message = plain.clone();
        message.priority = priority;
        cases.push((message, "INVALID_ARGUMENT", "priority"));
    }
    for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MIN, i32::MIN)] {
        let mut message = plain.clone();
        message.expiration_time = Some(Timestamp { seconds, nanos });
        cases.push((message, "INVALID_ARGUMENT", "expirationTime"));
    }
    for name in [
        "../image.raw",
        "..",
        "/etc/passwd",
        "a/b",
        ".hidden",
        "a\0b",
    ] {
        let mut message = plain.clone();
        message.file_name = name.to_owned();
        cases.push((message, "INVALID_NAME", "fileName"));
    }
    for path in ["..", "a/../b", "/a", "a//b", "a/"] {
        let mut message = plain.clone();
        message.subdirectory = path.to_owned();
        cases.push((message, "INVALID_NAME", "subdirectory"));
    }
    for to in ["../camera", "./analyser", "Analyser", "a@b@c", "analyser\0"] {
        let mut message = plain.clone();
        message.destination_app_id = to.to_owned();
        cases.push((message, "INVALID_NAME", "destinationAppId"));
    }
    let camera = rig.at("camera");
    for (message, code, field) in cases {
        let refused = rig.block_on(camera.send(message.clone()));
        let expected = (StatusCodes::InvalidArgument, code);
        assert_eq!(said(&refused), expected, "{message:?}");
        let text = &header(&refused).message;
        assert!(text.contains(field), "{message:?}: {text}");
    }
    let mut uplink = plain.clone();
    uplink.link_type = LinkType::Uplink.into();
    let refused = rig.block_on(camera.send(uplink));
    assert_eq!(said(&refused).0, StatusCodes::InvalidArgument);
    // Without a head it is a request like others: the service makes an id.
    let mut headless = plain;
    headless.request_header = None;
    let accepted = rig.block_on(camera.send(headless));
    assert_eq!(said(&accepted).0, StatusCodes::Pending);
    assert!(!header(&accepted).tracking_id.is_empty());
}

#[test]
fn a_message_that_is_too_large_is_refused_and_the_next_is_not() {
    let rig = GrpcRig::new();
    rig.rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let mut large = request("7", "image.raw", "analyser");
    let head = large.request_header.as_mut().unwrap();
    head.metadata.insert("k".to_owned(), "v".repeat(5_000_000));
    let refused = rig.block_on(camera.calls.clone().send(camera.with(large)));
    assert_eq!(refused.unwrap_err().code(), Code::OutOfRange);
    let mut metadata = request("7", "image.raw", "analyser");
    let head = metadata.request_header.as_mut().unwrap();
    head.metadata.insert("k".to_owned(), "v".repeat(5000));
    let refused = rig.block_on(camera.send(metadata));
    assert_eq!(said(&refused).1, "INVALID_ARGUMENT");
    let accepted = rig.block_on(camera.send(request("7", "image.raw", "analyser")));
    assert_eq!(said(&accepted).0, StatusCodes::Pending);
}

#[test]
fn no_octets_at_the_port_stop_the_service() {
    let rig = GrpcRig::new();
    let config = Config {
        cases: 32,
        failure_persistence: None,
        ..Config::default()
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let begins = prop_oneof![
        Just(Vec::new()),
        Just(preface),
        Just(b"POST /heliograph.link.v1.Link/Send HTTP/1.1\r\n\r\n".to_vec()),
    ];
    let octets = proptest::collection::vec(any::<u8>(), 0..200);
    TestRunner::new(config)
        .run(&(begins, octets), |(mut sent, octets)| {
            sent.extend(octets);
            let mut stream = TcpStream::connect(rig.addr).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // It may have been closed already.
            let _ = stream.write_all(&sent);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
            Ok(())
        })
        .unwrap();
    let camera = rig.at("camera");
    let answer = rig.block_on(camera.send(request("7", "image.raw", "analyser")));
    assert_eq!(said(&answer).1, "SOURCE_NOT_FOUND");
}
