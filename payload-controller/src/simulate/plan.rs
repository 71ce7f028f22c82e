//! `[simulation]`: what is ordered, and what is to come of it.
//!
//! ```toml
//! [[payload-controller.apps]]
//! name = "camera"
//! number = 1
//! connection = { callbacks = "127.0.0.1:50053" }
//!
//! [simulation]
//! folder = "camera-simulation"        # everything is in it; beside this file
//! steps = [
//!   { app = "camera", start = "Image", params = "exposure=5", within-s = 60 },
//!   { app = "camera", start = "Image", cancel-after-s = 1, expect = "cancelled" },
//!   { app = "camera", rest-s = 30 },  # health checks go on
//!   { app = "camera", metrics = true },
//!   { app = "camera", message = { command-id = 7, text = "hello" } },
//!   { app = "camera", shutdown = { grace-s = 10, reason = 1 } },
//! ]
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{anyhow, bail};
use payload_interface::AppName;
use serde::Deserialize;
use service_host::config_file::ConfigFile;

use crate::core::RunState;
use crate::settings::{SERVICE, Settings};

const TABLE: &str = "simulation";
/// Steps of one plan.
const STEPS_MAX: usize = 1000;
/// No wait is longer.
const TIME_MAX: Duration = Duration::from_secs(86_400);

/// What is to be played.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) folder: PathBuf,
    pub(super) journal: PathBuf,
    /// How long a payload that the controller does not start itself may take to register.
    pub(super) register_within: Duration,
    pub(super) steps: Vec<Step>,
}

/// One order.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) app: AppName,
    pub(super) order: Order,
}

/// What is ordered.
#[derive(Debug)]
pub(super) enum Order {
    Start {
        sequence: String,
        params: String,
        within: Duration,
        cancel_after: Option<Duration>,
        expect: Expect,
        /// Whether the next step comes after its end.
        is_waited_for: bool,
    },
    Rest(Duration),
    Metrics,
    Message {
        command_id: u16,
        text: String,
    },
    Shutdown {
        grace: Option<Duration>,
        reason: u8,
    },
}

/// How a run is to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expect {
    #[default]
    Done,
    Failed,
    Cancelled,
    Refused,
}

impl Expect {
    pub(super) fn holds(self, state: RunState) -> bool {
        match self {
            Expect::Done => state == RunState::Done { late: false },
            Expect::Failed => state == RunState::Failed,
            Expect::Cancelled => state == RunState::Cancelled,
            Expect::Refused => matches!(state, RunState::Refused { .. }),
        }
    }
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    #[serde(default = "folder")]
    folder: PathBuf,
    #[serde(default = "register_within_s")]
    register_within_s: u64,
    #[serde(default)]
    steps: Vec<WrittenStep>,
}

fn folder() -> PathBuf {
    PathBuf::from("simulation")
}

fn register_within_s() -> u64 {
    120
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenStep {
    app: AppName,
    start: Option<String>,
    #[serde(default)]
    params: String,
    #[serde(default = "within_s")]
    within_s: u64,
    cancel_after_s: Option<u64>,
    #[serde(default)]
    expect: Expect,
    #[serde(default = "yes")]
    wait: bool,
    rest_s: Option<u64>,
    #[serde(default)]
    metrics: bool,
    message: Option<WrittenMessage>,
    shutdown: Option<WrittenShutdown>,
}

fn within_s() -> u64 {
    60
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenMessage {
    command_id: u16,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenShutdown {
    grace_s: Option<u64>,
    #[serde(default)]
    reason: u8,
}

impl Plan {
    /// Reads it, and has all that the controller writes below its folder, where the file does
    /// not say otherwise.
    pub(super) fn read(file: &mut ConfigFile) -> anyhow::Result<Plan> {
        let written: Option<Written> = file.section(&[TABLE])?;
        let name = file.name();
        let written = written.ok_or_else(|| anyhow!("{name}: there is no [{TABLE}]"))?;
        let count = written.steps.len();
        if count > STEPS_MAX {
            bail!("{name}: [{TABLE}] has {count} steps; at most {STEPS_MAX} are played");
        }
        let beside = file.path.as_deref().and_then(Path::parent);
        let folder = beside.unwrap_or(Path::new("")).join(&written.folder);
        let journal = folder.join("journal.redb");
        let inside = |part: &str| toml::Value::from(folder.join(part).display().to_string());
        let table = || toml::Value::Table(toml::Table::new());
        let service = file.table.entry(SERVICE).or_insert_with(table);
        if let Some(service) = service.as_table_mut() {
            service.insert("journal".to_owned(), inside("journal.redb"));
            service.entry("apps-root").or_insert(inside("apps"));
            let grpc = service.entry("grpc").or_insert_with(table);
            if let Some(grpc) = grpc.as_table_mut() {
                grpc.entry("credentials").or_insert(inside("credentials"));
            }
        }
        let steps = written.steps.into_iter().enumerate();
        let steps = steps.map(|(index, step)| {
            step.checked()
                .map_err(|error| anyhow!("{name}: [{TABLE}]: step {}: {error}", index + 1))
        });
        Ok(Plan {
            steps: steps.collect::<anyhow::Result<_>>()?,
            register_within: seconds(written.register_within_s)?,
            folder,
            journal,
        })
    }

    /// Whether there is everything that it speaks of.
    pub(super) fn check(&self, settings: &Settings) -> anyhow::Result<()> {
        if settings.apps.is_empty() {
            bail!("there is no app: [[payload-controller.apps]] names them");
        }
        for (index, step) in self.steps.iter().enumerate() {
            if !settings.apps.iter().any(|app| app.name == step.app) {
                let (index, app) = (index + 1, &step.app);
                bail!("step {index}: there is no app `{app}` in [[payload-controller.apps]]");
            }
        }
        Ok(())
    }
}

impl WrittenStep {
    fn checked(self) -> anyhow::Result<Step> {
        let mut orders = Vec::new();
        if let Some(sequence) = self.start {
            orders.push(Order::Start {
                sequence,
                params: self.params,
                within: seconds(self.within_s)?,
                cancel_after: self.cancel_after_s.map(seconds).transpose()?,
                expect: self.expect,
                is_waited_for: self.wait,
            });
        }
        if let Some(rest_s) = self.rest_s {
            orders.push(Order::Rest(seconds(rest_s)?));
        }
        if self.metrics {
            orders.push(Order::Metrics);
        }
        if let Some(WrittenMessage { command_id, text }) = self.message {
            orders.push(Order::Message { command_id, text });
        }
        if let Some(WrittenShutdown { grace_s, reason }) = self.shutdown {
            let grace = grace_s.map(seconds).transpose()?;
            orders.push(Order::Shutdown { grace, reason });
        }
        match (orders.pop(), orders.is_empty()) {
            (Some(order), true) => Ok(Step {
                app: self.app,
                order,
            }),
            _ => bail!("it is to have one of `start`, `rest-s`, `metrics`, `message`, `shutdown`"),
        }
    }
}

fn seconds(seconds: u64) -> anyhow::Result<Duration> {
    let time = Duration::from_secs(seconds);
    match time <= TIME_MAX {
        true => Ok(time),
        false => bail!("{seconds} s are more than a day"),
    }
}
