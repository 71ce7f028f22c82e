//! What is configured of gRPC, and what it becomes.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use payload_interface::{AppName, AppNumber, Profile};
use serde::Deserialize;

use super::access::{App, Security};
use super::limits::Limits;
use super::service::Config;
use super::tls::{Identity, IdentityError, certificate};
use crate::provision::{ConfigError, Credentials, Order, Protection, Renew, cookie};

/// `[payload-controller.grpc]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Where apps call, encrypted.
    pub addr: SocketAddr,
    /// Where those call whose `security` is `plain`.
    pub plain_addr: Option<SocketAddr>,
    /// The directory with certificates, cookies and sessions.
    pub credentials: PathBuf,
    /// The addresses at which apps call the controller; the one of `addr`, where none is said.
    pub known_as: Vec<IpAddr>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            addr: SocketAddr::from(([127, 0, 0, 1], 50_051)),
            plain_addr: None,
            credentials: PathBuf::from("/var/lib/heliograph/payload-controller/credentials"),
            known_as: Vec::new(),
        }
    }
}

/// How one app is reached and known: `[payload-controller.apps.connection]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connection {
    /// Where it is called.
    pub callbacks: SocketAddr,
    /// The only address that it calls from; from anywhere, where none is said.
    #[serde(default)]
    pub calls_from: Option<IpAddr>,
    /// The address at which it calls the controller; the first of `known-as`, where none is
    /// said.
    #[serde(default)]
    pub controller: Option<IpAddr>,
    /// How it is known.
    #[serde(default)]
    pub security: Protection,
    /// With what it was built.
    #[serde(default)]
    pub profile: Profile,
}

/// Why that cannot be run with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A certificate or a key is missing.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A cookie is missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An app calls in plain text, and there is no place for it.
    #[error(
        "app `{0}` has `security = \"plain\"`: give `[payload-controller.grpc]` a `plain-addr`"
    )]
    NoPlainAddr(AppName),
    /// Two apps would be one to whoever calls them.
    #[error("apps `{one}` and `{other}` are both called at {addr}: give one of them another port")]
    SameCallbacks {
        /// The one.
        one: AppName,
        /// The other.
        other: AppName,
        /// Where.
        addr: SocketAddr,
    },
    /// Two apps would have one number.
    #[error("apps `{one}` and `{other}` have the same number {number}")]
    SameNumber {
        /// The one.
        one: AppName,
        /// The other.
        other: AppName,
        /// Which.
        number: AppNumber,
    },
    /// The controller listens everywhere, and nothing says where it is called.
    #[error(
        "`addr` is {0}, which is nobody's address: say in `known-as` at which addresses apps \
         call the controller"
    )]
    NoAddress(SocketAddr),
}

impl Settings {
    /// All that gRPC runs with. The files of each app are read.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn config<'a>(
        &self,
        apps: impl IntoIterator<Item = (&'a AppName, AppNumber, &'a Connection)>,
    ) -> Result<Config, SettingsError> {
        let credentials = Credentials::new(&self.credentials);
        let apps: Vec<_> = apps.into_iter().collect();
        for (index, (one, number, connection)) in apps.iter().enumerate() {
            for (other, other_number, other_connection) in apps.iter().skip(index + 1) {
                let (one, other) = ((*one).clone(), (*other).clone());
                if connection.callbacks == other_connection.callbacks {
                    let addr = connection.callbacks;
                    return Err(SettingsError::SameCallbacks { one, other, addr });
                }
                if number == other_number {
                    let number = *number;
                    return Err(SettingsError::SameNumber { one, other, number });
                }
            }
        }
        let apps = apps
            .into_iter()
            .map(|(name, number, connection)| self.app(&credentials, name, number, connection));
        Ok(Config {
            addr: self.addr,
            plain_addr: self.plain_addr,
            apps: apps.collect::<Result<_, SettingsError>>()?,
            identity: Identity::read(&credentials.certificate(), &credentials.key())?,
            sessions: credentials.sessions(),
            limits: Limits::default(),
        })
    }

    fn app(
        &self,
        credentials: &Credentials,
        name: &AppName,
        number: AppNumber,
        connection: &Connection,
    ) -> Result<App, SettingsError> {
        let folder = credentials.app(name);
        let security = match connection.security {
            Protection::Native => Security::Native {
                certificate: certificate(&folder.certificate())?,
            },
            Protection::Cookie => Security::Cookie {
                cookie: cookie(&folder.config(), number)?,
                certificate: certificate(&folder.certificate())?,
            },
            Protection::Plain if self.plain_addr.is_none() => {
                return Err(SettingsError::NoPlainAddr(name.clone()));
            }
            Protection::Plain => Security::Plain {
                cookie: cookie(&folder.config(), number)?,
            },
        };
        Ok(App {
            name: name.clone(),
            callbacks: connection.callbacks,
            calls_from: connection.calls_from,
            profile: connection.profile,
            security,
        })
    }

    /// What `payload-controller provision` is to make for an app.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn order(
        &self,
        app: &AppName,
        number: AppNumber,
        connection: &Connection,
        renew: Renew,
    ) -> Result<Order, SettingsError> {
        let addr = match connection.security {
            Protection::Plain => self
                .plain_addr
                .ok_or_else(|| SettingsError::NoPlainAddr(app.clone()))?,
            Protection::Native | Protection::Cookie => self.addr,
        };
        let first = self.known_as.first().copied();
        let controller = connection.controller.or(first).unwrap_or(addr.ip());
        if controller.is_unspecified() {
            return Err(SettingsError::NoAddress(addr));
        }
        Ok(Order {
            credentials: Credentials::new(&self.credentials),
            app: app.clone(),
            number,
            callbacks: connection.callbacks,
            controller: SocketAddr::new(controller, addr.port()),
            known_as: self.known_as.clone(),
            protection: connection.security,
            renew,
        })
    }

    /// The same, with relative paths being below that directory.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.credentials = folder.join(&self.credentials);
        self
    }
}
