//! `[[link-service.apps]]`: an app as it is configured.

use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Problem, SERVICE};
use crate::names::AppId;

/// What somebody is who has an inbox and an outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppKind {
    /// A payload app.
    #[default]
    App,
    /// A service on board, which sends and receives as an app does.
    Service,
}

/// An app, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AppSettings {
    /// Its name.
    pub id: AppId,
    /// The directory that its `inbox` and `outbox` are in; `<apps-root>/<id>` without one.
    pub root: Option<PathBuf>,
    /// The user it runs as.
    pub uid: Option<u32>,
    /// The file of the token that it shows on loopback.
    pub token_file: Option<PathBuf>,
    /// The bucket that its inbox and outbox are in, by the name of that.
    pub bucket: Option<AppId>,
    /// Whether this node takes requests out of its outbox in the bucket; it does without it.
    pub polled: Option<bool>,
    /// Most octets in its inbox.
    #[serde(default = "quota_bytes")]
    pub quota_bytes: u64,
    /// Most files in its inbox.
    #[serde(default = "quota_files")]
    pub quota_files: u64,
    /// Most requests of its that are under way.
    #[serde(default = "outbox_requests_max")]
    pub outbox_requests_max: usize,
    /// What it is.
    #[serde(default)]
    pub kind: AppKind,
}

fn quota_bytes() -> u64 {
    10 << 30
}

fn quota_files() -> u64 {
    16_384
}

fn outbox_requests_max() -> usize {
    1024
}

/// What cannot be said together.
pub(super) fn check(index: usize, app: &Table) -> Result<(), Problem> {
    let refused = |message: String| {
        let place = place(index, app);
        Err(Problem::Value { place, message })
    };
    if !app.contains_key("bucket") {
        return match app.contains_key("polled") {
            true => refused("`polled` is of an app with a `bucket`".to_owned()),
            false => Ok(()),
        };
    }
    let quotas = ["quota-bytes", "quota-files"];
    match quotas.iter().find(|key| app.contains_key(**key)) {
        Some(key) => refused(format!(
            "`{key}` does not hold in a bucket: give the bucket itself a quota, and leave it out"
        )),
        None => Ok(()),
    }
}

/// Where an app stands in the file: by its name, where it has one.
pub(super) fn place(index: usize, app: &Table) -> String {
    let number = index + 1;
    match app.get("id").and_then(Value::as_str) {
        Some(id) => format!(
            "[[{SERVICE}.apps]] number {number} (`{}`)",
            id.escape_debug()
        ),
        None => format!("[[{SERVICE}.apps]] number {number}"),
    }
}
