//! Contact: what is heard wins over what is planned.

use std::time::{Duration, Instant};

use comms_service::link::{
    CONTACT_WINDOWS_MAX, ContactConfig, ContactPlan, ContactPlanError, ContactReason,
    ContactWindow, HeldClass, LinkConfig,
};
use comms_service::message::{End, PayloadType};
use proptest::prelude::*;

use crate::rig::{Rig, satellite_config};

const HOUR: Duration = Duration::from_secs(3600);
const HOLD: Duration = Duration::from_secs(60);

fn rig() -> Rig {
    Rig::with_satellite(LinkConfig {
        contact: ContactConfig {
            hold_outside: [HeldClass::Bulk].into(),
            ..ContactConfig::default()
        },
        ..satellite_config()
    })
}

/// Windows by the hours after `from` at which they start and end.
fn plan(from: Instant, hours: &[(u32, u32)]) -> ContactPlan {
    let window = |(start, end): &(u32, u32)| ContactWindow {
        start: from + HOUR * *start,
        end: from + HOUR * *end,
    };
    ContactPlan {
        windows: hours.iter().map(window).collect(),
        clock_is_set: true,
    }
}

fn set_plan(rig: &mut Rig, plan: ContactPlan) {
    let set = rig.on(End::Satellite, |link, now| {
        link.set_contact_plan(now, Some(plan))
    });
    set.unwrap();
}

/// Why, whether in contact, and whether bulk waits.
fn contact(rig: &mut Rig) -> (ContactReason, bool, bool) {
    rig.on(End::Satellite, |link, now| {
        let state = link.contact(now);
        assert!(
            !link.holds(HeldClass::Telemetry, now),
            "it is not configured"
        );
        (
            state.reason,
            state.in_contact,
            link.holds(HeldClass::Bulk, now),
        )
    })
}

fn hear(rig: &mut Rig, id: u64) {
    rig.ask(PayloadType::Udp, id, 8160, b"here");
    assert!(rig.carry_up() > 0);
}

#[test]
fn without_a_plan_nothing_is_held() {
    let mut rig = rig();
    assert_eq!(contact(&mut rig), (ContactReason::NoPlan, false, false));
    hear(&mut rig, 1);
    assert_eq!(contact(&mut rig), (ContactReason::Heard, true, false));
    rig.pass(HOLD);
    assert_eq!(contact(&mut rig), (ContactReason::NoPlan, false, false));
}

#[test]
fn between_the_windows_of_a_plan_bulk_waits() {
    let mut rig = rig();
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(1, 2), (4, 5)]));
    assert_eq!(
        contact(&mut rig),
        (ContactReason::BetweenWindows, false, true)
    );
    rig.pass(HOUR);
    assert_eq!(contact(&mut rig), (ContactReason::Planned, true, false));
    rig.pass(HOUR);
    assert_eq!(
        contact(&mut rig),
        (ContactReason::BetweenWindows, false, true)
    );
}

#[test]
fn what_is_heard_outside_the_plan_is_contact_for_a_while() {
    let mut rig = rig();
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(1, 2)]));
    hear(&mut rig, 1);
    assert_eq!(contact(&mut rig), (ContactReason::Heard, true, false));
    rig.pass(HOLD - Duration::from_millis(1));
    assert_eq!(contact(&mut rig), (ContactReason::Heard, true, false));
    rig.pass(Duration::from_millis(1));
    assert_eq!(
        contact(&mut rig),
        (ContactReason::BetweenWindows, false, true)
    );
}

#[test]
fn a_packet_that_is_not_valid_is_no_contact() {
    let mut rig = rig();
    rig.hear(End::Satellite, vec![0x10, 0, 0xC0, 0, 0, 9, 1, 2, 3]);
    assert_eq!(contact(&mut rig).0, ContactReason::NoPlan);
}

#[test]
fn a_plan_that_is_used_up_holds_nothing() {
    let mut rig = rig();
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(1, 2)]));
    rig.pass(HOUR * 2);
    assert_eq!(contact(&mut rig), (ContactReason::PlanUsedUp, false, false));
}

#[test]
fn a_plan_without_a_clock_that_is_set_holds_nothing() {
    let mut rig = rig();
    let clockless = ContactPlan {
        clock_is_set: false,
        ..plan(rig.now, &[(1, 2)])
    };
    set_plan(&mut rig, clockless);
    assert_eq!(
        contact(&mut rig),
        (ContactReason::ClockNotSet, false, false)
    );
}

