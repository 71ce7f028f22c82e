//! The tokens that apps have of their sessions. Only their hashes are kept, in a file each, as
//! payloads do not register again when the controller is another process.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use payload_interface::AppName;
use secret_file::SecretFileError;

/// Octets of a token, before they are written as hexadecimal digits.
const TOKEN_BYTES: usize = 32;

/// Octets of the file of one: its hash, and what an editor puts at the end.
const FILE_BYTES_MAX: u64 = 2 * blake3::OUT_LEN as u64 + 2;

/// The sessions of all apps.
#[derive(Debug)]
pub struct Sessions {
    folder: PathBuf,
    hashes: Mutex<BTreeMap<AppName, blake3::Hash>>,
}

/// Why a session is not kept.
#[derive(Debug, thiserror::Error)]
#[error("the session of an app is not kept in {}: {error}", path.display())]
pub struct SessionError {
    /// Where it would be.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl Sessions {
    /// Those that are kept in a directory, which is made where it is not there. One that
    /// cannot be read does not hold, which is logged: its app has to register again.
    ///
    /// # Errors
    /// [`SessionError`], for the directory.
    pub fn open<'a>(
        folder: &Path,
        apps: impl Iterator<Item = &'a AppName>,
    ) -> Result<Sessions, SessionError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| SessionError {
                path: folder.to_owned(),
                error,
            })?;
        let mut hashes = BTreeMap::new();
        for app in apps {
            match read(&folder.join(app.as_str())) {
                Ok(Some(hash)) => {
                    hashes.insert(app.clone(), hash);
                }
                Ok(None) => {}
                Err(error) => log::warn!("the session of `{app}` does not hold: {error}"),
            }
        }
        Ok(Sessions {
            folder: folder.to_owned(),
            hashes: Mutex::new(hashes),
        })
    }

    /// Begins a session of an app: the token of an earlier one holds no more. It is on the
    /// disk when this returns.
    ///
    /// # Errors
    /// [`SessionError`]; the earlier one holds, then.
    pub fn begin(&self, app: &AppName) -> Result<String, SessionError> {
        let path = self.folder.join(app.as_str());
        let begun = || -> io::Result<(String, blake3::Hash)> {
            let mut octets = [0; TOKEN_BYTES];
            getrandom::fill(&mut octets).map_err(io::Error::other)?;
            let token = hex::encode(octets);
            let hash = blake3::hash(token.as_bytes());
            write(&self.folder, &path, &hash)?;
            Ok((token, hash))
        };
        let (token, hash) = begun().map_err(|error| SessionError { path, error })?;
        self.hashes().insert(app.clone(), hash);
        Ok(token)
    }

    /// Whether that is the token of an app's session. It takes the same time whatever it is
    /// compared with.
    #[must_use]
    pub fn holds(&self, app: &AppName, token: &[u8]) -> bool {
        let shown = blake3::hash(token);
        self.hashes().get(app).is_some_and(|hash| *hash == shown)
    }

    /// Ends a session.
    pub fn end(&self, app: &AppName) {
        self.hashes().remove(app);
        let path = self.folder.join(app.as_str());
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("{} cannot be removed: {error}", path.display()),
        }
    }

    fn hashes(&self) -> std::sync::MutexGuard<'_, BTreeMap<AppName, blake3::Hash>> {
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Option<blake3::Hash>, String> {
    let octets = match secret_file::read(path, FILE_BYTES_MAX) {
        Ok(octets) => octets,
        Err(SecretFileError::Unreadable(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    let hash = blake3::Hash::from_hex(octets.trim_ascii());
    hash.map(Some).map_err(|error| error.to_string())
}

/// Replaces the file as a whole.
fn write(folder: &Path, path: &Path, hash: &blake3::Hash) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(hash.to_hex().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}
