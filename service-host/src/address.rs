//! `[<service>.addr]`: where a service listens.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use crate::config_file::{ConfigError, ConfigFile};

/// Address that a service's GraphQL endpoint listens on.
///
/// ```toml
/// [ethernet-service.addr]
/// ip = "127.0.0.1"
/// port = 8150
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrConfig {
    /// Address of the interface to listen on; `0.0.0.0` is all of them.
    pub ip: IpAddr,
    /// TCP port; 0 takes any free one.
    pub port: u16,
}

/// The table as written: what is missing is taken from the binary's default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddrTable {
    ip: Option<IpAddr>,
    port: Option<u16>,
}

impl AddrConfig {
    /// Reads `[<service>.addr]` from `file`; a missing table or key takes its
    /// value from `default`, a malformed or unknown one is an error.
    pub fn read(file: &ConfigFile, service: &str, default: Self) -> Result<Self, ConfigError> {
        let table: Option<AddrTable> = file.section(&[service, "addr"])?;
        Ok(match table {
            None => default,
            Some(table) => Self {
                ip: table.ip.unwrap_or(default.ip),
                port: table.port.unwrap_or(default.port),
            },
        })
    }

    /// The socket address to bind.
    #[must_use]
    pub fn socket_addr(self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}
