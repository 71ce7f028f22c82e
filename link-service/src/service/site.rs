//! The directories of apps: made where they are not there.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use service_host::http::axum::Router;
use service_host::http::{DoorName, UnixDoor};

use crate::folders::AppDirectories;
use crate::names::AppId;
use crate::registry::{App, Registry};

/// Of directories of an app: it and its group, nobody else.
const DIRECTORY_MODE: u32 = 0o750;
/// Of its socket: it alone.
const SOCKET_MODE: u32 = 0o600;
/// Of the folder of a link: the service alone.
const LINK_MODE: u32 = 0o700;
/// The name of the socket, in the root of its app.
const SOCKET: &str = "link.sock";

/// A directory is not there, and cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("app `{app}`: its directory {} cannot be had: {error}", path.display())]
pub(super) struct SiteError {
    app: AppId,
    path: PathBuf,
    error: io::Error,
}

/// Makes the directories of all apps. Those that are there stay as they are.
pub(super) fn prepare(registry: &Registry) -> Result<(), SiteError> {
    registry.apps().try_for_each(|app| {
        // The root is the service's, so that no app puts another socket or inbox there.
        for (path, owner) in [
            (&app.root, None),
            (&app.inbox, app.uid),
            (&app.outbox, app.uid),
        ] {
            make(path, owner, app.uid).map_err(|error| SiteError {
                app: app.id.clone(),
                path: path.clone(),
                error,
            })?;
        }
        Ok(())
    })
}

fn make(path: &Path, owner: Option<u32>, group: Option<u32>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => {
            return Err(io::Error::other(
                "something else has the name, or it is a link",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    // It gets its name once it is as it is to be: the next start takes what has it as it is.
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    match fs::remove_dir(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(DIRECTORY_MODE).create(&new)?;
    chown(&new, owner, group)?;
    fs::rename(new, path)
}

/// The folder of a link, which is the outbox of who is at its other end.
#[derive(Clone, Debug)]
pub(super) struct LinkFolder {
    /// Who is there.
    pub(super) id: AppId,
    pub(super) path: PathBuf,
}

/// Whether each link has a folder of its own, which no app could write to.
pub(super) fn check_links(registry: &Registry, links: &[LinkFolder]) -> anyhow::Result<()> {
    let mut paths = BTreeMap::new();
    for link in links {
        registry.check_hidden("the folder of a link", &link.path)?;
        if let Some(other) = paths.insert(&link.path, &link.id) {
            bail!(
                "the links to {other} and {} have one folder, {}: give each a `root` of its own",
                link.id,
                link.path.display()
            );
        }
    }
    Ok(())
}

/// Makes the folder of each link: what is for one app is nobody else's to read on its way.
/// One that is there stays as it is.
pub(super) fn prepare_links(links: &[LinkFolder]) -> anyhow::Result<()> {
    for link in links {
        let path = &link.path;
        let made = || {
            if let Some(above) = path.parent() {
                fs::create_dir_all(above)?;
            }
            match DirBuilder::new().mode(LINK_MODE).create(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                made => made,
            }
        };
        made().with_context(|| format!("cannot make the folder {}", path.display()))?;
    }
    Ok(())
}

/// What the folders are to know of apps and links.
pub(super) fn directories(
    registry: &Registry,
    links: &[LinkFolder],
) -> impl Iterator<Item = (AppId, AppDirectories)> {
    let of_links = links.iter().map(|link| {
        let directories = AppDirectories {
            // Nothing is delivered there.
            inbox: link.path.join("no-inbox"),
            outbox: link.path.clone(),
            owner: None,
            group: None,
        };
        (link.id.clone(), directories)
    });
    let of_apps = registry.apps().map(|app| {
        let directories = AppDirectories {
            inbox: app.inbox.clone(),
            outbox: app.outbox.clone(),
            owner: app.uid,
            group: app.uid,
        };
        (app.id.clone(), directories)
    });
    of_links.chain(of_apps)
}

/// Where the socket of an app is.
pub(super) fn socket(app: &App) -> PathBuf {
    app.root.join(SOCKET)
}

/// The socket of an app.
pub(super) fn door(app: &App, routes: Router) -> UnixDoor {
    UnixDoor {
        path: socket(app),
        mode: SOCKET_MODE,
        owner: app.uid.map(|uid| (uid, uid)),
        name: DoorName(app.id.as_str().into()),
        routes,
    }
}
