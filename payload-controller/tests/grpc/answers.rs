//! When an answer has left, and what becomes of one that is missing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use payload_controller::grpc::GrpcEvent;
use payload_controller::provision::Protection;
use payload_interface::messages::{HealthCheckParams, RespGetCurrentLocationParams};
use payload_interface::{Answer, CallOutcome, Request, ReturnCode};
use serde_json::json;

use crate::rig::Site;

/// Compatible controllers call back after the answer has left.
#[test]
fn a_callback_that_waits_until_the_answer_has_left_never_overtakes_it() {
    const CALLS: u64 = 50;
    let (mut site, camera) = Site::with_camera();
    // The threads of a payload that has little of a processor take their time.
    site.limits.answer_lead = Duration::from_millis(300);
    let running = site.start();
    let mut app = camera.start();
    for id in 1..=CALLS {
        let tag = app.begin(
            "PC_get_current_location",
            json!({"correlation_id": id}),
            json!({}),
        );
        assert_eq!(tag, id);
    }
    let mut called = 0;
    while called < CALLS {
        let answered = eventually(PATIENCE, || {
            let events = running.desk.events.lock().unwrap();
            let mut answered = events.iter().filter_map(|event| match event {
                GrpcEvent::Answered(answered) => Some(answered.clone()),
                _ => None,
            });
            answered.nth(usize::try_from(called).unwrap())
        });
        assert!(answered.is_whole);
        called += 1;
        let index = usize::try_from(answered.id.0 - 1).unwrap();
        let Request::GetCurrentLocation(asked) = running.desk.taken()[index].clone() else {
            panic!("another request");
        };
        let location = RespGetCurrentLocationParams {
            correlation_id: asked.correlation_id,
            ..Default::default()
        };
        running.call("camera", called, location);
    }
    for id in 1..=CALLS {
        let outcome = running.desk.outcome(payload_interface::CallId(id));
        assert_eq!(outcome, CallOutcome::Returned(ReturnCode::SUCCESS));
        app.outcome(id);
    }
    let said = app.said();
    let place = |key: &str, id: u64| {
        said.iter().position(|it| {
            let told = match key {
                "returned" => &it["returned"],
                _ => &it["fields"]["correlation_id"],
            };
            it.get(key).is_some() && told.as_u64() == Some(id)
        })
    };
    for id in 1..=CALLS {
        assert!(
            place("returned", id).unwrap() < place("called", id).unwrap(),
            "{id}: {said:?}"
        );
    }
}

#[test]
fn that_an_answer_has_left_is_told_only_where_something_follows_from_it() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    running.desk.does(|_, request, reply| match request {
        Request::PsTemperature(_) => reply.answer_and_forget(Answer::accepted()),
        _ => reply.answer(Answer::accepted()),
    });
    let mut app = camera.start();
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
    let ask = json!({"correlation_id": 1});
    assert_eq!(app.call("PC_get_current_location", ask), 0);
    let answered = running.desk.answered();
    assert_eq!(
        answered.id.0, 2,
        "the first that is told is of the second call"
    );
    assert!(answered.is_whole);
}

/// The C++ SDK answers a health check by a call of its own, from inside of it.
#[test]
fn a_payload_may_call_from_inside_of_a_callback() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let mut app = camera.start();
    let inner = json!({"call": "PC_response_health_check", "fields": {"correlation_id": 9}});
    app.on("PA_ProcessHealthCheck", json!({"calls": [inner]}));
    let check = HealthCheckParams {
        correlation_id: 9,
        ..Default::default()
    };
    let outcome = running.called("camera", 1, check);
    assert_eq!(outcome, CallOutcome::Returned(ReturnCode::SUCCESS));
    assert!(
        matches!(&*running.desk.taken(), [Request::ResponseHealthCheck(it)] if it.correlation_id == 9)
    );
}

#[test]
fn a_call_for_which_there_is_no_room_is_refused_and_may_be_made_again() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    running.desk.does(|_, _, reply| drop(reply));
    let mut app = camera.start();
    let answer = app.call_as("PC_ps_temp_req", json!({}), json!({}));
    assert_eq!(answer["code"], -3);
    assert_eq!(
        answer["reason"],
        "there are too many calls at once: it may be made later"
    );
    running
        .desk
        .does(|_, _, reply| reply.answer(Answer::accepted()));
    assert_eq!(app.call("PC_ps_temp_req", json!({})), 0);
}

/// Weakness: an answer that was lost was waited for without end.
#[test]
fn a_call_that_is_not_answered_ends_as_one_of_which_nobody_knows() {
    let (mut site, camera) = Site::with_camera();
    site.limits.answer_timeout = Duration::from_millis(50);
    let running = site.start();
    let held = Arc::new(Mutex::new(Vec::new()));
    let holds = Arc::clone(&held);
    running
        .desk
        .does(move |_, _, reply| holds.lock().unwrap().push(reply));
    let mut app = camera.start();
    let outcome = app.call_as("PC_ps_temp_req", json!({}), json!({}));
    assert_eq!(outcome["status"], "DEADLINE_EXCEEDED", "{outcome}");
    assert!(!running.desk.answered().is_whole);
}

#[test]
fn a_payload_that_goes_away_before_its_answer_is_told() {
    let (site, camera) = Site::with_camera();
    let running = site.start();
    let held = Arc::new(Mutex::new(Vec::new()));
    let holds = Arc::clone(&held);
    running
        .desk
        .does(move |_, _, reply| holds.lock().unwrap().push(reply));
    let mut app = camera.start();
    app.begin("PC_ps_temp_req", json!({}), json!({}));
    eventually(PATIENCE, || {
        (!held.lock().unwrap().is_empty()).then_some(())
    });
    drop(app);
    let answered = running.desk.answered();
    assert!(!answered.is_whole);
    assert_eq!(answered.id, held.lock().unwrap()[0].id());
}

#[test]
fn an_answer_that_a_payload_has_no_room_for_has_not_left() {
    let mut site = Site::new();
    let camera = site.app("camera", Protection::Plain);
    let running = site.start();
    let addr = running.grpc.local_plain_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let path = "/antaris_api_peer_to_peer.AntarisapiPayloadController/PC_ps_temp_req";
        let request = hyper::Request::post(format!("http://{addr}{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("cookie", camera.cookie())
            // A message without fields.
            .body(Full::new(Bytes::from_static(&[0; 5])))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
    });
    drop(runtime);
    assert!(!running.desk.answered().is_whole);
}
