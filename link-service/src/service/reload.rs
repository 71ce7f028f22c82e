//! Another configuration of apps and policy while the service runs.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use service_host::config_file::ConfigFile;
use service_host::http::Doors;

use super::run::ServiceDesk;
use super::shares::{self, Share};
use super::site::{self, LinkFolder};
use super::staging;
use crate::api::json::{Api, Way};
use crate::api::{LiveTokens, Pool, Tokens};
use crate::registry::{App, Registry};
use crate::settings::SERVICE;

/// Takes other apps and another policy.
pub(super) struct Reloader {
    pub(super) file: ConfigFile,
    pub(super) desk: Arc<ServiceDesk>,
    pub(super) pool: Arc<Pool>,
    pub(super) tokens: Arc<LiveTokens>,
    pub(super) doors: Arc<Doors>,
    /// The folders of the links, which only a restart changes.
    pub(super) links: Vec<LinkFolder>,
    /// Boxes whose file systems give less.
    pub(super) shares: Mutex<Vec<Share>>,
    /// One at a time.
    pub(super) turn: Mutex<()>,
}

impl Reloader {
    /// Boxes whose file systems give less than a disk does.
    pub(super) fn shares(&self) -> Vec<Share> {
        let shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.clone()
    }

    /// Reads the file again, and takes the apps and the policy that it has.
    pub(super) fn read_again(&self) -> anyhow::Result<()> {
        match &self.file.path {
            Some(path) => self.take(&ConfigFile::read(path)?),
            None => bail!("there is no configuration file: the service was started without one"),
        }
    }

    /// Takes the apps and the policy of a file; with a mistake in it, the former hold.
    pub(super) fn take(&self, file: &ConfigFile) -> anyhow::Result<()> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let access = self.desk.access();
        let now = access.current();
        let next = access.next(file)?;
        for (table, named) in [
            ("files", "[link-service.files]"),
            ("staging", "[link-service.staging]"),
            ("peers", "[[link-service.peers]]"),
        ] {
            let of = |file: &ConfigFile| file.table.get(SERVICE)?.get(table).cloned();
            if of(file) != of(&self.file) {
                bail!("{named} is another: only a restart changes it");
            }
        }
        site::check_links(next.registry(), &self.links)?;
        if let Some(staging) = staging::settings(file)? {
            staging.check(next.registry())?;
        }
        let tokens = Tokens::read(next.registry())?;
        site::prepare(next.registry())?;
        let shares = shares::of(next.registry());
        // What is open to somebody who is not registered yet, is no way in.
        let opened = self.open_doors(Some(now.registry()), next.registry());
        if let Err(error) = opened {
            self.close_doors(next.registry(), now.registry());
            return Err(error);
        }
        self.desk
            .folders()
            .replace(site::directories(next.registry(), &self.links));
        self.close_doors(now.registry(), next.registry());
        access.replace(next);
        self.tokens.replace(tokens);
        let mut now = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares::warn(&now, &shares);
        *now = shares;
        drop(now);
        drop(turn);
        log::info!("apps and policy were read again");
        Ok(())
    }

    /// Opens the sockets of all apps that are not as they were.
    pub(super) fn open_doors(&self, now: Option<&Registry>, next: &Registry) -> anyhow::Result<()> {
        let api = Api {
            desk: Arc::clone(&self.desk),
            pool: Arc::clone(&self.pool),
            way: Way::Socket,
        };
        let routes = api.alone();
        for app in next.apps() {
            let before = now.and_then(|now| now.app(&app.id));
            let is_as_before = |before: &App| before.uid == app.uid && before.root == app.root;
            if !before.is_some_and(is_as_before) {
                self.doors.open(site::door(app, routes.clone()))?;
            }
        }
        Ok(())
    }

    /// Closes the sockets of apps that are gone.
    fn close_doors(&self, now: &Registry, next: &Registry) {
        for app in now.apps().filter(|app| !next.is_registered(&app.id)) {
            self.doors.close(site::socket(app));
        }
    }
}
