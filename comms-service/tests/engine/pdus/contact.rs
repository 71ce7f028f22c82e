//! What the entity is told of contact, and what waits for it.

use std::time::Duration;

use comms_service::link::{
    ContactConfig, ContactPlan, ContactReason, ContactWindow, HeldClass, LinkConfig,
};
use comms_service::message::End;

use super::{DIRECTIVE, ENDS, FILE_DATA, contacts, departed, rig, rig_with, send, told};
use crate::rig::{Told, satellite_config};

#[test]
fn the_entity_is_told_when_contact_begins_and_ends_and_why() {
    let mut rig = rig();
    rig.on(End::Ground, |link, now| link.handle_timeout(now));
    rig.on(End::Satellite, |link, now| link.handle_timeout(now));
    for end in ENDS {
        let first = [(false, ContactReason::NoPlan)];
        assert_eq!(contacts(&rig, end), first);
    }
    rig.entity.clear();
    send(&mut rig, End::Ground, DIRECTIVE, 1, b"metadata").unwrap();
    send(&mut rig, End::Ground, DIRECTIVE, 2, b"eof").unwrap();
    rig.carry_up();
    // Contact first, and but once.
    let told = rig.entity.iter().filter(|(to, _)| *to == End::Satellite);
    let told: Vec<_> = told.collect();
    assert!(matches!(told[0].1, Told::Contact(state) if state.in_contact));
    assert_eq!(told[1].1, Told::Pdu(b"metadata".to_vec()));
    assert_eq!(told[2].1, Told::Pdu(b"eof".to_vec()));
    assert_eq!(told.len(), 3);
    assert_eq!(contacts(&rig, End::Ground), [], "it heard nothing");
    rig.entity.clear();

    rig.pass(Duration::from_secs(59));
    assert_eq!(contacts(&rig, End::Satellite), []);
    rig.pass(Duration::from_secs(1));
    let over = [(false, ContactReason::NoPlan)];
    assert_eq!(contacts(&rig, End::Satellite), over);
    rig.assert_idle();
}

#[test]
fn outside_contact_file_data_waits_if_so_configured_and_directives_do_not() {
    let mut rig = rig_with(LinkConfig {
        contact: ContactConfig {
            hold_outside: [HeldClass::Bulk].into(),
            ..ContactConfig::default()
        },
        ..satellite_config()
    });
    let end = End::Satellite;
    let hour = Duration::from_secs(3600);
    let start = rig.now + hour;
    let window = ContactWindow {
        start,
        end: start + hour,
    };
    let plan = ContactPlan {
        windows: vec![window],
        clock_is_set: true,
    };
    rig.on(end, |link, now| link.set_contact_plan(now, Some(plan)))
        .unwrap();
    send(&mut rig, end, FILE_DATA, 1, b"data").unwrap();
    send(&mut rig, end, DIRECTIVE, 2, b"eof").unwrap();
    assert_eq!(rig.transmit_all(end).len(), 1);
    rig.pass(hour);
    assert_eq!(
        contacts(&rig, end),
        [
            (false, ContactReason::BetweenWindows),
            (true, ContactReason::Planned)
        ]
    );
    assert_eq!(rig.transmit_all(end).len(), 1);
    assert_eq!(told(&mut rig, end), departed([2, 1], Ok(())));
    rig.pass(hour);
    let over = (false, ContactReason::PlanUsedUp);
    assert_eq!(contacts(&rig, end).last(), Some(&over));
}
