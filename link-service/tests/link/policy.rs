//! Who may send what to whom.

use link_service::code::Code;
use link_service::request::LinkType::{self, App2App, Crosslink, Downlink, Uplink};
use link_service::request::Priority;

use crate::rig::{access, access_with, ask, ask_for, refusal, with_rules};

const DENIED: (Option<usize>, Option<Code>) = (None, Some(Code::Forbidden));

fn allowed_by(rule: usize) -> (Option<usize>, Option<Code>) {
    (Some(rule), None)
}

#[test]
fn what_no_rule_allows_is_denied() {
    let none = access_with(&[]);
    let one = access_with(&["from = 'camera', to = 'analyser'"]);
    for (from, to, link_type) in [
        ("analyser", "camera", App2App),
        ("camera", "camera", App2App),
        ("camera", "ground", Downlink),
        ("camera", "analyser@node-b", Crosslink),
        ("camera@node-b", "analyser", Crosslink),
        ("ground", "analyser", Uplink),
    ] {
        assert_eq!(ask(&none, from, to, link_type), DENIED);
        assert_eq!(ask(&one, from, to, link_type), DENIED);
    }
    assert_eq!(ask(&none, "camera", "analyser", App2App), DENIED);
    assert_eq!(ask(&one, "camera", "analyser", App2App), allowed_by(1));
}

#[test]
fn both_must_be_registered_before_a_rule_is_asked() {
    let access = access_with(&["from = '*', to = '*'"]);
    let sender = ask(&access, "stranger", "camera", App2App);
    assert_eq!(sender, (None, Some(Code::UnknownSender)));
    let recipient = ask(&access, "camera", "stranger", App2App);
    assert_eq!(recipient, (None, Some(Code::UnknownRecipient)));
}

#[test]
fn the_first_rule_that_is_about_it_decides() {
    let access = access_with(&[
        "from = 'camera', to = 'analyser', allow = false",
        "from = 'camera', to = '*'",
        "from = '*', to = 'camera', allow = false",
        "from = '*', to = '*'",
    ]);
    let forbidden = |rule| (Some(rule), Some(Code::Forbidden));
    assert_eq!(ask(&access, "camera", "analyser", App2App), forbidden(1));
    assert_eq!(
        ask(&access, "camera", "sensor-service", App2App),
        allowed_by(2)
    );
    assert_eq!(ask(&access, "camera", "camera", App2App), allowed_by(2));
    assert_eq!(ask(&access, "analyser", "camera", App2App), forbidden(3));
    assert_eq!(
        ask(&access, "analyser", "sensor-service", App2App),
        allowed_by(4)
    );
}

#[test]
fn a_star_is_any_app_of_this_spacecraft_and_nobody_else() {
    let access = access_with(&["from = '*', to = '*'"]);
    assert_eq!(
        ask(&access, "sensor-service", "camera", App2App),
        allowed_by(1)
    );
    assert_eq!(ask(&access, "camera", "ground", Downlink), DENIED);
    assert_eq!(ask(&access, "ground", "camera", Uplink), DENIED);
    assert_eq!(ask(&access, "camera", "camera@node-b", Crosslink), DENIED);
    assert_eq!(ask(&access, "camera@node-b", "camera", Crosslink), DENIED);
}

#[test]
fn the_ground_is_named_as_an_app_is() {
    let access = access_with(&[
        "from = '*', to = 'ground'",
        "from = 'ground', to = 'camera'",
    ]);
    assert_eq!(ask(&access, "analyser", "ground", Downlink), allowed_by(1));
    assert_eq!(ask(&access, "ground", "camera", Uplink), allowed_by(2));
    assert_eq!(ask(&access, "ground", "analyser", Uplink), DENIED);
}

#[test]
fn apps_elsewhere_are_named_by_app_and_spacecraft_and_each_can_be_any() {
    for (pattern, fits) in [
        ("camera@node-b", [true, false, false, false]),
        ("*@node-b", [true, true, false, false]),
        ("camera@*", [true, false, true, false]),
        ("*@*", [true, true, true, true]),
    ] {
        let there = access_with(&[&format!("from = 'camera', to = '{pattern}'")]);
        let back = access_with(&[&format!("from = '{pattern}', to = 'camera'")]);
        let far = ["camera@node-b", "x@node-b", "camera@node-c", "x@node-c"];
        for (far, fits) in far.into_iter().zip(fits) {
            let expected = if fits { allowed_by(1) } else { DENIED };
            assert_eq!(
                ask(&there, "camera", far, Crosslink),
                expected,
                "{pattern} {far}"
            );
            assert_eq!(
                ask(&back, far, "camera", Crosslink),
                expected,
                "{pattern} {far}"
            );
        }
    }
}

