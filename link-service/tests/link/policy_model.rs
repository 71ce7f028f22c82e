//! The policy, which looks rules up, against one that reads all of them from the first to the
//! last.

use link_service::access::Access;
use link_service::code::Code;
use link_service::policy::{Name, Party, Pattern, Place, Question};
use link_service::request::{LinkType, Priority};
use link_service::settings::{AppSettings, Problem, RuleSettings, Settings};
use proptest::prelude::*;

const PATTERNS: [&str; 9] = ["a", "b", "*", "ground", "a@n", "b@m", "*@n", "a@*", "*@*"];
const PARTIES: [&str; 8] = ["a", "b", "c", "ground", "a@n", "b@n", "a@m", "c@k"];
const TYPES: [LinkType; 4] = [
    LinkType::Uplink,
    LinkType::Crosslink,
    LinkType::App2App,
    LinkType::Downlink,
];

fn fits(pattern: &Pattern, party: &Party) -> bool {
    let is = |name: &Name, id| *name == Name::Any || *name == Name::Is(id);
    match (pattern, party.clone()) {
        (Pattern::Ground, Party::Ground) => true,
        (Pattern::Apps { app, place }, Party::App(id)) => *place == Place::Here && is(app, id),
        (Pattern::Apps { app, place }, Party::Remote { app: id, node }) => match place {
            Place::Here => false,
            Place::Node(name) => is(app, id) && is(name, node),
        },
        _ => false,
    }
}

/// What there can be between two, as the book has it.
fn can_be(from: &Party, to: &Party, link_type: LinkType) -> bool {
    let is_far = |party: &Party| matches!(party, Party::Remote { .. });
    let grounds = [from, to]
        .into_iter()
        .filter(|party| **party == Party::Ground)
        .count();
    match link_type {
        LinkType::Uplink => *from == Party::Ground && grounds == 1,
        LinkType::Downlink => *to == Party::Ground && grounds == 1,
        LinkType::Crosslink => is_far(from) || is_far(to),
        LinkType::App2App => grounds == 0 && !is_far(from) && !is_far(to),
    }
}

fn model(
    rules: &[RuleSettings],
    from: &Party,
    to: &Party,
    link_type: LinkType,
    size: u64,
    priority: Priority,
) -> (Option<usize>, Option<Code>) {
    if !can_be(from, to, link_type) {
        return (None, Some(Code::InvalidArgument));
    }
    for (index, rule) in rules.iter().enumerate() {
        let is_type = rule.link_type.is_none_or(|of| of == link_type);
        if fits(&rule.from, from) && fits(&rule.to, to) && is_type {
            let highest = rule.priority_max.unwrap_or(Priority::High);
            let refusal = match rule.allow {
                false => Some(Code::Forbidden),
                true if priority > highest => Some(Code::Forbidden),
                true if size > rule.size_max.unwrap_or(u64::MAX) => Some(Code::TooLarge),
                true => None,
            };
            return (Some(index + 1), refusal);
        }
    }
    (None, Some(Code::Forbidden))
}

fn priorities() -> impl Strategy<Value = Priority> {
    prop::sample::select(&[Priority::Low, Priority::High, Priority::Critical][..])
}

fn rules() -> impl Strategy<Value = RuleSettings> {
    let pattern = || prop::sample::select(&PATTERNS[..]).prop_map(|text| text.parse().unwrap());
    let link_type = prop::option::of(prop::sample::select(&TYPES[..]));
    let limits = (prop::option::of(0_u64..4), prop::option::of(priorities()));
    let keys = (pattern(), pattern(), link_type, limits, any::<bool>());
    keys.prop_map(
        |(from, to, link_type, (size_max, priority_max), allow)| RuleSettings {
            from,
            to,
            link_type,
            size_max: size_max.filter(|_| allow),
            priority_max: priority_max.filter(|_| allow),
            allow,
        },
    )
}

fn apps() -> Vec<AppSettings> {
    let app = |id: &str| -> AppSettings { toml::from_str(&format!("id = '{id}'")).unwrap() };
    ["a", "b", "c"].map(app).to_vec()
}

/// The largest part of a table that is taken, as an operator would mend it.
fn mended(rules: Vec<RuleSettings>) -> (Access, Vec<RuleSettings>, usize) {
    let mut settings = Settings {
        apps: apps(),
        policy: rules,
        ..Settings::default()
    };
    let mut unreachable = 0;
    loop {
        let index = match Access::new(settings.clone()) {
            Ok(access) => return (access, settings.policy, unreachable),
            Err(Problem::RuleUnreachable { index, .. }) => {
                unreachable += 1;
                index
            }
            Err(Problem::RuleOfNothing { index, .. }) => index,
            Err(other) => panic!("{other}"),
        };
        settings.policy.remove(index);
    }
}

proptest! {
    #[test]
    fn a_decision_is_that_of_the_first_rule_read(
        table in prop::collection::vec(rules(), 0..24),
        size in 0_u64..5,
        priority in priorities(),
    ) {
        let (access, table, _) = mended(table);
        for from in PARTIES.map(|party| party.parse::<Party>().unwrap()) {
            for to in PARTIES.map(|party| party.parse::<Party>().unwrap()) {
                for link_type in TYPES {
                    let question = Question { from: &from, to: &to, link_type, size, priority };
                    let decision = access.decide(&question);
                    let rule = decision.rule().map(|rule| rule.number());
                    let expected = model(&table, &from, &to, link_type, size, priority);
                    prop_assert_eq!((rule, decision.refusal), expected, "{}", decision);
                }
            }
        }
    }

    /// What is refused as unreachable changes no decision.
    #[test]
    fn a_rule_that_is_refused_as_never_deciding_never_does(
        table in prop::collection::vec(rules(), 0..24),
    ) {
        let (_, left, unreachable) = mended(table.clone());
        prop_assume!(unreachable > 0);
        for from in PARTIES.map(|party| party.parse::<Party>().unwrap()) {
            for to in PARTIES.map(|party| party.parse::<Party>().unwrap()) {
                for link_type in TYPES {
                    let ask = |table| model(table, &from, &to, link_type, 1, Priority::Low).1;
                    prop_assert_eq!(ask(&table), ask(&left));
                }
            }
        }
    }
}
