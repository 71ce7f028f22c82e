//! `[payload-controller]`: what the configuration says of apps, devices and rules.
//!
//! ```toml
//! [payload-controller]
//! apps-root = "/var/lib/heliograph/payloads"   # each app's outbound and inbound are in it
//!
//! [[payload-controller.apps]]
//! name = "camera"
//! number = 4
//! command = ["/opt/camera/run"]
//! host = 134                                   # the device that gives it power
//! connection = { callbacks = "127.0.0.1:50053" }
//!
//! [[payload-controller.devices]]
//! id = 134
//! ```
//!
//! Strict: a key that is not known is refused, with the known one that is most like it. What
//! comes of it once it is checked are [`Rules`].

mod app;
mod board;
mod check;
mod error;
mod signalled;

use std::path::PathBuf;
use std::time::Duration;

use comms_service::CommsConfig;
use serde::Deserialize;
use service_host::config_file::ConfigFile;

pub use app::AppSettings;
pub use error::{Problem, SettingsError};

use crate::core::Rules;
use crate::grpc;
use crate::signalling::SignalledPayload;
use board::{DeviceSettings, ThermalSettings};

/// The table of this service.
pub const SERVICE: &str = "payload-controller";

/// What `[payload-controller]` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file of the journal.
    pub journal: PathBuf,
    /// The outbound directory, as payloads name it.
    pub outbound: String,
    /// How files get to the link service, if they do.
    pub link: Option<LinkSettings>,
    /// gRPC for payloads.
    pub grpc: grpc::Settings,
    /// The apps.
    pub apps: Vec<AppSettings>,
    /// Payloads that are called through `payload_exec`.
    pub signalled: Vec<SignalledPayload>,
    /// The directory of their windows.
    pub windows: PathBuf,
    /// What the core goes by.
    pub rules: Rules,
}

/// `[payload-controller.link]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LinkSettings {
    /// The socket at which the controller is an app of the link service.
    pub socket: PathBuf,
    /// s that the link service may be away before a file that is asked for has failed.
    #[serde(default = "patience")]
    pub patience_s: u64,
    /// s between two looks at files that are under way.
    #[serde(default = "watch")]
    pub watch_s: u64,
}

fn patience() -> u64 {
    30
}

fn watch() -> u64 {
    10
}

impl LinkSettings {
    /// How long the link service may be away.
    #[must_use]
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }

    /// Between two looks.
    #[must_use]
    pub fn watch(&self) -> Duration {
        Duration::from_secs(self.watch_s)
    }
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    journal: PathBuf,
    outbound: String,
    apps_root: PathBuf,
    link: Option<LinkSettings>,
    grpc: grpc::Settings,
    apps: Vec<app::Written>,
    devices: Vec<DeviceSettings>,
    thermal: Vec<ThermalSettings>,
    signalled: Vec<signalled::Written>,
    windows: PathBuf,
    // What every service on a link has, and reads elsewhere.
    #[serde(rename = "addr")]
    _addr: Option<toml::Value>,
    #[serde(rename = "comms")]
    _comms: Option<toml::Value>,
    #[serde(rename = "radio")]
    _radio: Option<toml::Value>,
    #[serde(rename = "contacts")]
    _contacts: Option<toml::Value>,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            journal: "payload-controller/journal.redb".into(),
            outbound: "/opt/antaris/outbound".to_owned(),
            apps_root: "payload-controller/apps".into(),
            link: None,
            grpc: grpc::Settings::default(),
            apps: Vec::new(),
            devices: Vec::new(),
            thermal: Vec::new(),
            signalled: Vec::new(),
            windows: "payload-controller/windows".into(),
            _addr: None,
            _comms: None,
            _radio: None,
            _contacts: None,
        }
    }
}

impl Settings {
    /// Reads `[payload-controller]`. Without it there are no apps.
    ///
    /// # Errors
    /// Which key or value is wrong.
    pub fn read(file: &ConfigFile) -> Result<Settings, SettingsError> {
        let of = |problem: Problem| problem.of(file);
        let file = &without_comms(file);
        let written: Option<Written> = file.section(&[SERVICE]).map_err(error::explained)?;
        let written = written.unwrap_or_default();
        let apps = written.apps.into_iter();
        let apps = apps.map(|app| app.checked(&written.apps_root));
        let (apps, app_rules): (Vec<_>, Vec<_>) = apps
            .collect::<Result<Vec<_>, _>>()
            .map_err(of)?
            .into_iter()
            .unzip();
        let devices = written.devices.into_iter().map(DeviceSettings::checked);
        let thermal = written.thermal.into_iter().map(ThermalSettings::checked);
        let signalled = written.signalled.into_iter();
        let signalled = signalled.map(signalled::Written::checked);
        let signalled: Vec<_> = signalled.collect::<Result<_, _>>().map_err(of)?;
        let rules = Rules {
            apps: app_rules,
            devices: devices.collect::<Result<_, _>>().map_err(of)?,
            thermal: thermal.collect::<Result<_, _>>().map_err(of)?,
            signalled: signalled.iter().map(|one| one.rules.clone()).collect(),
        };
        check::check(&rules).map_err(of)?;
        Ok(Settings {
            journal: written.journal,
            outbound: written.outbound,
            link: written.link,
            grpc: written.grpc,
            apps,
            signalled,
            windows: written.windows,
            rules,
        })
    }
}

/// Keys of the link may stand in the table itself, and are read elsewhere.
fn without_comms(file: &ConfigFile) -> ConfigFile {
    let mut file = file.clone();
    let own = file.table.get_mut(SERVICE);
    if let Some(own) = own.and_then(|own| own.as_table_mut()) {
        own.retain(|key, _| !CommsConfig::is_key(key));
    }
    file
}
