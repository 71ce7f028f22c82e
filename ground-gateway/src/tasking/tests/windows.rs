//! A window, from its order to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::rig::{BEGIN_S, Ground, asked_at, caller, order};
use crate::tasking::window::WindowOrder;

fn ground() -> (tempfile::TempDir, Ground) {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path());
    (folder, ground)
}

#[test]
fn a_window_goes_up_runs_and_comes_back_with_its_steps() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    assert_eq!(ground.state(id), "PENDING_SYNC");
    ground.work();
    assert_eq!(ground.state(id), "SYNCED");
    let on_board = ground.sky.spacecraft.windows()[&id.to_string()].clone();
    assert_eq!(on_board["payload"], "radio");
    assert_eq!(on_board["user"], "john");
    assert_eq!(on_board["start"], BEGIN_S + 1_000);
    // As it was written.
    assert_eq!(on_board["parameters"], order(1_000).parameters);
    ground.live(1_100);
    let window = ground.window(id);
    assert_eq!(window.state.as_str(), "EXECUTED");
    let result: Value = serde_json::from_str(&window.result.unwrap()).unwrap();
    assert_eq!(result["execution"]["exitCode"], 0);
    assert_eq!(result["execution"]["output"], "a picture");
}

#[test]
fn many_windows_go_up_in_few_messages_the_soonest_first_and_no_more_than_fit() {
    let (_folder, mut ground) = ground();
    let ids: Vec<i64> = (0..40)
        .rev()
        .map(|number| ground.order(&order(1_000 + 400 * number)).unwrap())
        .collect();
    ground.work();
    let on_board = ground.sky.spacecraft.windows();
    assert_eq!(on_board.len(), 32);
    assert!(
        ids[8..]
            .iter()
            .all(|id| on_board.contains_key(&id.to_string()))
    );
    let said = ground.sky.said.lock().unwrap().len();
    assert!(said <= 6, "{said} messages");
    ground.live(1_000 + 400 * 40);
    assert!(ids.iter().all(|id| ground.state(*id) == "EXECUTED"));
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_the_window_is_one() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_deaf.store(true, Ordering::SeqCst);
    ground.live(100);
    assert_eq!(ground.state(id), "PENDING_SYNC");
    ground.sky.is_deaf.store(false, Ordering::SeqCst);
    ground.live(1_100);
    assert_eq!(ground.state(id), "EXECUTED");
    let on_board = ground.sky.spacecraft.windows()[&id.to_string()].clone();
    assert_eq!(on_board["runs"], 1);
    assert!(on_board["offers"].as_i64().unwrap() >= 2, "{on_board}");
}

#[test]
fn silence_is_met_with_pauses_that_grow() {
    let (_folder, mut ground) = ground();
    ground.order(&order(20_000)).unwrap();
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    for _ in 0..1_000 {
        ground.work_with(None);
        ground.sky.wait(10);
    }
    // 10 000 s, with up to 600 s between two.
    let said = ground.sky.said.lock().unwrap().len();
    assert!((15..30).contains(&said), "{said} messages");
}

#[test]
fn nothing_is_said_outside_of_contact_and_at_once_when_it_begins() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(20_000)).unwrap();
    for _ in 0..100 {
        ground.work_with(Some(false));
        ground.sky.wait(10);
    }
    assert!(ground.sky.said.lock().unwrap().is_empty());
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    ground.live(600);
    ground.sky.is_dark.store(false, Ordering::SeqCst);
    ground.work_with(Some(false));
    ground.work_with(Some(true));
    assert_eq!(ground.state(id), "SYNCED");
}

#[test]
fn a_window_that_nobody_could_be_told_of_is_missed() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.work_with(Some(false));
    ground.sky.wait(1_000);
    ground.work_with(Some(false));
    let window = ground.window(id);
    assert_eq!(window.state.as_str(), "FAILED");
    assert!(window.reason.starts_with("missed"), "{}", window.reason);
    ground.live(1_000);
    assert!(ground.sky.spacecraft.windows().is_empty());
}

#[test]
fn a_window_that_was_offered_and_is_not_there_is_missed_once_the_spacecraft_says_so() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    ground.live(2_000);
    assert_eq!(ground.state(id), "PENDING_SYNC");
    ground.sky.is_dark.store(false, Ordering::SeqCst);
    ground.live(100);
    let window = ground.window(id);
    assert_eq!(window.state.as_str(), "FAILED");
    assert_eq!(window.reason, "missed: not on board before its start");
}

#[test]
fn a_window_that_was_offered_and_ran_is_known_when_the_spacecraft_is_heard_again() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_deaf.store(true, Ordering::SeqCst);
    ground.live(3_000);
    assert_eq!(ground.state(id), "PENDING_SYNC");
    ground.sky.is_deaf.store(false, Ordering::SeqCst);
    ground.live(100);
    assert_eq!(ground.state(id), "EXECUTED");
}

#[test]
fn a_window_of_which_nothing_is_ever_heard_is_given_up() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_deaf.store(true, Ordering::SeqCst);
    ground.live(100);
    ground.sky.wait(8 * 86_400);
    ground.work();
    let window = ground.window(id);
    assert_eq!(window.state.as_str(), "FAILED");
    assert!(
        window.reason.contains("nothing was heard"),
        "{}",
        window.reason
    );
}

