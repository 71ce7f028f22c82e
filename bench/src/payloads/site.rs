//! The configuration of a controller with many apps, and their files.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use payload_client::Files;
use payload_controller::provision::{Renew, provision};
use payload_controller::settings::Settings;
use service_host::config_file::ConfigFile;
use tempfile::TempDir;

pub(super) struct Site {
    folder: TempDir,
    apps: Vec<Files>,
}

impl Site {
    pub(super) fn new(count: u16) -> Result<Site> {
        let folder = TempDir::new()?;
        let at = folder.path().display();
        let ports = free_ports(usize::from(count) + 2)?;
        let mut ports = ports.into_iter();
        let mut port = || ports.next().context("there are ports for all");
        let (addr, plain) = (port()?, port()?);
        let mut config = format!(
            "[payload-controller]\n\
             journal = '{at}/journal.redb'\n\
             apps-root = '{at}/apps'\n\
             [payload-controller.grpc]\n\
             addr = '127.0.0.1:{addr}'\n\
             plain-addr = '127.0.0.1:{plain}'\n\
             credentials = '{at}/credentials'\n"
        );
        for number in 1..=count {
            let callbacks = port()?;
            writeln!(
                config,
                "[[payload-controller.apps]]\n\
                 name = 'app-{number}'\n\
                 number = {number}\n\
                 requests = {{ per-s = 1000000, burst = 1000000 }}\n\
                 replies = {{ per-s = 1000000, burst = 1000000 }}\n\
                 connection = {{ callbacks = '127.0.0.1:{callbacks}', security = 'plain' }}"
            )?;
        }
        let file = folder.path().join("config.toml");
        fs::write(&file, config)?;
        let settings = Settings::read(&ConfigFile::read(&file)?)?;
        let mut apps = Vec::new();
        for app in &settings.apps {
            let (name, number) = (&app.name, app.number);
            let order = settings
                .grpc
                .order(name, number, &app.connection, Renew::default())?;
            apps.push(Files::folder(&provision(&order)?.folder));
        }
        Ok(Site { folder, apps })
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    pub(super) fn apps(&self) -> &[Files] {
        &self.apps
    }

    /// Of each app.
    pub(super) fn cookies(&self) -> Result<Vec<String>> {
        self.apps.iter().map(|app| cookie(&app.config)).collect()
    }
}

fn cookie(config: &Path) -> Result<String> {
    let config: serde_json::Value = serde_json::from_slice(&fs::read(config)?)?;
    let cookie = config.get("cookie").and_then(|it| it.as_str());
    Ok(cookie.context("config.json has no cookie")?.to_owned())
}

fn free_ports(count: usize) -> Result<Vec<u16>> {
    let bound: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()?;
    let ports = bound.iter().map(|it| Ok(it.local_addr()?.port()));
    ports.collect()
}
