//! Link control type 3: reception reports.

use comms_service::link_control::{Heard, LinkControl, LinkControlError, ReceptionReport};
use proptest::prelude::*;

#[test]
fn a_report_has_these_octets() {
    let report = ReceptionReport {
        heard: vec![Heard {
            apid: 1,
            newest: 0x1234,
            map: 0b101,
        }],
    };
    let octets = [3, 0, 1, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0b101];
    assert_eq!(ReceptionReport::bytes_of(1), octets.len());
    let report = LinkControl::ReceptionReport(report);
    assert_eq!(report.encode(), octets);
    assert_eq!(LinkControl::decode(&octets), Ok(report));
}

#[test]
fn a_map_names_counts_back_from_the_newest_and_round_0() {
    let heard = Heard {
        apid: 1,
        newest: 1,
        map: 1 | 1 << 3 | 1 << 63,
    };
    assert!(heard.counts().eq([1, 16_382, 16_322]));
}

#[test]
fn octets_that_are_no_report_are_refused() {
    let length = |bytes| LinkControlError::Length { kind: 3, bytes };
    let field = |field| LinkControlError::Field { kind: 3, field };
    for (octets, error) in [
        (vec![3; 12], length(7)),
        (vec![3; 14], length(1)),
        ([&[3, 8, 0][..], &[0; 10]].concat(), field("APID")),
        (
            [&[3, 0, 0, 0x40, 0][..], &[0; 8]].concat(),
            field("sequence count"),
        ),
    ] {
        assert_eq!(LinkControl::decode(&octets), Err(error));
    }
}

proptest! {
    #[test]
    fn what_was_heard_is_what_is_told(
        first in 0..0x4000_u16,
        steps in prop::collection::vec(1..200_u16, 0..40),
    ) {
        let mut count = first;
        let mut counts = vec![first];
        for step in steps {
            count = (count + step) % 0x4000;
            counts.push(count);
        }
        let heard = Heard::of_counts(7, counts.iter().copied());
        let report = ReceptionReport { heard };
        let octets = LinkControl::ReceptionReport(report).encode();
        let Ok(LinkControl::ReceptionReport(told)) = LinkControl::decode(&octets) else {
            panic!("{octets:?} is no report");
        };
        let mut all: Vec<u16> = told.heard.iter().flat_map(Heard::counts).collect();
        all.reverse();
        prop_assert_eq!(all, counts);
        prop_assert!(told.heard.iter().all(|heard| heard.apid == 7));
    }

    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..60)) {
        let octets = [&[3][..], &octets].concat();
        if let Ok(report) = LinkControl::decode(&octets) {
            prop_assert_eq!(report.encode(), octets);
        }
    }
}
