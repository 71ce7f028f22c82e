//! What stands where.
//!
//! ```text
//! CREDENTIALS/
//!   controller/    server.crt, server.key
//!   apps/APP/      client.crt, client.key   the app's
//!                  server.crt               the controller's, once more
//!                  config.json, sdk_env.conf
//!   sessions/APP   the hash of a token
//! ```

use std::path::{Path, PathBuf};

use payload_interface::AppName;

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials(PathBuf);

impl Credentials {
    /// In that directory.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Credentials(folder.to_owned())
    }

    /// What is the controller's.
    #[must_use]
    pub fn controller(&self) -> PathBuf {
        self.0.join("controller")
    }

    /// The controller's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.controller().join("server.crt")
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.controller().join("server.key")
    }

    /// Where sessions are kept.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }

    /// What is an app's.
    #[must_use]
    pub fn app(&self, app: &AppName) -> AppFolder {
        AppFolder(self.0.join("apps").join(app.as_str()))
    }
}

/// What is one app's. Its files go to where the SDK looks for them:
/// `/opt/antaris/app/client.crt`, `client.key` and `config.json`,
/// `/opt/antaris/app/conf/sdk_env.conf` and `/opt/antaris/sdk/server.crt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppFolder(PathBuf);

impl AppFolder {
    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The app's certificate, which it shows when it is called.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.0.join("client.crt")
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.0.join("client.key")
    }

    /// The controller's certificate, by which the app knows it.
    #[must_use]
    pub fn controller(&self) -> PathBuf {
        self.0.join("server.crt")
    }

    /// What the SDK reads, with the cookie.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    /// What the SDK reads of addresses.
    #[must_use]
    pub fn environment(&self) -> PathBuf {
        self.0.join("sdk_env.conf")
    }
}
