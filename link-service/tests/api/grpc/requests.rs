//! Requests are handed in, followed and asked after.

use std::collections::BTreeSet;
use std::time::Duration;

use link_service::api::grpc::messages::link_reference::Reference;
use link_service::api::grpc::messages::link_request::LinkType;
use link_service::api::grpc::messages::list_request::State;
use link_service::api::grpc::messages::{
    GetXferDirectoriesRequest, LinkRequest, ListRequest, Priority, StatusCodes,
};
use link_service::code::StatusCode;
use link_service::folders::Side;
use link_service::request::{self, Expiry};
use prost_types::Timestamp;
use serde_json::Value;

use super::rig::{GrpcRig, header, id, request, said};
use crate::rig::app;

/// In 2100.
const LATER: i64 = 4_102_444_800;

#[test]
fn a_file_is_sent_and_followed_to_its_end() {
    let rig = GrpcRig::new().run();
    rig.rig.put("image.raw", &[7; 100]);
    let mut message = request("pass/7", "image.raw", "analyser");
    let head = message.request_header.as_mut().unwrap();
    head.correlation_id = "c".to_owned();
    head.metadata.insert("band".to_owned(), "x".to_owned());
    let answers = rig.block_on(rig.at("camera").follow(message));
    let [accepted, ended] = &*answers else {
        panic!("{answers:#?}");
    };
    assert_eq!(said(accepted), (StatusCodes::Pending, "ACCEPTED"));
    assert_eq!(said(ended), (StatusCodes::Successful, "OK"));
    assert_eq!(id(accepted), id(ended));
    for answer in &answers {
        let head = header(answer);
        assert_eq!((&*head.tracking_id, &*head.correlation_id), ("pass/7", "c"));
        assert_eq!((&*head.app_id, &*head.metadata["band"]), ("camera", "x"));
        assert_eq!(answer.file_size_kb, 1);
        assert_eq!(head.metadata["heliograph-bytes"], "100");
        let echo = answer.link_request.as_ref().unwrap();
        assert_eq!(echo.file_name, "image.raw");
        assert_eq!(echo.request_header.as_ref().unwrap().app_id, "camera");
    }
    assert!(accepted.link_processed_time.is_none());
    assert!(ended.link_processed_time.unwrap().seconds > 1_577_836_800);
    let hash = blake3::hash(&[7; 100]).to_hex();
    let told = &header(ended).metadata["heliograph-blake3"];
    assert_eq!(told, hash.as_str());
    assert_eq!(rig.rig.arrived("analyser", "image.raw").unwrap(), [7; 100]);
}

#[test]
fn each_field_of_a_request_is_what_the_desk_takes() {
    let rig = GrpcRig::new();
    let path = "raw/7/image.raw";
    rig.rig.put(path, b"an image");
    let mut message = LinkRequest {
        priority: Priority::Critical.into(),
        subdirectory: "raw/7".to_owned(),
        overwrite: true,
        leave_source_file: true,
        expiration_time: Some(Timestamp {
            seconds: LATER,
            nanos: 5,
        }),
        ..request("7", "image.raw", "analyser")
    };
    let head = message.request_header.as_mut().unwrap();
    head.correlation_id = "c".to_owned();
    head.app_id = "camera".to_owned();
    head.origin_app_id = "camera".to_owned();
    let camera = rig.at("camera");
    let accepted = rig.block_on(camera.send(message.clone()));
    assert_eq!(said(&accepted), (StatusCodes::Pending, "ACCEPTED"));
    assert_eq!(accepted.link_request.unwrap(), message);
    let taken = rig.rig.desk.find(&app("camera"), "7").unwrap();
    let taken = rig.rig.desk.status(&app("camera"), taken).unwrap();
    let taken = taken.transfer.request;
    let expected = request::LinkRequest {
        link_type: request::LinkType::App2App,
        priority: request::Priority::Critical,
        files: vec!["image.raw".parse().unwrap()],
        subdirectory: "raw/7".parse().unwrap(),
        recipients: vec!["analyser".parse().unwrap()],
        overwrite: true,
        leave_source: true,
        expires: Some(Expiry::At(Duration::new(LATER.unsigned_abs(), 5))),
        request_id: "7".to_owned(),
        correlation_id: "c".to_owned(),
        metadata: [].into(),
    };
    assert_eq!(taken, expected);
    for (number, priority) in [
        (Priority::Low, request::Priority::Low),
        (Priority::High, request::Priority::High),
    ] {
        let mut message = request(number.as_str_name(), "image.raw", "analyser");
        message.subdirectory = "raw/7".to_owned();
        message.leave_source_file = true;
        message.priority = number.into();
        let accepted = rig.block_on(camera.send(message));
        assert_eq!(said(&accepted).0, StatusCodes::Pending, "{accepted:#?}");
        let taken = rig.rig.desk.find(&app("camera"), number.as_str_name());
        let taken = rig.rig.desk.status(&app("camera"), taken.unwrap());
        assert_eq!(taken.unwrap().transfer.request.priority, priority);
    }
}