#[test]
fn a_window_that_is_refused_on_board_has_failed_and_says_why() {
    let (_folder, mut ground) = ground();
    let refused = WindowOrder {
        window_type: "PAYLOAD_IPI".to_owned(),
        ..order(1_000)
    };
    let id = ground.order(&refused).unwrap();
    let other = ground.order(&order(1_000)).unwrap();
    ground.live(20);
    let window = ground.window(id);
    assert_eq!(window.state.as_str(), "FAILED");
    assert_eq!(
        window.reason,
        "refused on board: there is no payload `broken`"
    );
    assert_eq!(ground.state(other), "SYNCED");
}

#[test]
fn a_spacecraft_that_lost_a_window_before_its_start_is_told_again() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(5_000)).unwrap();
    ground.live(20);
    ground.sky.spacecraft.state.lock().unwrap().0.clear();
    ground.live(5_200);
    assert_eq!(ground.state(id), "EXECUTED");
}

#[test]
fn a_window_that_nobody_knows_on_board_is_cancelled_at_once() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.cancel(id).unwrap();
    assert_eq!(ground.state(id), "CANCELLED");
    ground.live(100);
    assert!(ground.sky.said.lock().unwrap().is_empty());
    // It is no obstacle any more, and cancelled it stays.
    ground.order(&order(1_000)).unwrap();
    ground.cancel(id).unwrap();
    assert_eq!(ground.state(id), "CANCELLED");
}

#[test]
fn a_window_that_may_be_on_board_is_cancelled_when_the_spacecraft_says_so() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.work();
    ground.cancel(id).unwrap();
    assert_eq!(ground.state(id), "PENDING_CANCEL");
    ground.work();
    assert_eq!(ground.state(id), "CANCELLED");
    ground.live(1_200);
    let on_board = ground.sky.spacecraft.windows()[&id.to_string()].clone();
    assert_eq!(on_board["runs"], 0);
}

#[test]
fn a_window_whose_offer_was_not_answered_is_not_cancelled_before_the_spacecraft_says_so() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_deaf.store(true, Ordering::SeqCst);
    ground.work();
    ground.cancel(id).unwrap();
    assert_eq!(ground.state(id), "PENDING_CANCEL");
    ground.sky.is_deaf.store(false, Ordering::SeqCst);
    ground.live(100);
    assert_eq!(ground.state(id), "CANCELLED");
    let on_board = ground.sky.spacecraft.windows()[&id.to_string()].clone();
    assert_eq!(on_board["state"], "CANCELLED");
}

#[test]
fn a_window_that_is_cancelled_while_it_is_offered_does_not_run() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    let (desk, now) = (Arc::clone(&ground.desk), ground.sky.now());
    let cancels = move || {
        let caller = caller();
        desk.cancel_window(&asked_at(&caller, now), id).unwrap();
    };
    *ground.sky.meanwhile.lock().unwrap() = Some(Box::new(cancels));
    ground.live(1_200);
    assert_eq!(ground.state(id), "CANCELLED");
    let on_board = ground.sky.spacecraft.windows()[&id.to_string()].clone();
    assert_eq!(
        (&on_board["state"], &on_board["runs"]),
        (&"CANCELLED".into(), &0.into())
    );
}

#[test]
fn a_window_that_is_cancelled_too_late_is_what_became_of_it() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.work();
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    ground.cancel(id).unwrap();
    ground.live(1_200);
    assert_eq!(ground.state(id), "PENDING_CANCEL");
    ground.sky.is_dark.store(false, Ordering::SeqCst);
    ground.live(100);
    assert_eq!(ground.state(id), "EXECUTED");
    let problem = ground.cancel(id).unwrap_err();
    assert_eq!(problem.status, 409);
}

#[test]
fn a_window_that_is_cancelled_and_never_came_is_cancelled() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    ground.work();
    ground.cancel(id).unwrap();
    ground.sky.is_dark.store(false, Ordering::SeqCst);
    ground.live(100);
    assert_eq!(ground.state(id), "CANCELLED");
    assert!(ground.sky.spacecraft.windows().is_empty());
}

#[test]
fn a_window_whose_steps_do_not_come_down_is_known_without_them() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(1_000)).unwrap();
    ground.work();
    ground.sky.is_mute_of_steps.store(true, Ordering::SeqCst);
    ground.live(1_300);
    let window = ground.window(id);
    assert_eq!((window.state.as_str(), window.result), ("EXECUTED", None));
}

#[test]
fn a_clock_that_is_put_back_holds_nothing_up() {
    let (_folder, mut ground) = ground();
    let id = ground.order(&order(20_000)).unwrap();
    ground.sky.is_dark.store(true, Ordering::SeqCst);
    ground.live(2_000);
    ground.sky.is_dark.store(false, Ordering::SeqCst);
    ground.sky.wait(-1_500);
    ground.work();
    assert_eq!(ground.state(id), "SYNCED");
    ground.sky.wait(21_500);
    ground.live(100);
    assert_eq!(ground.state(id), "EXECUTED");
}

#[test]
fn windows_of_a_payload_that_is_gone_hold_up_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let before = Ground::new(folder.path());
    let orphan = before.order(&order(1_000)).unwrap();
    drop(before);
    let mut ground = Ground::without(folder.path(), "SDR");
    let other = WindowOrder {
        window_type: "PAYLOAD_CAM".to_owned(),
        ..order(1_000)
    };
    let id = ground.order(&other).unwrap();
    ground.live(1_200);
    assert_eq!(ground.state(id), "EXECUTED");
    assert_eq!(ground.state(orphan), "FAILED");
}
