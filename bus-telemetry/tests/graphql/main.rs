//! What a service answers that is asked by GraphQL.

mod bus;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use bus_telemetry::{
    AttitudeMode, BusState, Counters, GraphQlFeed, Missing, Question, SNAPSHOT_OCTETS_MAX,
    Telemetry, TelemetryError,
};
use heliograph_tests::http_service::{HttpService, Reply};

const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks often, so that tests do not wait.
fn asking(bus: &HttpService) -> Question {
    Question {
        every: Duration::from_millis(100),
        ..Question::new(bus.url("/graphql"), HOUR)
    }
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
    let bus = HttpService::always(Reply::ok(body));
    let feed = GraphQlFeed::start(asking(&bus)).unwrap();
    counted(&feed, |counters| counters.accepted > 0);
    feed.state(Duration::ZERO).unwrap()
}

#[test]
fn the_query_that_is_asked_where_nothing_else_is_said_gives_every_group() {
    let bus = HttpService::start(|request| Reply::ok(bus::answer(&request.body)));
    let feed = GraphQlFeed::start(asking(&bus)).unwrap();
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
    let bus = HttpService::always(Reply::ok(r#"{"data": {"eclipse": false}}"#));
    let mut question = asking(&bus);
    question.query = "{ eclipse: inShadow }".to_owned();
    let _feed = GraphQlFeed::start(question).unwrap();
    for asked in bus.wait_for_requests(3, PATIENCE) {
        assert_eq!((&*asked.method, &*asked.path), ("POST", "/graphql"));
        assert_eq!(asked.header("content-type"), Some("application/json"));
        assert_eq!(asked.body, br#"{"query":"{ eclipse: inShadow }"}"#);
    }
    assert_eq!(bus.connections_opened(), 1);
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
    let fine = r#"{"data": {"eclipse": true}}"#;
    let cases: [(Reply, Count); 12] = [
        (Reply::ok(long.clone()), |counters| counters.too_long),
        (Reply::ok(long).chunked(999), |counters| counters.too_long),
        (Reply::ok("no JSON"), |counters| counters.malformed),
        (Reply::ok(r#"{"data": {"eclipsed": true}}"#), |counters| {
            counters.malformed
        }),
        (Reply::ok(r#"{"data": {"eclipse": 1}}"#), |counters| {
            counters.malformed
        }),
        (Reply::ok(r#"{"data": {}}"#), |counters| counters.empty),
        (
            Reply::ok(r#"{"data": {"payload_server_c": -300}}"#),
            |counters| counters.out_of_range,
        ),
        (
            Reply::ok(r#"{"errors": [{"message": "no"}]}"#),
            |counters| counters.refused,
        ),
        (Reply::status(500, fine), |counters| counters.receive_failed),
        (
            Reply::status(302, fine).header("Location", "/elsewhere"),
            |counters| counters.receive_failed,
        ),
        (Reply::ok(fine).cut_short(9), |counters| {
            counters.receive_failed
        }),
        (Reply::hang_up(), |counters| counters.receive_failed),
    ];
    for (reply, count) in cases {
        let bus = HttpService::always(reply);
        let feed = GraphQlFeed::start(asking(&bus)).unwrap();
        let counters = counted(&feed, |counters| count(counters) > 0);
        assert_eq!(counters.accepted, 0);
        let unavailable = feed.state(HOUR);
        assert_eq!(unavailable, Err(TelemetryError::Unavailable));
        let asked = bus.requests();
        assert!(asked.iter().all(|asked| asked.path == "/graphql"));
    }
}

#[test]
fn a_service_that_says_nothing_or_too_slowly_is_given_up_and_asked_again() {
    let slow = Reply::ok(" ".repeat(1000)).drip(Duration::from_millis(5));
    for reply in [Reply::silence(), slow] {
        let bus = HttpService::always(reply);
        let mut question = asking(&bus);
        question.timeout = Duration::from_millis(100);
        let feed = GraphQlFeed::start(question).unwrap();
        let counters = counted(&feed, |counters| counters.receive_failed >= 2);
        assert_eq!(counters.malformed, 0);
    }
}

#[test]
fn a_service_that_is_not_there_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut question = Question::new(format!("http://{address}/"), HOUR);
    question.every = Duration::from_millis(100);
    let feed = GraphQlFeed::start(question).unwrap();
    counted(&feed, |counters| counters.receive_failed >= 2);
}

#[test]
fn a_service_that_is_well_again_is_heard() {
    let fine = Reply::ok(r#"{"data": {"eclipse": true}}"#);
    let ill = [Reply::hang_up(), Reply::status(503, ""), Reply::ok("{")];
    let bus = HttpService::in_turn(ill.into_iter().chain([fine]));
    let feed = GraphQlFeed::start(asking(&bus)).unwrap();
    let counters = counted(&feed, |counters| counters.accepted > 0);
    assert_eq!((counters.receive_failed, counters.malformed), (2, 1));
    assert!(feed.state(HOUR).unwrap().eclipse.unwrap().value);
}

#[test]
fn what_was_told_grows_old_when_the_service_is_gone() {
    let old = Reply::ok(r#"{"data": {"eclipse": {"value": true, "age_s": 3599.5}}}"#);
    let bus = HttpService::in_turn([old, Reply::status(503, "")]);
    let feed = GraphQlFeed::start(asking(&bus)).unwrap();
    counted(&feed, |counters| counters.accepted == 1);
    let until = Instant::now() + PATIENCE;
    while !matches!(feed.state(HOUR), Err(TelemetryError::Stale { .. })) {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
}

#[test]
fn it_ends_when_it_is_dropped() {
    let bus = HttpService::always(Reply::ok(r#"{"data": {"eclipse": true}}"#));
    let mut question = asking(&bus);
    question.every = HOUR;
    let feed = GraphQlFeed::start(question).unwrap();
    counted(&feed, |counters| counters.accepted > 0);
    let dropped = Instant::now();
    drop(feed);
    assert!(dropped.elapsed() < PATIENCE);
}