#[test]
fn a_source_stays_a_file_is_replaced_and_what_is_late_expires() {
    let rig = GrpcRig::new().run();
    rig.rig.put("image.raw", b"new");
    let there = &app("analyser");
    rig.rig.disk.put(there, Side::Inbox, "image.raw", b"old");
    let camera = rig.at("camera");
    let end = |message: LinkRequest| {
        let mut answers = rig.block_on(camera.follow(message));
        answers.pop().unwrap()
    };
    let mut message = request("1", "image.raw", "analyser");
    message.leave_source_file = true;
    let refused = end(message.clone());
    assert_eq!(said(&refused), (StatusCodes::Rejected, "ALREADY_EXISTS"));
    message.overwrite = true;
    message.request_header = request("2", "", "").request_header;
    assert_eq!(said(&end(message.clone())).1, "OK");
    assert_eq!(rig.rig.arrived("analyser", "image.raw").unwrap(), b"new");
    let left = rig.rig.disk.file(&app("camera"), Side::Outbox, "image.raw");
    assert_eq!(left.unwrap(), b"new");
    message.request_header = request("3", "", "").request_header;
    for (number, seconds) in [1_600_000_000, -1, i64::MIN].into_iter().enumerate() {
        message.request_header = request(&format!("late {number}"), "", "").request_header;
        message.expiration_time = Some(Timestamp { seconds, nanos: 0 });
        let late = end(message.clone());
        assert_eq!(said(&late), (StatusCodes::Timeout, "EXPIRED"));
    }
    message.request_header = request("never", "", "").request_header;
    let (seconds, nanos) = (i64::MAX, 999_999_999);
    message.expiration_time = Some(Timestamp { seconds, nanos });
    assert_eq!(said(&end(message)).1, "OK");
}

#[test]
fn a_downlink_goes_to_the_ground_and_to_nobody_else() {
    let rig = GrpcRig::new();
    rig.rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let send = |tracking: &str, to: &str| {
        let mut message = request(tracking, "image.raw", to);
        message.link_type = LinkType::Downlink.into();
        message.leave_source_file = true;
        rig.block_on(camera.send(message))
    };
    for (tracking, to) in [("1", ""), ("2", "ground")] {
        let accepted = send(tracking, to);
        assert_eq!(said(&accepted).0, StatusCodes::Pending, "{accepted:#?}");
        assert_eq!(accepted.link_request.unwrap().destination_app_id, "ground");
    }
    let refused = send("3", "analyser");
    let expected = (StatusCodes::InvalidArgument, "INVALID_ARGUMENT");
    assert_eq!(said(&refused), expected);
}

#[test]
fn each_refusal_has_its_code_and_leaves_the_file_where_it_is() {
    let rig = GrpcRig::new();
    rig.rig.put("image.raw", &[7; 2000]);
    let mut critical = request("1", "image.raw", "archive");
    critical.priority = Priority::Critical.into();
    let long = "x".repeat(200);
    for (sender, message, status, code) in [
        (
            "camera",
            request("1", "image.raw", "nobody"),
            StatusCodes::NotFound,
            "UNKNOWN_RECIPIENT",
        ),
        (
            "camera",
            request("1", "other", "archive"),
            StatusCodes::NotFound,
            "SOURCE_NOT_FOUND",
        ),
        (
            "camera",
            request("1", "image.raw", "analyser"),
            StatusCodes::Rejected,
            "TOO_LARGE",
        ),
        ("camera", critical, StatusCodes::Forbidden, "FORBIDDEN"),
        (
            "archive",
            request("1", "image.raw", "camera"),
            StatusCodes::Forbidden,
            "FORBIDDEN",
        ),
        (
            "camera",
            request("1", "", "archive"),
            StatusCodes::InvalidArgument,
            "INVALID_ARGUMENT",
        ),
        (
            "camera",
            request("1", "image.raw", ""),
            StatusCodes::InvalidArgument,
            "INVALID_ARGUMENT",
        ),
        (
            "camera",
            request(&long, "image.raw", "archive"),
            StatusCodes::InvalidArgument,
            "INVALID_ARGUMENT",
        ),
    ] {
        let client = rig.at(sender);
        let refused = rig.block_on(client.send(message.clone()));
        assert_eq!(said(&refused), (status, code), "{message:?}");
        let head = header(&refused);
        assert!(!head.metadata.contains_key("heliograph-id"));
        assert!(!head.message.is_empty());
        assert_eq!(refused.link_request.as_ref(), Some(&message));
        // One answer, which is the final one.
        let followed = rig.block_on(client.follow(message));
        assert_eq!(followed, [refused]);
    }
    assert!(
        rig.rig
            .desk
            .list(&app("camera"), link_service::record::TransferId(0), 9)
            .is_empty()
    );
    let left = rig.rig.disk.file(&app("camera"), Side::Outbox, "image.raw");
    assert_eq!(left.unwrap(), [7; 2000]);
}

