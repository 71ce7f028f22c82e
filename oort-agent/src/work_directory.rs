//! The work directory: what is where.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::item::Uuid;

/// How an item's file is called, behind its identifier.
pub const DATA_SUFFIX: &str = ".data.oort";
/// How what is known of it is called, behind its identifier.
pub const META_SUFFIX: &str = ".meta.oort";

/// Why a work directory is none. The text is for whoever started the agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkDirectoryError {
    /// It begins at the current directory, wherever that is.
    #[error("the work directory {} is to be an absolute path", .0.display())]
    NotAbsolute(PathBuf),
    /// It is not there or cannot be made use of.
    #[error("the work directory {}: {error}", path.display())]
    NotThere {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is something else.
    #[error("the work directory {} is no directory", .0.display())]
    NoDirectory(PathBuf),
    /// It is somebody else's.
    #[error("the work directory {} is not owned by the user that the agent runs as", .0.display())]
    NotOwned(PathBuf),
    /// The owner may not do everything there.
    #[error("the owner of the work directory {} is to have the permissions rwx there", .0.display())]
    NotPermitted(PathBuf),
}

/// The work directory.
#[derive(Clone, Debug)]
pub struct WorkDirectory {
    /// What is queued: the pair of each item.
    pub transfers: PathBuf,
    /// What came up, until it is retrieved.
    pub uploads: PathBuf,
    /// New versions of the agent, for whoever installs them.
    pub upgrades: PathBuf,
    /// What was damaged or cannot be sent.
    pub dead: PathBuf,
    /// The agent's own: the journal.
    pub own: PathBuf,
    /// What is being handed over: a record of each.
    pub intake: PathBuf,
    /// What is being retrieved to another file system.
    pub retrieving: PathBuf,
    root: PathBuf,
}

impl WorkDirectory {
    /// Looks whether it is one, and makes the directories in it that are not there.
    ///
    /// # Errors
    /// [`WorkDirectoryError`].
    pub fn open(root: &Path) -> Result<Self, WorkDirectoryError> {
        use WorkDirectoryError as Error;
        let not_there = |error| Error::NotThere {
            path: root.to_owned(),
            error,
        };
        if !root.is_absolute() {
            return Err(Error::NotAbsolute(root.to_owned()));
        }
        let found = fs::metadata(root).map_err(not_there)?;
        if !found.is_dir() {
            return Err(Error::NoDirectory(root.to_owned()));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(Error::NotOwned(root.to_owned()));
        }
        if found.permissions().mode() & 0o700 != 0o700 {
            return Err(Error::NotPermitted(root.to_owned()));
        }
        let root = fs::canonicalize(root).map_err(not_there)?;
        let own = root.join(".agent");
        let places = WorkDirectory {
            transfers: root.join("transfers"),
            uploads: root.join("uploads"),
            upgrades: root.join("upgrades"),
            dead: root.join("dead"),
            intake: own.join("intake"),
            retrieving: own.join("retrieving"),
            own,
            root: root.clone(),
        };
        for directory in [
            &places.transfers,
            &places.uploads,
            &places.upgrades,
            &places.dead,
            &places.own,
            &places.intake,
            &places.retrieving,
        ] {
            match DirBuilder::new().mode(0o700).create(directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(Error::NotThere {
                        path: directory.clone(),
                        error,
                    });
                }
                _ => {}
            }
        }
        Ok(places)
    }

    /// Where all of it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The data of an item in that directory.
#[must_use]
pub fn data(directory: &Path, id: Uuid) -> PathBuf {
    directory.join(format!("{id}{DATA_SUFFIX}"))
}

/// What is known of an item, in that directory.
#[must_use]
pub fn meta(directory: &Path, id: Uuid) -> PathBuf {
    directory.join(format!("{id}{META_SUFFIX}"))
}

/// The identifier that a file is named by, before that suffix.
#[must_use]
pub fn id_of(name: &str, suffix: &str) -> Option<Uuid> {
    let id = name.strip_suffix(suffix)?;
    let uuid: Uuid = id.parse().ok()?;
    // A name in upper case is another file.
    (uuid.to_string() == id).then_some(uuid)
}

/// Whose files of that suffix are in a directory.
///
/// # Errors
/// It cannot be read.
pub fn ids(directory: &Path, suffix: &str) -> io::Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        found.extend(name.to_str().and_then(|name| id_of(name, suffix)));
    }
    Ok(found)
}
