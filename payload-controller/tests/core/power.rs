//! To whom devices belong, and when they are switched.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Callback, ReturnCode};

use crate::rig::*;

fn world() -> World {
    let mut camera = rules("camera", 4);
    camera.default_device = Some(134);
    let mut world = World::new(Rules {
        apps: vec![camera, rules("radar", 5)],
        devices: vec![
            DeviceRules {
                battery_v_min: Some(7.0),
                ..DeviceRules::new(134, Some(name("camera")))
            },
            DeviceRules::new(135, Some(name("radar"))),
        ],
        thermal: Vec::new(),
        signalled: Vec::new(),
    });
    world.register("camera");
    world.register("radar");
    world
}

fn switch(power_operation: i32, hw_id: i32) -> msg::ReqPayloadPowerControlParams {
    msg::ReqPayloadPowerControlParams {
        correlation_id: 8,
        power_operation,
        hw_id,
    }
}

/// The status that the app was told last.
fn status(world: &mut World) -> i32 {
    let calls = world.take_calls().into_iter();
    let mut responses = calls.filter_map(|call| match call {
        Callback::ResponsePayloadPowerControl(response) => Some(response),
        _ => None,
    });
    let response = responses.next_back().unwrap();
    assert_eq!(response.correlation_id, 8);
    response.req_status
}

fn is_on(world: &World, id: u16) -> bool {
    let mut devices = world.controller.devices();
    devices.find(|device| device.id == id).unwrap().is_on
}

#[test]
fn an_app_switches_its_device_and_hears_that_it_was() {
    let mut world = world();
    assert_eq!(world.code("camera", switch(1, 134)), 0);
    assert_eq!(status(&mut world), 0);
    assert!(is_on(&world, 134));
}

#[test]
fn device_0_is_the_one_of_the_app() {
    let mut world = world();
    assert_eq!(world.code("camera", switch(1, 0)), 0);
    assert!(is_on(&world, 134));
    let refused = ReturnCode::NOT_PERMITTED.0;
    assert_eq!(world.code("radar", switch(1, 0)), refused, "it has none");
}

#[test]
fn a_device_of_another_app_and_one_that_is_not_there_are_refused_alike() {
    let mut world = world();
    let refused = ReturnCode::NOT_PERMITTED.0;
    assert_eq!(world.code("camera", switch(1, 135)), refused);
    assert_eq!(world.code("camera", switch(1, 999)), refused);
    assert!(!is_on(&world, 135));
}

#[test]
fn what_is_no_operation_and_no_device_is_refused() {
    let mut world = world();
    let invalid = ReturnCode::INVALID_PARAMS.0;
    assert_eq!(world.code("camera", switch(70_000, 134)), invalid);
    assert_eq!(world.code("camera", switch(1, -1)), invalid);
    assert_eq!(world.code("camera", switch(1, 65_670)), invalid);
}

#[test]
fn a_device_stays_off_for_its_time() {
    let mut world = world();
    world.code("camera", switch(1, 134));
    world.code("camera", switch(0, 134));
    world.calls.clear();
    world.pass(secs(9));
    assert_eq!(world.code("camera", switch(1, 134)), 0);
    assert_eq!(status(&mut world), 1);
    assert!(!is_on(&world, 134));
    world.pass(secs(1));
    world.code("camera", switch(1, 134));
    assert!(is_on(&world, 134));
}

#[test]
fn a_device_does_not_go_on_while_the_battery_is_low_or_unknown() {
    let mut world = world();
    for battery in [Some(6.9), None] {
        world.bus.battery(battery);
        world.code("camera", switch(1, 134));
        assert_eq!(status(&mut world), 1);
        assert!(!is_on(&world, 134));
    }
    world.bus.battery(Some(7.0));
    world.code("camera", switch(1, 134));
    assert!(is_on(&world, 134));
    world.bus.battery(Some(3.0));
    world.code("camera", switch(0, 134));
    assert!(!is_on(&world, 134), "it may always go off");
}

#[test]
fn a_device_that_is_being_switched_is_busy() {
    let mut world = world();
    world.devices_obey = false;
    world.code("camera", switch(1, 134));
    world.code("camera", switch(0, 134));
    assert_eq!(status(&mut world), 5);
}

#[test]
fn a_device_of_which_nothing_is_heard_was_not_switched() {
    let mut world = world();
    world.devices_obey = false;
    world.code("camera", switch(1, 134));
    world.pass(secs(5));
    assert_eq!(status(&mut world), 1);
    assert!(!is_on(&world, 134));
}

#[test]
fn a_device_goes_off_with_its_app() {
    let mut world = world();
    world.code("camera", switch(1, 134));
    world.code("radar", switch(1, 135));
    world.manner("camera", |_| Some(gone()));
    world.pass(secs(25));
    assert_eq!(world.life("camera"), "pausing", "it was gone");
    assert!(!is_on(&world, 134));
    assert!(is_on(&world, 135));
}

#[test]
fn an_operator_switches_any_device() {
    let mut world = world();
    let on = Command::Power {
        device: 135,
        on: true,
    };
    world.command(on).unwrap();
    assert!(is_on(&world, 135));
    let unknown = Command::Power {
        device: 1,
        on: true,
    };
    assert_eq!(world.command(unknown), Err(CommandError::UnknownDevice(1)));
}

#[test]
fn an_app_hears_when_another_goes_on_and_off_with_the_number_it_knows_for_on() {
    for (on_is, expected) in [(1, [1, 0]), (0, [0, 1])] {
        let mut camera = rules("camera", 4);
        camera.hears_power_of = vec![name("radar")];
        camera.power_on_is = on_is;
        let mut world = World::of([camera, rules("radar", 5)]);
        world.register("camera");
        world.code("radar", register(1, 0));
        let close = payload_interface::extension::CloseSessionRequest::default();
        world.code("radar", close);
        let told = world
            .take_calls()
            .into_iter()
            .filter_map(|call| match call {
                Callback::RemoteAcPowerStatus(note) => Some((note.ac_app_id, note.power_status)),
                _ => None,
            });
        let told: Vec<_> = told.collect();
        assert_eq!(told, expected.map(|status| (5, status)));
    }
}

#[test]
fn an_app_is_begun_when_its_device_is_on_and_has_settled() {
    let mut camera = rules("camera", 4);
    camera.host = Some(134);
    camera.has_process = true;
    let mut world = World::new(Rules {
        apps: vec![camera],
        devices: vec![DeviceRules::new(134, None)],
        thermal: Vec::new(),
        signalled: Vec::new(),
    });
    let on = Action::Switch {
        device: 134,
        on: true,
    };
    assert_eq!(world.take_actions(), [on]);
    world.pass(secs(4));
    assert!(world.take_actions().is_empty());
    world.pass(secs(1));
    assert_eq!(world.take_actions(), [Action::Start(name("camera"))]);
}
