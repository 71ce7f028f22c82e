//! What a payload is provisioned with.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secret_file::SecretFileError;

use crate::secret::Secret;

/// Octets of any of its files.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where the files of a payload are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `sdk_env.conf`, with addresses.
    pub environment: PathBuf,
    /// `config.json`, with the cookie.
    pub config: PathBuf,
    /// `server.crt`, the controller's certificate.
    pub controller: PathBuf,
    /// `client.crt`, the payload's.
    pub certificate: PathBuf,
    /// `client.key`, its key.
    pub key: PathBuf,
}

impl Files {
    /// All in one directory, as `payload-controller provision` leaves them.
    #[must_use]
    pub fn folder(folder: &Path) -> Files {
        Files {
            environment: folder.join("sdk_env.conf"),
            config: folder.join("config.json"),
            controller: folder.join("server.crt"),
            certificate: folder.join("client.crt"),
            key: folder.join("client.key"),
        }
    }

    /// Where payloads of the SDK have them: below `/opt/antaris`. `ANTARIS_ENV_CONF_FILE`
    /// names another `sdk_env.conf`.
    #[must_use]
    pub fn installed() -> Files {
        let app = Path::new("/opt/antaris/app");
        let environment = std::env::var_os("ANTARIS_ENV_CONF_FILE");
        Files {
            environment: environment.map_or_else(|| app.join("conf/sdk_env.conf"), PathBuf::from),
            config: app.join("config.json"),
            controller: PathBuf::from("/opt/antaris/sdk/server.crt"),
            certificate: app.join("client.crt"),
            key: app.join("client.key"),
        }
    }
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A call, until it returns.
    pub call: Duration,
    /// What comes of a request, after the call of it has returned.
    pub result: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            call: Duration::from_secs(10),
            result: Duration::from_secs(60),
        }
    }
}

/// All that a channel is made of.
#[derive(Debug)]
pub struct Setup {
    /// Where the controller is.
    pub controller: SocketAddr,
    /// Where the payload is called.
    pub listen: SocketAddr,
    /// How long something may take.
    pub patience: Patience,
    pub(crate) cookie: Secret,
    /// None, where everybody may read all of it.
    pub(crate) identity: Option<Identity>,
}

/// Who is who.
pub(crate) struct Identity {
    pub(crate) controller: CertificateDer<'static>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

/// What is wrong with the files of a payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// One cannot be read.
    #[error("{}: {error}; `payload-controller provision` makes it", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: SecretFileError,
    },
    /// One does not hold what it is to hold.
    #[error("{} has no {what}; `payload-controller provision` makes it", path.display())]
    Lacks {
        /// Which.
        path: PathBuf,
        /// What is to be there.
        what: &'static str,
    },
}

impl Setup {
    /// Reads what was provisioned. Certificates are read where `SSL_FLAG` says that calls are
    /// encrypted, as they are by default.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn read(files: &Files) -> Result<Setup, SetupError> {
        let environment = secret_file::read_public(&files.environment, FILE_BYTES_MAX)
            .map_err(|error| of(&files.environment, error))?;
        let environment = String::from_utf8_lossy(&environment);
        let value = |key: &str| {
            let lines = environment.lines().map(str::trim);
            let mut pairs = lines.filter_map(|line| line.split_once('='));
            let pair = pairs.find(|(one, _)| one.trim() == key);
            pair.map(|(_, value)| value.trim())
        };
        let lacks = |what| SetupError::Lacks {
            path: files.environment.clone(),
            what,
        };
        let ip = |key, what| match value(key) {
            None => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(text) => text.parse().map_err(|_| lacks(what)),
        };
        let port = |key, usual: u16, what| match value(key) {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| lacks(what)),
        };
        let controller = SocketAddr::new(
            ip("PAYLOAD_CONTROLLER_IP", "address in PAYLOAD_CONTROLLER_IP")?,
            port("PC_API_PORT", 50_051, "port in PC_API_PORT")?,
        );
        let listen = SocketAddr::new(
            ip("LISTEN_IP", "address in LISTEN_IP")?,
            port("APP_API_PORT", 50_053, "port in APP_API_PORT")?,
        );
        let identity = match value("SSL_FLAG") {
            Some("0") => None,
            _ => Some(Identity::read(files)?),
        };
        Ok(Setup {
            controller,
            listen,
            patience: Patience::default(),
            cookie: cookie(&files.config)?,
            identity,
        })
    }
}

impl Identity {
    fn read(files: &Files) -> Result<Identity, SetupError> {
        let key = secret_file::read(&files.key, FILE_BYTES_MAX);
        let key = key.map_err(|error| of(&files.key, error))?;
        Ok(Identity {
            controller: certificate(&files.controller)?,
            certificate: certificate(&files.certificate)?,
            key: PrivateKeyDer::from_pem_slice(&key).map_err(|_| SetupError::Lacks {
                path: files.key.clone(),
                what: "key in PEM",
            })?,
        })
    }
}

fn certificate(path: &Path) -> Result<CertificateDer<'static>, SetupError> {
    let pem = secret_file::read_public(path, FILE_BYTES_MAX).map_err(|error| of(path, error))?;
    CertificateDer::from_pem_slice(&pem).map_err(|_| SetupError::Lacks {
        path: path.to_owned(),
        what: "certificate in PEM",
    })
}

fn cookie(path: &Path) -> Result<Secret, SetupError> {
    let octets = secret_file::read(path, FILE_BYTES_MAX).map_err(|error| of(path, error))?;
    let config: Option<serde_json::Value> = serde_json::from_slice(&octets).ok();
    let cookie = config.as_ref().and_then(|it| it.get("cookie")?.as_str());
    let cookie = cookie.filter(|it| it.bytes().all(|octet| octet.is_ascii_graphic()));
    let cookie = cookie.ok_or_else(|| SetupError::Lacks {
        path: path.to_owned(),
        what: "cookie",
    })?;
    Ok(Secret::new(cookie.to_owned()))
}

fn of(path: &Path, error: SecretFileError) -> SetupError {
    SetupError::File {
        path: path.to_owned(),
        error,
    }
}
