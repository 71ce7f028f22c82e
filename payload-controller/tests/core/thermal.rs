//! What is kept warm.

use payload_controller::core::*;
use payload_interface::Callback;
use payload_interface::messages as msg;

use crate::rig::*;

fn world() -> World {
    let mut camera = rules("camera", 4);
    camera.thermal = vec![0, 1];
    let mut world = World::new(Rules {
        apps: vec![camera, rules("radar", 5)],
        devices: Vec::new(),
        thermal: vec![ThermalRules::new(0, "SESA"), ThermalRules::new(1, "SESB")],
        signalled: Vec::new(),
    });
    world.register("camera");
    world.register("radar");
    world
}

fn start(lower: i32, upper: i32) -> msg::StartSesThermMgmntReq {
    msg::StartSesThermMgmntReq {
        correlation_id: 8,
        hardware_id: 0,
        duration: 60,
        lower_threshold: lower,
        upper_threshold: upper,
    }
}

fn status(world: &mut World, app: &str, ask: msg::StartSesThermMgmntReq) -> i32 {
    assert_eq!(world.code(app, ask), 0);
    let calls = world.take_calls();
    let response = calls.iter().find_map(|call| match call {
        Callback::ResponseSesThermalStart(response) => Some(*response),
        _ => None,
    });
    response.unwrap().req_status
}

fn told(world: &mut World) -> Vec<(i32, i32, i32)> {
    let calls = world.take_calls().into_iter();
    calls
        .filter_map(|call| match call {
            Callback::SesThermalStatus(note) => Some((
                note.heater_pwr_status,
                note.heater_temp_status,
                note.temperature,
            )),
            _ => None,
        })
        .collect()
}

#[test]
fn the_heater_goes_on_beneath_the_lower_threshold_and_off_above_the_upper_one() {
    let mut world = world();
    world.bus.warm(-20.0);
    assert_eq!(status(&mut world, "camera", start(-10, 5)), 0);
    let heat = |on| Action::Heat { place: 0, on };
    assert_eq!(world.take_actions(), [heat(true)]);
    world.pass(secs(5));
    world.bus.warm(0.0);
    world.pass(secs(5));
    assert!(world.take_actions().is_empty(), "it goes on heating");
    world.bus.warm(6.0);
    world.pass(secs(5));
    assert_eq!(world.take_actions(), [heat(false)]);
}

#[test]
fn the_app_hears_of_each_change_and_temperatures_beneath_zero_are_right() {
    let mut world = world();
    world.bus.warm(-20.4);
    world.code("camera", start(-10, 5));
    assert_eq!(told(&mut world), [(1, 1, -20)]);
    world.pass(secs(5));
    world.bus.warm(0.0);
    world.pass(secs(10));
    assert_eq!(told(&mut world), [(1, 0, 0)]);
}

#[test]
fn thresholds_of_eight_bits_are_read_with_their_sign() {
    let mut world = world();
    world.bus.warm(-20.0);
    assert_eq!(
        status(&mut world, "camera", start(246, 5)),
        0,
        "-10 as 8 bits"
    );
    assert_eq!(world.take_actions(), [Action::Heat { place: 0, on: true }]);
}

#[test]
fn thresholds_that_are_swapped_equal_or_too_far_are_status_3() {
    for (lower, upper) in [(25, 20), (20, 20), (-41, 0), (0, 61), (300, 20)] {
        assert_eq!(
            status(&mut world(), "camera", start(lower, upper)),
            3,
            "{lower} {upper}"
        );
    }
}

#[test]
fn a_duration_of_nothing_or_of_days_is_status_2() {
    for duration in [0, -1, 86_401] {
        let ask = msg::StartSesThermMgmntReq {
            duration,
            ..start(0, 5)
        };
        assert_eq!(status(&mut world(), "camera", ask), 2, "{duration}");
    }
}

#[test]
fn a_place_that_is_not_there_or_not_the_apps_is_status_4() {
    let mut world = world();
    for hardware_id in [2, -1, 256] {
        let ask = msg::StartSesThermMgmntReq {
            hardware_id,
            ..start(0, 5)
        };
        assert_eq!(status(&mut world, "camera", ask), 4, "{hardware_id}");
    }
    assert_eq!(status(&mut world, "radar", start(0, 5)), 4);
}

#[test]
fn a_place_that_is_managed_already_is_status_5() {
    let mut world = world();
    assert_eq!(status(&mut world, "camera", start(0, 5)), 0);
    assert_eq!(status(&mut world, "camera", start(0, 5)), 5);
}

#[test]
fn the_heater_is_off_after_the_duration_a_stop_or_the_end_of_the_app() {
    let off = Action::Heat {
        place: 0,
        on: false,
    };
    let ends: [fn(&mut World); 3] = [
        |world| world.pass(secs(60)),
        |world| {
            let stop = msg::StopSesThermMgmntReq {
                correlation_id: 9,
                hardware_id: 0,
            };
            assert_eq!(world.code("camera", stop), 0);
        },
        |world| {
            let close = payload_interface::extension::CloseSessionRequest::default();
            assert_eq!(world.code("camera", close), 0);
        },
    ];
    for end in ends {
        let mut world = world();
        world.bus.warm(-20.0);
        world.code("camera", start(-10, 5));
        world.actions.clear();
        end(&mut world);
        assert!(world.take_actions().contains(&off));
    }
}

#[test]
fn what_is_not_known_keeps_no_heater_on() {
    let mut world = world();
    world.bus.warm(-20.0);
    world.code("camera", start(-10, 5));
    world.actions.clear();
    world.bus.all_stale();
    world.pass(secs(5));
    let off = Action::Heat {
        place: 0,
        on: false,
    };
    assert_eq!(world.take_actions(), [off]);
}

#[test]
fn a_temperature_is_told_with_its_sign_and_whether_it_is_heated() {
    let mut world = world();
    world.bus.warm(-5.0);
    let ask = |hardware_id| msg::SesTempReq {
        correlation_id: 3,
        hardware_id,
    };
    let told = |world: &mut World, hardware_id| {
        assert_eq!(world.code("camera", ask(hardware_id)), 0);
        match world.take_calls().pop() {
            Some(Callback::ResponseSesTemperature(told)) => told,
            call => panic!("{call:?}"),
        }
    };
    let sesa = told(&mut world, 0);
    assert_eq!(
        (sesa.status, sesa.temperature, sesa.heater_pwr_status),
        (0, -5, 0)
    );
    assert_eq!(told(&mut world, 1).status, 1, "there is no such sensor");
    assert_eq!(told(&mut world, 7).status, 4);
}