#[test]
fn the_status_codes_are_the_seventeen_of_the_original_by_name_and_number() {
    for number in 0..17 {
        let status = StatusCodes::try_from(number).unwrap();
        let name = Value::from(status.as_str_name());
        let own: StatusCode = serde_json::from_value(name).unwrap();
        assert_eq!(own as i32, number);
    }
    assert!(StatusCodes::try_from(17).is_err());
}

#[test]
fn a_request_is_asked_after_cancelled_and_listed_by_its_app_alone() {
    let rig = GrpcRig::new();
    for name in ["a", "b", "c"] {
        rig.rig.put(name, b"octets");
    }
    let (camera, analyser) = (rig.at("camera"), rig.at("analyser"));
    let ids = ["a", "b", "c"].map(|name| {
        let message = request(&format!("of {name}"), name, "analyser");
        id(&rig.block_on(camera.send(message)))
    });
    let by_id = || Some(Reference::Id(ids[0].clone()));
    let by_tracking = Some(Reference::TrackingId("of a".to_owned()));
    for reference in [by_id(), by_tracking] {
        let standing = rig.block_on(camera.status(reference));
        assert_eq!(said(&standing), (StatusCodes::Pending, "ACCEPTED"));
        assert_eq!(id(&standing), ids[0]);
    }
    let unknown = (StatusCodes::NotFound, "UNKNOWN_REQUEST");
    for (client, reference) in [
        (&analyser, by_id()),
        (&analyser, Some(Reference::TrackingId("of a".to_owned()))),
        (&camera, Some(Reference::Id("7".to_owned()))),
        (&camera, None),
    ] {
        let answer = rig.block_on(client.status(reference.clone()));
        assert_eq!(said(&answer), unknown, "{reference:?}");
        let answer = rig.block_on(client.cancel(reference.clone()));
        assert_eq!(said(&answer), unknown, "{reference:?}");
    }
    rig.block_on(camera.cancel(by_id()));
    let rig = rig.run();
    let ended = rig.block_on(camera.follow(request("of a", "a", "analyser")));
    let last = ended.last().unwrap();
    assert_eq!(said(last), (StatusCodes::Rejected, "CANCELLED"));
    let again = rig.block_on(camera.cancel(by_id()));
    assert_eq!(said(&again), (StatusCodes::Rejected, "CONFLICT"));
    let page = |from: &str, limit, state: State| {
        let message = ListRequest {
            from: from.to_owned(),
            limit,
            state: state.into(),
        };
        let page = rig.block_on(camera.list(message)).unwrap();
        (page.links.iter().map(id).collect::<Vec<_>>(), page.next)
    };
    for name in ["b", "c"] {
        rig.block_on(camera.follow(request(&format!("of {name}"), name, "analyser")));
    }
    let (first, next) = page("", 2, State::Any);
    assert_eq!((&*first, &next), (&ids[..2], &ids[2]));
    assert_eq!(
        page(&next, 2, State::Ended),
        (ids[2..].to_vec(), String::new())
    );
    assert_eq!(page("", 0, State::Open), (vec![], String::new()));
    let others = rig.block_on(analyser.list(ListRequest::default()));
    assert!(others.unwrap().links.is_empty());
    let wrong = ListRequest {
        state: 7,
        ..ListRequest::default()
    };
    let refused = rig.block_on(camera.list(wrong)).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    let code = refused.metadata().get("heliograph-code").unwrap();
    assert_eq!(code, "INVALID_ARGUMENT");
}

#[test]
fn an_app_hears_where_its_directories_are() {
    let rig = GrpcRig::new();
    let camera = rig.at("camera");
    let asked = camera.with(GetXferDirectoriesRequest {});
    let answer = rig.block_on(camera.calls.clone().get_xfer_directories(asked));
    let answer = answer.unwrap().into_inner();
    assert!(answer.root.starts_with('/') && answer.root.ends_with("/camera"));
    assert_eq!(answer.inbox, format!("{}/inbox", answer.root));
    assert_eq!(answer.outbox, format!("{}/outbox", answer.root));
}

