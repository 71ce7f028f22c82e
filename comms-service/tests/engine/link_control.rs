//! What the two ends tell each other.

use comms_service::accounting::DropReason;
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;

use crate::rig::{Rig, dropped, head, segments};

/// One link-control packet for this end.
fn control(to: End, payload: &[u8]) -> Vec<Vec<u8>> {
    let from = match to {
        End::Satellite => End::Ground,
        End::Ground => End::Satellite,
    };
    let head = head(PayloadType::LinkControl, 0, 0);
    segments(&SpacePacketFormat::new(from), head, payload, 0)
}

#[test]
fn link_control_that_an_end_does_not_know_is_counted() {
    for end in [End::Satellite, End::Ground] {
        let mut rig = Rig::space_packet();
        rig.hear_all(end, control(end, &[200]));
        let statistics = match end {
            End::Satellite => rig.satellite(),
            End::Ground => rig.ground(),
        };
        let unknown = (DropReason::LinkControlUnknown, 1);
        assert_eq!(dropped(&statistics.messages_in), [unknown]);
        rig.assert_idle();
    }
}

#[test]
fn link_control_that_is_only_sent_to_the_other_end_is_counted() {
    let mut rig = Rig::space_packet();
    let not_kept = [7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1];
    rig.hear_all(End::Satellite, control(End::Satellite, &not_kept));
    let unknown = (DropReason::LinkControlUnknown, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [unknown]);
}

#[test]
fn link_control_that_no_sender_makes_is_counted() {
    let mut rig = Rig::space_packet();
    rig.hear_all(End::Satellite, control(End::Satellite, &[1, 0, 0]));
    let invalid = (DropReason::LinkControlInvalid, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [invalid]);
    rig.assert_idle();
}
