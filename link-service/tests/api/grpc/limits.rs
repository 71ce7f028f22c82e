//! Places and times of the server.

use std::io::Read as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use link_service::api::grpc::messages::link_client::LinkClient;
use link_service::api::grpc::{Calls, GrpcServer, Limits, StartError};
use link_service::api::json::Way;
use link_service::api::{LiveTokens, Pool};
use tonic::Code;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::transport::Endpoint;

use super::rig::{GrpcRig, PATIENCE, request, said, tokens};
use crate::rig::Rig;

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn an_address_that_others_can_reach_is_refused() {
    let rig = Rig::new();
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let calls = Calls {
            desk: Arc::clone(&rig.desk),
            pool: Arc::new(Pool::start(1).unwrap()),
            way: Way::Token(Arc::new(LiveTokens::new(tokens(&["camera"])))),
        };
        let refused = GrpcServer::start(addr.parse().unwrap(), calls).unwrap_err();
        assert!(matches!(refused, StartError::Exposed(_)), "{refused}");
    }
}

#[test]
fn a_connection_without_a_call_ends_and_one_with_a_call_stays() {
    let rig = GrpcRig::with(Limits {
        idle_timeout: SHORT,
        ..Limits::default()
    });
    let mut deliveries = rig.block_on(rig.at("analyser").receive(false));
    let mut idle = TcpStream::connect(rig.addr).unwrap();
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    // It ends: else the read fails.
    idle.read_to_end(&mut Vec::new()).unwrap();
    let rig = rig.run();
    rig.rig.put("a", b"a");
    let camera = rig.at("camera");
    rig.block_on(camera.follow(request("a", "a", "analyser")));
    let delivery = rig.block_on(deliveries.message()).unwrap();
    assert_eq!(delivery.unwrap().tracking_id, "a");
}

#[test]
fn a_connection_more_than_there_are_places_waits_until_one_is_free() {
    let rig = GrpcRig::with(Limits {
        connections_max: 1,
        ..Limits::default()
    });
    let first = TcpStream::connect(rig.addr).unwrap();
    let addr = rig.addr;
    rig.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        let mut client = LinkClient::new(endpoint.connect_lazy());
        let call = client.send(request("7", "image.raw", "analyser"));
        let waited = tokio::time::timeout(SHORT, call).await;
        assert!(waited.is_err(), "{waited:?}");
        drop(first);
        let refused = client.send(request("7", "image.raw", "analyser")).await;
        assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    });
}

#[test]
fn a_call_whose_message_does_not_come_ends() {
    let rig = GrpcRig::with(Limits {
        call_timeout: SHORT,
        ..Limits::default()
    });
    let camera = rig.at("camera");
    let endpoint = Endpoint::from_shared(format!("http://{}", rig.addr)).unwrap();
    let answer = rig.block_on(async {
        let mut channel = endpoint.connect().await.unwrap();
        let never = futures_util::stream::pending::<Result<Frame<_>, std::convert::Infallible>>();
        let body = StreamBody::new(never).map_err(|never| match never {});
        let request = hyper::Request::post("/heliograph.link.v1.Link/Send")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(body))
            .unwrap();
        std::future::poll_fn(|context| channel.poll_ready(context))
            .await
            .unwrap();
        channel.call(request).await.unwrap()
    });
    let status = answer.headers().get("grpc-status").unwrap();
    assert_eq!(status, &(Code::DeadlineExceeded as i32).to_string());
    let answer = rig.block_on(camera.send(request("7", "image.raw", "analyser")));
    assert_eq!(said(&answer).1, "SOURCE_NOT_FOUND");
}
