//! Who may ask: whoever shows the token, where there is one.

use std::io;
use std::path::{Path, PathBuf};

use secret_file::SecretFileError;
use service_host::http::axum::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

/// Shortest token, in characters.
const CHARACTERS_MIN: usize = 16;
/// Octets of the file of one at most.
const FILE_BYTES_MAX: u64 = 4096;

/// A token. It is kept as its hash, so that the time of a comparison tells nothing.
pub struct Token([u8; 32]);

/// Why a token is none.
#[derive(Debug, thiserror::Error)]
#[error("the token file {}: {error}", path.display())]
pub struct TokenError {
    path: PathBuf,
    error: SecretFileError,
}

impl Token {
    /// In a file that nobody else can read.
    ///
    /// # Errors
    /// It is not there, is too short, or others can read it.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let error = |error| TokenError {
            path: path.to_owned(),
            error,
        };
        let octets = secret_file::read(path, FILE_BYTES_MAX).map_err(error)?;
        let text = octets.trim_ascii();
        if text.len() < CHARACTERS_MIN {
            let text = format!("a token has at least {CHARACTERS_MIN} characters");
            return Err(error(io::Error::other(text).into()));
        }
        Ok(Token(Sha256::digest(text).into()))
    }

    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        shown.is_some_and(|token| <[u8; 32]>::from(Sha256::digest(token)) == self.0)
    }
}
