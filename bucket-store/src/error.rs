//! Why there is no bucket.

use std::io;
use std::path::PathBuf;

/// What is wrong with the settings of a bucket, or with a key in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// It names no bucket.
    #[error("`url` = \"{url}\" {why}: write s3://BUCKET or s3://BUCKET/PREFIX")]
    Url {
        /// As it is written.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Keys would go over the network for everybody to read.
    #[error("`endpoint` = \"{endpoint}\" has no TLS: write https://…, or `allow-http = true`")]
    Http {
        /// As it is written.
        endpoint: String,
    },
    /// It is no address of a server.
    #[error("`endpoint` = \"{endpoint}\" is none: write https://HOST or https://HOST:PORT")]
    Endpoint {
        /// As it is written.
        endpoint: String,
    },
    /// One key without the other.
    #[error("`{there}` is there, and `{missing}` is not: write both, or none")]
    OneKey {
        /// The one that is there.
        there: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// There are no keys.
    #[error(
        "no keys: write `access-key-file` and `secret-key-file`, or start it with \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment"
    )]
    NoKeys,
    /// A file cannot be read.
    #[error("`{setting}`: {} cannot be read: {error}", path.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others can read a key.
    #[error("`{setting}`: {} can be read by others (mode {mode:03o}): chmod 600", path.display())]
    Exposed {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// What a file holds is no key or certificate.
    #[error("`{setting}`: {} {why}", path.display())]
    Unfit {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The client does not take them.
    #[error("no client of the store: {0}")]
    Client(String),
    /// A key that the store has not.
    #[error("{key} is no key of an object: {why}")]
    Key {
        /// The key, or the part of it.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}
