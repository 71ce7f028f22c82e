//! Acknowledged submit: where apps hand over messages and are told their fate.
//!
//! ```toml
//! [my-radio.comms]
//! submit = { unix = "/run/heliograph/submit.sock", tcp = "127.0.0.1:13500", clients-max = 16 }
//! ```

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::error::{CommsError, CommsResult};

/// Clients at once where `clients-max` is not given.
const CLIENTS_MAX: usize = 16;
/// Most that can be configured.
const CLIENTS_LIMIT: usize = 256;
/// Octets of the path of a Unix socket, less the zero at its end, and the suffix of
/// its name while it is made.
const PATH_BYTES_MAX: usize = 100;

/// `submit` of `[<service>.comms]`; at least one of the two places.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SubmitOptions {
    /// Path of a Unix socket (mode 0660), at most 100 octets.
    #[serde(default)]
    pub unix: Option<PathBuf>,
    /// Address and port to listen on; port 0 lets the system choose.
    #[serde(default)]
    pub tcp: Option<SocketAddr>,
    /// Clients at once.
    #[serde(default = "clients_max")]
    pub clients_max: usize,
}

fn clients_max() -> usize {
    CLIENTS_MAX
}

impl Default for SubmitOptions {
    fn default() -> Self {
        SubmitOptions {
            unix: None,
            tcp: None,
            clients_max: CLIENTS_MAX,
        }
    }
}

impl SubmitOptions {
    pub(super) fn check(&self) -> CommsResult<()> {
        let config = |text: String| Err(CommsError::Config(text));
        if self.unix.is_none() && self.tcp.is_none() {
            return config("submit names no place: give `unix` or `tcp`".to_string());
        }
        if let Some(address) = self.tcp.filter(|address| address.ip().is_unspecified()) {
            return config(format!(
                "submit.tcp is {address}, every address of this machine: name one, such as 127.0.0.1"
            ));
        }
        let clients = self.clients_max;
        if !(1..=CLIENTS_LIMIT).contains(&clients) {
            return config(format!(
                "submit.clients-max = {clients} is not in 1..={CLIENTS_LIMIT}"
            ));
        }
        let path = self
            .unix
            .as_ref()
            .map(|path| (path, path.as_os_str().len()));
        if let Some((path, bytes)) = path.filter(|(_, bytes)| !(1..=PATH_BYTES_MAX).contains(bytes))
        {
            return config(format!(
                "submit.unix is `{}`, a path of {bytes} octets: 1 to {PATH_BYTES_MAX} are possible",
                path.display()
            ));
        }
        Ok(())
    }
}
