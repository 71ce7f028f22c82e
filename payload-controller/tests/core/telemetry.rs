//! What payloads are told of the spacecraft.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReturnCode};

use crate::rig::*;

fn world() -> World {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world
}

fn eps(periodicity_in_ms: i32) -> msg::ReqGetEpsVoltageStartReq {
    msg::ReqGetEpsVoltageStartReq {
        correlation_id: 6,
        periodicity_in_ms,
    }
}

fn gnss(periodicity_in_ms: i32) -> msg::ReqGnssEphStartDataReq {
    msg::ReqGnssEphStartDataReq {
        correlation_id: 7,
        periodicity_in_ms,
        eph2_enable: 1,
    }
}

fn eps_status(world: &mut World, ask: i32) -> i32 {
    assert_eq!(world.code("camera", eps(ask)), 0);
    let calls = world.take_calls();
    match calls.first() {
        Some(Callback::ResponseEpsVoltageStart(response)) => response.req_status,
        call => panic!("{call:?}"),
    }
}

fn volts(world: &mut World) -> Vec<f32> {
    let calls = world.take_calls().into_iter();
    calls
        .filter_map(|call| match call {
            Callback::EpsVoltage(data) => Some(data.eps_voltage),
            _ => None,
        })
        .collect()
}

#[test]
fn the_location_is_told_with_the_time_it_was_determined() {
    let mut world = world();
    world.code(
        "camera",
        msg::ReqGetCurrentLocationParams { correlation_id: 5 },
    );
    let calls = world.take_calls();
    let [Callback::ResponseGetCurrentLocation(told)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!((told.correlation_id, told.req_status), (5, 0));
    assert_eq!(
        (told.latitude, told.longitude, told.altitude),
        (52.5, -13.4, 550.25)
    );
    assert_eq!(told.determined_at, 1_800_000_000 - 2);
}

#[test]
fn an_old_location_is_a_failure_and_not_0_0_0() {
    let mut world = world();
    world.bus.all_stale();
    world.code(
        "camera",
        msg::ReqGetCurrentLocationParams { correlation_id: 5 },
    );
    let calls = world.take_calls();
    let [Callback::ResponseGetCurrentLocation(told)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(told.req_status, 1);
}

#[test]
fn the_payload_servers_temperature_has_its_sign_and_is_refused_when_it_is_not_known() {
    let mut world = world();
    let ask = msg::PsTempReq { correlation_id: 5 };
    assert_eq!(world.code("camera", ask), 0);
    let calls = world.take_calls();
    let [Callback::ResponsePsTemperature(told)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(told.temperature, -5);
    world.bus.all_stale();
    let code = world.code("camera", ask);
    assert_eq!(
        code,
        ReturnCode::GENERIC_FAILURE.0,
        "its answer cannot say so"
    );
}

#[test]
fn a_stream_begins_after_its_answer_and_goes_on_with_its_period_until_it_is_stopped() {
    let mut world = world();
    assert_eq!(world.code("camera", eps(1000)), 0);
    let rpcs = world.rpcs();
    assert_eq!(
        rpcs,
        [
            "PA_ProcessRespGetEpsVoltageStartReq",
            "PA_ProcessGetEpsVoltage"
        ]
    );
    world.pass(secs(10));
    assert_eq!(volts(&mut world), [7.9; 10]);
    let stop = msg::ReqGetEpsVoltageStopReq { correlation_id: 8 };
    assert_eq!(world.code("camera", stop), 0);
    world.calls.clear();
    world.pass(secs(10));
    assert!(volts(&mut world).is_empty());
}

#[test]
fn a_period_of_0_is_one_value() {
    let mut world = world();
    assert_eq!(world.code("camera", eps(0)), 0);
    assert_eq!(volts(&mut world), [7.9]);
    world.pass(secs(100));
    assert!(volts(&mut world).is_empty());
    assert_eq!(eps_status(&mut world, 0), 0, "again and again");
}

#[test]
fn a_period_that_is_too_short_or_too_long_is_status_2() {
    let mut world = world();
    for period in [-1, 99, 60_001] {
        assert_eq!(eps_status(&mut world, period), 2, "{period}");
    }
    assert_eq!(eps_status(&mut world, 60_000), 0);
}

#[test]
fn a_stream_that_goes_already_is_status_5_and_others_are_not() {
    let mut world = world();
    assert_eq!(eps_status(&mut world, 1000), 0);
    assert_eq!(eps_status(&mut world, 500), 5);
    assert_eq!(world.code("camera", gnss(1000)), 0);
    assert_eq!(
        world.rpcs().first(),
        Some(&"PA_ProcessRespGnssEphStartDataReq")
    );
}

#[test]
fn a_stream_that_does_not_go_cannot_be_stopped() {
    let mut world = world();
    let stop = msg::ReqGnssEphStopDataReq { correlation_id: 8 };
    assert_eq!(world.code("camera", stop), 0);
    let calls = world.take_calls();
    let [Callback::ResponseGnssEphStop(told)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(told.req_status, 1);
}

#[test]
fn a_stream_ends_with_its_app() {
    let mut world = world();
    assert_eq!(eps_status(&mut world, 1000), 0);
    world.code(
        "camera",
        payload_interface::extension::CloseSessionRequest::default(),
    );
    world.register("camera");
    world.pass(secs(10));
    assert!(volts(&mut world).is_empty());
}

#[test]
fn a_value_that_is_not_known_is_left_out_and_counted() {
    let mut world = world();
    assert_eq!(eps_status(&mut world, 1000), 0);
    world.bus.battery(None);
    world.pass(secs(5));
    assert!(volts(&mut world).is_empty());
    assert_eq!(world.view("camera").counts.stale, 5);
    assert_eq!(eps_status(&mut world, 1000), 5, "it goes on");
}

#[test]
fn once_what_is_not_known_is_a_failure() {
    let mut world = world();
    world.bus.battery(None);
    assert_eq!(eps_status(&mut world, 0), 1);
}

#[test]
fn a_block_of_ephemeris_that_is_not_known_has_its_flag_at_0() {
    let mut world = world();
    world.bus.0.lock().unwrap().earth_fixed =
        Ok(bus_telemetry::Aged::fresh(bus_telemetry::EarthFixed {
            r_ecef_km: [1.0, 2.0, 3.0],
            v_ecef_km_s: [4.0, 5.0, 6.0],
        }));
    assert_eq!(world.code("camera", gnss(0)), 0);
    let call = world.take_calls().pop();
    let Some(Callback::GnssEphData(data)) = call else {
        panic!("{call:?}");
    };
    assert_eq!((data.adcs_timeout_flag, data.gps_timeout_flag), (0, 1));
    assert_eq!(data.adcs_eph_data, None);
    assert_eq!(data.gps_eph_data.unwrap().gps_position_ecef_y, 2.0);
    let at = data.obc_time.unwrap();
    // 2027-01-15 08:00:00.
    assert_eq!((at.year, at.month, at.date), (2027, 1, 15));
    assert_eq!((at.hour, at.minute, at.millisecond), (8, 0, 0));
}

#[test]
fn a_payload_that_is_slow_gets_the_newest_values_and_not_all() {
    let mut world = world();
    world.manner("camera", |call| match call {
        Callback::EpsVoltage(_) => None,
        _ => Some(ok()),
    });
    assert_eq!(eps_status(&mut world, 100), 0);
    world.pass(secs(20));
    let view = world.view("camera");
    assert!(view.calls_waiting <= 1, "{}", view.calls_waiting);
    assert!(view.counts.calls.replaced > 100);
    world.counters_add_up();
}

#[test]
fn counters_are_asked_for_and_taken_as_many_as_are_used() {
    let mut world = world();
    world.calls.clear();
    world.command(Command::Metrics(name("camera"))).unwrap();
    assert_eq!(world.rpcs(), ["PA_ProcessReqPayloadMetrics"]);
    let metric = |names: &str, counter| msg::PayloadMetricsInfo {
        counter,
        names: names.to_owned(),
    };
    let told = msg::PayloadMetricsResponse {
        used_counter: 2,
        metrics: vec![metric("images", 3), metric("bytes", -1), metric("", 0)],
        ..Default::default()
    };
    assert_eq!(world.code("camera", told.clone()), 0);
    let expected = [("images".to_owned(), 3), ("bytes".to_owned(), u32::MAX)];
    assert_eq!(world.view("camera").metrics, expected);
    assert_eq!(
        world.code("camera", told),
        ReturnCode::NOT_PERMITTED.0,
        "asked once"
    );
}

#[test]
fn an_answer_with_counters_and_files_of_which_there_are_none_is_no_harm() {
    let mut world = world();
    world.command(Command::Metrics(name("camera"))).unwrap();
    let told = msg::PayloadMetricsResponse {
        used_counter: 8,
        ..Default::default()
    };
    assert_eq!(world.code("camera", told), 0);
    assert!(world.view("camera").metrics.is_empty());
    let copy = msg::HostToPeerFcmOperation {
        no_of_files: 32,
        ..Default::default()
    };
    assert!(world.code("camera", copy) < 0);
}