#[test]
fn a_type_narrows_a_rule() {
    let access = access_with(&[
        "from = 'ground', to = '*@*', type = 'uplink'",
        "from = '*@*', to = 'ground', type = '*'",
    ]);
    assert_eq!(
        ask(&access, "ground", "camera@node-b", Uplink),
        allowed_by(1)
    );
    assert_eq!(ask(&access, "ground", "camera@node-b", Crosslink), DENIED);
    assert_eq!(
        ask(&access, "camera@node-b", "ground", Downlink),
        allowed_by(2)
    );
    assert_eq!(
        ask(&access, "camera@node-b", "ground", Crosslink),
        allowed_by(2)
    );
}

#[test]
fn a_type_that_cannot_be_between_two_is_never_allowed() {
    let access = access_with(&["from = '*', to = '*'", "from = '*', to = 'ground'"]);
    let invalid = (None, Some(Code::InvalidArgument));
    for (from, to, link_type) in [
        ("camera", "analyser", Downlink),
        ("camera", "analyser", Uplink),
        ("camera", "analyser", Crosslink),
        ("camera", "ground", App2App),
        ("camera", "ground", Crosslink),
        ("ground", "ground", Downlink),
    ] {
        assert_eq!(ask(&access, from, to, link_type), invalid);
    }
}

#[test]
fn a_file_larger_than_its_rule_allows_is_too_large_whatever_comes_after() {
    let access = access_with(&[
        "from = 'camera', to = 'analyser', size-max = 100",
        "from = '*', to = 'analyser'",
    ]);
    let of = |from, size| ask_for(&access, from, "analyser", App2App, size, Priority::Medium);
    assert_eq!(of("camera", 100), allowed_by(1));
    assert_eq!(of("camera", 101), (Some(1), Some(Code::TooLarge)));
    assert_eq!(of("sensor-service", u64::MAX), allowed_by(2));
}

#[test]
fn a_priority_above_its_rule_is_forbidden_and_critical_must_be_said() {
    let access = access_with(&[
        "from = 'camera', to = '*', priority-max = 'medium'",
        "from = 'analyser', to = '*'",
        "from = 'sensor-service', to = '*', priority-max = 'critical'",
    ]);
    for (rule, from, highest) in [
        (1, "camera", Priority::Medium),
        (2, "analyser", Priority::High),
        (3, "sensor-service", Priority::Critical),
    ] {
        for priority in [
            Priority::Low,
            Priority::Medium,
            Priority::High,
            Priority::Critical,
        ] {
            let refusal = (priority > highest).then_some(Code::Forbidden);
            let answer = ask_for(&access, from, "camera", App2App, 1, priority);
            assert_eq!(answer, (Some(rule), refusal), "{from} {priority}");
        }
    }
}

#[test]
fn a_rule_about_an_app_that_is_not_there_is_refused_with_the_one_that_was_meant() {
    let error = refusal(&with_rules(&[
        "from = '*', to = '*'",
        "from = 'camra', to = 'ground'",
    ]));
    assert!(error.contains("number 2"), "{error}");
    assert!(error.contains("`camra`; did you mean `camera`?"), "{error}");
    let error = refusal(&with_rules(&["from = 'camera', to = 'gruond'"]));
    assert!(error.contains("did you mean `ground`?"), "{error}");
}

#[test]
fn a_rule_about_nothing_that_can_be_is_refused() {
    for rule in [
        "from = 'camera', to = 'analyser', type = 'downlink'",
        "from = 'camera', to = 'ground', type = 'app2app'",
        "from = '*', to = '*@*', type = 'app2app'",
        "from = 'ground', to = 'ground'",
    ] {
        let error = refusal(&with_rules(&[rule]));
        assert!(error.contains("nothing goes from"), "{error}");
    }
}

