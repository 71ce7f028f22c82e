//! `[link-service]`: what the configuration says of apps, their directories and the policy.
//!
//! ```toml
//! [link-service]
//! apps-root = "/var/lib/heliograph/apps"
//!
//! [[link-service.apps]]
//! id = "camera"                    # its directories: <apps-root>/camera/{inbox,outbox}
//!
//! [[link-service.apps]]
//! id = "analyser"
//!
//! [[link-service.policy]]
//! from = "camera"
//! to = "analyser"
//! size-max = 1073741824
//! ```
//!
//! Strict: a key that is not known is refused, with the known one that is most like it. These
//! are values as they were written; [`Registry`](crate::registry::Registry) and
//! [`Policy`](crate::policy::Policy) are what comes of them once they are checked.

mod app;
mod error;
mod rule;
mod strict;

use std::path::PathBuf;

use serde::Deserialize;
use service_host::config_file::ConfigFile;
use strsim::damerau_levenshtein;
use toml::{Table, Value};

pub use app::{AppKind, AppSettings};
pub use error::{Problem, SettingsError};
pub use rule::RuleSettings;

pub(crate) use strict::nearest;

/// The table of this service.
pub const SERVICE: &str = "link-service";
/// Most apps.
pub const APPS_MAX: usize = 4096;
/// Most rules of the policy.
pub const RULES_MAX: usize = 16_384;

/// Tables beside ours in `[link-service]`: those of every service on a link.
const LINK_TABLES: [&str; 3] = ["addr", "comms", "radio"];
/// So many wrong letters make a typo of our table; more make the table of another service.
const TABLE_TYPO_DISTANCE_MAX: usize = 2;
/// Keys of `[link-service]` that are read by themselves.
const OTHER_KEYS: [&str; 5] = ["apps", "policy", "addr", "comms", "radio"];

/// What `[link-service]` says, but for the link's own tables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Settings {
    /// The folder with a directory for each app that names none of its own.
    pub apps_root: PathBuf,
    /// The file of the journal of transfers.
    pub journal: PathBuf,
    /// Octets of a file system that are left free.
    pub free_bytes_min: u64,
    /// Octets above that which only critical requests may fill.
    pub reserved_critical_bytes: u64,
    /// The apps and services there are.
    #[serde(skip)]
    pub apps: Vec<AppSettings>,
    /// Who may send what to whom; the first rule that is about it decides.
    #[serde(skip)]
    pub policy: Vec<RuleSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            apps_root: "link-service/apps".into(),
            journal: "link-service/link.redb".into(),
            free_bytes_min: 64 << 20,
            reserved_critical_bytes: 64 << 20,
            apps: Vec::new(),
            policy: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads `[link-service]`. Without it there are no apps, and nothing is allowed.
    ///
    /// # Errors
    /// Which key or value is wrong, and where.
    pub fn read(file: &ConfigFile) -> Result<Settings, SettingsError> {
        Self::from_table(&file.table).map_err(|problem| problem.of(file))
    }

    fn from_table(whole: &Table) -> Result<Settings, Problem> {
        let mut own = match whole.get(SERVICE) {
            None => return without_table(whole),
            Some(Value::Table(own)) => own.clone(),
            Some(_) => return Err(Problem::NoTable { table: SERVICE }),
        };
        for table in LINK_TABLES {
            own.remove(table);
        }
        let apps = tables(&mut own, "apps", APPS_MAX)?;
        let rules = tables(&mut own, "policy", RULES_MAX)?;
        let mut settings: Settings = strict::read(own, &OTHER_KEYS, || format!("[{SERVICE}]"))?;
        for (index, app) in apps.into_iter().enumerate() {
            let place = app::place(index, &app);
            settings.apps.push(strict::read(app, &[], || place)?);
        }
        for (index, rule) in rules.into_iter().enumerate() {
            let place = || rule::place(index);
            settings.policy.push(strict::read(rule, &[], place)?);
        }
        Ok(settings)
    }
}

/// A mistyped table must not leave a service without its apps.
fn without_table(whole: &Table) -> Result<Settings, Problem> {
    let is_typo = |key: &&String| damerau_levenshtein(key, SERVICE) <= TABLE_TYPO_DISTANCE_MAX;
    match whole.keys().find(is_typo) {
        Some(key) => Err(Problem::UnknownTable { key: key.clone() }),
        None => Ok(Settings::default()),
    }
}

/// Takes the list of tables `key` out of `own`.
fn tables(own: &mut Table, key: &'static str, most: usize) -> Result<Vec<Table>, Problem> {
    let values = match own.remove(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(Problem::NoList { key }),
    };
    if values.len() > most {
        let count = values.len();
        return Err(Problem::TooMany { key, count, most });
    }
    let table = |value| match value {
        Value::Table(table) => Ok(table),
        _ => Err(Problem::NoList { key }),
    };
    values.into_iter().map(table).collect()
}
