//! Configurations as text, and questions as words.

use std::path::Path;

use link_service::access::Access;
use link_service::code::Code;
use link_service::policy::{Party, Question};
use link_service::request::{LinkType, Priority};
use service_host::config_file::ConfigFile;

/// Three apps, which most tests are about.
pub(crate) const APPS: &str = "
    [[link-service.apps]]
    id = 'camera'
    [[link-service.apps]]
    id = 'analyser'
    [[link-service.apps]]
    id = 'sensor-service'
    kind = 'service'
";

/// A configuration file with this text.
pub(crate) fn file(text: &str) -> ConfigFile {
    ConfigFile {
        path: Some(Path::new("test.toml").to_owned()),
        table: text.parse().unwrap(),
    }
}

pub(crate) fn access(text: &str) -> Access {
    Access::read(&file(text)).unwrap()
}

/// The three apps, and these rules, each the inside of an inline table.
pub(crate) fn access_with(rules: &[&str]) -> Access {
    access(&with_rules(rules))
}

pub(crate) fn with_rules(rules: &[&str]) -> String {
    let tables = rules.iter().map(|rule| {
        let keys = rule.replace(", ", "\n");
        format!("[[link-service.policy]]\n{keys}\n")
    });
    format!("{APPS}{}", tables.collect::<String>())
}

/// Why a configuration is refused.
pub(crate) fn refusal(text: &str) -> String {
    Access::read(&file(text)).unwrap_err().to_string()
}

pub(crate) fn party(text: &str) -> Party {
    text.parse().unwrap()
}

/// What comes of a small file of usual priority: the rule that decided, and the refusal.
pub(crate) fn ask(
    access: &Access,
    from: &str,
    to: &str,
    link_type: LinkType,
) -> (Option<usize>, Option<Code>) {
    ask_for(access, from, to, link_type, 1, Priority::Medium)
}

pub(crate) fn ask_for(
    access: &Access,
    from: &str,
    to: &str,
    link_type: LinkType,
    size: u64,
    priority: Priority,
) -> (Option<usize>, Option<Code>) {
    let (from, to) = (&party(from), &party(to));
    let decision = access.decide(&Question {
        from,
        to,
        link_type,
        size,
        priority,
    });
    (decision.rule().map(|rule| rule.number()), decision.refusal)
}
