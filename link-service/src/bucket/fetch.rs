//! From an outbox in a bucket to the app's outbox here.

use bucket_store::object_store::path::Path;
use bucket_store::object_store::{Error, GetOptions, ObjectStore as _};
use futures_util::StreamExt as _;

use super::identity;
use super::note::{Notes, SourceNote};
use super::{Shared, Store};
use crate::folders::{FolderError, Folders, Replace};
use crate::journal::Journal;
use crate::mover::make_beneath;
use crate::names::{AppId, FileName, Subdirectory};

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// Another object has the key, or none.
    #[error("{key} changed since the request was read")]
    Changed { key: String },
    /// It came otherwise than it was put.
    #[error("{key} came with other octets than it says")]
    Hash { key: String },
    /// The store did not give it.
    #[error("fetching {key}: {error}")]
    Store { key: String, error: Box<Error> },
    /// The disk did not take it.
    #[error(transparent)]
    Disk(#[from] FolderError),
}

/// A file that is fetched.
const PART: &str = "fetched.part";

impl<F: Folders, J: Journal, S: Store> Shared<F, J, S> {
    /// Fetches a file; durable when it returns. One of the name that is there was fetched for
    /// the same request, or for one that nobody knows.
    pub(super) async fn fetch(
        &self,
        app: &AppId,
        source: &SourceNote,
        subdirectory: &Subdirectory,
        name: &FileName,
    ) -> Result<(), FetchError> {
        let key = || source.key.clone();
        let failed = |error: Error| match error {
            Error::NotFound { .. } | Error::Precondition { .. } => {
                FetchError::Changed { key: key() }
            }
            error => FetchError::Store {
                key: key(),
                error: Box::new(error),
            },
        };
        let path = Path::parse(&source.key).map_err(|error| failed(error.into()))?;
        let options = GetOptions {
            if_match: source.etag.clone(),
            ..GetOptions::default()
        };
        let got = self.bucket.store().get_opts(&path, options).await;
        let got = got.map_err(failed)?;
        if got.meta.size != source.size {
            return Err(FetchError::Changed { key: key() });
        }
        let said = identity::hash(&got.attributes).map(str::to_owned);
        let folders = self.desk.folders();
        let notes = Notes::open(folders, app)?;
        folders.remove(&notes.fetched, PART)?;
        let file = folders.open_to_write(&notes.fetched, PART)?;
        folders.reserve(&file, source.size)?;
        let mut hasher = blake3::Hasher::new();
        let mut octets = got.into_stream();
        let mut offset = 0;
        while let Some(chunk) = octets.next().await {
            let chunk = chunk.map_err(failed)?;
            hasher.update(&chunk);
            folders.write(&file, offset, &chunk)?;
            offset += chunk.len() as u64;
        }
        if offset != source.size {
            return Err(FetchError::Changed { key: key() });
        }
        if said.is_some_and(|said| said != hasher.finalize().to_hex().as_str()) {
            return Err(FetchError::Hash { key: key() });
        }
        folders.hand_over(&file, app)?;
        folders.sync(&file)?;
        let directories = make_beneath(folders, notes.outbox, subdirectory, app)?;
        let Some(within) = directories.last() else {
            return Ok(());
        };
        let from = (&notes.fetched, PART);
        folders.rename(from, (within, name.as_str()), Replace::May)?;
        for directory in &directories {
            folders.sync_directory(directory)?;
        }
        self.counter
            .count(|counts| counts.fetched_bytes += source.size);
        Ok(())
    }

    /// Removes what was fetched and did not go: in the bucket it is still.
    pub(super) fn drop_fetched(
        &self,
        app: &AppId,
        subdirectory: &Subdirectory,
        names: &[FileName],
        returned: &[String],
    ) -> Result<(), FolderError> {
        let folders = self.desk.folders();
        let open = |components: &mut dyn Iterator<Item = &str>| {
            let mut directory = Notes::open(folders, app)?.outbox;
            for component in components {
                directory = folders.open_directory(&directory, component)?;
            }
            Ok(directory)
        };
        match open(&mut subdirectory.components()) {
            Ok(within) => {
                for name in names {
                    folders.remove(&within, name.as_str())?;
                }
            }
            Err(FolderError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        for path in returned {
            let Some((directories, name)) = path.rsplit_once('/') else {
                continue;
            };
            match open(&mut directories.split('/')) {
                Ok(within) => folders.remove(&within, name)?,
                Err(FolderError::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
