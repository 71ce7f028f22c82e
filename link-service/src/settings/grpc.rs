//! `[link-service.grpc]`: where apps may ask by gRPC.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

/// Where gRPC is served; nowhere without the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct GrpcSettings {
    /// On the loopback interface; port 0 is any free one.
    pub addr: SocketAddr,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        GrpcSettings {
            addr: (Ipv4Addr::LOCALHOST, 50061).into(),
        }
    }
}
