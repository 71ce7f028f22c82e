//! Sequences: what is known of each run, and what is not.

use payload_controller::core::*;
use payload_interface::extension as ext;
use payload_interface::{CallOutcome, Callback, ReturnCode};

use crate::rig::*;

fn camera() -> World {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world
}

#[test]
fn a_run_is_accepted_when_the_payload_says_yes_and_done_when_it_says_so() {
    let mut world = camera();
    world.manner("camera", |_| None);
    let run = world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.run_state("camera", run), RunState::Asked);
    let (_, id, call) = world.calls.pop_back().unwrap();
    let Callback::StartSequence(start) = call else {
        panic!("{call:?}");
    };
    assert_eq!(
        (start.sequence_id.as_str(), start.sequence_params.as_str()),
        ("A", "{}")
    );
    assert_eq!(
        start.scheduled_deadline, 1_800_000_100,
        "seconds since 1970"
    );
    world.called(id, ok());
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
}

#[test]
fn a_sequence_may_be_done_before_its_start_has_returned() {
    let mut world = camera();
    world.manner("camera", |_| None);
    let run = world.start_sequence("camera", "A", 100).unwrap();
    let (_, id, _) = world.calls.pop_back().unwrap();
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
    world.called(id, ok());
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
}

#[test]
fn a_start_that_times_out_is_unknown_and_never_sent_again() {
    let mut world = camera();
    world.manner("camera", |call| match call {
        Callback::StartSequence(_) => Some(CallOutcome::TimedOut),
        _ => Some(ok()),
    });
    let run = world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.run_state("camera", run), RunState::Unknown);
    world.pass(secs(90));
    assert_eq!(world.rpcs(), ["PA_StartSequence"], "once");
    assert_eq!(world.done("camera", "A"), 0, "it did run");
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
}

#[test]
fn a_start_of_which_nothing_is_heard_at_all_is_unknown() {
    let mut world = camera();
    world.manner("camera", |call| match call {
        Callback::StartSequence(_) => None,
        _ => Some(ok()),
    });
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(5));
    assert_eq!(world.run_state("camera", run), RunState::Unknown);
}

#[test]
fn a_start_that_surely_did_not_arrive_is_sent_again_for_its_time() {
    let mut world = camera();
    let mut left = 3;
    world.manner("camera", move |call| match call {
        Callback::StartSequence(_) if left > 0 => {
            left -= 1;
            Some(gone())
        }
        _ => Some(ok()),
    });
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(10));
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    world.manner("camera", |call| match call {
        Callback::StartSequence(_) => Some(gone()),
        _ => Some(ok()),
    });
    let run = world.start_sequence("camera", "B", 100).unwrap();
    world.pass(secs(30));
    assert_eq!(
        world.run_state("camera", run),
        RunState::Refused { code: None }
    );
}

#[test]
fn what_the_payload_refuses_is_refused_with_its_code() {
    let mut world = camera();
    let code = ReturnCode::INVALID_SEQUENCE;
    world.manner("camera", move |_| Some(CallOutcome::Returned(code)));
    let run = world.start_sequence("camera", "A", 100).unwrap();
    let refused = RunState::Refused { code: Some(code) };
    assert_eq!(world.run_state("camera", run), refused);
}

#[test]
fn a_number_that_means_nothing_says_nothing_of_a_run() {
    let mut world = camera();
    world.manner("camera", |_| Some(CallOutcome::Returned(ReturnCode(36))));
    let run = world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.run_state("camera", run), RunState::Unknown);
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: false }
    );
}

#[test]
fn a_run_is_late_after_its_deadline_and_expired_some_time_after_it() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(99));
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    world.pass(secs(1));
    assert_eq!(world.run_state("camera", run), RunState::Late);
    world.pass(secs(60));
    assert_eq!(world.run_state("camera", run), RunState::Expired);
}

#[test]
fn a_late_run_is_done_late() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(130));
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.run_state("camera", run),
        RunState::Done { late: true }
    );
}