#[test]
fn a_rule_that_forbids_has_no_limits() {
    for key in ["size-max = 1", "priority-max = 'low'"] {
        let rule = format!("from = '*', to = '*', allow = false, {key}");
        let error = refusal(&with_rules(&[&rule]));
        assert!(error.contains(key.split(' ').next().unwrap()), "{error}");
    }
}

#[test]
fn a_rule_that_can_never_decide_is_refused_with_the_one_in_its_place() {
    for rules in [
        [
            "from = '*', to = '*'",
            "from = 'camera', to = 'analyser', allow = false",
        ],
        [
            "from = 'ground', to = '*@*'",
            "from = 'ground', to = '*@*', type = 'uplink'",
        ],
        ["from = '*', to = '*@*'", "from = 'camera', to = 'x@node-b'"],
        [
            "from = '*', to = '*@node-b'",
            "from = 'camera', to = 'x@node-b'",
        ],
        ["from = '*', to = 'x@*'", "from = 'camera', to = 'x@node-b'"],
    ] {
        let error = refusal(&with_rules(&rules));
        assert!(error.contains("number 2"), "{error}");
        assert!(error.contains("rule 1"), "{error}");
        access_with(&[rules[1], rules[0]]);
    }
}

#[test]
fn rules_that_together_leave_nothing_to_another_make_it_one_that_never_decides() {
    let halves = [
        "from = '*@*', to = 'ground', type = 'downlink'",
        "from = '*@*', to = 'ground', type = 'crosslink'",
    ];
    let third = "from = 'camera@node-b', to = 'ground', allow = false";
    let error = refusal(&with_rules(&[halves[0], halves[1], third]));
    assert!(
        error.contains("number 3") && error.contains("rule 1"),
        "{error}"
    );
    access_with(&[halves[0], third]);
}

/// Where two rules are about some of the same, the order decides, and both are taken.
#[test]
fn rules_that_overlap_in_part_are_both_taken() {
    let [row, column] = [
        "from = 'camera', to = '*'",
        "from = '*', to = 'analyser', allow = false",
    ];
    let row_first = access_with(&[row, column]);
    assert_eq!(
        ask(&row_first, "camera", "analyser", App2App),
        allowed_by(1)
    );
    let column_first = access_with(&[column, row]);
    let forbidden = (Some(1), Some(Code::Forbidden));
    assert_eq!(ask(&column_first, "camera", "analyser", App2App), forbidden);
}

#[test]
fn a_thousand_apps_each_find_their_own_rules() {
    let apps = 1000;
    let app = |number: usize| format!("app-{}", number % apps);
    let mut text = String::new();
    for number in 0..apps {
        text += &format!("[[link-service.apps]]\nid = '{}'\n", app(number));
    }
    for number in 0..apps {
        let from = app(number);
        let mut rule = |to: &str, more: &str| {
            text += &format!("[[link-service.policy]]\nfrom = '{from}'\nto = '{to}'\n{more}\n");
        };
        rule(&app(number + 1), &format!("size-max = {}", number + 1));
        rule(&app(number + 2), "allow = false");
        rule("ground", "");
        rule("*@*", "priority-max = 'low'");
    }
    let access = access(&text);
    assert_eq!(access.policy().rules().len(), 4 * apps);
    for number in 0..apps {
        let first = 4 * number + 1;
        let from = app(number);
        let ask = |to: &str, link_type: LinkType, size: usize| {
            ask_for(&access, &from, to, link_type, size as u64, Priority::Medium)
        };
        let size = number + 1;
        assert_eq!(ask(&app(size), App2App, size), allowed_by(first));
        let large = ask(&app(size), App2App, size + 1);
        assert_eq!(large, (Some(first), Some(Code::TooLarge)));
        let denied = ask(&app(number + 2), App2App, 1);
        assert_eq!(denied, (Some(first + 1), Some(Code::Forbidden)));
        assert_eq!(ask("ground", Downlink, 1), allowed_by(first + 2));
        let medium = ask("a@b", Crosslink, 1);
        assert_eq!(medium, (Some(first + 3), Some(Code::Forbidden)));
        assert_eq!(ask(&app(number + 3), App2App, 1), DENIED);
    }
}
