//! Which apps and services there are. Nobody comes to be one by a request: a name that is not
//! here has no directories, and none are made for it.

mod roots;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::names::AppId;
use crate::settings::{AppKind, AppSettings, Problem, Settings, nearest};

/// An app or service that has an inbox and an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its name.
    pub id: AppId,
    /// What it is; both send and receive alike.
    pub kind: AppKind,
    /// The directory that the two below are in.
    pub root: PathBuf,
    /// Where files come to.
    pub inbox: PathBuf,
    /// Where files go out from.
    pub outbox: PathBuf,
    /// The user it runs as, whose files alone it may send; anybody's without one.
    pub uid: Option<u32>,
    /// The file of the token that it shows on loopback; without one it has no way in there.
    pub token_file: Option<PathBuf>,
    /// What its inbox may hold.
    pub quota: Quota,
    /// Most requests of its that are under way.
    pub outbox_requests_max: usize,
    /// The bucket that its boxes are in; then the directories are the service's own, for
    /// what is on its way.
    pub bucket: Option<AppBucket>,
}

/// That an app has its boxes in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppBucket {
    /// Which.
    pub name: AppId,
    /// Whether this node takes requests out of its outbox.
    pub is_polled: bool,
}

/// What an inbox may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Octets.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// Who is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    apps: BTreeMap<AppId, App>,
}

impl Registry {
    /// Those of the configuration. Touches no disk.
    ///
    /// # Errors
    /// Which two apps or buckets have one name, which bucket is not there, which two apps
    /// share a directory or token, and which file of the service an app could write to.
    pub fn new(settings: &Settings) -> Result<Registry, Problem> {
        let mut nodes = BTreeSet::from([AppId::ground()]);
        for peer in &settings.peers {
            if !nodes.insert(peer.node.clone()) {
                let node = peer.node.clone();
                return Err(Problem::PeerName { node });
            }
        }
        let mut buckets = BTreeSet::new();
        for bucket in settings.buckets.iter().map(|bucket| &bucket.name) {
            if !buckets.insert(bucket.as_str()) {
                let bucket = bucket.clone();
                return Err(Problem::TwoBuckets { bucket });
            }
        }
        let mut apps = BTreeMap::new();
        for app in &settings.apps {
            let app = App::new(app, settings);
            if app.id == AppId::ground() {
                return Err(Problem::NameTaken { app: app.id });
            }
            if nodes.contains(&app.id) {
                return Err(Problem::NameOfPeer { app: app.id });
            }
            if let Some(AppBucket { name, .. }) = &app.bucket
                && !buckets.contains(name.as_str())
            {
                return Err(Problem::NoBucket {
                    nearest: nearest(name.as_str(), buckets.iter().copied()),
                    bucket: name.clone(),
                    app: app.id,
                });
            }
            if let Some(twice) = apps.insert(app.id.clone(), app) {
                return Err(Problem::TwoApps { app: twice.id });
            }
        }
        roots::check(apps.values(), &settings.service.journal)?;
        Ok(Registry { apps })
    }

    /// Who has that name.
    #[must_use]
    pub fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.get(id)
    }

    /// Whether anybody has that name.
    #[must_use]
    pub fn is_registered(&self, id: &AppId) -> bool {
        self.apps.contains_key(id)
    }

    /// Whether no app could write to a file or folder of the service.
    ///
    /// # Errors
    /// Which could.
    pub fn check_hidden(&self, what: &'static str, path: &Path) -> Result<(), Problem> {
        roots::check_hidden(self.apps.values(), what, path)
    }

    /// All, by name.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }
}

impl App {
    fn new(app: &AppSettings, settings: &Settings) -> App {
        let root = match &app.root {
            Some(root) => root.clone(),
            None => settings.service.apps_root.join(app.id.as_str()),
        };
        App {
            id: app.id.clone(),
            kind: app.kind,
            inbox: root.join("inbox"),
            outbox: root.join("outbox"),
            root,
            uid: app.uid,
            token_file: app.token_file.clone(),
            quota: Quota {
                bytes: app.quota_bytes,
                files: app.quota_files,
            },
            outbox_requests_max: app.outbox_requests_max,
            bucket: app.bucket.clone().map(|name| AppBucket {
                name,
                is_polled: app.polled.unwrap_or(true),
            }),
        }
    }
}
