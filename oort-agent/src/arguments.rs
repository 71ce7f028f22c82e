//! The command line. The short flags are those of the original, with its defaults.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use service_host::arguments::LogLevel;

use crate::item::Topic;
use crate::limits::OUT_MAX;
use crate::store::Floor;
use crate::telemetry::TelemetrySource;

/// The agent to which a payload hands files for its bucket on the ground.
#[derive(Debug, Parser)]
#[command(name = "oort-agent", version)]
pub(crate) struct Arguments {
    /// Work directory: an absolute path, owned by the user that the agent runs as
    #[arg(short, value_name = "DIRECTORY")]
    pub(crate) workdir: PathBuf,

    /// Age in seconds at which uploads and leftovers are removed; never what is queued
    #[arg(short = 't', value_name = "SECONDS", default_value_t = 86_400)]
    pub(crate) cleanup_timeout: u64,

    /// Seconds between two looks for what is that old
    #[arg(short = 'i', value_name = "SECONDS", default_value_t = 3_600,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) cleanup_interval: u64,

    /// Not taken: the agent has no configuration file
    #[arg(short = 'f', value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,

    /// Not used: there is no CAN bus
    #[arg(short = 'c', value_name = "INTERFACE")]
    pub(crate) can_interface: Option<String>,

    /// Not used: there is no CAN bus
    #[arg(short = 'n', value_name = "NODE")]
    pub(crate) can_node: Option<String>,

    /// Not used: there is no CAN bus
    #[arg(short = 'N', value_name = "NODE")]
    pub(crate) can_shim_node: Option<String>,

    /// Log to syslog under this name instead of standard error
    #[arg(short = 's', value_name = "IDENT")]
    pub(crate) syslog_ident: Option<String>,

    /// Room that is left free on the disk: 500M are megabytes, 20% a part of it
    #[arg(short = 'm', value_name = "ddM|dd%", default_value = "20%")]
    pub(crate) minfree: Floor,

    /// TCP port
    #[arg(short, value_name = "PORT", default_value_t = 2005)]
    pub(crate) port: u16,

    /// Least severe messages to log; RUST_LOG overrides it
    #[arg(short, value_name = "LEVEL", value_enum, default_value_t = Level::Warn)]
    pub(crate) level: Level,

    /// Address to listen on; any but a loopback address needs --token-file
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,

    /// Token that clients are to show (Authorization: Bearer TOKEN)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Token that the collector is to show instead
    #[arg(long, value_name = "FILE")]
    pub(crate) collector_token_file: Option<PathBuf>,

    /// Topics that are allowed, with commas between; else the collector says which
    #[arg(long, value_name = "TOPICS", value_delimiter = ',')]
    pub(crate) topics: Vec<Topic>,

    /// Socket of the link service as its app: what is queued goes down by it
    #[arg(long, value_name = "SOCKET")]
    pub(crate) link: Option<PathBuf>,

    /// Items that are with the link service at once
    #[arg(long, value_name = "COUNT", default_value_t = OUT_MAX)]
    pub(crate) out_max: usize,

    /// Public key of receipts: an item is delivered once the ground's receipt is there
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt_key: Option<PathBuf>,

    /// Source of telemetry: simulator, simulator:TLE-FILE, udp:PORT,
    /// graphql:http://HOST:PORT/PATH or none
    #[arg(long, value_name = "SOURCE", default_value = "simulator")]
    pub(crate) telemetry: TelemetrySource,

    /// Do not wait for the disk: a power cut may lose what was taken. For benches
    #[arg(long)]
    pub(crate) no_sync: bool,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        }
    }
}
