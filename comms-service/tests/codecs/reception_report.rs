//! Link control type 3: reception reports.

use comms_service::link_control::{Heard, ReceptionReport, ReceptionReportError};
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
    assert_eq!(report.encode(), octets);
    assert_eq!(ReceptionReport::bytes_of(1), octets.len());
    assert_eq!(ReceptionReport::decode(&octets), Ok(report));
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
    use ReceptionReportError::{Length, OutOfRange, Type};
    for (octets, error) in [
        (vec![], Type),
        (vec![2; 13], Type),
        (vec![3; 12], Length(12)),
        (vec![3; 14], Length(14)),
        (
            [&[3, 8, 0][..], &[0; 10]].concat(),
            OutOfRange {
                apid: 0x800,
                newest: 0,
            },
        ),
        (
            [&[3, 0, 0, 0x40, 0][..], &[0; 8]].concat(),
            OutOfRange {
                apid: 0,
                newest: 0x4000,
            },
        ),
    ] {
        assert_eq!(ReceptionReport::decode(&octets), Err(error));
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
        let told = ReceptionReport::decode(&report.encode()).unwrap();
        let mut all: Vec<u16> = told.heard.iter().flat_map(Heard::counts).collect();
        all.reverse();
        prop_assert_eq!(all, counts);
        prop_assert!(told.heard.iter().all(|heard| heard.apid == 7));
    }

    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(report) = ReceptionReport::decode(&octets) {
            prop_assert_eq!(report.encode(), octets);
        }
    }
}
