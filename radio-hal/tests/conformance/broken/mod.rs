//! For each rule a radio that breaks it, and it alone.

mod defect;
mod line;
mod radio;

use std::thread;

use defect::Defect;
use radio::Model;
use radio_hal::Medium;
use radio_hal::conformance::{self, Rule};

#[test]
fn every_rule_has_a_radio_that_breaks_it() {
    for rule in Rule::ALL {
        let broken = Defect::ALL.iter().any(|(_, breaks)| *breaks == rule);
        assert!(broken, "no radio breaks {rule}");
    }
}

#[test]
fn the_radio_without_a_defect_keeps_every_rule() {
    thread::scope(|scope| {
        for (medium, credits_max) in [
            (Medium::Stream, 1),
            (Medium::Stream, 4),
            (Medium::Datagrams, 1),
            (Medium::Datagrams, 3),
        ] {
            scope.spawn(move || {
                let model = Model {
                    medium,
                    credits_max,
                    defect: Defect::None,
                };
                conformance::check(model).assert_passed();
            });
        }
    });
}

#[test]
fn each_defect_is_found_and_named_by_its_rule_alone() {
    thread::scope(|scope| {
        for (defect, rule) in Defect::ALL {
            scope.spawn(move || {
                let (medium, credits_max) = defect.habitat();
                let report = conformance::check(Model {
                    medium,
                    credits_max,
                    defect,
                });
                assert_eq!(report.failed(), [rule], "{defect:?}: {report}");
            });
        }
    });
}
