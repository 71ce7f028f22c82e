//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use service_host::arguments::LogLevel;

use crate::patience::{Patience, RETRIES_MAX, parse_timeout};

/// Speaks with a satellite: asks its services, sends messages to them, and
/// listens to what comes down.
///
/// Several commands share one link: the first opens the radio, the others go
/// through it.
#[derive(Debug, Parser)]
#[command(name = "ground", version)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What all commands take.
#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    /// Link to use, by its name in the configuration [default: the first]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) link: Option<String>,

    /// Wait for the answer after each try: 1500, 1500ms, 5s or 2m
    #[arg(long, value_name = "TIME", global = true, default_value = "5s", value_parser = parse_timeout)]
    timeout: Duration,

    /// Send the command again, so many times, when no answer came
    ///
    /// A retry sends the whole command again. Until satellites remember the
    /// commands they ran, a mutation whose answer was lost runs twice.
    #[arg(long, value_name = "N", global = true, default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=i64::from(RETRIES_MAX)))]
    retries: u32,

    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Least severe messages to log; RUST_LOG overrides it
    #[arg(short, long, value_name = "LEVEL", value_enum, global = true, default_value_t = LogLevel::Error)]
    pub(crate) log_level: LogLevel,
}

impl CommonArguments {
    pub(crate) fn patience(&self) -> Patience {
        Patience {
            timeout: self.timeout,
            retries: self.retries,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask a service by GraphQL, and print its answer
    Query(QueryArguments),
    /// Send one UDP message to a service, which does not answer
    Send(SendArguments),
    /// Print what comes down unasked
    Listen(ListenArguments),
}

#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    /// Port of the service on the satellite
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub(crate) service: u16,

    /// GraphQL document, or a whole request as a JSON object with a key "query"
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) query: String,

    /// Variables of the document, as a JSON object
    #[arg(long, value_name = "JSON", value_parser = variables)]
    pub(crate) variables: Option<Variables>,
}

/// The variables of a GraphQL document.
pub(crate) type Variables = serde_json::Map<String, serde_json::Value>;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("content").required(true))]
pub(crate) struct SendArguments {
    /// Port of the service on the satellite
    #[arg(long, value_name = "PORT", value_parser = port())]
    pub(crate) port: u16,

    /// The message
    #[arg(long, group = "content")]
    pub(crate) text: Option<String>,

    /// File that holds the message
    #[arg(long, group = "content")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ListenArguments {
    /// End after so many messages [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// End after this time, from when it listens: 1500, 1500ms, 5s or 2m [default: never]
    ///
    /// With --count, it is a failure when fewer messages came by then.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_timeout)]
    pub(crate) limit: Option<Duration>,

    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

fn variables(text: &str) -> Result<Variables, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, ErrorKind> {
        Arguments::try_parse_from(line.split_whitespace()).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn common_arguments_stand_before_or_after_the_command() {
        for line in [
            "ground --timeout 2s --retries 3 listen",
            "ground listen --timeout 2000 --retries 3",
        ] {
            let patience = parse(line).unwrap().common.patience();
            assert_eq!((patience.timeout.as_secs(), patience.retries), (2, 3));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "ground query --service 0 {a}",
            "ground query --service 65536 {a}",
            "ground query --service 1",
            "ground query --service 1 --variables [] {a}",
            "ground send --port 1",
            "ground send --port 1 --text a --file b",
            "ground listen --count 0",
            "ground listen --retries 101",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
