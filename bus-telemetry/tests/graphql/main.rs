//! What a service answers that is asked by GraphQL.

mod bus;
mod server;

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bus_telemetry::{
    AttitudeMode, BusState, Counters, GraphQlFeed, Missing, Question, SNAPSHOT_OCTETS_MAX,
    Telemetry, TelemetryError,
};
use server::{Does, Server};

const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks often, so that tests do not wait.
fn asking(url: String) -> Question {
    Question {
        every: Duration::from_millis(100),
        ..Question::new(url, HOUR)
    }
}

fn says(body: &str) -> Server {
    let body = body.to_owned();
    Server::start(move |_| Does::Answers(200, body.clone()))
}

/// Waits until the counters are as they are meant to be.
fn counted(feed: &GraphQlFeed, is_meant: impl Fn(&Counters) -> bool) -> Counters {
    let until = Instant::now() + PATIENCE;
    loop {
        let counters = feed.counters();
        if is_meant(&counters) {
            return counters;
        }
        assert!(Instant::now() < until, "{counters:?}");
        std::thread::yield_now();
    }
}

/// The state once an answer was taken.
fn taken(body: &str) -> BusState {
    let server = says(body);
    let feed = GraphQlFeed::start(asking(server.url())).unwrap();
    counted(&feed, |counters| counters.accepted > 0);
    feed.state(Duration::ZERO).unwrap()
}

#[test]
fn the_query_that_is_asked_where_nothing_else_is_said_gives_every_group() {
    let server = Server::start(|body| Does::Answers(200, bus::answer(body)));
    let feed = GraphQlFeed::start(asking(server.url())).unwrap();
    assert_eq!(feed.state(HOUR), Err(TelemetryError::Unavailable));
    counted(&feed, |counters| counters.accepted > 0);
    let state = feed.state(HOUR).unwrap();
    let utc = state.utc.unwrap();
    assert_eq!(utc.value, Duration::from_millis(1_798_761_600_250));
    assert!(utc.age >= Duration::from_millis(500));
    assert_eq!(state.inertial.unwrap().value.v_eci_km_s, [7.5, 0.0, -1.0]);
    assert_eq!(state.earth_fixed.unwrap().value.r_ecef_km[0], 2.0);
    let location = state.location.unwrap().value;
    assert_eq!(location.deviation.unwrap().longitude_deg, 0.2);
    let attitude = state.attitude.unwrap().value;
    assert_eq!(attitude.mode, AttitudeMode::NadirPointYaw);
    assert_eq!(attitude.mode_commanded, None);
    assert_eq!(attitude.body_from_eci.unwrap().w, 0.8);
    assert_eq!(attitude.target.unwrap().latitude_deg, 50.0);
    assert!(state.eclipse.unwrap().value);
    let power = state.power.unwrap().value;
    assert_eq!(power.rails[0].voltage_v, Some(5.02));
    assert_eq!(state.thermal, Err(Missing::Unknown));
    assert_eq!(state.payload_server_c.unwrap().value, -3.0);
}

#[test]
fn it_is_a_post_of_the_query_that_is_configured_again_and_again() {
    let server = says(r#"{"data": {"eclipse": false}}"#);
    let mut question = asking(server.url());
    question.query = "{ eclipse: inShadow }".to_owned();
    let _feed = GraphQlFeed::start(question).unwrap();
    for _ in 0..3 {
        let asked = server.asked.recv_timeout(PATIENCE).unwrap();
        assert!(asked.line.starts_with("post /graphql "), "{}", asked.line);
        let json = "content-type: application/json".to_owned();
        assert!(asked.headers.contains(&json), "{:?}", asked.headers);
        assert_eq!(asked.body, r#"{"query":"{ eclipse: inShadow }"}"#);
    }
}

#[test]
fn a_group_is_its_value_where_it_does_not_say_how_old_it_is() {
    let state = taken(
        r#"{"data": {"eclipse": true, "payload_server_c": -7.5, "thermal": null,
            "power": {"battery_v": 7.9},
            "location": {"latitude_deg": 1, "longitude_deg": 2, "altitude_km": 500}}}"#,
    );
    assert!(state.eclipse.unwrap().value);
    assert_eq!(state.payload_server_c.unwrap().value, -7.5);
    assert_eq!(state.power.unwrap().value.battery_v, Some(7.9));
    assert_eq!(state.location.unwrap().value.altitude_km, 500.0);
    assert_eq!(state.thermal, Err(Missing::Unknown));
    assert_eq!(state.utc, Err(Missing::Unknown));
}

