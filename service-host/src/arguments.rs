//! The command line that all service binaries share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use log::LevelFilter;

/// Arguments of every service binary, to be flattened into its own parser:
///
/// ```
/// use clap::Parser;
/// use service_host::arguments::HostArguments;
///
/// /// A service.
/// #[derive(Parser)]
/// struct Arguments {
///     #[command(flatten)]
///     host: HostArguments,
/// }
///
/// let arguments = Arguments::parse_from(["a-service", "-l", "debug"]);
/// assert_eq!(arguments.host.log_level.to_string(), "debug");
/// ```
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct HostArguments {
    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Least severe messages to log; RUST_LOG overrides it
    #[arg(short, long, value_name = "LEVEL", value_enum, default_value_t)]
    pub log_level: LogLevel,
}

/// How much a service logs. There is no "off": a service that cannot say why
/// it stopped is of no use to its operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// What failed and what looks wrong.
    Warn,
    /// The life of the service: starts, stops, passes.
    #[default]
    Info,
    /// Decisions, one by one.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The same level in the words of the `log` crate.
    #[must_use]
    pub fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
            Self::Trace => LevelFilter::Trace,
        }
    }
}

impl std::fmt::Display for LogLevel {
    /// The word that the command line takes for this level.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        })
    }
}