#[test]
fn a_day_in_which_nothing_was_heard_ends_the_belief_in_the_plan() {
    let mut rig = rig();
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(100, 101)]));
    rig.pass(HOUR * 23);
    assert_eq!(
        contact(&mut rig),
        (ContactReason::BetweenWindows, false, true)
    );
    rig.pass(HOUR);
    assert_eq!(contact(&mut rig), (ContactReason::Silence, false, false));
    hear(&mut rig, 1);
    rig.pass(HOUR * 23);
    assert_eq!(
        contact(&mut rig),
        (ContactReason::BetweenWindows, false, true)
    );
    rig.pass(HOUR);
    assert_eq!(contact(&mut rig), (ContactReason::Silence, false, false));
}

#[test]
fn a_plan_that_cannot_be_meant_is_refused_and_the_one_before_stays() {
    let mut rig = rig();
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(1, 2)]));
    let refused = |rig: &mut Rig, plan| {
        rig.on(End::Satellite, |link, now| {
            link.set_contact_plan(now, Some(plan))
        })
    };
    let empty = refused(&mut rig, plan(now, &[(1, 2), (3, 3)]));
    assert_eq!(empty, Err(ContactPlanError::Empty(1)));
    let many = vec![(1, 2); CONTACT_WINDOWS_MAX + 1];
    let many = refused(&mut rig, plan(now, &many));
    assert_eq!(
        many,
        Err(ContactPlanError::TooMany(CONTACT_WINDOWS_MAX + 1))
    );
    assert_eq!(contact(&mut rig).0, ContactReason::BetweenWindows);
}

/// With telemetry held outside contact.
fn quiet_rig() -> Rig {
    let mut rig = Rig::with_satellite(LinkConfig {
        contact: ContactConfig {
            hold_outside: [HeldClass::Telemetry].into(),
            ..ContactConfig::default()
        },
        ..satellite_config()
    });
    let now = rig.now;
    set_plan(&mut rig, plan(now, &[(1, 2), (50, 51)]));
    rig
}

#[test]
fn telemetry_waits_for_the_planned_pass_and_leaves_when_it_begins() {
    let mut rig = quiet_rig();
    rig.app_sends(0, b"beacon");
    assert_eq!(rig.carry_down(), 0);
    assert_eq!(rig.next_timeout(End::Satellite), Some(rig.now + HOUR));
    rig.pass(HOUR - Duration::from_millis(1));
    assert_eq!(rig.carry_down(), 0);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.carry_down(), 1);
    rig.assert_idle();
}

#[test]
fn a_frame_from_the_ground_lets_telemetry_leave_whatever_the_plan_says() {
    let mut rig = quiet_rig();
    rig.app_sends(0, b"beacon");
    assert_eq!(rig.carry_down(), 0);
    hear(&mut rig, 1);
    assert_eq!(rig.carry_down(), 1);
}

#[test]
fn an_answer_leaves_at_once_while_telemetry_waits() {
    let mut rig = quiet_rig();
    rig.query(1, 8150, b"{a}");
    rig.carry_up();
    rig.pass(HOLD);
    rig.app_sends(0, b"beacon");
    rig.service_answers(b"{\"data\":{}}");
    assert_eq!(rig.carry_down(), 1);
    assert_eq!((rig.outcomes.len(), rig.heard.len()), (1, 0));
}

#[test]
fn what_waits_when_the_ground_falls_silent_for_a_day_leaves() {
    let mut rig = quiet_rig();
    rig.pass(HOUR * 3);
    rig.app_sends(0, b"beacon");
    assert_eq!(rig.carry_down(), 0);
    rig.pass(HOUR * 21);
    assert_eq!(rig.carry_down(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing is held for longer than the silence, whatever the plan and
    /// whatever is heard; between two moments that are told, nothing changes.
    #[test]
    fn nothing_is_held_for_ever_and_each_change_is_told(
        hours in proptest::collection::vec((0_u32..200, 1_u32..5), 0..8),
        clock_is_set in any::<bool>(),
        heard in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let mut rig = rig();
        let start = rig.now;
        let windows: Vec<_> = hours.iter().map(|(at, long)| (*at, at + long)).collect();
        set_plan(&mut rig, ContactPlan { clock_is_set, ..plan(start, &windows) });
        let mut held_since: Option<Instant> = None;
        for (id, hears) in heard.into_iter().enumerate() {
            if hears {
                hear(&mut rig, id as u64 + 1);
                prop_assert!(!contact(&mut rig).2);
            }
            let before = contact(&mut rig);
            let now = rig.now;
            held_since = held_since.filter(|_| before.2).or(before.2.then_some(now));
            if let Some(since) = held_since {
                prop_assert!(now - since <= HOUR * 24);
            }
            let next = rig.on(End::Satellite, |link, now| link.next_contact_change(now));
            let Some(next) = next else {
                prop_assert!(!before.2);
                rig.pass(HOUR);
                continue;
            };
            prop_assert!(next > now);
            rig.pass(next - now - Duration::from_nanos(1));
            prop_assert_eq!(contact(&mut rig), before);
            rig.pass(Duration::from_nanos(1));
        }
    }
}
