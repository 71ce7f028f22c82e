//! What a decision takes where many apps have rules.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use link_service::access::Access;
use link_service::policy::{Party, Question};
use link_service::request::{LinkType, Priority, Recipient};
use service_host::config_file::ConfigFile;

use crate::figure::{Figure, Spread};
use crate::progress::say;
use crate::section::Run;

pub(super) const APPS: usize = 1000;
/// Of each app.
const RULES: usize = 5;
const ROUNDS: usize = 5;

/// Apps, each of which may send to the five after it.
pub(super) fn config(apps: usize) -> String {
    let mut text = String::new();
    for app in 0..apps {
        let _ = write!(text, "[[link-service.apps]]\nid = 'app-{app}'\n");
        for rule in 1..=RULES {
            let to = (app + rule) % apps;
            let _ = write!(
                text,
                "[[link-service.policy]]\nfrom = 'app-{app}'\nto = 'app-{to}'\nsize-max = 1000\n"
            );
        }
    }
    text
}

/// Measures it.
pub(super) fn run(run: &Run) -> Result<Vec<Figure>> {
    let questions = run.choose(200_000, 10_000);
    say(format_args!(
        "  {questions} decisions of {APPS} apps with {RULES} rules each"
    ));
    let file = ConfigFile {
        table: config(APPS).parse()?,
        path: None,
    };
    let access = Access::read(&file)?;
    let party = |app: usize| format!("app-{}", app % APPS).parse();
    let from: Result<Vec<_>, _> = (0..APPS).map(|app| party(app).map(Party::App)).collect();
    let to: Result<Vec<_>, _> = (0..APPS)
        .map(|app| party(app).map(Recipient::App))
        .collect();
    let (from, to) = (from?, to?);
    let mut each_ns = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut allowed = 0;
        for number in 0..questions {
            let app = number % APPS;
            // Every second one is one that is not allowed.
            let other = (app + 1 + (number % 2) * RULES) % APPS;
            let decision = access.decide(&Question {
                from: from.get(app).context("no app")?,
                to: to.get(other).context("no app")?,
                link_type: LinkType::App2App,
                size: 100,
                priority: Priority::Medium,
            });
            allowed += usize::from(decision.is_allowed());
        }
        each_ns.push(began.elapsed().as_secs_f64() * 1e9 / questions as f64);
        ensure!(
            allowed == questions / 2,
            "{allowed} of {questions} were allowed"
        );
    }
    let name = format!("a decision of {APPS} apps with {RULES} rules each");
    Ok(vec![Figure::alone(name, "ns", Spread::of(&each_ns))])
}
