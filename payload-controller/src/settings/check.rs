//! Whether rules fit together.

use std::collections::BTreeSet;
use std::time::Duration;

use super::error::Problem;
use crate::core::{
    APPS_MAX, AppRules, DEVICES_MAX, Rules, SIGNALLED_MAX, STREAM_PERIOD_MAX, SignalledRules,
};

const RUNS_OPEN_MAX: usize = 1024;
const RUNS_KEPT_MAX: usize = 65_536;
const OUTBOX_MAX: usize = 4096;
const FILES_OPEN_MAX: usize = 4096;
/// No time is longer.
const TIME_MAX: Duration = Duration::from_secs(366 * 86_400);

pub(super) fn check(rules: &Rules) -> Result<(), Problem> {
    most("apps", rules.apps.len(), APPS_MAX)?;
    most("devices", rules.devices.len(), DEVICES_MAX)?;
    once("device", rules.devices.iter().map(|device| device.id))?;
    once("thermal", rules.thermal.iter().map(|place| place.id))?;
    once("app", rules.apps.iter().map(|app| &app.name))?;
    let numbers = rules.apps.iter().map(|app| app.number);
    once("the number of an app", numbers)?;
    for device in &rules.devices {
        if let Some(owner) = &device.owner
            && !rules.apps.iter().any(|app| app.name == *owner)
        {
            return Err(Problem::NoSuch {
                place: format!("device {}", device.id),
                what: "app",
                which: owner.to_string(),
            });
        }
    }
    most("signalled payloads", rules.signalled.len(), SIGNALLED_MAX)?;
    let names = rules.signalled.iter().map(|payload| &payload.name);
    once("the name of a signalled payload", names)?;
    let mut signalled = rules.signalled.iter();
    signalled.try_for_each(|payload| has_device(payload, rules))?;
    rules.apps.iter().try_for_each(|app| fits(app, rules))
}

/// Its device is there, and nobody else's: it goes off after a window.
fn has_device(payload: &SignalledRules, rules: &Rules) -> Result<(), Problem> {
    let Some(device) = payload.device else {
        return Ok(());
    };
    let place = format!("signalled {}", payload.name);
    let known = rules.devices.iter().find(|one| one.id == device);
    let Some(known) = known else {
        return Err(Problem::NoSuch {
            place,
            what: "device",
            which: device.to_string(),
        });
    };
    let host_of = rules.apps.iter().find(|app| app.host == Some(device));
    let whose = known.owner.as_ref().or(host_of.map(|app| &app.name));
    match whose {
        Some(app) => Err(Problem::value(
            place,
            format!("device {device} is the app `{app}`'s, and would go off after a window"),
        )),
        None => Ok(()),
    }
}

fn fits(app: &AppRules, rules: &Rules) -> Result<(), Problem> {
    let place = format!("app {}", app.name);
    let no_such = |what, which: String| Problem::NoSuch {
        place: place.clone(),
        what,
        which,
    };
    for device in app.host.iter().chain(&app.default_device) {
        if !rules.devices.iter().any(|one| one.id == *device) {
            return Err(no_such("device", device.to_string()));
        }
    }
    for id in &app.thermal {
        if !rules.thermal.iter().any(|one| one.id == *id) {
            return Err(no_such("thermal", id.to_string()));
        }
    }
    for other in app.copies_to.iter().chain(&app.hears_power_of) {
        if !rules.apps.iter().any(|one| one.name == *other) {
            return Err(no_such("app", other.to_string()));
        }
    }
    let wrong = |message: &str| Err(Problem::value(&place, message));
    let health = app.health;
    let times = [
        app.registration_timeout,
        health.every,
        health.deadline,
        app.shutdown.grace,
        app.shutdown.exit_allowance,
        app.shutdown.kill_wait,
        app.restart.quarantine_max,
        app.runs.late,
        app.outbox.valid,
        app.outbox.deadline,
    ];
    match () {
        () if times.iter().any(|time| *time > TIME_MAX) => wrong("a time is longer than a year"),
        () if health.deadline.is_zero() || health.deadline >= health.every => {
            wrong("`health.deadline-ms` is 0, or not below `health.every-ms`")
        }
        () if health.misses_max == 0 => wrong("`health.misses-max` is 0"),
        () if app.registration_timeout.is_zero() => wrong("`registration-timeout-s` is 0"),
        () if app.outbox.deadline.is_zero() || app.outbox.attempts_max == 0 => {
            wrong("`outbox.deadline-ms` or `outbox.attempts-max` is 0")
        }
        () if app.outbox.retry_pause.is_zero() => wrong("`outbox.retry-pause-ms` is 0"),
        () if app.restart.boots_max == 0 => wrong("`restart.boots-max` is 0"),
        () if app.restart.pause.is_zero() || app.restart.quarantine_first.is_zero() => {
            wrong("`restart.pause-s` or `restart.quarantine-first-s` is 0")
        }
        () if app.files.attempts_max == 0 || app.files.retry_first.is_zero() => {
            wrong("`files.attempts-max` or `files.retry-first-s` is 0")
        }
        () if app.stream_period_min.is_zero() || app.stream_period_min > STREAM_PERIOD_MAX => {
            wrong("`stream-period-min-ms` is 0, or more than a minute")
        }
        () if !matches!(app.power_on_is, 0 | 1) => wrong("`power-on-is` is neither 0 nor 1"),
        () if app
            .metrics_every
            .is_some_and(|every| every < app.outbox.deadline) =>
        {
            wrong("`metrics-every-s` is shorter than a call may take")
        }
        () => {
            most("open runs", app.runs.open_max, RUNS_OPEN_MAX)?;
            most("runs that are kept", app.runs.kept_max, RUNS_KEPT_MAX)?;
            most("responses", app.outbox.responses_max, OUTBOX_MAX)?;
            most("commands", app.outbox.commands_max, OUTBOX_MAX)?;
            most("open files", app.files.open_max, FILES_OPEN_MAX)
        }
    }
}

fn most(what: &'static str, count: usize, most: usize) -> Result<(), Problem> {
    match count > most {
        true => Err(Problem::TooMany { what, count, most }),
        false => Ok(()),
    }
}

fn once<T: Ord + std::fmt::Display>(
    what: &'static str,
    all: impl Iterator<Item = T>,
) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for one in all {
        let which = one.to_string();
        if !seen.insert(one) {
            return Err(Problem::Twice { what, which });
        }
    }
    Ok(())
}
