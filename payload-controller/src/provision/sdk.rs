//! The files of the SDK, in its form.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use payload_interface::{AppName, AppNumber};
use secret_file::SecretFileError;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::grpc::{Cookie, NoCookie};

/// Octets of a `config.json`: the SDK for C++ reads no more.
pub(super) const CONFIG_BYTES_MAX: usize = 4095;

const COOKIE: &str = "cookie";

/// Why a `config.json` has no cookie.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: {error}; `payload-controller provision` makes it", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: SecretFileError,
    },
    /// It is no JSON object.
    #[error("{} is no JSON object; remove it, and `payload-controller provision` makes it anew", path.display())]
    NoJson {
        /// Which.
        path: PathBuf,
    },
    /// It has no cookie, or another app's.
    #[error("{}: {error}", path.display())]
    NoCookie {
        /// Which.
        path: PathBuf,
        /// Why.
        error: NoCookie,
    },
}

/// The cookie that stands in an app's `config.json`.
///
/// # Errors
/// [`ConfigError`].
pub fn cookie(path: &Path, number: AppNumber) -> Result<Cookie, ConfigError> {
    let config = read(path)?;
    let cookie = config.get(COOKIE).and_then(Value::as_str).unwrap_or("");
    Cookie::new(cookie, number).map_err(|error| ConfigError::NoCookie {
        path: path.to_owned(),
        error,
    })
}

/// Whether there is a cookie, be it the app's or another's.
pub(super) fn read(path: &Path) -> Result<Map<String, Value>, ConfigError> {
    let octets = secret_file::read(path, CONFIG_BYTES_MAX as u64);
    let octets = octets.map_err(|error| ConfigError::File {
        path: path.to_owned(),
        error,
    })?;
    match serde_json::from_slice(&octets) {
        Ok(Value::Object(config)) => Ok(config),
        _ => Err(ConfigError::NoJson {
            path: path.to_owned(),
        }),
    }
}

/// Puts a cookie in.
pub(super) fn with_cookie(mut config: Map<String, Value>, cookie: &str) -> Zeroizing<Vec<u8>> {
    config.insert(COOKIE.to_owned(), Value::from(cookie));
    Zeroizing::new(format!("{:#}\n", Value::Object(config)).into_bytes())
}

/// A `config.json`, but for the cookie.
pub(super) fn config(
    name: &AppName,
    number: AppNumber,
    app: IpAddr,
    controller: IpAddr,
) -> Map<String, Value> {
    let config = json!({
        "ID": { "App_Id": number.get(), "App_Name": name.as_str() },
        "IO_Access": { "GPIO": {}, "UART": {}, "CAN": {}, "I2C": {} },
        "Network": {
            "VM_IP_Address": app.to_string(),
            "Application_Controller_IP_Address": controller.to_string(),
            "NTP_Server_IP_Address": controller.to_string(),
        },
        "Storage": {},
    });
    match config {
        Value::Object(config) => config,
        _ => Map::new(),
    }
}

/// An `sdk_env.conf`. `KEEPALIVE=1` would have the SDK go to a cloud instead of the
/// controller.
pub(super) fn environment(is_encrypted: bool, app: SocketAddr, controller: SocketAddr) -> String {
    format!(
        "# The payload controller, and the app that it calls.\n\
         PAYLOAD_CONTROLLER_IP={}\n\
         PC_API_PORT={}\n\
         PAYLOAD_APP_IP={}\n\
         LISTEN_IP={}\n\
         APP_API_PORT={}\n\
         SSL_FLAG={}\n\
         KEEPALIVE=0\n",
        controller.ip(),
        controller.port(),
        app.ip(),
        app.ip(),
        app.port(),
        u8::from(is_encrypted),
    )
}
