//! An app, as the operator sees it.

use comms_service::telemetry::Counter;
use juniper::GraphQLObject;

use super::{Context, time};
use crate::core::{AppCounts, AppView, SessionRecord};

/// An app.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct App {
    /// Its name.
    name: String,
    /// Its number.
    number: i32,
    /// What it is: `off`, `starting`, `up`, `quarantined` and others.
    life: String,
    /// Its registration; null where it has none.
    session: Option<Session>,
    /// How it is.
    health: Health,
    /// Its own counters, as it told them last.
    metrics: Vec<Count>,
    /// Runs that have not ended.
    runs_open: i32,
    /// Files that are not on the ground.
    files_open: i32,
    /// Calls that wait for it.
    calls_waiting: i32,
    /// Calls that it is at.
    calls_under_way: i32,
    /// What was counted of it: `calls.offered`, `answers.-5`, and others.
    counts: Vec<Count>,
}

/// A registration.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Session {
    /// Counted from 1.
    number: Counter,
    /// When it registered (RFC 3339).
    since: Option<String>,
    /// Of its SDK.
    sdk_version: String,
    /// Whether it wants to be started anew when it is ill.
    restart_when_ill: bool,
}

/// How an app is.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Health {
    /// Which.
    app: String,
    /// What it is.
    life: String,
    /// Whether it is registered, and missed nothing since it last said that it is well.
    is_well: bool,
    /// Checks that it missed in a row.
    misses: i32,
    /// Checks.
    checks: Counter,
    /// Those that it missed.
    checks_missed: Counter,
}

/// How many of something.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Count {
    /// Of what.
    name: String,
    /// How many.
    count: Counter,
}

impl App {
    pub(super) fn of(view: &AppView) -> Self {
        let metrics = view.metrics.iter();
        App {
            name: view.name.to_string(),
            number: view.number.into(),
            life: view.life.to_owned(),
            session: view.session.as_ref().map(Session::of),
            health: Health::of(view),
            metrics: metrics
                .map(|(name, count)| Count::of(name.clone(), (*count).into()))
                .collect(),
            runs_open: int(view.runs_open),
            files_open: int(view.files_open),
            calls_waiting: int(view.calls_waiting),
            calls_under_way: int(view.calls_under_way),
            counts: counts(&view.counts),
        }
    }
}

impl Session {
    fn of(session: &SessionRecord) -> Self {
        let (major, minor, patch) = session.version;
        let since = u64::try_from(session.at).ok();
        Session {
            number: Counter(session.number),
            since: since.and_then(|s| time(s.saturating_mul(1000))),
            sdk_version: format!("{major}.{minor}.{patch}"),
            restart_when_ill: session.restart_when_ill,
        }
    }
}

impl Health {
    pub(super) fn of(view: &AppView) -> Self {
        Health {
            app: view.name.to_string(),
            life: view.life.to_owned(),
            is_well: view.is_well(),
            misses: i32::try_from(view.misses).unwrap_or(i32::MAX),
            checks: Counter(view.counts.checks),
            checks_missed: Counter(view.counts.checks_missed),
        }
    }
}

impl Count {
    fn of(name: impl Into<String>, count: u64) -> Self {
        Count {
            name: name.into(),
            count: Counter(count),
        }
    }
}

/// Those that are not 0.
fn counts(counts: &AppCounts) -> Vec<Count> {
    let calls = &counts.calls;
    let fixed = [
        ("requests", counts.requests),
        ("calls.offered", calls.offered),
        ("calls.succeeded", calls.succeeded),
        ("calls.declined", calls.declined),
        ("calls.timed out", calls.timed_out),
        ("calls.unreachable", calls.unreachable),
        ("calls.refused", calls.refused),
        ("calls.unimplemented", calls.unimplemented),
        ("calls.too old", calls.too_old),
        ("calls.replaced", calls.replaced),
        ("calls.full", calls.full),
        ("calls.gone", calls.gone),
        ("calls.retries", calls.retries),
        ("runs", counts.runs),
        ("files", counts.files),
        ("unasked", counts.unasked),
        ("boots", counts.boots),
        ("downs", counts.downs),
        ("stale", counts.stale),
    ];
    let fixed = fixed.into_iter();
    let fixed = fixed.map(|(name, count)| Count::of(name, count));
    let answers = counts.answers.iter();
    let answers = answers.map(|(code, count)| Count::of(format!("answers.{code}"), *count));
    let runs = counts.runs_ended.iter();
    let runs = runs.map(|(how, count)| Count::of(format!("runs.{how}"), *count));
    let files = counts.files_ended.iter();
    let files = files.map(|(how, count)| Count::of(format!("files.{how}"), *count));
    let all = fixed.chain(answers).chain(runs).chain(files);
    all.filter(|count| count.count.0 > 0).collect()
}

fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