#[test]
fn what_is_null_is_not_told() {
    let state = taken(
        r#"{"data": {"location": {"value": null, "age_s": null},
            "eclipse": {"value": false, "age_s": null},
            "power": {"value": {"battery_v": null, "rails": null}},
            "thermal": {"sensors": [{"name": "a", "temperature_c": 1, "heater_on": null}]}}}"#,
    );
    assert_eq!(state.location, Err(Missing::Unknown));
    assert!(!state.eclipse.unwrap().value);
    let power = state.power.unwrap().value;
    assert_eq!((power.battery_v, power.rails.len()), (None, 0));
    assert_eq!(state.thermal.unwrap().value.sensors[0].heater_on, None);
}

#[test]
fn what_is_told_beside_an_error_is_taken() {
    let state =
        taken(r#"{"data": {"eclipse": true, "power": null}, "errors": [{"message": "no EPS"}]}"#);
    assert!(state.eclipse.unwrap().value);
    assert_eq!(state.power, Err(Missing::Unknown));
}

/// Which counter.
type Count = fn(&Counters) -> u64;

#[test]
fn each_answer_that_is_not_taken_is_counted_by_its_reason() {
    let long = " ".repeat(SNAPSHOT_OCTETS_MAX + 1);
    let cases: [(Does, Count); 9] = [
        (Does::Answers(200, long), |counters| counters.too_long),
        (Does::Answers(200, "no JSON".to_owned()), |counters| {
            counters.malformed
        }),
        (
            Does::Answers(200, r#"{"data": {"eclipsed": true}}"#.to_owned()),
            |counters| counters.malformed,
        ),
        (
            Does::Answers(200, r#"{"data": {"eclipse": 1}}"#.to_owned()),
            |counters| counters.malformed,
        ),
        (
            Does::Answers(200, r#"{"data": {}}"#.to_owned()),
            |counters| counters.empty,
        ),
        (
            Does::Answers(200, r#"{"data": {"payload_server_c": -300}}"#.to_owned()),
            |counters| counters.out_of_range,
        ),
        (
            Does::Answers(200, r#"{"errors": [{"message": "no"}]}"#.to_owned()),
            |counters| counters.refused,
        ),
        (
            Does::Answers(500, r#"{"data": {"eclipse": true}}"#.to_owned()),
            |counters| counters.receive_failed,
        ),
        (
            Does::Redirects("http://127.0.0.1:1/".to_owned()),
            |counters| counters.receive_failed,
        ),
    ];
    for (does, count) in cases {
        let server = Server::start(move |_| does.clone());
        let feed = GraphQlFeed::start(asking(server.url())).unwrap();
        let counters = counted(&feed, |counters| count(counters) > 0);
        assert_eq!(counters.accepted, 0);
        let unavailable = feed.state(HOUR);
        assert_eq!(unavailable, Err(TelemetryError::Unavailable));
    }
}

#[test]
fn a_service_that_says_nothing_is_given_up_and_asked_again() {
    let server = Server::start(|_| Does::IsSilent);
    let mut question = asking(server.url());
    question.timeout = Duration::from_millis(100);
    let feed = GraphQlFeed::start(question).unwrap();
    counted(&feed, |counters| counters.receive_failed >= 2);
}

#[test]
fn a_service_that_comes_later_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let feed = GraphQlFeed::start(asking(format!("http://{address}/"))).unwrap();
    counted(&feed, |counters| counters.receive_failed > 0);
    let server = Server::start_at(address, |_| {
        Does::Answers(200, r#"{"data": {"eclipse": true}}"#.to_owned())
    });
    counted(&feed, |counters| counters.accepted > 0);
    drop(server);
}

#[test]
fn what_was_told_grows_old_when_the_service_is_gone() {
    let is_first = AtomicBool::new(true);
    let server = Server::start(move |_| match is_first.swap(false, Ordering::Relaxed) {
        true => Does::Answers(
            200,
            r#"{"data": {"eclipse": {"value": true, "age_s": 3599.5}}}"#.to_owned(),
        ),
        false => Does::Answers(503, String::new()),
    });
    let feed = GraphQlFeed::start(asking(server.url())).unwrap();
    counted(&feed, |counters| counters.accepted == 1);
    let until = Instant::now() + PATIENCE;
    while !matches!(feed.state(HOUR), Err(TelemetryError::Stale { .. })) {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
}

#[test]
fn it_ends_when_it_is_dropped() {
    let server = says(r#"{"data": {"eclipse": true}}"#);
    let mut question = asking(server.url());
    question.every = HOUR;
    let feed = GraphQlFeed::start(question).unwrap();
    counted(&feed, |counters| counters.accepted > 0);
    let dropped = Instant::now();
    drop(feed);
    assert!(dropped.elapsed() < PATIENCE);
}