#[test]
fn the_late_end_of_a_run_does_not_end_another_of_its_name() {
    let mut world = camera();
    let first = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(200));
    assert_eq!(world.run_state("camera", first), RunState::Expired);
    let refused = world.start_sequence("camera", "A", 100);
    let in_the_way = CommandError::StillOpen {
        run: first,
        sequence: "A".to_owned(),
        state: RunState::Expired,
    };
    assert_eq!(refused, Err(in_the_way), "the payload may still be at it");
    assert_eq!(
        world.done("camera", "A"),
        0,
        "it is known whose end that is"
    );
    assert_eq!(world.run_state("camera", first), RunState::Expired);
    assert!(world.the_run("camera", first).done_after.is_some());
    let second = world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.run_state("camera", second), RunState::Accepted);
}

#[test]
fn the_name_of_an_expired_run_is_free_after_a_time_or_when_it_is_abandoned() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(200));
    assert!(world.start_sequence("camera", "A", 10).is_err());
    world.command(Command::AbandonRun(run)).unwrap();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.pass(secs(100 + 60 + 599));
    assert_eq!(world.run_state("camera", run), RunState::Expired);
    assert!(world.start_sequence("camera", "A", 10).is_err());
    world.pass(secs(1));
    assert!(world.start_sequence("camera", "A", 10).is_ok());
}

#[test]
fn a_sequence_that_was_not_begun_cannot_be_done() {
    let mut world = camera();
    assert_eq!(world.done("camera", "A"), ReturnCode::INVALID_SEQUENCE.0);
    world.start_sequence("camera", "A", 100).unwrap();
    assert_eq!(world.done("camera", "A"), 0);
    assert_eq!(
        world.done("camera", "A"),
        ReturnCode::INVALID_SEQUENCE.0,
        "twice"
    );
    assert_eq!(world.view("camera").counts.unasked, 2);
}

#[test]
fn sequences_of_other_names_run_beside_each_other_and_one_name_only_once() {
    let mut world = camera();
    let a = world.start_sequence("camera", "A", 100).unwrap();
    let b = world.start_sequence("camera", "B", 100).unwrap();
    assert!(matches!(
        world.start_sequence("camera", "A", 100),
        Err(CommandError::StillOpen { .. })
    ));
    assert_eq!(world.done("camera", "B"), 0);
    assert_eq!(world.run_state("camera", a), RunState::Accepted);
    assert_eq!(world.run_state("camera", b), RunState::Done { late: false });
}

#[test]
fn a_slow_start_keeps_no_other_waiting() {
    let mut world = camera();
    world.manner("camera", |_| None);
    world.start_sequence("camera", "A", 100).unwrap();
    world.start_sequence("camera", "B", 100).unwrap();
    assert_eq!(world.rpcs(), ["PA_StartSequence"; 2]);
}

#[test]
fn nothing_is_called_while_the_end_of_a_sequence_is_being_answered() {
    let mut world = camera();
    world.start_sequence("camera", "A", 100).unwrap();
    world.calls.clear();
    let told = payload_interface::messages::CmdSequenceDoneParams {
        sequence_id: "A".to_owned(),
    };
    let reply = world
        .controller
        .request(world.now, &name("camera"), told.into());
    world.run();
    world.start_sequence("camera", "B", 100).unwrap();
    assert_eq!(world.rpcs(), [""; 0], "the payload holds its lock");
    let request = reply.request.unwrap();
    world.event(Event::Answered(name("camera"), request));
    assert_eq!(world.rpcs(), ["PA_StartSequence"]);
}

#[test]
fn runs_of_a_payload_that_is_gone_are_lost() {
    let mut world = World::of([AppRules {
        has_process: true,
        ..rules("camera", 4)
    }]);
    world.event(Event::Started(name("camera"), Process { pid: 7, began: 1 }));
    world.register("camera");
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.event(Event::Exited(name("camera"), "signal 11".to_owned()));
    assert_eq!(world.run_state("camera", run), RunState::Lost);
}

