//! A bucket of an S3-compatible object store: settings that are checked, and the client that
//! they make. Whoever uses it brings a runtime; nothing runs here by itself.
//!
//! ```
//! use bucket_store::BucketSettings;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (id, secret) = (folder.path().join("id"), folder.path().join("secret"));
//! # for file in [&id, &secret] {
//! #     std::fs::write(file, "12345678")?;
//! #     use std::os::unix::fs::PermissionsExt as _;
//! #     std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
//! # }
//! let text = format!(
//!     "url = 's3://mission/apps'\nendpoint = 'https://s3.example.org'\n\
//!      access-key-file = '{}'\nsecret-key-file = '{}'",
//!     id.display(), secret.display(),
//! );
//! let settings: BucketSettings = toml::from_str(&text)?;
//! let bucket = settings.open()?;
//! assert_eq!(bucket.prefix().as_ref(), "apps");
//! # Ok(())
//! # }
//! ```

mod error;
mod keys;
mod settings;

use std::sync::Arc;

use object_store::PutMode;
use object_store::aws::AmazonS3;
use object_store::path::Path;

pub use error::BucketError;
pub use object_store;
pub use settings::BucketSettings;

/// A bucket, and the prefix beneath which everything is. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Bucket<S = AmazonS3> {
    store: Arc<S>,
    prefix: Path,
    create: PutMode,
}

impl<S> Bucket<S> {
    /// One that somebody else made the client of: another kind of store, for tests.
    #[must_use]
    pub fn new(store: S, prefix: Path) -> Self {
        Bucket {
            store: Arc::new(store),
            prefix,
            create: PutMode::Create,
        }
    }

    /// The whole bucket.
    #[must_use]
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// What all keys begin with.
    #[must_use]
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// How an object is put where none is. Whoever puts it looks first: of a server that is not
    /// to be asked, this replaces what is there.
    #[must_use]
    pub fn create(&self) -> PutMode {
        self.create.clone()
    }

    /// The key of `components` beneath the prefix, as they are written: none is encoded.
    ///
    /// # Errors
    /// [`BucketError::Key`]: the store has no such key.
    pub fn key<'c>(
        &self,
        components: impl IntoIterator<Item = &'c str>,
    ) -> Result<Path, BucketError> {
        let mut key = self.prefix.to_string();
        for component in components {
            if component.is_empty() || component.contains('/') {
                return Err(BucketError::Key {
                    key: component.escape_debug().to_string(),
                    why: "a part of it is empty, or has a `/` in it".to_owned(),
                });
            }
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(component);
        }
        let refused = |why: String| BucketError::Key {
            key: key.escape_debug().to_string(),
            why,
        };
        if key.len() > KEY_BYTES_MAX {
            return Err(refused(format!(
                "{} octets; {KEY_BYTES_MAX} are the most",
                key.len()
            )));
        }
        Path::parse(&key).map_err(|error| refused(error.to_string()))
    }
}

/// Most octets of a key, as S3 has it.
pub const KEY_BYTES_MAX: usize = 1024;
