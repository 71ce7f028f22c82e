//! `[tasking]`, as it is written.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::window_type::WindowType;

/// Where the payload controller answers GraphQL.
const CONTROLLER_PORT: u16 = 8152;
const API_PORT: u16 = 8080;

/// The table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TaskingSettings {
    /// Where the API is; anything but loopback needs the next two.
    #[serde(default = "usual_address")]
    pub(crate) listen: SocketAddr,
    pub(crate) certificate_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    /// Where windows, uploads, tokens and the audit log are.
    pub(crate) directory: Option<PathBuf>,
    /// Between an order and the begin of a window's preparation, at least.
    #[serde(default = "usual_lead_time")]
    pub(crate) lead_time_s: i64,
    /// How far ahead a window may be.
    #[serde(default = "usual_horizon")]
    pub(crate) horizon_days: i64,
    #[serde(default = "usual_duration_max")]
    pub(crate) duration_max_s: i64,
    /// Windows of all satellites that have not ended.
    #[serde(default = "usual_windows")]
    pub(crate) windows_open_max: i64,
    /// Windows that one satellite knows ahead of their start.
    #[serde(default = "usual_on_board")]
    pub(crate) on_board_max: usize,
    #[serde(default = "usual_upload_bytes")]
    pub(crate) upload_bytes_max: u64,
    /// Uploads of all satellites that have not ended.
    #[serde(default = "usual_uploads")]
    pub(crate) uploads_open_max: i64,
    /// What uploads leave free on the disk.
    #[serde(default = "usual_free_bytes")]
    pub(crate) free_bytes_min: u64,
    /// For so long what has ended is known.
    #[serde(default = "usual_keep")]
    pub(crate) keep_days: i64,
    /// Types beside the documented ones, or in their place.
    #[serde(default)]
    pub(crate) window_types: Vec<WindowType>,
    pub(crate) satellites: Vec<SatelliteSettings>,
}

/// `[[tasking.satellites]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SatelliteSettings {
    pub(crate) id: String,
    pub(crate) norad_id: Option<u32>,
    /// The name of a `[[link]]`.
    pub(crate) link: String,
    /// Types of windows that may be asked for; without it, all that its payloads serve.
    pub(crate) supported_windows: Option<Vec<String>>,
    /// Services that may be asked by GraphQL; without it, all.
    pub(crate) graphql_ports: Option<Vec<u16>>,
    #[serde(default)]
    pub(crate) payloads: Vec<PayloadSettings>,
}

/// `[[tasking.satellites.payloads]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct PayloadSettings {
    pub(crate) name: String,
    /// The topic of its uploads; without it, it takes none.
    pub(crate) topic: Option<String>,
    /// Where the payload controller answers.
    #[serde(default = "usual_service_port")]
    pub(crate) service_port: u16,
    /// What the payload controller calls it; without it, its name in small letters.
    pub(crate) signalled: Option<String>,
    /// Types of windows that it serves; without it, `PAYLOAD_` and its name.
    pub(crate) windows: Option<Vec<String>>,
}

fn usual_address() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), API_PORT)
}

fn usual_lead_time() -> i64 {
    60
}

fn usual_horizon() -> i64 {
    30
}

fn usual_duration_max() -> i64 {
    86_400
}

fn usual_windows() -> i64 {
    10_000
}

fn usual_on_board() -> usize {
    32
}

fn usual_upload_bytes() -> u64 {
    10_000_000
}

fn usual_uploads() -> i64 {
    100
}

fn usual_free_bytes() -> u64 {
    64 << 20
}

fn usual_keep() -> i64 {
    365
}

fn usual_service_port() -> u16 {
    CONTROLLER_PORT
}
