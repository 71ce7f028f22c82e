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
mod bucket;
mod error;
mod grpc;
mod peer;
mod rule;
mod strict;

use std::path::PathBuf;

use serde::Deserialize;
use service_host::config_file::ConfigFile;
use strsim::damerau_levenshtein;
use toml::{Table, Value};

pub use app::{AppKind, AppSettings};
pub use bucket::BucketSettings;
pub use error::{Problem, SettingsError};
pub use grpc::GrpcSettings;
pub use peer::PeerSettings;
pub use rule::RuleSettings;

pub(crate) use strict::nearest;

/// The table of this service.
pub const SERVICE: &str = "link-service";
/// Most apps.
pub const APPS_MAX: usize = 4096;
/// Most buckets: each has a thread.
pub const BUCKETS_MAX: usize = 16;
/// Most rules of the policy.
pub const RULES_MAX: usize = 16_384;
/// Most other spacecraft: each has a radio and threads of its own.
pub const PEERS_MAX: usize = 16;

/// So many wrong letters make a typo of our table; more make the table of another service.
const TABLE_TYPO_DISTANCE_MAX: usize = 2;
/// Keys of `[link-service]` that are read by themselves: our lists, and the tables of every
/// service on a link.
const OTHER_KEYS: [&str; 11] = [
    "apps", "buckets", "policy", "peers", "addr", "comms", "contacts", "files", "grpc", "radio",
    "staging",
];

/// What `[link-service]` says, but for the link's own tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The service's own keys.
    pub service: ServiceSettings,
    /// The apps and services there are.
    pub apps: Vec<AppSettings>,
    /// The buckets that boxes of apps are in.
    pub buckets: Vec<BucketSettings>,
    /// Who may send what to whom; the first rule that is about it decides.
    pub policy: Vec<RuleSettings>,
    /// The other spacecraft that there is a link to.
    pub peers: Vec<PeerSettings>,
}

/// The keys that are not about one app or rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ServiceSettings {
    /// The folder with a directory for each app that names none of its own.
    pub apps_root: PathBuf,
    /// The file of the journal of transfers.
    pub journal: PathBuf,
    /// Octets of a file system that are left free.
    pub free_bytes_min: u64,
    /// Octets above that which only critical requests may fill.
    pub reserved_critical_bytes: u64,
    /// Where gRPC is served, if it is.
    #[serde(skip)]
    pub grpc: Option<GrpcSettings>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        ServiceSettings {
            apps_root: "link-service/apps".into(),
            journal: "link-service/link.redb".into(),
            free_bytes_min: 64 << 20,
            reserved_critical_bytes: 64 << 20,
            grpc: None,
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
        let own = match whole.get(SERVICE) {
            None => return without_table(whole),
            Some(Value::Table(own)) => own,
            Some(_) => return Err(Problem::NoTable { table: SERVICE }),
        };
        let keys = own
            .iter()
            .filter(|(key, _)| !OTHER_KEYS.contains(&key.as_str()));
        let keys = keys.map(|(key, value)| (key.clone(), value.clone()));
        let service = strict::read(keys.collect(), &OTHER_KEYS, || format!("[{SERVICE}]"))?;
        let service = ServiceSettings {
            grpc: grpc(own)?,
            ..service
        };
        let mut settings = Settings {
            service,
            ..Settings::default()
        };
        for (index, app) in list(own, "apps", APPS_MAX)?.iter().enumerate() {
            let app = table(app, "apps")?;
            let read = strict::read(app.clone(), &[], || app::place(index, app))?;
            app::check(index, app)?;
            settings.apps.push(read);
        }
        for (index, bucket) in list(own, "buckets", BUCKETS_MAX)?.iter().enumerate() {
            let read = bucket::read(index, table(bucket, "buckets")?)?;
            settings.buckets.push(read);
        }
        for (index, rule) in list(own, "policy", RULES_MAX)?.iter().enumerate() {
            let rule = table(rule, "policy")?;
            let read = strict::read(rule.clone(), &[], || rule::place(index))?;
            settings.policy.push(read);
        }
        for (index, peer) in list(own, "peers", PEERS_MAX)?.iter().enumerate() {
            let peer = table(peer, "peers")?;
            let read: PeerSettings = strict::read(peer.clone(), &[], || peer::place(index, peer))?;
            if read.call_ms == 0 {
                return Err(Problem::Value {
                    place: peer::place(index, peer),
                    message: "`call-ms` is 0: it would call without a pause".to_owned(),
                });
            }
            settings.peers.push(read);
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

fn grpc(own: &Table) -> Result<Option<GrpcSettings>, Problem> {
    match own.get("grpc") {
        None => Ok(None),
        Some(Value::Table(table)) => {
            strict::read(table.clone(), &[], || format!("[{SERVICE}.grpc]")).map(Some)
        }
        Some(_) => Err(Problem::NoTable { table: "grpc" }),
    }
}

/// The list of tables `key` of `own`.
fn list<'a>(own: &'a Table, key: &'static str, most: usize) -> Result<&'a [Value], Problem> {
    let values = match own.get(key) {
        None => return Ok(&[]),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(Problem::NoList { key }),
    };
    let count = values.len();
    match count > most {
        true => Err(Problem::TooMany { key, count, most }),
        false => Ok(values),
    }
}

fn table<'a>(value: &'a Value, key: &'static str) -> Result<&'a Table, Problem> {
    value.as_table().ok_or(Problem::NoList { key })
}
