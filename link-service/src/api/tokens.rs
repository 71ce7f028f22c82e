//! Tokens: who asks by TCP is the app whose token it shows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use secret_file::SecretFileError;

use crate::names::AppId;
use crate::registry::Registry;

/// Fewest octets of a token.
const TOKEN_BYTES_MIN: usize = 16;
/// Most octets of the file of one.
const FILE_BYTES_MAX: u64 = 4096;

/// The tokens of all apps that have one. Only their hashes are kept.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<(blake3::Hash, AppId)>);

/// The tokens that hold now.
#[derive(Debug, Default)]
pub struct LiveTokens(RwLock<Tokens>);

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Its file cannot be read.
    #[error("the token file {} of app `{app}` cannot be read: {error}", path.display())]
    Unreadable {
        /// Whose.
        app: AppId,
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others may read it.
    #[error(
        "the token file {} of app `{app}` can be read by others (mode {mode:o}): chmod 600 it, \
         and make another token",
        path.display()
    )]
    Exposed {
        /// Whose.
        app: AppId,
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is too short to be a secret, too long, or no visible ASCII.
    #[error(
        "the token file {} of app `{app}` is to hold one line of {TOKEN_BYTES_MIN} to \
         {FILE_BYTES_MAX} visible ASCII characters, such as `openssl rand -hex 32` writes",
        path.display()
    )]
    Unfit {
        /// Whose.
        app: AppId,
        /// The file.
        path: PathBuf,
    },
    /// Two apps have one token.
    #[error("apps `{one}` and `{other}` have the same token: make another for one of them")]
    Shared {
        /// The one.
        one: AppId,
        /// The other.
        other: AppId,
    },
}

impl Tokens {
    /// Reads the tokens of all apps.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(registry: &Registry) -> Result<Tokens, TokenError> {
        let mut tokens = Tokens::default();
        for app in registry.apps() {
            let Some(path) = &app.token_file else {
                continue;
            };
            let hash = blake3::hash(&token(&app.id, path)?);
            if let Some(other) = tokens.of(hash) {
                return Err(TokenError::Shared {
                    one: other,
                    other: app.id.clone(),
                });
            }
            tokens.0.push((hash, app.id.clone()));
        }
        Ok(tokens)
    }

    /// Whose token that is. It takes the same time whatever it is compared with.
    #[must_use]
    pub fn owner(&self, token: &[u8]) -> Option<AppId> {
        self.of(blake3::hash(token))
    }

    fn of(&self, hash: blake3::Hash) -> Option<AppId> {
        // All of them, whichever it is; hashes are compared in constant time.
        let mut owner = None;
        for (known, app) in &self.0 {
            if *known == hash {
                owner = Some(app);
            }
        }
        owner.cloned()
    }
}

impl LiveTokens {
    /// Begins with these.
    #[must_use]
    pub fn new(tokens: Tokens) -> LiveTokens {
        LiveTokens(RwLock::new(tokens))
    }

    /// From now on, these.
    pub fn replace(&self, tokens: Tokens) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }

    /// Whose token that is.
    #[must_use]
    pub fn owner(&self, token: &[u8]) -> Option<AppId> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tokens.owner(token)
    }
}

fn token(app: &AppId, path: &Path) -> Result<Vec<u8>, TokenError> {
    let (app, path) = (app.clone(), path.to_owned());
    let octets = match secret_file::read(&path, FILE_BYTES_MAX) {
        Ok(octets) => octets,
        Err(SecretFileError::Unreadable(error)) => {
            return Err(TokenError::Unreadable { app, path, error });
        }
        Err(SecretFileError::Exposed { mode }) => {
            return Err(TokenError::Exposed { app, path, mode });
        }
        Err(SecretFileError::TooLong { .. }) => return Err(TokenError::Unfit { app, path }),
    };
    let token = octets.trim_ascii();
    let fits = token.len() >= TOKEN_BYTES_MIN && token.iter().all(u8::is_ascii_graphic);
    match fits {
        true => Ok(token.to_vec()),
        false => Err(TokenError::Unfit { app, path }),
    }
}
