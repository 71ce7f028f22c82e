//! A payload with a fault beside one without.

use std::process::Command as Program;

use heliograph_tests::binaries::{ChildGuard, example};
use heliograph_tests::wait::eventually;
use payload_client::{Channel, OnFailedHealth, Payload, Run, create_channel};
use payload_controller::core::RunState;

use crate::rig::{Controller, HEALTH, PATIENCE, Site};

struct Good;

impl Payload for Good {
    fn sequence(&self, channel: &Channel, _: &Run) -> Result<(), String> {
        let place = channel.current_location();
        place.map(drop).map_err(|error| error.to_string())
    }
}

/// Whatever the one does, the other's sequence is done, and it is well.
fn beside(fault: &str, then: impl FnOnce(&Controller)) {
    let mut site = Site::new();
    // The device of the rig is nobody's here.
    let config = std::fs::read_to_string(site.file()).unwrap();
    std::fs::write(site.file(), config.replace("owner = 'camera'\n", "")).unwrap();
    let rules = "health = { every-ms = 400, deadline-ms = 300, misses-max = 3 }\n\
                 outbox = { deadline-ms = 500 }";
    site.app("faulty", "", rules);
    let good = site.app("good", "", HEALTH);
    let controller = site.start();
    let good = create_channel(&good, Good).unwrap();
    good.register(OnFailedHealth::Restart).unwrap();
    let faulty = ChildGuard::spawn(
        Program::new(example("faulty"))
            .arg(site.folder_of("faulty"))
            .arg(site.outbound("faulty"))
            .args(["--fault", fault]),
    );
    faulty.wait_for_line("registered", PATIENCE);
    then(&controller);
    let run = controller.begin("good", "Image");
    let run = controller.ended("good", run);
    assert_eq!(run.state, RunState::Done { late: false }, "{}", run.text);
    assert_eq!(controller.view("good").misses, 0);
    good.delete_channel();
}

/// It is ended by the ladder.
fn is_ended(controller: &Controller) {
    eventually(PATIENCE, || {
        (controller.view("faulty").life != "up").then_some(())
    });
    assert!(controller.view("faulty").counts.checks_missed >= 3);
}

#[test]
fn one_that_is_late_is_ended_and_the_other_goes_on() {
    beside("late", is_ended);
}

#[test]
fn one_that_is_silent_is_ended_and_the_other_goes_on() {
    beside("silent", is_ended);
}

#[test]
fn one_that_returns_garbage_is_ended_and_the_other_goes_on() {
    beside("garbage", is_ended);
}

#[test]
fn one_that_says_everything_twice_is_refused_the_second_time() {
    beside("duplicate", |controller| {
        let run = controller.begin("faulty", "Image");
        let run = controller.ended("faulty", run);
        assert_eq!(run.state, RunState::Done { late: false });
        eventually(PATIENCE, || {
            (controller.view("faulty").counts.unasked > 0).then_some(())
        });
        assert_eq!(controller.view("faulty").life, "up");
    });
}

#[test]
fn one_that_floods_is_refused_and_the_other_goes_on() {
    beside("flood", |controller| {
        eventually(PATIENCE, || {
            let notices = controller.0.log.notices_after(0);
            let refused = notices.iter().any(|(_, notice)| {
                let says = notice.to_string();
                says.starts_with("faulty: PC_get_current_location refused")
            });
            refused.then_some(())
        });
    });
}

#[test]
fn one_that_crashes_in_a_sequence_is_missed_and_its_run_is_not_done() {
    beside("crash", |controller| {
        let run = controller.begin("faulty", "Image");
        is_ended(controller);
        let app = crate::rig::name("faulty");
        let runs = controller.0.door.look(move |it| it.runs(&app)).unwrap();
        let state = runs.iter().find(|it| it.id == run).unwrap().state;
        assert!(!matches!(state, RunState::Done { .. }), "{state:?}");
    });
}