#[test]
fn w15_whatever_becomes_of_a_request_it_has_one_final_answer_and_that_is_the_last() {
    let rig = GrpcRig::new();
    let camera = rig.at("camera");
    let mut messages = Vec::new();
    for number in 0..60 {
        let name = format!("file-{number}");
        if number % 6 != 1 {
            rig.rig.put(&name, b"octets");
        }
        let mut message = request(&name, &name, "analyser");
        match number % 6 {
            2 => rig
                .rig
                .disk
                .put(&app("analyser"), Side::Inbox, &name, b"there"),
            3 => {
                message.expiration_time = Some(Timestamp {
                    seconds: 1,
                    nanos: 0,
                });
            }
            4 => message.destination_app_id = "nobody".to_owned(),
            _ => {}
        }
        messages.push(message);
    }
    let streams = rig.block_on(async {
        let mut streams = Vec::new();
        for message in &messages {
            streams.push(camera.open(message.clone()).await);
        }
        streams
    });
    for number in (5..60).step_by(6) {
        let tracking_id = Reference::TrackingId(format!("file-{number}"));
        rig.block_on(camera.cancel(Some(tracking_id)));
    }
    let rig = rig.run();
    let mut ends = BTreeSet::new();
    for (number, mut stream) in streams.into_iter().enumerate() {
        let mut codes = Vec::new();
        while let Some(answer) = rig.block_on(stream.message()).unwrap() {
            let is_final = said(&answer).0 != StatusCodes::Pending;
            codes.push((is_final, said(&answer).1.to_owned()));
        }
        let (last, before) = codes.split_last().unwrap();
        assert!(last.0, "{number}: {codes:?}");
        assert!(before.iter().all(|(is_final, _)| !is_final), "{codes:?}");
        assert!(before.len() <= 1, "{number}: {codes:?}");
        let name = format!("file-{number}");
        let has_arrived = rig.rig.arrived("analyser", &name).as_deref() == Some(b"octets");
        assert_eq!(has_arrived, last.1 == "OK", "{number}: {codes:?}");
        ends.insert(last.1.clone());
        // Asked again, it is the same one: of what was refused, nothing is known.
        let again = rig.block_on(camera.follow(messages[number].clone()));
        assert_eq!(again.len(), 1, "{number}");
        assert_eq!(said(&again[0]).1, last.1, "{number}");
    }
    let expected = [
        "ALREADY_EXISTS",
        "CANCELLED",
        "EXPIRED",
        "OK",
        "SOURCE_NOT_FOUND",
        "UNKNOWN_RECIPIENT",
    ];
    assert!(ends.iter().eq(expected), "{ends:?}");
}

#[test]
fn w17_a_request_that_is_made_again_is_told_what_became_of_the_first() {
    let rig = GrpcRig::new();
    rig.rig.put("image.raw", b"first");
    let camera = rig.at("camera");
    let message = request("7", "image.raw", "analyser");
    let ids = rig.block_on(async {
        let mut ids = BTreeSet::new();
        for _ in 0..8 {
            let (one, other) = tokio::join!(camera.send(message.clone()), async {
                camera.open(message.clone()).await.message().await
            });
            let other = other.unwrap().unwrap();
            for answer in [one, other] {
                assert_eq!(said(&answer), (StatusCodes::Pending, "ACCEPTED"));
                ids.insert(id(&answer));
            }
        }
        ids
    });
    assert_eq!(ids.len(), 1);
    let rig = rig.run();
    rig.block_on(camera.follow(message.clone()));
    // The name has another file now, which is of another request.
    rig.rig.put("image.raw", b"second");
    for _ in 0..2 {
        let again = rig.block_on(camera.send(message.clone()));
        assert_eq!(said(&again), (StatusCodes::Successful, "OK"));
        assert_eq!(ids.iter().next(), Some(&id(&again)));
    }
    assert_eq!(rig.rig.arrived("analyser", "image.raw").unwrap(), b"first");
    let left = rig.rig.disk.file(&app("camera"), Side::Outbox, "image.raw");
    assert_eq!(left.unwrap(), b"second");
    let mut other = message;
    other.overwrite = true;
    let refused = rig.block_on(camera.send(other));
    assert_eq!(said(&refused), (StatusCodes::Rejected, "CONFLICT"));
    // By HTTP it is the same request.
    let known = rig.rig.at("camera").get("/v1/links/tracking:7").body;
    assert_eq!(ids.iter().next().unwrap(), known["id"].as_str().unwrap());
}
