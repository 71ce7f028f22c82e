//! Payloads, and the files of each.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use payload_controller::grpc::{Connection, Settings};
use payload_controller::provision::{AppFolder, Credentials, Protection, Renew, provision};
use payload_interface::{AppName, AppNumber, Profile};
use tempfile::TempDir;

use crate::child::Child;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where payloads would be called, if they were: nobody is there.
const CALLBACKS_FROM: u16 = 30_000;

/// All of it.
pub(super) struct Site {
    folder: TempDir,
    credentials: Credentials,
    /// Of each payload, its cookie.
    pub(super) cookies: Vec<String>,
}

impl Site {
    pub(super) fn new(payloads: u16) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().display();
        let settings = Settings {
            credentials: folder.path().join("credentials"),
            known_as: vec![LOCALHOST],
            ..Settings::default()
        };
        let mut config = format!(
            "[payload-controller]\n\
             journal = '{at}/journal.redb'\n\
             apps-root = '{at}/apps'\n\
             [payload-controller.grpc]\n\
             addr = '127.0.0.1:0'\n\
             credentials = '{at}/credentials'\n\
             known-as = ['127.0.0.1']\n"
        );
        let mut cookies = Vec::new();
        let credentials = Credentials::new(&settings.credentials);
        for number in 1..=payloads {
            let app: AppName = format!("payload-{number}").parse()?;
            let connection = Connection {
                callbacks: SocketAddr::new(LOCALHOST, CALLBACKS_FROM + number),
                calls_from: None,
                controller: None,
                security: Protection::Cookie,
                profile: Profile::Exact,
            };
            let app_number = AppNumber::try_from(number).map_err(anyhow::Error::msg)?;
            let order = settings.order(&app, app_number, &connection, Renew::default())?;
            provision(&order)?;
            cookies.push(cookie(&credentials.app(&app))?);
            write!(
                config,
                "[[payload-controller.apps]]\n\
                 name = '{app}'\n\
                 number = {number}\n\
                 start = 'command'\n\
                 replies = {{ per-s = 1000000, burst = 1000000 }}\n\
                 connection = {{ callbacks = '{}' }}\n",
                connection.callbacks
            )?;
        }
        fs::write(folder.path().join("config.toml"), config)?;
        Ok(Site {
            folder,
            credentials,
            cookies,
        })
    }

    /// A controller of all payloads.
    pub(super) fn controller(&self) -> Result<Child> {
        let config = self.folder.path().join("config.toml");
        Child::start("payload-controller", &[config.display().to_string()])
    }

    /// A server of gRPC with the same certificate.
    pub(super) fn bare(&self) -> Result<Child> {
        let files = [self.credentials.certificate(), self.credentials.key()];
        Child::start("grpc-server", &files.map(|file| file.display().to_string()))
    }

    /// The certificate of both.
    pub(super) fn certificate(&self) -> PathBuf {
        self.credentials.certificate()
    }
}

fn cookie(folder: &AppFolder) -> Result<String> {
    let config: serde_json::Value = serde_json::from_slice(&fs::read(folder.config())?)?;
    let cookie = config.get("cookie").and_then(serde_json::Value::as_str);
    cookie.map(str::to_owned).context("no cookie")
}
