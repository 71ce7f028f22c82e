//! `[[payload-controller.apps]]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use payload_interface::{AppName, AppNumber};
use serde::Deserialize;

use super::error::Problem;
use crate::core::{
    AppRules, DeadlineUnit, HealthAction, Interface, Rate, Start, Version, VersionRule,
};
use crate::files::AppFolders;
use crate::grpc::Connection;
use crate::process::AppProcess;

/// What is said of an app, but for its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    /// Its name.
    pub name: AppName,
    /// Its number.
    pub number: AppNumber,
    /// How it is reached and known.
    pub connection: Connection,
    /// Its directories.
    pub folders: AppFolders,
    /// How it is begun, if the controller does that.
    pub process: Option<AppProcess>,
}

/// As it is written. What is not said is as [`AppRules::new`] has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    name: AppName,
    number: AppNumber,
    connection: Connection,
    outbound: Option<PathBuf>,
    inbound: Option<PathBuf>,
    owner: Option<u32>,
    #[serde(default)]
    command: Vec<String>,
    directory: Option<PathBuf>,
    #[serde(default)]
    start: StartWord,
    host: Option<u16>,
    default_device: Option<u16>,
    sdk: Option<String>,
    interface: Option<String>,
    #[serde(default)]
    deadline_unit: UnitWord,
    registration_timeout_s: Option<u64>,
    #[serde(default)]
    health: Health,
    #[serde(default)]
    shutdown: Shutdown,
    #[serde(default)]
    restart: Restart,
    #[serde(default)]
    runs: Runs,
    #[serde(default)]
    outbox: Outbox,
    #[serde(default)]
    files: Files,
    requests: Option<Rate>,
    replies: Option<Rate>,
    stream_period_min_ms: Option<u64>,
    #[serde(default)]
    thermal: Vec<u8>,
    #[serde(default)]
    copies_to: Vec<AppName>,
    #[serde(default)]
    hears_power_of: Vec<AppName>,
    power_on_is: Option<i32>,
    metrics_every_s: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StartWord {
    #[default]
    Boot,
    Command,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UnitWord {
    #[default]
    S,
    Ms,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Health {
    every_ms: Option<u64>,
    deadline_ms: Option<u64>,
    misses_max: Option<u32>,
    action: Option<ActionWord>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionWord {
    AsRegistered,
    Restart,
    Tell,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Shutdown {
    grace_s: Option<u64>,
    exit_allowance_s: Option<u64>,
    kill_wait_s: Option<u64>,
    cycle_off_s: Option<u64>,
    host_settle_s: Option<u64>,
    host_off: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Restart {
    pause_s: Option<u64>,
    tolerance_s: Option<u64>,
    relapse_s: Option<u64>,
    boots_max: Option<u32>,
    boots_within_s: Option<u64>,
    quarantine_first_s: Option<u64>,
    quarantine_max_s: Option<u64>,
    stable_s: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Runs {
    open_max: Option<usize>,
    kept_max: Option<usize>,
    start_within_s: Option<u64>,
    late_s: Option<u64>,
    hold_s: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Outbox {
    responses_max: Option<usize>,
    commands_max: Option<usize>,
    deadline_ms: Option<u64>,
    attempts_max: Option<u32>,
    retry_pause_ms: Option<u64>,
    valid_s: Option<u64>,
    flush_max_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Files {
    open_max: Option<usize>,
    open_bytes_max: Option<u64>,
    retry_first_s: Option<u64>,
    retry_max_s: Option<u64>,
    attempts_max: Option<u32>,
}

fn set<T>(rule: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *rule = said;
    }
}

fn set_s(rule: &mut Duration, seconds: Option<u64>) {
    set(rule, seconds.map(Duration::from_secs));
}

fn set_ms(rule: &mut Duration, ms: Option<u64>) {
    set(rule, ms.map(Duration::from_millis));
}

impl Written {
    pub(super) fn checked(self, root: &Path) -> Result<(AppSettings, AppRules), Problem> {
        let place = format!("app {}", self.name);
        let mut rules = AppRules::new(self.name.clone(), self.number);
        rules.start = match self.start {
            StartWord::Boot => Start::Boot,
            StartWord::Command => Start::Command,
        };
        rules.has_process = !self.command.is_empty();
        rules.host = self.host;
        rules.default_device = self.default_device;
        if let Some(sdk) = &self.sdk {
            let rule = version_rule(sdk);
            rules.versions = rule.ok_or_else(|| {
                let message = format!(
                    "`sdk` is `{sdk}`: `any`, `1.1.1`, `>=1.1.1` or `>=1.1.1 <2.0.0` is meant"
                );
                Problem::value(&place, message)
            })?;
        }
        if let Some(month) = &self.interface {
            let interface = Interface::parse(month);
            rules.interface = interface.ok_or_else(|| {
                let first = Interface::FIRST;
                let message = format!(
                    "`interface` is `{month}`: a month as `2024-10` is meant, from {first} on"
                );
                Problem::value(&place, message)
            })?;
        }
        rules.deadline_unit = match self.deadline_unit {
            UnitWord::S => DeadlineUnit::Seconds,
            UnitWord::Ms => DeadlineUnit::Milliseconds,
        };
        set_s(&mut rules.registration_timeout, self.registration_timeout_s);
        self.health.over(&mut rules);
        self.shutdown.over(&mut rules);
        self.restart.over(&mut rules);
        self.runs.over(&mut rules);
        self.outbox.over(&mut rules);
        self.files.over(&mut rules);
        set(&mut rules.requests, self.requests);
        set(&mut rules.replies, self.replies);
        set_ms(&mut rules.stream_period_min, self.stream_period_min_ms);
        rules.thermal = self.thermal;
        rules.copies_to = self.copies_to;
        rules.hears_power_of = self.hears_power_of;
        set(&mut rules.power_on_is, self.power_on_is);
        match self.metrics_every_s {
            // It has no such call.
            None if rules.interface < Interface::METRICS => rules.metrics_every = None,
            None => {}
            Some(0) => rules.metrics_every = None,
            Some(seconds) => rules.metrics_every = Some(Duration::from_secs(seconds)),
        }
        let of_app = root.join(self.name.as_str());
        let command = self.command.into_iter().map(Into::into).collect::<Vec<_>>();
        let process = (!command.is_empty()).then_some(AppProcess {
            command,
            directory: self.directory,
        });
        let settings = AppSettings {
            name: self.name,
            number: self.number,
            connection: self.connection,
            folders: AppFolders {
                outbound: self.outbound.unwrap_or_else(|| of_app.join("outbound")),
                inbound: self.inbound.unwrap_or_else(|| of_app.join("inbound")),
                owner: self.owner,
            },
            process,
        };
        Ok((settings, rules))
    }
}

fn version_rule(text: &str) -> Option<VersionRule> {
    if text == "any" {
        return Some(VersionRule::Any);
    }
    let Some(range) = text.strip_prefix(">=") else {
        return version(text).map(VersionRule::Exactly);
    };
    match range.split_once('<') {
        None => version(range).map(VersionRule::AtLeast),
        Some((least, below)) => {
            let (least, below) = (version(least)?, version(below)?);
            (least < below).then_some(VersionRule::Within(least, below))
        }
    }
}

fn version(text: &str) -> Option<Version> {
    let mut numbers = text.trim().split('.').map(|number| number.parse().ok());
    let version = Version(numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(version)
}

impl Health {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.health;
        set_ms(&mut rules.every, self.every_ms);
        set_ms(&mut rules.deadline, self.deadline_ms);
        set(&mut rules.misses_max, self.misses_max);
        let action = self.action.map(|action| match action {
            ActionWord::AsRegistered => HealthAction::AsRegistered,
            ActionWord::Restart => HealthAction::Restart,
            ActionWord::Tell => HealthAction::Tell,
        });
        set(&mut rules.action, action);
    }
}

impl Shutdown {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.shutdown;
        set_s(&mut rules.grace, self.grace_s);
        set_s(&mut rules.exit_allowance, self.exit_allowance_s);
        set_s(&mut rules.kill_wait, self.kill_wait_s);
        set_s(&mut rules.cycle_off, self.cycle_off_s);
        set_s(&mut rules.host_settle, self.host_settle_s);
        set(&mut rules.host_off, self.host_off);
    }
}

impl Restart {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.restart;
        set_s(&mut rules.pause, self.pause_s);
        set_s(&mut rules.tolerance, self.tolerance_s);
        set_s(&mut rules.relapse, self.relapse_s);
        set(&mut rules.boots_max, self.boots_max);
        set_s(&mut rules.boots_within, self.boots_within_s);
        set_s(&mut rules.quarantine_first, self.quarantine_first_s);
        set_s(&mut rules.quarantine_max, self.quarantine_max_s);
        set_s(&mut rules.stable, self.stable_s);
    }
}

impl Runs {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.runs;
        set(&mut rules.open_max, self.open_max);
        set(&mut rules.kept_max, self.kept_max);
        set_s(&mut rules.start_within, self.start_within_s);
        set_s(&mut rules.late, self.late_s);
        set_s(&mut rules.hold, self.hold_s);
    }
}

impl Outbox {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.outbox;
        set(&mut rules.responses_max, self.responses_max);
        set(&mut rules.commands_max, self.commands_max);
        set_ms(&mut rules.deadline, self.deadline_ms);
        set(&mut rules.attempts_max, self.attempts_max);
        set_ms(&mut rules.retry_pause, self.retry_pause_ms);
        set_s(&mut rules.valid, self.valid_s);
        set_ms(&mut rules.flush_max, self.flush_max_ms);
    }
}

impl Files {
    fn over(self, rules: &mut AppRules) {
        let rules = &mut rules.files;
        set(&mut rules.open_max, self.open_max);
        set(&mut rules.open_bytes_max, self.open_bytes_max);
        set_s(&mut rules.retry_first, self.retry_first_s);
        set_s(&mut rules.retry_max, self.retry_max_s);
        set(&mut rules.attempts_max, self.attempts_max);
    }
}
