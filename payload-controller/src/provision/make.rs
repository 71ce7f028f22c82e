//! What is missing is made, what is there stays.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use payload_interface::{AppName, AppNumber};
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::ParsedCertificate;

use super::certificate::{self, Pair};
use super::folder::Credentials;
use super::sdk::{self, CONFIG_BYTES_MAX, ConfigError};
use super::write;
use crate::grpc::{Cookie, IdentityError};

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where all files are.
    pub credentials: Credentials,
    /// The app.
    pub app: AppName,
    /// Its number.
    pub number: AppNumber,
    /// Where it is called.
    pub callbacks: SocketAddr,
    /// Where it calls the controller.
    pub controller: SocketAddr,
    /// All addresses at which apps call the controller, for its certificate.
    pub known_as: Vec<IpAddr>,
    /// How it is known.
    pub protection: Protection,
    /// What is made anew though it is there.
    pub renew: Renew,
}

/// How an app is known: [`Security`](crate::grpc::Security), without what that needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// By its certificate and the token of its session.
    Native,
    /// By a cookie, encrypted.
    #[default]
    Cookie,
    /// By a cookie, for everybody on the way to read.
    Plain,
}

/// What is made anew though it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renew {
    /// The app's certificate and cookie.
    pub app: bool,
    /// The controller's certificate: then all apps have to get the new one.
    pub controller: bool,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// Where the app's files are.
    pub folder: PathBuf,
    /// Those that were written, of the app and of the controller.
    pub written: Vec<PathBuf>,
}

/// Why not all of it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// There are no random octets.
    #[error("no cookie could be made: {0}")]
    Cookie(#[from] getrandom::Error),
    /// What is there is no certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// What is there is no `config.json` of the app.
    #[error("{0} (or use --renew, and give the app its new files)")]
    Config(#[from] ConfigError),
    /// The controller's certificate is for other addresses.
    #[error(
        "{} is not for {addr}, where the app calls the controller: name it in `known-as`, use \
         --renew-controller, and give all apps the new certificate",
        path.display()
    )]
    OtherAddress {
        /// Where the certificate is.
        path: PathBuf,
        /// Where it calls.
        addr: IpAddr,
    },
    /// The SDK would not read all of it.
    #[error("{} would have {octets} octets, and the SDK reads {CONFIG_BYTES_MAX}", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
        /// How many.
        octets: usize,
    },
}

/// Makes what is missing. A second time, it makes nothing.
///
/// # Errors
/// [`ProvisionError`]; what was made until then is there, and is complete in itself.
pub fn provision(order: &Order) -> Result<Provisioned, ProvisionError> {
    let folder = order.credentials.app(&order.app);
    let mut files = Files::default();
    files.folder(&order.credentials.controller())?;
    files.folder(folder.path())?;

    let (certificate, key) = (order.credentials.certificate(), order.credentials.key());
    if order.renew.controller || !key.exists() || !certificate.exists() {
        let mut addrs = order.known_as.clone();
        if !addrs.contains(&order.controller.ip()) {
            addrs.push(order.controller.ip());
        }
        let pair = certificate::make("payload-controller", &addrs)?;
        files.pair(&certificate, &key, &pair)?;
    }
    is_for(&certificate, order.controller.ip())?;
    let of_controller = files.read(&certificate)?;
    files.same(&folder.controller(), &of_controller)?;

    if order.renew.app || !folder.key().exists() || !folder.certificate().exists() {
        let pair = certificate::make(order.app.as_str(), &[order.callbacks.ip()])?;
        files.pair(&folder.certificate(), &folder.key(), &pair)?;
    }
    files.config(&folder.config(), order)?;
    let is_encrypted = order.protection != Protection::Plain;
    let environment = sdk::environment(is_encrypted, order.callbacks, order.controller);
    files.same(&folder.environment(), environment.as_bytes())?;
    Ok(Provisioned {
        folder: folder.path().to_owned(),
        written: files.written,
    })
}

/// Whether an app that calls the controller there, takes its certificate.
fn is_for(path: &Path, addr: IpAddr) -> Result<(), ProvisionError> {
    let certificate = crate::grpc::certificate(path)?;
    let name = ServerName::IpAddress(addr.into());
    let is_for = ParsedCertificate::try_from(&certificate)
        .and_then(|certificate| verify_server_name(&certificate, &name));
    is_for.map_err(|_| ProvisionError::OtherAddress {
        path: path.to_owned(),
        addr,
    })
}

/// What is written.
#[derive(Default)]
struct Files {
    written: Vec<PathBuf>,
}

impl Files {
    fn folder(&self, path: &Path) -> Result<(), ProvisionError> {
        write::folder(path).map_err(|error| ProvisionError::Write {
            path: path.to_owned(),
            error,
        })
    }

    fn file(&mut self, path: &Path, octets: &[u8]) -> Result<(), ProvisionError> {
        write::file(path, octets).map_err(|error| ProvisionError::Write {
            path: path.to_owned(),
            error,
        })?;
        self.written.push(path.to_owned());
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, ProvisionError> {
        std::fs::read(path).map_err(|error| ProvisionError::Write {
            path: path.to_owned(),
            error,
        })
    }

    /// A file whose content follows from the order.
    fn same(&mut self, path: &Path, octets: &[u8]) -> Result<(), ProvisionError> {
        match std::fs::read(path) {
            Ok(there) if there == octets => Ok(()),
            _ => self.file(path, octets),
        }
    }

    /// The certificate comes last: with it, both are there.
    fn pair(&mut self, certificate: &Path, key: &Path, pair: &Pair) -> Result<(), ProvisionError> {
        // Of an old pair, nothing stays beside the new key.
        match std::fs::remove_file(certificate) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(ProvisionError::Write {
                    path: certificate.to_owned(),
                    error,
                });
            }
        }
        self.file(key, pair.key.as_bytes())?;
        self.file(certificate, pair.certificate.as_bytes())
    }

    /// Whatever else stands in a `config.json` is the operator's.
    fn config(&mut self, path: &Path, order: &Order) -> Result<(), ProvisionError> {
        let is_there = path.exists();
        if is_there && !order.renew.app {
            sdk::cookie(path, order.number)?;
            return Ok(());
        }
        let addrs = (order.callbacks.ip(), order.controller.ip());
        let config = match is_there {
            true => sdk::read(path)?,
            false => sdk::config(&order.app, order.number, addrs.0, addrs.1),
        };
        let cookie = Cookie::generate(order.number)?;
        let config = sdk::with_cookie(config, &cookie);
        if config.len() > CONFIG_BYTES_MAX {
            return Err(ProvisionError::TooLong {
                path: path.to_owned(),
                octets: config.len(),
            });
        }
        self.file(path, &config)
    }
}
