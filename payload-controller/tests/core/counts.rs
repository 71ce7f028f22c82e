//! Everything has a limit, and everything is counted.

use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{CallOutcome, ReturnCode};

use crate::rig::*;

fn location() -> msg::ReqGetCurrentLocationParams {
    msg::ReqGetCurrentLocationParams { correlation_id: 1 }
}

#[test]
fn a_flood_of_requests_is_refused_and_keeps_out_no_end_of_a_sequence() {
    let mut rules = rules("camera", 4);
    rules.requests = Rate {
        per_s: 10,
        burst: 20,
    };
    let mut world = World::of([rules]);
    world.register("camera");
    world.start_sequence("camera", "A", 100).unwrap();
    let codes: Vec<i32> = (0..1000)
        .map(|_| world.code("camera", location()))
        .collect();
    let refused = ReturnCode::OUT_OF_RESOURCES.0;
    assert_eq!(
        codes.iter().filter(|code| **code == refused).count(),
        1000 - 19
    );
    assert_eq!(world.done("camera", "A"), 0);
    world.pass(secs(1));
    let codes: Vec<i32> = (0..20).map(|_| world.code("camera", location())).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 10);
    world.counters_add_up();
}

#[test]
fn the_flood_of_one_app_is_no_other_apps_business() {
    let mut world = World::of([rules("camera", 4), rules("radar", 5)]);
    world.register("camera");
    world.register("radar");
    for _ in 0..1000 {
        world.code("camera", location());
    }
    assert_eq!(world.code("radar", location()), 0);
}

#[test]
fn a_payload_that_takes_no_answers_is_told_that_too_many_wait() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.manner("camera", |_| None);
    let codes: Vec<i32> = (0..80).map(|_| world.code("camera", location())).collect();
    assert_eq!(
        codes.iter().filter(|code| **code == 0).count(),
        65,
        "one is under way"
    );
    assert_eq!(codes.last(), Some(&ReturnCode::OUT_OF_RESOURCES.0));
    world.pass(secs(60));
    assert_eq!(world.view("camera").calls_waiting, 0, "they became too old");
    world.counters_add_up();
}

#[test]
fn an_answer_that_was_lost_is_sent_again_and_given_up_after_three_times() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.manner("camera", |call| match call {
        payload_interface::Callback::HealthCheck(_) => Some(ok()),
        _ => Some(CallOutcome::TimedOut),
    });
    world.code("camera", location());
    world.pass(secs(30));
    assert_eq!(world.rpcs(), ["PA_ProcessResponseGetCurrentLocation"; 3]);
    let counts = world.view("camera").counts.calls;
    assert_eq!((counts.timed_out, counts.retries), (1, 2));
    let given_up = |notice: &Notice| matches!(notice.what, What::DeadLetter { .. });
    assert!(world.notices.iter().any(given_up));
}

#[test]
fn an_answer_that_a_payload_declines_was_delivered() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.manner("camera", |_| Some(CallOutcome::Returned(ReturnCode(45))));
    world.code("camera", location());
    assert_eq!(world.view("camera").counts.calls.declined, 1);
    assert_eq!(world.rpcs().len(), 1);
}

#[test]
fn answers_keep_their_order_though_one_is_sent_again() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    let mut first = true;
    world.manner("camera", move |_| match std::mem::take(&mut first) {
        true => Some(gone()),
        false => Some(ok()),
    });
    for correlation_id in [1, 2, 3] {
        world.code(
            "camera",
            msg::ReqGetCurrentLocationParams { correlation_id },
        );
    }
    world.pass(secs(3));
    let ids: Vec<i32> = world
        .take_calls()
        .into_iter()
        .filter_map(|call| match call {
            payload_interface::Callback::ResponseGetCurrentLocation(told) => {
                Some(told.correlation_id)
            }
            _ => None,
        })
        .collect();
    assert_eq!(ids, [1, 1, 2, 3]);
}

#[test]
fn correlation_ids_are_given_back_as_they_came_and_are_no_others_business() {
    let mut world = World::of([rules("camera", 4), rules("radar", 5)]);
    world.register("camera");
    world.register("radar");
    for correlation_id in [0, 1, 65_535, 65_541, -1] {
        let ask = msg::ReqGetCurrentLocationParams { correlation_id };
        for app in ["camera", "radar"] {
            assert_eq!(world.code(app, ask), 0);
            let call = world.take_calls().pop();
            let Some(payload_interface::Callback::ResponseGetCurrentLocation(told)) = call else {
                panic!("{call:?}");
            };
            assert_eq!(told.correlation_id, correlation_id);
        }
    }
}

#[test]
fn only_some_of_many_refusals_are_told_and_all_are_counted() {
    let mut world = World::of([rules("camera", 4)]);
    for _ in 0..50 {
        world.code("camera", location());
    }
    let refused = |notice: &&Notice| matches!(notice.what, What::Refused { .. });
    assert_eq!(world.notices.iter().filter(refused).count(), 10);
    let counts = world.view("camera").counts;
    assert_eq!(counts.answers[&ReturnCode::NOT_PERMITTED.0], 50);
}

#[test]
fn runs_that_ended_long_ago_are_forgotten() {
    let mut rules = rules("camera", 4);
    rules.runs.kept_max = 5;
    let mut world = World::of([rules]);
    world.register("camera");
    for _ in 0..20 {
        world.start_sequence("camera", "A", 10).unwrap();
        world.done("camera", "A");
        world.pass(secs(1));
    }
    let runs: Vec<u64> = world
        .controller
        .runs(&name("camera"))
        .iter()
        .map(|run| run.id.0)
        .collect();
    assert_eq!(runs, [16, 17, 18, 19, 20]);
    assert_eq!(world.kept.recovered().runs.len(), 5);
}