#[test]
fn progress_and_result_are_those_of_the_run_that_is_named() {
    let mut world = camera();
    let id = world.start_sequence("camera", "A", 100).unwrap();
    let run = world.the_run("camera", id);
    let named = ext::SequenceRun {
        sequence_id: "A".to_owned(),
        correlation_id: run.correlation_id,
    };
    let progress = ext::SequenceProgress {
        run: Some(named.clone()),
        percent: 40,
        text: "exposing".to_owned(),
    };
    assert_eq!(world.code("camera", progress), 0);
    assert_eq!(world.run_state("camera", id), RunState::Running);
    assert_eq!(world.the_run("camera", id).percent, 40);
    let result = ext::SequenceResult {
        run: Some(named.clone()),
        outcome: ext::sequence_result::Outcome::Failed.into(),
        text: "too dark".to_owned(),
        data: vec![1, 2],
    };
    let foreign = ext::SequenceResult {
        run: Some(ext::SequenceRun {
            correlation_id: run.correlation_id + 1,
            ..named
        }),
        ..result.clone()
    };
    let refused = ReturnCode::INVALID_SEQUENCE.0;
    assert_eq!(world.code("camera", foreign), refused);
    assert_eq!(world.code("camera", result), 0);
    let run = world.the_run("camera", id);
    assert_eq!(
        (run.state, run.text.as_str()),
        (RunState::Failed, "too dark")
    );
    assert_eq!(run.result, [1, 2]);
}

#[test]
fn how_far_a_run_is_may_be_told_often_and_is_recorded_once() {
    let mut world = camera();
    let id = world.start_sequence("camera", "A", 100).unwrap();
    let correlation_id = world.the_run("camera", id).correlation_id;
    world.notices.clear();
    for percent in 0..50 {
        let progress = ext::SequenceProgress {
            run: Some(ext::SequenceRun {
                sequence_id: "A".to_owned(),
                correlation_id,
            }),
            percent,
            text: String::new(),
        };
        assert_eq!(world.code("camera", progress), 0);
    }
    assert_eq!(world.notices.len(), 1);
    assert_eq!(world.the_run("camera", id).percent, 49);
}

#[test]
fn a_run_is_cancelled_by_its_payload() {
    let mut world = camera();
    let id = world.start_sequence("camera", "A", 100).unwrap();
    world.calls.clear();
    world
        .command(Command::CancelRun(id, "clouds".to_owned()))
        .unwrap();
    let calls = world.take_calls();
    let [Callback::CancelSequence(cancel)] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    let result = ext::SequenceResult {
        run: cancel.run.clone(),
        outcome: ext::sequence_result::Outcome::Cancelled.into(),
        ..Default::default()
    };
    assert_eq!(world.code("camera", result), 0);
    assert_eq!(world.run_state("camera", id), RunState::Cancelled);
}

#[test]
fn a_clock_that_jumps_makes_no_run_late() {
    let mut world = camera();
    let run = world.start_sequence("camera", "A", 100).unwrap();
    world.now.wall += secs(1_000_000);
    world.pass(secs(50));
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    world.now.wall = secs(5);
    world.pass(secs(49));
    assert_eq!(world.run_state("camera", run), RunState::Accepted);
    world.pass(secs(1));
    assert_eq!(world.run_state("camera", run), RunState::Late);
}

#[test]
fn a_run_that_is_abandoned_before_its_start_arrived_is_not_begun_afterwards() {
    let mut world = World::of([rules("camera", 4)]);
    world.register("camera");
    world.manner("camera", |_| Some(gone()));
    let run = world.start_sequence("camera", "A", 1000).unwrap();
    assert_eq!(world.run_state("camera", run), RunState::Asked);
    world.command(Command::AbandonRun(run)).unwrap();
    assert_eq!(world.run_state("camera", run), RunState::Expired);
    world.manners.clear();
    world.calls.clear();
    world.pass(secs(60));
    let rpcs = world.rpcs();
    assert!(!rpcs.contains(&"PA_StartSequence"), "{rpcs:?}");
    world.counters_add_up();
}
